import { expect, test } from 'vitest';
import { noteServerTime, serverNow } from './clock';

const off = (): number => Math.round((serverNow() - Date.now()) / 100) / 10;

test('the clock follows the server to the millisecond, and a date of whole seconds only where it must', () => {
  const now = Date.now();
  noteServerTime(new Date(now + 60_000).toISOString(), now);
  expect(off()).toBe(60);
  noteServerTime(new Date(now + 60_000).toUTCString(), now);
  expect(off()).toBe(60);
  noteServerTime(new Date(now + 3_600_000).toUTCString(), now);
  expect(off()).toBeGreaterThan(3_599);
  for (const nothing of [null, '', 'soon']) noteServerTime(nothing);
  expect(off()).toBeGreaterThan(3_599);
});
