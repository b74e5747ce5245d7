import { beforeAll, expect, test } from 'vitest';
import { utf8 } from '../api/keys';
import { leafOf, sign } from '../../tests/support/log';
import { hex, joined, sha256, type Bytes } from './bytes';
import { readLeaf } from './leaf';
import { leafHash, nodeHash, range, type Nodes } from './merkle';
import { open, readKey } from './note';
import { nodesOf, steps, tilePath, verify, type Evidence, type Finding, type Step } from './proof';

const decision = 'dec_0123';
const position = 300;
const size = 700;
let evidence: Evidence;
let hashes: Bytes[];
let nodes: Nodes;
let tops: Bytes;

beforeAll(async () => {
  const record = '{"decision":"dec_0123","granted":false}';
  const digest = hex(await sha256(utf8(record)));
  const stored = utf8(JSON.stringify({ v: 1, meta: { decision: { id: decision, digest } } }));
  const leaf = await leafOf(position, stored, decision);
  const others = Array.from({ length: size }, (_, index) => leafOf(index, utf8(`${index}`)));
  const leaves = (await Promise.all(others)).map((other, index) =>
    index === position ? leaf : other,
  );
  hashes = await Promise.all(leaves.map((one) => leafHash(one)));
  tops = joined(await topOf(hashes.slice(0, 256)), await topOf(hashes.slice(256, 512)));
  nodes = nodesOf(size, (path) => Promise.resolve(tile(path)));
  const signed = await sign(size, await range(0, size, nodes));
  evidence = { decision, position, leaf, stored, record, ...signed };
});

test('a sound proof holds in every step', async () => {
  const { findings, leaf, hashes: way } = await verify(evidence, nodes, undefined);
  expect(findings).toEqual(all('holds', { continues: 'open' }));
  expect(leaf?.event).toBe('request.refused');
  expect(way?.path.length).toBe(10);
});

test('whatever is tampered with breaks the step that it belongs to, and no other', async () => {
  const flipped = (bytes: Bytes, at: number): Bytes => {
    const copy = bytes.slice();
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  const text = evidence.checkpoint;
  const rows: [string, Partial<Evidence>, Partial<Record<Step, Finding>>][] = [
    ['the record', { record: `${evidence.record} ` }, { record: 'broken' }],
    ['no record', { record: undefined }, { record: 'open' }],
    ['the stored event', { stored: utf8('{"meta":{}}') }, { entry: 'broken', record: 'broken' }],
    ['the leaf', { leaf: flipped(evidence.leaf, 60) }, { included: 'broken', entry: 'broken' }],
    ['another place', { position: 301 }, { included: 'broken', entry: 'broken' }],
    ['another decision', { decision: 'dec_9' }, { entry: 'broken' }],
    ['a place not signed yet', { position: 700 }, { included: 'open', entry: 'broken' }],
    ['the signature', { checkpoint: text.replace(/.{6}\n$/, 'AAAA==\n') }, unsigned],
    ['the size', { checkpoint: text.replace('\n700\n', '\n701\n') }, unsigned],
    ['the key', { vkey: evidence.vkey.replace('+', 'x+') }, { key: 'broken', ...unsigned }],
  ];
  for (const [name, change, expected] of rows) {
    const { findings } = await verify({ ...evidence, ...change }, nodes, undefined);
    expect(findings, name).toEqual(all('holds', { continues: 'open', ...expected }));
  }
});

test('a log that does not go on from what was seen before is found', async () => {
  const before = async (count: number): Promise<string> => hex(await range(0, count, nodes));
  const vkey = evidence.vkey;
  const rows: [string, { vkey: string; size: number; root: string }, Finding, Finding][] = [
    ['goes on', { vkey, size: 123, root: await before(123) }, 'holds', 'holds'],
    ['unchanged', { vkey, size, root: await before(size) }, 'holds', 'holds'],
    ['rewritten', { vkey, size: 123, root: await before(124) }, 'broken', 'holds'],
    ['shorter', { vkey, size: 701, root: await before(700) }, 'broken', 'holds'],
    ['another key', { vkey: `${vkey}x`, size: 123, root: await before(123) }, 'holds', 'broken'],
  ];
  for (const [name, pinned, goesOn, key] of rows) {
    const { findings } = await verify(evidence, nodes, pinned);
    expect([findings.continues, findings.key], name).toEqual([goesOn, key]);
  }
});

test('every leaf is found under every size', async () => {
  for (const count of [1, 2, 3, 5, 8, 9, 255, 256, 257, 513]) {
    const own = nodesOf(count, (path) => Promise.resolve(tile(path, count)));
    const signed = await sign(count, await range(0, count, own));
    for (const place of new Set([0, 1, count >> 1, count - 1])) {
      if (place >= count) continue;
      const leaf = await leafOf(place, utf8(`${place}`));
      const found = await verify({ ...evidence, ...signed, leaf, position: place }, own, undefined);
      expect(found.findings.included, `${place} of ${count}`).toBe('holds');
    }
  }
});

test('tiles have the paths of their specification', () => {
  expect(tilePath(0, 0, 256)).toBe('tile/0/000');
  expect(tilePath(1, 7, 3)).toBe('tile/1/007.p/3');
  expect(tilePath(0, 1_234_067, 256)).toBe('tile/0/x001/x234/067');
});

test('what is no key, no note and no leaf is refused and breaks nothing', async () => {
  for (const text of [
    '',
    'a+b+c',
    evidence.vkey.replace(/^[^+]+/, 'other'),
    `${evidence.vkey} x`,
  ]) {
    expect(await readKey(text), text).toBeUndefined();
  }
  const key = await readKey(evidence.vkey);
  if (!key) throw new Error('no key');
  for (const note of ['', '\n\n', 'a\n\nb\n', evidence.checkpoint.slice(0, -1)]) {
    expect(await open(note, key), note).toBeUndefined();
  }
  for (let cut = 0; cut < evidence.leaf.length; cut += 1) {
    expect(readLeaf(evidence.leaf.slice(0, cut))).toBeUndefined();
  }
  for (const bytes of [[0xbf], [0xbb, ...Array<number>(8).fill(255)], [0xa1, 0x60, 0x60], [0x9f]]) {
    expect(readLeaf(Uint8Array.from(bytes))).toBeUndefined();
  }
});

const unsigned: Partial<Record<Step, Finding>> = { checkpoint: 'broken', included: 'open' };

function all(finding: Finding, but: Partial<Record<Step, Finding>>): Record<Step, Finding> {
  return { ...Object.fromEntries(steps.map((step) => [step, finding])), ...but } as Record<
    Step,
    Finding
  >;
}

/** The tile of a path, made of the leaves' hashes. */
function tile(path: string, count = size): Bytes {
  const [, row, index, width] = /^tile\/(\d)\/(\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
  if (row !== '0') return upper(count);
  const from = Number(index) * 256;
  return joined(...hashes.slice(from, from + Number(width ?? 256)));
}

/** The one tile of the second row. */
function upper(count: number): Bytes {
  return tops.slice(0, 32 * Math.floor(count / 256));
}

/** The root over as many hashes as a full tile has. */
async function topOf(row: readonly Bytes[]): Promise<Bytes> {
  if (row.length === 1 && row[0]) return row[0];
  const [left, right] = [row.slice(0, row.length / 2), row.slice(row.length / 2)];
  return nodeHash(await topOf(left), await topOf(right));
}
