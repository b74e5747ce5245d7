/** Everything that is known of one stop: how it is now, what happened to it, and what was decided about it. */

import { once, Refused, settled, type Problem, type Schemas, type Session } from '../api/client';
import type { Board, Event } from './board.svelte';
import { Gathering } from './gather';
import type { Staff } from './staff.svelte';
import { nameOf } from './story';

export type Decision = Schemas['DecisionView'];

export type Place = Schemas['Whereabouts'];

export type Dispute = Schemas['Dispute'];

/** What a person found out about a command. */
export type Finding = Schemas['ResolutionAsk'];

export class StopFile {
  session = $state.raw<Session>();
  events = $state.raw<readonly Event[]>([]);
  decisions = $state.raw<readonly Decision[]>([]);
  /** Where driver and car were last believed to be. */
  places = $state.raw<readonly Place[]>([]);
  /** What its customer complains of. */
  dispute = $state.raw<Dispute>();
  problem = $state.raw<Problem>();
  /** Why what was asked for did not happen. */
  refusal = $state.raw<Problem>();
  isLoaded = $state(false);

  readonly #changed = new Gathering(async () => {
    await Promise.all([this.#refresh(), this.#lookForDispute()]);
  });

  constructor(
    readonly id: string,
    private readonly staff: Staff,
    private readonly board: Board,
  ) {
    void this.#load();
  }

  close(): void {
    this.#changed.close();
  }

  /** Takes what the stream tells, if it is about this stop. */
  hear(event: Event): void {
    if (event.session !== this.id) return;
    if (!this.events.some((one) => one.position === event.position)) {
      this.events = [...this.events, event].sort((one, other) => one.position - other.position);
    }
    this.#changed.add(this.id);
  }

  hold = (): Promise<void> => this.#steer('/v1/sessions/{session}/holds');
  resume = (): Promise<void> => this.#steer('/v1/sessions/{session}/resumptions');
  revoke = (): Promise<void> => this.#steer('/v1/sessions/{session}/revocations');

  /** Says what became of the command of a leg. */
  resolve = (leg: number, finding: Finding): Promise<void> =>
    this.#change(() =>
      this.staff.api.POST('/v1/sessions/{session}/legs/{leg}/resolutions', {
        params: { path: { session: this.id, leg }, header: once() },
        body: finding,
      }),
    );

  /** Says that the goods of a leg are inside. */
  confirm = (leg: number): Promise<void> =>
    this.#change(() =>
      this.staff.api.POST('/v1/sessions/{session}/legs/{leg}/transfers', {
        params: { path: { session: this.id, leg }, header: once() },
        body: {},
      }),
    );

  /** Answers the customer's complaint, once. */
  decide = (outcome: 'upheld' | 'rejected'): Promise<void> =>
    this.#ask(async () => {
      const params = { path: { session: this.id } };
      const body = { outcome };
      const asked = this.staff.api.POST('/v1/sessions/{session}/dispute/decisions', {
        params,
        body,
      });
      this.dispute = await settled(asked);
    });

  #steer(
    path:
      | '/v1/sessions/{session}/holds'
      | '/v1/sessions/{session}/resumptions'
      | '/v1/sessions/{session}/revocations',
  ): Promise<void> {
    return this.#change(() =>
      this.staff.api.POST(path, {
        params: { path: { session: this.id }, header: once() },
        body: {},
      }),
    );
  }

  #change(
    ask: () => Promise<{ data?: Session; error?: unknown; response: Response }>,
  ): Promise<void> {
    return this.#ask(async () => this.#take(await settled(ask())));
  }

  async #ask(work: () => Promise<void>): Promise<void> {
    this.refusal = undefined;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refusal = error.problem;
    }
  }

  async #load(): Promise<void> {
    try {
      await this.#refresh();
      this.events = await this.#read();
      await this.#lookForDispute();
      this.isLoaded = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
    }
  }

  async #refresh(): Promise<void> {
    const path = { session: this.id };
    const query = { limit: pageMax };
    const [session, decisions, places] = await Promise.all([
      settled(this.staff.api.GET('/v1/sessions/{session}', { params: { path } })),
      settled(this.staff.api.GET('/v1/sessions/{session}/decisions', { params: { path, query } })),
      settled(this.staff.api.GET('/v1/sessions/{session}/places', { params: { path } })),
    ]);
    this.#take(session);
    this.decisions = decisions.data;
    this.places = places;
  }

  /** The complaint, if the story has one. */
  async #lookForDispute(): Promise<void> {
    const isTold = this.events.some((event) => nameOf(event).startsWith('dispute.'));
    if (!isTold || !this.staff.may('staff')) return;
    const params = { path: { session: this.id } };
    this.dispute = await settled(this.staff.api.GET('/v1/sessions/{session}/dispute', { params }));
  }

  async #read(): Promise<Event[]> {
    const found: Event[] = [];
    let after: number | undefined;
    do {
      const query = {
        session: this.id,
        limit: pageMax,
        ...(after === undefined ? {} : { after: String(after) }),
      };
      const page = await settled(
        this.staff.api.GET('/v1/events', { params: { query: query as never } }),
      );
      found.push(...page.data);
      after = page.has_more ? page.data.at(-1)?.position : undefined;
    } while (after !== undefined && found.length < eventsMax);
    // What the stream told meanwhile is not in the list yet.
    const last = found.at(-1)?.position ?? -1;
    return [...found, ...this.events.filter(({ position }) => position > last)];
  }

  #take(session: Session): void {
    if (this.session && this.session.version > session.version) return;
    this.session = session;
    this.board.take(session);
  }
}

const pageMax = 100;
const eventsMax = 1000;
