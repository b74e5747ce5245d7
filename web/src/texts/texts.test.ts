/** Every state and every reason has words in every language, and no words say a code. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chosen, fill, languages, load, loadConsole } from './index';

const generated = '../docs/generated';
const reasons = codes(readFileSync(`${generated}/reasons.md`, 'utf8'));
/** What the authority calls a problem that is no reason. */
const [, listed = ''] = readFileSync('../crates/carhop-server/src/http/problem.rs', 'utf8').split(
  'pub(crate) const CODES',
);
const problems = [...listed.matchAll(/\(\s*"(\w+)",/g)].map(([, code = '']) => code);
const states = [
  ...readFileSync(`${generated}/states.md`, 'utf8').matchAll(/state "(\w+)" as (\w+)_\1/g),
];
const kernel = readFileSync('../crates/carhop-kernel/src/session/event.rs', 'utf8');
const [, named = ''] = kernel.split('pub const fn name(&self)');
const events = [...named.matchAll(/=> "([a-z]+\.[a-z_]+)"/g)].map(([, name = '']) => name);
const logged = [
  ...readFileSync(`${generated}/events.md`, 'utf8').matchAll(/`carhop\.([\w.]+)\.v1`/g),
];
const transitions = readFileSync(`${generated}/transitions.md`, 'utf8');
const requests = codes(transitions.slice(0, transitions.indexOf('## Reports')));
const raised = transitions.slice(transitions.indexOf('## Reports that raise'));
const vocabulary = readFileSync('../policies/schema.cedarschema', 'utf8');
/** Why sessions are held and exceptions raised. */
const causes = [
  ...[...raised.matchAll(/`(\w+)`(?: and a hold)? \|$/gm)].map(([, name = '']) => name),
  ...(/entity HoldCause enum\s*\[([^\]]*)\]/.exec(vocabulary)?.[1]?.match(/\w+/g) ?? []),
];

for (const language of languages) {
  test(`${language}: every reason has words for customer and driver`, async () => {
    const texts = await load(language);
    expect(reasons.length).toBeGreaterThan(50);
    expect(Object.keys(texts.reasons).sort()).toEqual([...reasons].sort());
  });

  test(`${language}: every problem has words`, async () => {
    const texts = await load(language);
    expect(problems.length).toBeGreaterThan(15);
    // And what a page itself finds: no connection, and a reason that a newer authority has.
    const all = [...problems, 'offline', 'unknown'];
    expect(Object.keys(texts.problems).sort()).toEqual(all.sort());
  });

  test(`${language}: every state of a session and of a leg has words`, async () => {
    const texts = await load(language);
    const known: Record<string, Record<string, string>> = {
      session: texts.state,
      goods: texts.leg.goods,
      fuel: texts.leg.fuel,
    };
    expect(states.length).toBeGreaterThan(20);
    expect(Object.keys(texts.driver.state)).toEqual(Object.keys(texts.state));
    for (const [, state = '', machine = ''] of states) {
      expect(known[machine]?.[state], `${machine} ${state}`).toBeTruthy();
    }
  });

  test(`${language}: every event of a session has words`, async () => {
    const texts = await load(language);
    expect(events.length).toBeGreaterThan(25);
    expect(Object.keys(texts.customer.history).sort()).toEqual([...events].sort());
  });

  test(`${language}: the staff has words for every event, state, reason, cause and request`, async () => {
    const texts = await loadConsole(language);
    const names = logged.map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(40);
    for (const name of names) expect(Object.keys(texts.history), name).toContain(name);
    expect(Object.keys(texts.reasons).sort()).toEqual([...reasons].sort());
    const sessions = states.filter(([, , machine]) => machine === 'session');
    expect(Object.keys(texts.states).sort()).toEqual(sessions.map(([, state]) => state).sort());
    expect(causes.length).toBeGreaterThan(15);
    for (const cause of causes) expect(texts.why, cause).toHaveProperty(cause);
    expect(requests.length).toBeGreaterThan(10);
    for (const request of requests) expect(texts.requests, request).toHaveProperty(request);
  });

  test(`${language}: no words say a code, and places are the same as in English`, async () => {
    const texts = flat([await load(language), await loadConsole(language)]);
    const english = flat([await load('en'), await loadConsole('en')]);
    expect(Object.keys(texts)).toEqual(Object.keys(english));
    for (const [name, text] of Object.entries(texts)) {
      expect(text, name).not.toMatch(/\b[a-z]+_[a-z_]+\b/);
      expect(text.trim(), name).toBe(text);
      const places = (of: string): string[] => [...of.matchAll(/\{\w+\}/g)].map(String).sort();
      const mine = new Set(places(text));
      const theirs = new Set(places(english[name] ?? ''));
      expect(
        [...mine].filter((place) => !theirs.has(place)),
        name,
      ).toEqual([]);
    }
  });

  test(`${language}: headlines are short enough to be read at a glance`, async () => {
    const { customer } = await load(language);
    const told: { headline: string }[] = Object.values({ ...customer.states, ...customer.held });
    for (const { headline } of told) {
      expect(fill(headline, { driver: 'Mara Quist', vehicle: 'blue Golf' }).length).toBeLessThan(
        71,
      );
    }
  });
}

test('a code that a page looks for is one that the authority says', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => /(?<!\.test)\.(ts|svelte)$/.test(name));
  const sought = sources.flatMap((name) =>
    [...readFileSync(join('src', name), 'utf8').matchAll(/\bcode [!=]== '(\w+)'/g)].map(
      ([, code = '']) => ({ name, code }),
    ),
  );
  expect(sought.length).toBeGreaterThan(3);
  const known = [...problems, ...reasons];
  expect(sought.filter(({ code }) => !known.includes(code))).toEqual([]);
});

test('the reader’s first language that there is counts', () => {
  for (const [preferred, expected] of [
    [['de-AT', 'en'], 'de'],
    [['fr', 'de'], 'de'],
    [['fr'], 'en'],
    [[], 'en'],
  ] as const) {
    expect(chosen(preferred)).toBe(expected);
  }
});

function codes(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `(\w+)` \|/gm)].map(([, code = '']) => code);
}

function flat(texts: object | string, name = ''): Record<string, string> {
  if (typeof texts === 'string') return { [name]: texts };
  const inner = Object.entries(texts).map(([key, value]) =>
    flat(value as object | string, name === '' ? key : `${name}.${key}`),
  );
  return Object.assign({}, ...inner) as Record<string, string>;
}
