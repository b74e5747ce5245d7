import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flat, requirementsIn, valueAt } from './cedar';

const folder = '../policies';
const files = readdirSync(folder).filter((name) => name.endsWith('.cedar'));
const text = files.map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('\n');

test('every requirement of the shipped policies is read', () => {
  const names = [...text.matchAll(/@reason\(/g)];
  const read = requirementsIn(text);
  expect(read.length).toBe(names.length);
  expect(new Set(read.map(({ id }) => id)).size).toBe(read.length);
});

test('a requirement says which actions it is about, by the group that they are in, and which facts it looks at', () => {
  const all = requirementsIn(text);
  const young = all.find(({ id }) => id === 'fuel.token_young');
  expect(young?.actions).toContain('dispense_fuel');
  expect(young?.actions).not.toContain('release_compartment');
  expect(young?.facts).toEqual(['token', 'token.age_ms']);
  expect(young?.reason).toBe('token_too_old');
  expect(all.find(({ id }) => id === 'resume.own_pause')?.actor).toBe('customer');
});

test('a value is found where the record has it', () => {
  const inputs = { token: { age_ms: 12 }, presence: null, order: { value: { amount_minor: 5 } } };
  expect(valueAt(inputs, 'token.age_ms')).toBe('12');
  expect(valueAt(inputs, 'presence')).toBe('none');
  expect(valueAt(inputs, 'order.value_minor')).toBe('5');
  expect(valueAt(inputs, 'rung')).toBeUndefined();
  expect(flat(inputs)).toEqual([
    ['token.age_ms', '12'],
    ['presence', 'none'],
    ['order.value.amount_minor', '5'],
  ]);
});
