/** What every part of a page can reach. */

import { getContext, setContext } from 'svelte';
import type { Texts } from '../texts';

const key = Symbol('texts');

/** Gives the texts to everything below. */
export const provideTexts = (texts: Texts): Texts => setContext(key, texts);

/** The texts of the page. */
export const useTexts = (): Texts => getContext<Texts>(key);
