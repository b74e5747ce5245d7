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

/** The time of day; with its date where that is not the day of `beside`, which is now unless something else is said. */
export function clockTime(
  at: number | string,
  withSeconds = false,
  beside: number | string = serverNow(),
  language = document.documentElement.lang,
): string {
  const day = new Intl.DateTimeFormat('en', { dateStyle: 'short' });
  const [date, other] = [moment(at), moment(beside)];
  return new Intl.DateTimeFormat(language, {
    ...(day.format(date) === day.format(other) ? {} : { month: 'short', day: 'numeric' }),
    hour: hourIn(language),
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
  }).format(date);
}

/** The day of a moment, where it is another than that of the one before it, or than today. */
export function newDay(
  at: string,
  before: number | string = serverNow(),
  language = document.documentElement.lang,
): string | undefined {
  const day = new Intl.DateTimeFormat(language, { month: 'long', day: 'numeric' });
  const [date, other] = [day.format(moment(at)), day.format(moment(before))];
  return date === other ? undefined : date;
}

/** From when to when: the first date where it is not today, the second where it is another day than the first. */
export function windowText(
  texts: Texts,
  { start, end }: { start: string; end: string },
  now = serverNow(),
  language = document.documentElement.lang,
): string {
  return fill(texts.time.window, {
    start: clockTime(start, false, now, language),
    end: clockTime(end, false, start, language),
  });
}

/** Day and time of day. */
export function dayTime(at: number | string, language = document.documentElement.lang): string {
  return new Intl.DateTimeFormat(language, {
    weekday: 'long',
    hour: hourIn(language),
    minute: '2-digit',
  }).format(moment(at));
}

/** Litres with two decimals where they count. */
export function litres(millilitres: number, digits = 1): string {
  return new Intl.NumberFormat(document.documentElement.lang, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(millilitres / 1000);
}

/** How an hour is written: with two digits where a day has twenty-four of them, and else without a nought before it. */
function hourIn(language: string): 'numeric' | '2-digit' {
  const { hour12 } = new Intl.DateTimeFormat(language, { hour: 'numeric' }).resolvedOptions();
  return hour12 ? 'numeric' : '2-digit';
}

const moment = (at: number | string): number => (typeof at === 'string' ? Date.parse(at) : at);
