/**
 * The tree of the log (RFC 6962 §2.1, RFC 9162 §2.1.3 and §2.1.4): what an entry or an earlier state has to do with a root.
 * Proofs are made of nodes that anybody may hand over; they count only because they lead to the root.
 */

import { isSame, sha256, type Bytes } from './bytes';

/** A node of the tree: its height above the leaves, and its place in its row. */
export type Nodes = (level: number, index: number) => Promise<Bytes>;

export const leafHash = (leaf: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(0), leaf);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> =>
  sha256(Uint8Array.of(1), left, right);

/** The hashes beside the way from a leaf to the root of a tree of `size` leaves. */
export async function inclusionProof(index: number, size: number, nodes: Nodes): Promise<Bytes[]> {
  const path = async (from: number, to: number): Promise<Bytes[]> => {
    if (to - from === 1) return [];
    const middle = from + split(to - from);
    return index < middle
      ? [...(await path(from, middle)), await range(middle, to, nodes)]
      : [...(await path(middle, to)), await range(from, middle, nodes)];
  };
  return path(0, size);
}

/** Whether the proof leads from the leaf to the root (RFC 9162 §2.1.3.2). */
export async function isIncluded(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): Promise<boolean> {
  if (index >= size) return false;
  let [at, last] = [index, size - 1];
  let hash = leaf;
  for (const beside of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = await nodeHash(beside, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = await nodeHash(hash, beside);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && isSame(hash, root);
}

/** The root over the leaves from `from` up to `to`, made of whole nodes. */
export async function range(from: number, to: number, nodes: Nodes): Promise<Bytes> {
  const length = to - from;
  const level = Math.log2(length);
  if (Number.isInteger(level) && from % length === 0) return nodes(level, from / length);
  const middle = from + split(length);
  return nodeHash(await range(from, middle, nodes), await range(middle, to, nodes));
}

/** The largest power of two below a number. */
function split(length: number): number {
  let power = 1;
  while (power * 2 < length) power *= 2;
  return power;
}

const half = (number: number): number => Math.floor(number / 2);
