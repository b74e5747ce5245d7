/** What every part of the console can reach. */

import { getContext, setContext } from 'svelte';
import type { ConsoleTexts } from '../texts';
import type { Board } from './board.svelte';
import type { Router } from './route.svelte';
import type { Staff } from './staff.svelte';
import type { Tenant } from './tenant.svelte';
import type { Title } from './title.svelte';

export interface Console {
  texts: ConsoleTexts;
  staff: Staff;
  router: Router;
  board: Board;
  tenant: Tenant;
  title: Title;
}

const key = Symbol('console');

/** Gives the console to everything below. */
export const provideConsole = (console: Console): Console => setContext(key, console);

/** The console. */
export const useConsole = (): Console => getContext<Console>(key);
