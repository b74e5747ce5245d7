/** Time as pages show it. */

import { serverNow } from '../api/clock';
import { fill, type Texts } from '../texts';

let at = $state(serverNow());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The server's time, renewed a few times a second while something on the page shows it. */
export function ticking(): { readonly now: number } {
  $effect(() => {
    watchers += 1;
    at = serverNow();
    timer ??= setInterval(() => (at = serverNow()), 250);
    return () => {
      watchers -= 1;
      if (watchers > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  });
  return {
    get now() {
      return at;
    },
  };
}

/** A span: seconds below two minutes, as 1:05; minutes above. */
export function span(texts: Texts, milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return fill(texts.time.inSeconds, { count: seconds });
  if (seconds < 600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return fill(texts.time.inMinutes, { count: Math.round(seconds / 60) });
}

/** The time of day. */
export function clockTime(at: number | string, withSeconds = false): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
  }).format(typeof at === 'string' ? Date.parse(at) : at);
}

/** Day and time of day. */
export function dayTime(at: number | string): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
  }).format(typeof at === 'string' ? Date.parse(at) : at);
}

/** Litres with two decimals where they count. */
export function litres(millilitres: number, digits = 1): string {
  return new Intl.NumberFormat(document.documentElement.lang, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(millilitres / 1000);
}
