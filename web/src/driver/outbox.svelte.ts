/**
 * What a driver said without a connection: kept in this browser, sent in order as soon as there is one, each once. Only what
 * says that something was done may wait; nothing that opens anything ever does. What the authority refuses is told.
 */

import type { Problem } from '../api/client';
import { load, save } from '../api/store';

export interface Kept {
  session: string;
  leg: number;
  /** The same for each try, so that it counts once. */
  key: string;
}

/** What was not taken, and why. */
export interface NotTaken {
  session: string;
  problem: Problem;
}

/** What became of something that was sent. */
export type Fate = 'sent' | 'later' | Problem;

/** Whether the authority may still take what it did not take: once it is reached, has time, or knows this phone again. */
export const isForLater = ({ status, retryable }: Problem): boolean =>
  retryable || status < 400 || status >= 500 || status === 401 || status === 429;

export class Outbox {
  waiting = $state.raw<Kept[]>([]);
  /** The last refusal of each stop. */
  refused = $state.raw<NotTaken[]>([]);
  readonly #send: (kept: Kept) => Promise<Fate>;
  #isSending = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (kept: Kept) => Promise<Fate>) {
    this.#send = send;
    void load<Kept[]>(name).then(
      (kept) => {
        this.waiting = [...(kept ?? []), ...this.waiting];
        return this.flush();
      },
      // A browser that keeps nothing is no driver's phone; the page says so.
      () => undefined,
    );
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
        const fate = await this.#send(first);
        if (fate === 'later') {
          this.#again = setTimeout(() => void this.flush(), pauseMs);
          return;
        }
        this.dismiss(first.session);
        if (fate !== 'sent') {
          this.refused = [...this.refused, { session: first.session, problem: fate }];
        }
        await this.#keep(this.waiting.slice(1));
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** What was told about a stop is known. */
  dismiss(session: string): void {
    this.refused = this.refused.filter((one) => one.session !== session);
  }

  #keep(waiting: Kept[]): Promise<void> {
    this.waiting = waiting;
    return save(name, waiting);
  }
}

const name = 'outbox';
/** A browser that says it is connected may be wrong for a while. */
const pauseMs = 3_000;
