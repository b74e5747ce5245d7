/**
 * The authority's public interface, typed by its description. A request that may be repeated is repeated here: with the
 * nonce that the server asked for, or a little later where it says so; the idempotency key stays the same.
 */

import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema';
import { noteServerTime, serverNow } from './clock';
import { proof } from './dpop';
import type { BoundKey } from './keys';

export type Schemas = components['schemas'];
export type Session = Schemas['Session'];
export type Live = Schemas['Live'];
export type Moment = Schemas['Moment'];
export type Problem = Schemas['Problem'];

/** How a page shows who it is. */
export interface Credential {
  key: BoundKey;
  token?: string | undefined;
}

export type Api = Client<paths>;

/** A client of the interface; without a credential it can ask only what anybody may. */
export function connect(credential: Credential, origin = globalThis.location.origin): Api {
  return createClient<paths>({ baseUrl: origin, fetch: signed(credential) });
}

/** Header of a change that must happen once, however often it is asked for. */
export const once = (): { 'Idempotency-Key': string } => ({
  'Idempotency-Key': crypto.randomUUID(),
});

/** `fetch` with proofs of possession. */
export function signed(credential: Credential): (request: Request) => Promise<Response> {
  return async (original) => {
    for (let tries = 1; ; tries += 1) {
      const request = new Request(original.clone(), { credentials: 'omit', cache: 'no-store' });
      const url = new URL(request.url);
      const claim = { method: request.method, url: url.origin + url.pathname, nonce };
      const { key, token } = credential;
      request.headers.set('DPoP', await proof(key, { ...claim, token, issuedAtMs: serverNow() }));
      if (token !== undefined) request.headers.set('Authorization', `DPoP ${token}`);
      const response = await fetch(request);
      noteServerTime(response.headers.get('Date'));
      nonce = response.headers.get('DPoP-Nonce') ?? nonce;
      if (response.ok || tries === triesMax || !(await isWorthAnotherTry(response)))
        return response;
      const seconds = Number(response.headers.get('Retry-After') ?? 0);
      await pause(Math.min(seconds, retrySecondsMax) * 1000, request.signal);
    }
  };
}

/** What a call came to, or the problem as an exception. */
export async function settled<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  let answer;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused(offline);
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  throw new Refused(isProblem(error) ? error : { ...offline, status: response.status });
}

/** What the authority did not do, and why. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** A problem that no server has stated: it was not reached. */
const offline: Problem = {
  type: 'about:blank',
  title: '',
  status: 0,
  code: 'offline',
  reasons: [],
  retryable: true,
  trace_id: '',
};

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'reasons' in error;
}

async function isWorthAnotherTry(response: Response): Promise<boolean> {
  if (![401, 409, 429, 503].includes(response.status)) return false;
  const problem: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return isProblem(problem) && passing.includes(problem.code);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

/** What the server last asked to have signed; it gives the same to everybody. */
let nonce: string | undefined;

const passing = ['use_dpop_nonce', 'too_many_requests', 'overloaded', 'contended'];
const triesMax = 4;
const retrySecondsMax = 3;
