/** A leaf of the log: deterministic CBOR (RFC 8949 §4.2.1) of a map with small whole keys; see the protocol's document. */

/** What a leaf says, as far as it is compared with anything here. */
export interface Leaf {
  position: number;
  event: string;
  actor: string;
  /** SHA-256 of the stored event. */
  bodyHash: Uint8Array;
  decision: string | undefined;
}

type Value = number | string | Uint8Array | Value[] | Map<number, Value>;

/** Reads a leaf; `undefined` if the bytes are none. */
export function readLeaf(bytes: Uint8Array): Leaf | undefined {
  try {
    const reader = new Reader(bytes);
    const leaf = reader.item();
    if (!reader.isAtEnd || !(leaf instanceof Map) || leaf.get(keys.version) !== 1) return undefined;
    const [position, event] = [leaf.get(keys.position), leaf.get(keys.event)];
    const [actor, bodyHash] = [leaf.get(keys.actor), leaf.get(keys.bodyHash)];
    const decision = leaf.get(keys.decision);
    if (typeof position !== 'number' || typeof event !== 'string') return undefined;
    if (typeof actor !== 'string' || !(bodyHash instanceof Uint8Array)) return undefined;
    if (decision !== undefined && typeof decision !== 'string') return undefined;
    return { position, event, actor, bodyHash, decision };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

class Reader {
  #at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  item(depth = 0): Value {
    if (depth > depthMax) throw new RangeError('nested too deeply');
    const head = this.#take(1)[0] ?? 0;
    const length = this.#number(head & 31);
    switch (head >> 5) {
      case 0:
        return length;
      case 2:
        return this.#take(length);
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(this.#take(length));
      case 4:
        return this.#many(length, () => this.item(depth + 1));
      case 5:
        return new Map(this.#many(length, () => [this.#key(), this.item(depth + 1)] as const));
      default:
        throw new RangeError('a kind of value that no leaf has');
    }
  }

  #key(): number {
    const key = this.item();
    if (typeof key !== 'number') throw new RangeError('a key that is no number');
    return key;
  }

  #many<T>(length: number, read: () => T): T[] {
    // Every item takes a byte at least.
    if (length > this.bytes.length) throw new RangeError('longer than its bytes');
    return Array.from({ length }, read);
  }

  #number(short: number): number {
    if (short < 24) return short;
    if (short > 27) throw new RangeError('no length');
    return this.#take(2 ** (short - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  #take(length: number): Uint8Array {
    const taken = this.bytes.slice(this.#at, this.#at + length);
    if (taken.length !== length) throw new RangeError('cut off');
    this.#at += length;
    return taken;
  }
}

const keys = { version: 0, position: 4, event: 7, bodyHash: 8, actor: 9, decision: 18 };
const depthMax = 4;
