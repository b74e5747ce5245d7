/** Signed checkpoints: c2sp.org/signed-note with Ed25519, and c2sp.org/tlog-checkpoint. */

import { utf8 } from '../api/keys';
import { fromBase64, isSame, sha256, toBase64, type Bytes } from './bytes';

/** A key that signs a log, as `name+id+key` says it. */
export interface VerifierKey {
  name: string;
  id: Bytes;
  key: Bytes;
}

/** What a log commits to at one moment. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
}

/** Reads a verifier key; nothing but the exact form passes. */
export async function readKey(text: string): Promise<VerifierKey | undefined> {
  const [, name, digits, rest] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(text) ?? [];
  const bytes = rest && fromBase64(rest);
  if (!name || !digits || !bytes || bytes.length !== 33 || bytes[0] !== ed25519) return undefined;
  const id = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const told = (await sha256(utf8(`${name}\n`), bytes)).slice(0, 4);
  return isSame(id, told) ? { name, id, key: bytes.slice(1) } : undefined;
}

/** The checkpoint in a note, if the key signed it and it is of the key's own log. */
export async function open(note: string, key: VerifierKey): Promise<Checkpoint | undefined> {
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, blank + 1);
  const lines = note.slice(blank + 2, -1).split('\n');
  let isSigned = false;
  for (const line of lines) {
    const [, name, signature] = /^— (\S+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const bytes = signature && fromBase64(signature);
    if (!name || !bytes || bytes.length < 5) return undefined;
    if (name !== key.name || !isSame(bytes.slice(0, 4), key.id)) continue;
    if (!(await isSignature(key.key, utf8(text), bytes.slice(4)))) return undefined;
    isSigned = true;
  }
  const checkpoint = isSigned ? read(text) : undefined;
  return checkpoint?.origin === key.name ? checkpoint : undefined;
}

async function isSignature(key: Bytes, text: Bytes, signature: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, signature, text);
}

function read(text: string): Checkpoint | undefined {
  const [origin = '', digits = '', hash = '', ...rest] = text.split('\n');
  const [size, root] = [Number(digits), fromBase64(hash)];
  if (!Number.isSafeInteger(size) || root?.length !== 32 || rest.join() !== '') return undefined;
  // Signs, leading zeros and the like have no place in the one exact form.
  return `${origin}\n${size}\n${toBase64(root)}\n` === text ? { origin, size, root } : undefined;
}

/** The type of an Ed25519 key in a note. */
const ed25519 = 1;
