/**
 * One decision, proven to stand in the signed log: from its record to the entry that commits to it, from the entry to the
 * root, from the root to the signature, from the signature to the key that this browser keeps. Nothing of it is believed
 * because the server says so.
 */

import { utf8 } from '../api/keys';
import { fromBase64, hex, isSame, sha256, type Bytes } from './bytes';
import { readLeaf, type Leaf } from './leaf';
import { inclusionProof, isIncluded, leafHash, nodeHash, range, type Nodes } from './merkle';
import { open, readKey, type Checkpoint, type VerifierKey } from './note';

/** The steps, in the order in which one rests on another. */
export const steps = ['key', 'checkpoint', 'continues', 'included', 'entry', 'record'] as const;
export type Step = (typeof steps)[number];

/** How a step went. */
export type Finding = 'holds' | 'broken' | 'open';

/** What was looked at, and what came of it. */
export interface Verified {
  findings: Record<Step, Finding>;
  key: VerifierKey | undefined;
  checkpoint: Checkpoint | undefined;
  leaf: Leaf | undefined;
  /** The hashes along the way, as hexadecimal digits. */
  hashes: { leaf: string; path: string[]; root: string } | undefined;
}

/** What the server hands over about an entry. */
export interface Evidence {
  decision: string;
  /** Where it says that the entry stands. */
  position: number;
  leaf: Bytes;
  /** The stored event. */
  stored: Bytes;
  /** The stored record of the decision, if the server shows it. */
  record: string | undefined;
  /** The signed note. */
  checkpoint: string;
  /** The verifier key that it shows. */
  vkey: string;
}

/** What this browser has kept of the log from before. */
export interface Pinned {
  vkey: string;
  size: number;
  root: string;
}

/** Checks everything that can be checked. */
export async function verify(
  evidence: Evidence,
  nodes: Nodes,
  pinned: Pinned | undefined,
): Promise<Verified> {
  const found: Verified = {
    findings: {
      key: 'open',
      checkpoint: 'open',
      continues: 'open',
      included: 'open',
      entry: 'open',
      record: 'open',
    },
    key: undefined,
    checkpoint: undefined,
    leaf: undefined,
    hashes: undefined,
  };
  const { findings } = found;
  found.key = await readKey(evidence.vkey);
  findings.key = found.key && (!pinned || pinned.vkey === evidence.vkey) ? 'holds' : 'broken';
  found.checkpoint = found.key && (await open(evidence.checkpoint, found.key));
  findings.checkpoint = found.checkpoint ? 'holds' : 'broken';
  const { checkpoint } = found;
  if (checkpoint) {
    findings.continues = await continues(checkpoint, nodes, pinned);
    findings.included = await included(evidence, checkpoint, nodes, found);
  }
  found.leaf = readLeaf(evidence.leaf);
  findings.entry = (await fits(evidence, found.leaf)) ? 'holds' : 'broken';
  findings.record = await recorded(evidence);
  return found;
}

/** Whether the log still begins with what this browser saw before. */
export async function continues(
  checkpoint: Checkpoint,
  nodes: Nodes,
  pinned: Pinned | undefined,
): Promise<Finding> {
  if (!pinned || pinned.size === 0) return 'open';
  if (pinned.size > checkpoint.size) return 'broken';
  // Both roots are made of the same nodes; if both come out, the one log goes on where the other was.
  const whole = hex(await range(0, checkpoint.size, nodes)) === hex(checkpoint.root);
  const before = hex(await range(0, pinned.size, nodes)) === pinned.root;
  return whole && before ? 'holds' : 'broken';
}

async function included(
  { leaf, position }: Evidence,
  { size, root }: Checkpoint,
  nodes: Nodes,
  found: Verified,
): Promise<Finding> {
  // The last entries wait a moment for their signature.
  if (position >= size) return 'open';
  const hash = await leafHash(leaf);
  const path = await inclusionProof(position, size, nodes);
  found.hashes = { leaf: hex(hash), path: path.map(hex), root: hex(root) };
  return (await isIncluded(hash, position, size, path, root)) ? 'holds' : 'broken';
}

/** Whether the leaf commits to the stored event, and both are about this decision. */
async function fits(
  { stored, position, decision }: Evidence,
  leaf: Leaf | undefined,
): Promise<boolean> {
  if (!leaf || leaf.position !== position || leaf.decision !== decision) return false;
  return isSame(leaf.bodyHash, await sha256(stored)) && referenceIn(stored)?.id === decision;
}

/** Whether the entry commits to the record that is shown. */
async function recorded({ stored, record }: Evidence): Promise<Finding> {
  if (record === undefined) return 'open';
  return hex(await sha256(utf8(record))) === referenceIn(stored)?.digest ? 'holds' : 'broken';
}

function referenceIn(stored: Bytes): { id: string; digest: string } | undefined {
  try {
    const event = JSON.parse(new TextDecoder().decode(stored)) as Stored;
    return event.meta?.decision;
  } catch {
    return undefined;
  }
}

interface Stored {
  meta?: { decision?: { id: string; digest: string } };
}

/** Nodes of the tree from the tiles that the log publishes (c2sp.org/tlog-tiles). */
export function nodesOf(size: number, fetchTile: (path: string) => Promise<Bytes>): Nodes {
  const tiles = new Map<string, Promise<Bytes>>();
  const nodes: Nodes = async (level, index) => {
    const row = Math.floor(level / tileHeight);
    const inTile = level % tileHeight;
    const first = index * 2 ** inTile;
    const tile = Math.floor(first / tileWidth);
    const width = Math.min(
      tileWidth,
      Math.floor(size / 2 ** (row * tileHeight)) - tile * tileWidth,
    );
    const path = tilePath(row, tile, width);
    const bytes = await (tiles.get(path) ?? tiles.set(path, fetchTile(path)).get(path));
    if (bytes?.length !== width * 32) throw new RangeError('a tile of another width');
    let hashes = Array.from({ length: 2 ** inTile }, (_, place) => {
      const at = ((first % tileWidth) + place) * 32;
      return bytes.slice(at, at + 32);
    });
    while (hashes.length > 1) hashes = await paired(hashes);
    return hashes[0] ?? new Uint8Array();
  };
  return nodes;
}

function paired(hashes: readonly Bytes[]): Promise<Bytes[]> {
  const rights = hashes.filter((_, index) => index % 2 === 1);
  return Promise.all(
    rights.map((right, index) => nodeHash(hashes[index * 2] ?? new Uint8Array(), right)),
  );
}

/** The path of a tile: its index in groups of three digits, and its width if it is not full. */
export function tilePath(row: number, index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${row}/${path}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** An entry as the interface hands it over. */
export function bytesOf(text: string): Bytes {
  return fromBase64(text) ?? new Uint8Array();
}

const tileHeight = 8;
const tileWidth = 256;
