/** One stop as its driver has it: what the authority says, and what the driver does about it. */

import {
  connect,
  once,
  Refused,
  settled,
  type Api,
  type Problem,
  type Schemas,
} from '../api/client';
import { rfc3339, serverNow } from '../api/clock';
import { LiveSession } from '../api/live.svelte';
import { timesShown } from '../customer/story';
import type { Handset } from './binding';
import { locate, type Found } from './place';

/** A permission that the driver holds for the car of this stop. */
export interface Permission {
  token: string;
  expiresAt: number;
}

export class Stop {
  readonly live: LiveSession;
  problem = $state.raw<Problem>();
  place = $state.raw<Schemas['PlaceView']>();
  permission = $state.raw<Permission>();
  /** Whether the plate that was read is the car's; unknown until one was read here. */
  plateMatches = $state<boolean>();

  /** How often presence had been shown when an opening was refused for want of it. */
  lackedAt = $state<number>();

  /** Whether the venue's sign was read here. */
  signRead = $state(false);

  readonly id: string;
  readonly #api: Api;
  readonly #path: { session: string };
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(handset: Handset, session: string) {
    this.id = session;
    this.#api = connect(handset);
    this.#path = { session };
    this.live = new LiveSession(handset, session);
    this.#followPlace();
  }

  close(): void {
    this.live.close();
    clearInterval(this.#looking);
  }

  readPlate = (plate: string): Promise<void> =>
    this.#try(async () => {
      const asked = this.#api.POST('/v1/sessions/{session}/vehicle-matches', {
        params: { path: this.#path },
        body: { plate },
      });
      this.plateMatches = (await settled(asked)).matches;
    });

  readTag = (code: string): Promise<void> =>
    this.#try(async () => {
      const asked = this.#api.POST('/v1/sessions/{session}/tags', {
        params: { path: this.#path },
        body: { code },
      });
      await settled(asked);
      this.signRead = true;
    });

  arrive = (): Promise<void> =>
    this.#try(async () => {
      await this.#locate();
      const asked = this.#api.POST('/v1/sessions/{session}/arrivals', {
        ...this.#once(),
        body: {},
      });
      await settled(asked);
    });

  prove = (shown: { code: string } | { scan: string }): Promise<void> =>
    this.#change(() =>
      this.#api.POST('/v1/sessions/{session}/proofs', { ...this.#once(), body: shown }),
    );

  /** Opens a lock or arms a pump: a permission for the car, narrowed to this one action, used once. */
  release = (leg: Schemas['LegView']): Promise<void> =>
    this.#try(async () => {
      this.lackedAt = undefined;
      await this.#locate();
      const { token } = await this.#permitted();
      const action = actions[leg.compartment ?? leg.kind] ?? 'grocery_handoff';
      const exchanged = await settled(
        this.#api.POST('/v1/tokens/exchange', {
          body: {
            subject_token: token,
            audience: leg.device,
            authorization_details: [{ type: 'urn:carhop:handoff:v1', actions: [action] }],
          },
        }),
      );
      const { params } = this.#once();
      const header = { ...params.header, 'Carhop-Token': exchanged.access_token };
      const asked = this.#api.POST('/v1/sessions/{session}/releases', {
        params: { path: this.#path, header },
        body: { leg: leg.index },
      });
      await settled(asked);
    });

  /** Says that something is not safe: nothing opens until somebody has looked. */
  hold = (): Promise<void> =>
    this.#change(() =>
      this.#api.POST('/v1/sessions/{session}/holds', { ...this.#once(), body: {} }),
    );

  /** Presence was shown anew: what was refused for want of it is not refused any more. */
  presenceShown(): void {
    this.lackedAt = undefined;
    if (this.problem && lacksPresence(this.problem)) this.problem = undefined;
  }

  async #permitted(): Promise<Permission> {
    const held = this.permission;
    if (held && serverNow() < held.expiresAt - spareMs) return held;
    const asked = this.#api.POST('/v1/sessions/{session}/vehicle-tokens', {
      params: { path: this.#path },
      body: {},
    });
    const made = await settled(asked);
    return (this.permission = { token: made.token, expiresAt: Date.parse(made.expires_at) });
  }

  /** Reports where the phone is, anew every few seconds, while that is of use: a place that is not renewed grows old. */
  #followPlace(): void {
    this.#looking = setInterval(() => {
      if (reported.includes(this.live.current?.session.state ?? '')) void this.#locate();
    }, positionPauseMs);
  }

  /** Finds out where the phone is and reports it; a phone that cannot find out leaves that to be refused. */
  async #locate(): Promise<void> {
    const found = await locate();
    if (found) await this.#report(found);
  }

  async #report(found: Found): Promise<void> {
    const fix = {
      latitude: found.latitude,
      longitude: found.longitude,
      accuracy_m: Math.max(found.accuracy, 0.1),
      // What a browser calls accuracy is the radius that holds the true point in 95 of 100 cases.
      accuracy_confidence: 0.95,
      fixed_at: rfc3339(found.timestamp + (serverNow() - Date.now())),
      source: 'fused',
      mock: false,
      ...(found.speed === null ? {} : { speed_mps: found.speed }),
    };
    try {
      const asked = this.#api.POST('/v1/sessions/{session}/positions', {
        params: { path: this.#path },
        body: { fixes: [fix] },
      });
      this.place = await settled(asked);
    } catch {
      // The next position follows by itself.
    }
  }

  #once(): { params: { path: { session: string }; header: { 'Idempotency-Key': string } } } {
    return { params: { path: this.#path, header: once() } };
  }

  #change<T>(ask: () => Promise<{ data?: T; error?: unknown; response: Response }>): Promise<void> {
    return this.#try(async () => void (await settled(ask())));
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
      const { current } = this.live;
      if (current && lacksPresence(error.problem)) this.lackedAt = timesShown(current);
      // A permission that was refused is asked for anew.
      if (error.problem.reasons.some(({ code }) => code.startsWith('token_'))) {
        this.permission = undefined;
      }
    }
  }
}

const lacksPresence = ({ reasons }: Problem): boolean =>
  reasons.some(({ code }) => code === 'presence_not_proven' || code === 'rung_too_low');

const actions: Record<string, string> = {
  trunk: 'grocery_handoff',
  truck_bed: 'grocery_handoff',
  locker: 'locker_access',
  cold_box: 'cold_release',
  fuel: 'fuel_authorisation',
};
/** Where the stop is when positions are of use. */
const reported = ['en_route', 'arrived', 'handoff_ready', 'in_service'];
const positionPauseMs = 2_000;
/** A permission that ends this soon is not begun with. */
const spareMs = 15_000;
