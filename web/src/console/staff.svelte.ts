/** Who works here: a passkey signs in, and a token bound to a key of this browser is what calls carry from then on. */

import createClient from 'openapi-fetch';
import { noteServerTime } from '../api/clock';
import { Refused, signed, type Api, type Problem } from '../api/client';
import { makeKey, type BoundKey } from '../api/keys';
import type { paths } from '../api/schema';
import { forget, load, save } from '../api/store';
import * as passkey from './passkey';

/** What an invitation's link holds behind its `#`. */
export interface Invitation {
  invitation: string;
  account: string | undefined;
}

/** A member of the staff, as the authority says. */
export interface Member {
  member: string;
  name: string;
  role: string;
  scopes: string[];
  expires_at: string;
}

interface Kept {
  key: BoundKey;
  token: string;
  account: string | undefined;
  member: Member;
}

/** Reads the fragment of an invitation's link. */
export function invitationIn(hash: string): Invitation | undefined {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const invitation = said.get('invitation');
  return invitation ? { invitation, account: said.get('account') ?? undefined } : undefined;
}

/** The one who sits before this browser. */
export class Staff {
  member = $state.raw<Member>();
  /** Whether it is known yet who sits here. */
  isKnown = $state(false);
  /** Whether this browser keeps nothing for the page, so that a reload asks to sign in again. */
  isForgetful = $state(false);
  #kept: Kept | undefined;

  constructor() {
    void load<Kept>(record)
      .then((kept) => {
        if (kept && Date.parse(kept.member.expires_at) > Date.now()) this.#take(kept);
      })
      .catch(() => (this.isForgetful = true))
      .finally(() => (this.isKnown = true));
  }

  /** Whether calls of this kind are hers to make; what counts is what the authority says. */
  may(scope: string): boolean {
    return this.member?.scopes.includes(scope) ?? false;
  }

  /** Whose stops these are, where the invitation said so. */
  get account(): string | undefined {
    return this.#kept?.account;
  }

  /** Makes a passkey for whoever was invited, and signs in with it. */
  async register({ invitation, account }: Invitation): Promise<void> {
    const key = await makeKey();
    const asked = await ask(key, account, 'registrations/challenges', { invitation });
    const made = await passkey.make(asked as PublicKeyCredentialCreationOptionsJSON);
    await this.#begin(
      key,
      account,
      await ask(key, account, 'registrations', { invitation, ...made }),
    );
  }

  /** Signs in with a passkey. */
  async signIn(): Promise<void> {
    const key = await makeKey();
    const kept = this.isForgetful ? undefined : await load<string>(accountRecord);
    const account = this.#kept?.account ?? kept;
    const asked = await ask(key, account, 'sign-ins/challenges', {});
    const used = await passkey.use(asked as PublicKeyCredentialRequestOptionsJSON);
    await this.#begin(key, account, await ask(key, account, 'sign-ins', { ...used }));
  }

  /** Ends it here and at the authority. */
  async signOut(): Promise<void> {
    const { request } = this;
    const url = `${location.origin}/v1/staff/sign-outs`;
    this.leave();
    const ended = new Request(url, { method: 'POST', body: '{}', headers: json });
    await request(ended).catch(() => undefined);
  }

  /** Forgets who sat here. */
  leave(): void {
    this.member = undefined;
    if (!this.isForgetful) void forget(record);
  }

  /** The interface, as this member. */
  get api(): Api {
    return createClient<paths>({ baseUrl: location.origin, fetch: this.request });
  }

  /** `fetch` as this member; an answer that nobody is known sends her to sign in. */
  get request(): (request: Request) => Promise<Response> {
    const { key, token, account } = this.#kept ?? {};
    if (!key) return fetch;
    const send = signed({ key, token });
    return async (request) => {
      if (account) request.headers.set(accountHeader, account);
      const response = await send(request);
      if (response.status === 401) this.leave();
      return response;
    };
  }

  /** A file that anybody may read. */
  async file(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const { account } = this.#kept ?? {};
    const response = await fetch(path, account ? { headers: { [accountHeader]: account } } : {});
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  async #begin(key: BoundKey, account: string | undefined, answer: unknown): Promise<void> {
    const { token, ...member } = answer as Member & { token: string };
    const kept = { key, token, account, member };
    if (!this.isForgetful) {
      await save(record, kept);
      if (account) await save(accountRecord, account);
    }
    this.#take(kept);
  }

  #take(kept: Kept): void {
    this.#kept = kept;
    this.member = kept.member;
  }
}

/** A call of one who is not known yet. */
async function ask(
  key: BoundKey,
  account: string | undefined,
  path: string,
  body: object,
): Promise<unknown> {
  const headers = account ? { ...json, [accountHeader]: account } : json;
  const request = new Request(`${location.origin}/v1/staff/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const response = await signed({ key })(request);
  noteServerTime(response.headers.get('Date'));
  const answer = (await response.json()) as unknown;
  if (!response.ok) throw new Refused(answer as Problem);
  return answer;
}

const json = { 'Content-Type': 'application/json' };
const accountHeader = 'Carhop-Account';
const record = 'staff';
const accountRecord = 'staff/account';
