/**
 * What a driver said without a connection: kept in this browser, sent in order as soon as there is one, each once. Only what
 * says that something was done may wait; nothing that opens anything ever does.
 */

import { load, save } from '../api/store';

export interface Kept {
  session: string;
  leg: number;
  /** The same for each try, so that it counts once. */
  key: string;
}

export class Outbox {
  waiting = $state.raw<Kept[]>([]);
  readonly #send: (kept: Kept) => Promise<'sent' | 'later'>;
  #isSending = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (kept: Kept) => Promise<'sent' | 'later'>) {
    this.#send = send;
    void load<Kept[]>(name).then((kept) => {
      this.waiting = [...(kept ?? []), ...this.waiting];
      return this.flush();
    });
    addEventListener('online', () => void this.flush());
  }

  /** Whether something about this leg waits. */
  has(session: string, leg: number): boolean {
    return this.waiting.some((kept) => kept.session === session && kept.leg === leg);
  }

  /** Keeps it, and sends it if that is possible now. */
  async put(session: string, leg: number): Promise<void> {
    if (this.has(session, leg)) return;
    await this.#keep([...this.waiting, { session, leg, key: crypto.randomUUID() }]);
    await this.flush();
  }

  /** Sends what waits, in order. */
  async flush(): Promise<void> {
    if (this.#isSending) return;
    clearTimeout(this.#again);
    this.#isSending = true;
    try {
      for (let first = this.waiting[0]; first; first = this.waiting[0]) {
        if ((await this.#send(first)) === 'later') {
          this.#again = setTimeout(() => void this.flush(), pauseMs);
          return;
        }
        await this.#keep(this.waiting.slice(1));
      }
    } finally {
      this.#isSending = false;
    }
  }

  #keep(waiting: Kept[]): Promise<void> {
    this.waiting = waiting;
    return save(name, waiting);
  }
}

const name = 'outbox';
/** A browser that says it is connected may be wrong for a while. */
const pauseMs = 3_000;
