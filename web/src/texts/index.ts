/** The texts of the pages: one language at a time, chosen by the browser, loaded when it is known. */

import type { Texts } from './en';
import type { ConsoleTexts } from './en/console';

export type { ConsoleTexts, Texts };

/** Languages that have every text; a test holds that. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** The first language of the reader that there is. */
export function chosen(preferred: readonly string[]): Language {
  const known = preferred.map((tag) => tag.slice(0, 2).toLowerCase());
  return languages.find((language) => language === known.find(isKnown)) ?? 'en';
}

function isKnown(tag: string): boolean {
  return (languages as readonly string[]).includes(tag);
}

/** Loads the texts of a language. */
export async function load(language: Language): Promise<Texts> {
  switch (language) {
    case 'en':
      return (await import('./en')).en;
    case 'de':
      return (await import('./de')).de;
  }
}

/** Puts values into a text with places such as `{driver}`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** Loads what only the staff reads. */
export async function loadConsole(language: Language): Promise<ConsoleTexts> {
  switch (language) {
    case 'en':
      return (await import('./en/console')).en;
    case 'de':
      return (await import('./de/console')).de;
  }
}
