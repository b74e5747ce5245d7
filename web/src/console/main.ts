import '../design/base.css';
import './console.css';
import { mount } from 'svelte';
import { chosen, load, loadConsole } from '../texts';
import App from './App.svelte';

const language = chosen(navigator.languages);
document.documentElement.lang = language;
const [common, texts] = await Promise.all([load(language), loadConsole(language)]);
document.title = texts.title;
const target = document.getElementById('page');
if (target) mount(App, { target, props: { common, texts } });
