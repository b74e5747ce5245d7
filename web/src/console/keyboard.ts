/** The keyboard of the console: one place says which key does what, so that the list of shortcuts cannot be wrong. */

import { address, pages, type Page, type Router } from './route.svelte';

/** What a page may do with keys of its own. */
export interface Keys {
  next?: () => void;
  previous?: () => void;
  choose?: () => void;
  search?: () => void;
  leave?: () => void;
  queue?: (number: number) => void;
}

/** Keys that lead to pages, after `g`. */
export const leads: Record<string, Page> = {
  s: 'stops',
  d: 'devices',
  v: 'venues',
  p: 'policy',
  l: 'log',
};

/** What is pressed goes to whichever page is shown. */
export class Keyboard {
  /** Whether the list of shortcuts is shown. */
  isShown = false;
  #keys: Keys = {};
  #isLeading = false;

  constructor(
    private readonly router: Router,
    private readonly help: () => void,
  ) {}

  /** Gives these keys to a page, until what this returns is called or another page has taken them. */
  take(keys: Keys): () => void {
    this.#keys = keys;
    return () => {
      // The page that goes may go after the one that comes has come.
      if (this.#keys === keys) this.#keys = {};
    };
  }

  /** Takes a key; whoever types into a field keeps it. */
  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest('dialog')) return;
    if (target.matches('input, select, textarea')) {
      if (event.key === 'Escape') target.blur();
      return;
    }
    const done = this.#isLeading ? this.#lead(event.key) : this.#act(event.key, target);
    this.#isLeading = event.key === 'g' && !this.#isLeading;
    if (done) event.preventDefault();
  }

  #lead(key: string): boolean {
    const page = leads[key];
    if (!page || !pages.includes(page)) return false;
    this.router.go(address(page));
    return true;
  }

  #act(key: string, target: HTMLElement): boolean {
    const keys = this.#keys;
    if (key === '?') {
      this.help();
      return true;
    }
    if (/^[1-4]$/.test(key) && keys.queue) {
      keys.queue(Number(key));
      return true;
    }
    const act = {
      j: keys.next,
      k: keys.previous,
      '/': keys.search,
      Escape: keys.leave,
      // A button or link that has the focus is pressed by this key itself.
      Enter: target.matches('a, button, summary') ? undefined : keys.choose,
    }[key];
    act?.();
    return act !== undefined;
  }
}
