import '../design/base.css';
import { mount } from 'svelte';
import { keepAtHand } from '../parts/offline';
import { chosen, load } from '../texts';
import Page from './Page.svelte';

const language = chosen(navigator.languages);
document.documentElement.lang = language;
const texts = await load(language);
document.title = texts.driver.title;
const target = document.getElementById('page');
if (target) mount(Page, { target, props: { texts } });

void keepAtHand('/d');
