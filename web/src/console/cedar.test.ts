import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { applying, flat, requirementsIn, valueAt } from './cedar';

const folder = '../policies';
const files = readdirSync(folder).filter((name) => name.endsWith('.cedar'));
const text = files.map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('\n');

test('every requirement of the shipped policies is read', () => {
  const names = [...text.matchAll(/@reason\(/g)];
  const read = requirementsIn(text);
  expect(read.length).toBe(names.length);
  expect(new Set(read.map(({ id }) => id)).size).toBe(read.length);
});

test('a requirement belongs to its actions, to the group that they are in, and to its caller', () => {
  const all = requirementsIn(text);
  const ids = (action: string, actor: string): string[] =>
    applying(all, action, actor).map(({ id }) => id);
  expect(ids('dispense_fuel', 'driver')).toContain('release.not_held');
  expect(ids('dispense_fuel', 'driver')).toContain('fuel.token_young');
  expect(ids('release_compartment', 'driver')).not.toContain('fuel.token_young');
  expect(ids('hold', 'staff')).toContain('flow.not_ended');
  expect(ids('resume', 'customer')).toContain('resume.own_pause');
  expect(ids('resume', 'staff')).not.toContain('resume.own_pause');
  const young = all.find(({ id }) => id === 'fuel.token_young');
  expect(young?.facts).toEqual(['token', 'token.age_ms']);
  expect(young?.reason).toBe('token_too_old');
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
