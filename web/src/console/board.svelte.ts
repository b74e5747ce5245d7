/** All stops as they change: read once, then kept up by the stream of events. */

import { Refused, settled, type Problem, type Schemas, type Session } from '../api/client';
import type { Line } from '../api/live.svelte';
import { read as readStream } from '../api/stream';
import { Gathering } from './gather';
import type { Staff } from './staff.svelte';
import { nameOf } from './story';
import { none, withDisputed, withSessions, type Stops } from './stops';

/** Something that happened, as the stream tells it. */
export type Event = Schemas['Event'];

/** The stops, and the line to the authority. */
export class Board {
  stops = $state.raw<Stops>(none);
  line = $state<Line>('connecting');
  /** When something was heard last, by this browser's clock. */
  heardAt = $state(Date.now());
  isLoaded = $state(false);
  /** Whether there are more stops than a page holds; the oldest are here. */
  hasMore = $state(false);
  problem = $state.raw<Problem>();

  #listeners: readonly ((event: Event) => void)[] = [];
  readonly #stop = new AbortController();
  readonly #changed = new Gathering((ids) => this.#read(ids));
  /** Stops whose customer waits for an answer. */
  #disputed: readonly string[] = [];
  #position: number | undefined;

  constructor(private readonly staff: Staff) {
    void this.#follow();
  }

  close(): void {
    this.#stop.abort();
    this.#changed.close();
  }

  /**
   * Tells of everything that happens from now on, each thing once and in order, until what this returns is called. A state
   * of the page would tell the last of several only: they are told together, and effects run once.
   */
  hear(listener: (event: Event) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** Takes a session as an answer has it, so that what was asked shows at once. */
  take(session: Session): void {
    this.#put([session]);
  }

  async #follow(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      try {
        // What happens from here on is in the stream; what happened before, in the lists.
        this.#position ??= await this.#end();
        if (!this.isLoaded) await this.#load();
        await this.#listen(() => {
          failures = 0;
        });
      } catch (error) {
        failures += 1;
        if (error instanceof Refused && !this.isLoaded) this.problem = error.problem;
      }
      if (this.#stop.signal.aborted || !this.staff.member) return;
      if (failures > 0) this.line = 'lost';
      const most = Math.min(pauseMsMax, pauseMs * 2 ** failures);
      await new Promise((resolve) => setTimeout(resolve, most * (0.5 + Math.random() / 2)));
    }
  }

  /** The position of the last entry of the log. */
  async #end(): Promise<number> {
    const { size } = await settled(this.staff.api.GET('/v1/audit/root'));
    return size - 1;
  }

  async #load(): Promise<void> {
    let after: string | undefined;
    do {
      const query = { limit: pageMax, ...(after ? { after } : {}) };
      const asked = this.staff.api.GET('/v1/sessions', { params: { query } });
      const page = await settled(asked);
      this.#put(page.data);
      after = page.has_more ? (page.next_cursor ?? undefined) : undefined;
    } while (after && this.stops.size < stopsMax);
    this.hasMore = after !== undefined;
    if (this.staff.may('staff')) await this.#loadDisputed();
    this.isLoaded = true;
    this.problem = undefined;
  }

  /** Stops that ended long ago are not in the list any more. */
  async #loadDisputed(): Promise<void> {
    const query = { limit: pageMax };
    const { data } = await settled(this.staff.api.GET('/v1/disputes', { params: { query } }));
    this.#disputed = data.map(({ session }) => session);
    await this.#read(this.#disputed.filter((id) => !this.stops.has(id)));
    this.#put([]);
  }

  #put(sessions: readonly Session[]): void {
    this.stops = withDisputed(withSessions(this.stops, sessions, Date.now()), this.#disputed);
  }

  async #listen(heard: () => void): Promise<void> {
    const query = this.#position === undefined ? '' : `?after=${this.#position}`;
    const url = `${location.origin}/v1/events/stream${query}`;
    const { signal } = this.#stop;
    const response = await this.staff.request(new Request(url, { signal }));
    if (!response.ok) throw new Refused((await response.json()) as Problem);
    const alive = (): void => {
      heard();
      this.heardAt = Date.now();
      this.line = 'live';
    };
    alive();
    await readStream(response, alive, ({ data }) => this.#happened(JSON.parse(data) as Event));
  }

  #happened(event: Event): void {
    this.#position = event.position;
    for (const listener of this.#listeners) listener(event);
    const { session } = event;
    if (!session) return;
    const kind = nameOf(event);
    if (kind.startsWith('dispute.')) {
      const others = this.#disputed.filter((id) => id !== session);
      this.#disputed = kind === 'dispute.opened' ? [...others, session] : others;
    }
    this.#changed.add(session);
  }

  /** Reads stops, a few at a time; one that is not there any more is left out. */
  async #read(ids: string[]): Promise<void> {
    const queue = [...ids];
    const found: Session[] = [];
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id; id = queue.pop()) {
        const params = { path: { session: id } };
        const asked = this.staff.api.GET('/v1/sessions/{session}', { params });
        const stop = await settled(asked).catch(unlessGone);
        if (stop) found.push(stop);
      }
    };
    await Promise.all(Array.from({ length: readersMax }, work));
    this.#put(found);
  }
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof Refused) || error.problem.status !== 404) throw error;
}

/** Stops that a page holds. */
const stopsMax = 500;
const pageMax = 100;
const readersMax = 6;
const pauseMs = 500;
const pauseMsMax = 15_000;
