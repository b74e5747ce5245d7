/** One decision with everything that explains it, and the proof that it stands in the log. */

import {
  bytesOf,
  nodesOf,
  verify,
  type Evidence,
  type Pinned,
  type Verified,
} from '../audit/proof';
import { hex, type Bytes } from '../audit/bytes';
import { Refused, settled, type Problem, type Schemas } from '../api/client';
import { load, save } from '../api/store';
import { requirementsIn, type Requirement } from './cedar';
import type { Staff } from './staff.svelte';

type Entry = Schemas['EntryView'];

export type Explained = Schemas['ExplainedDecision'];

/** A requirement as the authority evaluated it. */
export interface Judged {
  id: string;
  reason: string;
  isMet: boolean;
  /** The facts it looks at, as paths; none where the text of the policies is not to be had. */
  facts: readonly string[];
}

export class Case {
  decision = $state.raw<Explained>();
  requirements = $state.raw<readonly Judged[]>([]);
  isPolicyInForce = $state<boolean>();
  /** What came of checking the proof; nothing while it goes on. */
  verified = $state.raw<Verified>();
  /** Why there was nothing to check. */
  unproven = $state<'waiting' | 'failed'>();
  /** What was checked, to be kept. */
  evidence = $state.raw<Evidence>();
  problem = $state.raw<Problem>();

  constructor(
    readonly id: string,
    private readonly staff: Staff,
  ) {
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      const params = { path: { decision: this.id } };
      this.decision = await settled(this.staff.api.GET('/v1/decisions/{decision}', { params }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
      return;
    }
    await Promise.all([this.#explain(this.decision), this.prove()]);
  }

  async #explain(decision: Explained): Promise<void> {
    this.requirements = judged(decision, []);
    const query = { version: decision.policy_version };
    const asked = this.staff.api.GET('/v1/policy', { params: { query } });
    const policy = await settled(asked).catch(() => undefined);
    if (!policy) return;
    this.isPolicyInForce = policy.in_force;
    const all = policy.files
      .filter(({ name }) => name.endsWith('.cedar'))
      .flatMap(({ text }) => requirementsIn(text));
    this.requirements = judged(decision, all);
  }

  /** Checks the proof, or checks it again. */
  async prove(): Promise<void> {
    this.verified = undefined;
    this.unproven = undefined;
    try {
      const evidence = await this.#gather();
      if (!evidence) {
        this.unproven = 'waiting';
        return;
      }
      const record = pinOf(this.staff.account);
      const pinned = await load<Pinned>(record);
      const size = sizeIn(evidence.checkpoint);
      const nodes = nodesOf(size, (path) => this.staff.file(`/audit/${path}`));
      const verified = await verify(evidence, nodes, pinned);
      this.evidence = evidence;
      this.verified = verified;
      await keep(record, evidence.vkey, verified, pinned);
    } catch {
      this.unproven = 'failed';
    }
  }

  async #gather(): Promise<Evidence | undefined> {
    const entry = await this.#entry();
    if (!entry) return undefined;
    const text = async (path: string): Promise<string> =>
      new TextDecoder().decode(await this.staff.file(path));
    const [checkpoint, vkey] = [await text('/audit/checkpoint'), await text('/audit/vkey')];
    return {
      decision: this.id,
      position: entry.position,
      leaf: bytesOf(entry.leaf),
      stored: bytesOf(entry.stored),
      record: this.decision?.record,
      checkpoint,
      vkey: vkey.trim(),
    };
  }

  /** The entry that names the decision. */
  async #entry(): Promise<Entry | undefined> {
    const { session } = this.decision ?? { session: '' };
    let after: number | undefined;
    do {
      const query = { session, limit: 100, ...(after === undefined ? {} : { after }) };
      const asked = this.staff.api.GET('/v1/events', { params: { query } });
      const page = await settled(asked);
      const named = page.data.find(({ decision }) => decision === this.id);
      if (named) return this.#at(named.position);
      after = page.has_more ? page.data.at(-1)?.position : undefined;
    } while (after !== undefined);
    return undefined;
  }

  async #at(position: number): Promise<Entry | undefined> {
    const params = { query: { from: position, limit: 1 } };
    return (await settled(this.staff.api.GET('/v1/audit/log', { params }))).entries[0];
  }
}

/** Every requirement that could apply, as it was evaluated: what could not be evaluated is not met. */
function judged({ requirements }: Explained, stated: readonly Requirement[]): Judged[] {
  return requirements
    .filter(({ effect }) => effect === 'forbid')
    .map(({ id, reason, outcome }) => ({
      id,
      reason: reason?.code ?? '',
      isMet: outcome === 'silent',
      facts: stated.find((one) => one.id === id)?.facts ?? [],
    }));
}

/** What this browser keeps of the log, so that a later rewrite shows. */
export async function keep(
  record: string,
  vkey: string,
  { findings, checkpoint }: Pick<Verified, 'findings' | 'checkpoint'>,
  pinned: Pinned | undefined,
): Promise<void> {
  const isSound = findings.key === 'holds' && findings.checkpoint === 'holds';
  if (!isSound || findings.continues === 'broken' || !checkpoint) return;
  if (pinned && pinned.size >= checkpoint.size) return;
  await save(record, { vkey, size: checkpoint.size, root: hex(checkpoint.root) });
}

/** What a note says of its size before anything is verified. */
export function sizeIn(note: string): number {
  return Number(note.split('\n')[1]) || 0;
}

/** The evidence as a file that can be kept. */
export function fileOf(evidence: Evidence): string {
  const text = (bytes: Bytes): string => hex(bytes);
  return JSON.stringify(
    { ...evidence, leaf: text(evidence.leaf), stored: new TextDecoder().decode(evidence.stored) },
    null,
    2,
  );
}

/**
 * Where the browser keeps what it saw of the log of an account. By the account, which the browser knows itself, and not by the
 * name of the key, which the server says: with a new name it would have a log that was never seen.
 */
export const pinOf = (account: string | undefined): string => `log/pinned/${account ?? ''}`;
