/** One delivery as this phone has it: what the authority says, and what the customer asks of it. */

import {
  connect,
  once,
  Refused,
  settled,
  type Api,
  type Live,
  type Problem,
  type Schemas,
} from '../api/client';
import { serverNow } from '../api/clock';
import { LiveSession } from '../api/live.svelte';
import { forget, load, save } from '../api/store';
import type { Binding } from './binding';
import { timesShown } from './story';

/** A code that was made, kept for as long as it works: it needs no connection to be shown. */
export interface ShownCode {
  digits: string;
  scan: string;
  expiresAt: number;
  issuesLeft: number;
  /** How often presence had been shown when it was made: once that was done again, it is used up. */
  timesShown: number;
}

export class Delivery {
  readonly live: LiveSession;
  code = $state.raw<ShownCode>();
  intent = $state.raw<Schemas['IntentView'] & { plate: string }>();
  problem = $state.raw<Problem>();
  /** Whole minutes that the driver still needs, as far as the authority can tell. */
  minutes = $state<number>();
  /** How often a former phone had shown presence when this one was bound. */
  formers = $state(0);
  /** What was complained of after the end. */
  dispute = $state.raw<Schemas['Dispute']>();

  readonly #api: Api;
  /** With the key alone: the token ends with the window, and a dispute may be opened later. */
  readonly #keyApi: Api;
  readonly #path: { session: string };
  readonly #recalled: Promise<void>;
  /** Whether nothing was heard yet since this phone was bound. */
  #isNew = false;

  constructor(binding: Binding) {
    this.#api = connect(binding);
    this.#keyApi = connect({ key: binding.key });
    this.#path = { session: binding.session };
    this.live = new LiveSession(binding, binding.session);
    this.#recalled = this.#recall();
  }

  close(): void {
    this.live.close();
  }

  /** Confirms that it is the customer. */
  verify = (): Promise<void> =>
    this.#ask(() => this.#api.POST('/v1/sessions/{session}/recipient', this.#change({})));

  /** Names the car; what is then to be approved comes back. */
  bind = (plate: string): Promise<void> =>
    this.#try(async () => {
      const asked = this.#api.POST('/v1/sessions/{session}/bindings', this.#change({ plate }));
      this.intent = { ...(await settled(asked)), plate };
    });

  /** Approves exactly what was shown. */
  approveIntent = (): Promise<void> => {
    const intent = this.intent?.intent ?? '';
    return this.#ask(() =>
      this.#api.POST('/v1/sessions/{session}/approvals', this.#change({ intent })),
    ).then(() => {
      if (this.problem === undefined) this.intent = undefined;
    });
  };

  /** Approves at the car. */
  approvePresence = (): Promise<void> =>
    this.#ask(() =>
      this.#api.POST('/v1/sessions/{session}/approvals', this.#change({ presence: true })),
    );

  /** Makes a code. */
  showCode = (): Promise<void> =>
    this.#try(async () => {
      const asked = this.#api.POST('/v1/sessions/{session}/codes', {
        params: { path: this.#path },
        body: {},
      });
      const made = await settled(asked);
      this.#show({
        digits: made.code,
        scan: made.scan,
        expiresAt: Date.parse(made.expires_at),
        issuesLeft: made.issues_left,
        timesShown: this.#timesShown(),
      });
    });

  /** Has the scannable half signed anew; without a connection the former one stays, and the digits work on. */
  renewScan = async (): Promise<void> => {
    const shown = this.code;
    if (shown === undefined || serverNow() >= shown.expiresAt) return;
    try {
      const asked = this.#api.POST('/v1/sessions/{session}/scans', {
        params: { path: this.#path },
        body: {},
      });
      const { scan } = await settled(asked);
      if (this.code === shown) this.#show({ ...shown, scan });
    } catch {
      // The next renewal, or the end of the code, follows in seconds.
    }
  };

  hideCode = (): void => {
    this.code = undefined;
    void forget(this.#name('code'));
  };

  relocate = (): Promise<void> =>
    this.#ask(() => this.#api.POST('/v1/sessions/{session}/relocations', this.#change({})));

  pause = (): Promise<void> =>
    this.#ask(() => this.#api.POST('/v1/sessions/{session}/holds', this.#change({})));

  resume = (): Promise<void> =>
    this.#ask(() => this.#api.POST('/v1/sessions/{session}/resumptions', this.#change({})));

  stop = (): Promise<void> =>
    this.#ask(() => this.#api.POST('/v1/sessions/{session}/revocations', this.#change({})));

  /** How long the driver on the way still needs, if the authority can tell. */
  lookForEstimate = async (): Promise<void> => {
    try {
      const params = { path: this.#path };
      const asked = this.#api.GET('/v1/sessions/{session}/estimate', { params });
      this.minutes = (await settled(asked)).minutes ?? undefined;
    } catch {
      this.minutes = undefined;
    }
  };

  /** Keeps what is shown on this phone: without a connection, and after the window, it is all that there is. */
  keep = async (live: Live): Promise<void> => {
    await this.#recalled;
    // What is heard first was before anything that this phone shows.
    if (this.#isNew) {
      this.#isNew = false;
      this.formers = timesShown(live);
      await save(this.#name('formers'), this.formers);
    }
    await save(this.#name('live'), live);
  };

  async #recall(): Promise<void> {
    const [live, code, formers] = await Promise.all([
      load<Live>(this.#name('live')),
      load<ShownCode>(this.#name('code')),
      load<number>(this.#name('formers')),
    ]);
    this.#isNew = formers === undefined;
    this.formers = formers ?? 0;
    if (live) this.live.recall(live);
    if (!code || this.code) return;
    if (code.expiresAt > serverNow()) this.code = code;
    else this.hideCode();
  }

  /** Shows a code, and keeps it for as long as it works: the phone may lose its connection, or the page be closed. */
  #show(code: ShownCode): void {
    this.code = code;
    void save(this.#name('code'), code);
  }

  #timesShown(): number {
    return this.live.current ? timesShown(this.live.current) : 0;
  }

  #name(what: string): string {
    return `${what} ${this.#path.session}`;
  }

  /** Looks whether there is a dispute; most stops have none. */
  lookForDispute = async (): Promise<void> => {
    try {
      const params = { path: this.#path };
      const asked = this.#keyApi.GET('/v1/sessions/{session}/dispute', { params });
      this.dispute = await settled(asked);
    } catch {
      this.dispute = undefined;
    }
  };

  complain = (about: string, words: string): Promise<void> =>
    this.#try(async () => {
      const asked = this.#keyApi.POST('/v1/sessions/{session}/dispute', {
        params: { path: this.#path },
        body: words === '' ? { about } : { about, words },
      });
      this.dispute = await settled(asked);
    });

  #change<B>(body: B): {
    params: { path: { session: string }; header: { 'Idempotency-Key': string } };
    body: B;
  } {
    return { params: { path: this.#path, header: once() }, body };
  }

  /** Asks for a change; what it leads to comes by the stream. */
  #ask<T>(ask: () => Promise<{ data?: T; error?: unknown; response: Response }>): Promise<void> {
    return this.#try(async () => void (await settled(ask())));
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
    }
  }
}
