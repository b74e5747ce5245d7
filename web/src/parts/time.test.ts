import { expect, test } from 'vitest';
import { en } from '../texts/en';
import { clockTime, dayTime, newDay, windowText } from './time.svelte';

const at = (day: number, hour: number): string => new Date(2026, 10, day, hour, 5).toISOString();

test('a window of another day says which, and one that goes on into the next says that', () => {
  const now = Date.parse(at(21, 14));
  const told = (start: string, end: string): string => windowText(en, { start, end }, now, 'en-GB');
  expect(told(at(21, 15), at(21, 16))).toBe('15:05 to 16:05');
  expect(told(at(22, 15), at(22, 16))).toBe('22 Nov, 15:05 to 16:05');
  expect(told(at(21, 23), at(22, 1))).toBe('23:05 to 22 Nov, 01:05');
  expect(told(at(20, 23), at(21, 1))).toBe('20 Nov, 23:05 to 21 Nov, 01:05');
});

test('a moment of another day is told with its date', () => {
  const now = Date.parse(at(21, 14));
  expect(clockTime(at(21, 9), true, now, 'en-GB')).toBe('09:05:00');
  expect(clockTime(at(19, 9), false, now, 'en-GB')).toBe('19 Nov, 09:05');
});

test('the time of day is told as people of that language write it', () => {
  const now = Date.parse(at(21, 14));
  // Where letters follow, a space that does not break stands before them.
  const told = (language: string): string[] =>
    [clockTime(at(21, 1), true, now, language), dayTime(at(21, 13), language)].map((text) =>
      text.replace(/\s/gu, ' '),
    );
  expect(told('en-US')).toEqual(['1:05:00 AM', 'Saturday 1:05 PM']);
  expect(told('en-GB')).toEqual(['01:05:00', 'Saturday 13:05']);
  expect(told('de')).toEqual(['01:05:00', 'Samstag, 13:05']);
});

test('a list says the day where it changes, and first where it is not today', () => {
  expect(newDay(at(21, 9), Date.parse(at(21, 14)), 'en-GB')).toBeUndefined();
  expect(newDay(at(20, 9), Date.parse(at(21, 14)), 'en-GB')).toBe('20 November');
  expect(newDay(at(22, 0), at(21, 23), 'en-GB')).toBe('22 November');
});
