/** A session that follows the authority, and knows how old what it shows is. */

import { noteServerTime } from './clock';
import { Refused, signed, type Credential, type Live, type Problem } from './client';
import { read } from './stream';

/** How the line to the authority is. */
export type Line = 'connecting' | 'live' | 'lost';

/** Follows one session until it is let go. */
export class LiveSession {
  current = $state.raw<Live>();
  line = $state<Line>('connecting');
  /** When something was heard last, by this browser's clock. */
  heardAt = $state(Date.now());
  /** Why nothing more will come. */
  ended = $state.raw<Problem>();

  readonly #request: (request: Request) => Promise<Response>;
  readonly #url: string;
  readonly #stop = new AbortController();
  /** The connection of the moment. */
  #attempt = new AbortController();
  #retryNow: (() => void) | undefined;

  constructor(credential: Credential, session: string, origin = location.origin) {
    this.#request = signed(credential);
    this.#url = `${origin}/v1/sessions/${session}/live`;
    const { signal } = this.#stop;
    // A connection that the phone knows to be gone would otherwise be waited for until it is silent for too long.
    addEventListener('offline', () => this.#attempt.abort(), { signal });
    addEventListener('online', () => this.#retryNow?.(), { signal });
    void this.#follow();
  }

  /** Lets go. */
  close(): void {
    this.#stop.abort();
    this.#attempt.abort();
  }

  /** Takes what an answer to a request has said already. */
  take(live: Live): void {
    if (this.current === undefined || live.session.version >= this.current.session.version) {
      this.current = live;
    }
  }

  /** Shows what was kept earlier until something newer is heard. */
  recall(live: Live): void {
    if (this.current !== undefined) return;
    this.current = live;
    this.heardAt = Date.parse(live.now);
  }

  async #follow(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      try {
        this.#attempt = new AbortController();
        const { signal } = this.#attempt;
        const response = await this.#request(new Request(this.#url, { signal }));
        if (!response.ok) {
          const problem = (await response.json()) as Problem;
          if ([401, 403, 404].includes(response.status)) {
            this.ended = problem;
            return;
          }
          throw new Refused(problem);
        }
        await read(
          response,
          () => {
            failures = 0;
            this.heardAt = Date.now();
            this.line = 'live';
          },
          ({ event, data }) => {
            if (event !== 'session') return;
            const live = JSON.parse(data) as Live;
            noteServerTime(live.now);
            this.take(live);
          },
        );
      } catch {
        // Whatever broke it, the next try tells.
        failures += 1;
      }
      if (this.#stop.signal.aborted) return;
      if (failures > 0) this.line = 'lost';
      await this.#pause(Math.max(1, failures));
    }
  }

  /** Waits longer each time, by chance a little more or less, so that a restarted server is not stormed. */
  #pause(failures: number): Promise<void> {
    const most = Math.min(pauseMsMax, pauseMs * 2 ** (failures - 1));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, most * (0.5 + Math.random() / 2));
      this.#retryNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const pauseMs = 600;
const pauseMsMax = 15_000;
