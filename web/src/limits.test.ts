/** Bounds that pages reckon with are the authority's own, read from its sources. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { certificateMs, disputeMsMax, leftOpenMs, presenceFreshMs } from './limits';

const kernel = readFileSync('../crates/carhop-kernel/src/limits.rs', 'utf8');
const profile = readFileSync('../crates/carhop-proofs/src/pki/profile.rs', 'utf8');

test('spans that pages tell of are those of the kernel', () => {
  for (const [name, here] of Object.entries({
    PRESENCE_FRESH_MS: presenceFreshMs,
    LEFT_OPEN_MS: leftOpenMs,
    DISPUTE_MS_MAX: disputeMsMax,
  })) {
    expect(here, name).toBe(valueOf(name, kernel));
  }
});

test('certificates live as long as the authority makes them, those of every class', () => {
  const [, body = ''] = /fn device_lifetime_ms[^{]*\{(.*?)\n\}/s.exec(profile) ?? [];
  const rows = [...body.matchAll(/(DeviceClass::[\w:| ]+) => ([^,]+),/g)];
  const lives = rows.flatMap(([, classes = '', life = '']) =>
    [...classes.matchAll(/DeviceClass::(\w+)/g)].map(([, name = '']) => [
      name.replace(/\B[A-Z]/g, '_$&').toLowerCase(),
      valueOf(life, profile),
    ]),
  );
  expect(certificateMs).toEqual(Object.fromEntries(lives));
});

/** What a product of numbers and constants of a Rust file comes to. */
function valueOf(product: string, source: string): number {
  return product.split('*').reduce((all, factor) => {
    const name = factor.trim();
    if (/^[\d_]+$/.test(name)) return all * Number(name.replaceAll('_', ''));
    const [, value] = new RegExp(`const ${name}: u64 = ([^;]+);`).exec(source) ?? [];
    if (value === undefined) throw new Error(`there is no ${name}`);
    return all * valueOf(value, source);
  }, 1);
}
