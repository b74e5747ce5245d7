/**
 * An authority that a test plays for the console: what `/v1` would say to the staff, with stops in every state that a person
 * may have to look at.
 */

import type { Page } from 'playwright-core';
import type { Schemas, Session } from '../../src/api/client';
import { fuel, goods } from './legs';

type Event = Schemas['Event'] & { decision?: string };

const began = Date.now();

/** Everything that the played authority knows. */
export interface Scene {
  sessions: Session[];
  events: Event[];
  answers: Record<string, unknown>;
  /** What the stream tells, all of it at once. */
  told: Event[];
}

/** A day at work: some stops need somebody, some are on their way, some are done. */
export function busyDay(): Scene {
  const sessions = [
    stop('01', 'blue Golf estate', '201', 'in_service', 35, {
      exceptions: ['outcome_unknown'],
      legs: [goods('indeterminate'), fuel('pending')],
    }),
    stop('02', 'white Model Y', '7KD', 'handoff_ready', 52, { hold: held('tamper', -190) }),
    stop('03', 'red Corolla', '94X', 'arrived', 6),
    stop('04', 'silver F-150', '3B7', 'vehicle_bound', 80, { hold: held('staff', -800) }),
    stop('05', 'black Octavia', '118', 'en_route', 48, { venue: 'campus' }),
    stop('06', 'green Mini', '55C', 'in_service', 40, {
      venue: 'campus',
      legs: [goods('secured'), fuel('dispensing', 21_400)],
    }),
    stop('07', 'grey Polo', 'Q12', 'vehicle_bound', 95),
    stop('08', 'orange Leaf', '8VV', 'handoff_ready', 61, { venue: 'stadium' }),
    stop('09', 'blue Transit', '4ZT', 'en_route', 73, { venue: 'stadium' }),
    stop('10', '', '', 'requested', 130, { vehicle: {} }),
    stop('11', 'white Yaris', '640', 'arrived', 33, { legs: [goods('pending')] }),
    stop('12', 'brown XC60', 'W08', 'completed', -20, {
      legs: [goods('secured'), fuel('settled', 38_200)],
    }),
    stop('13', 'silver Civic', '2PL', 'revoked', -45, {
      revocation: { cause: 'customer_stopped', revoked_at: time(-1500), settled_at: time(-1496) },
      legs: [goods('open', false), fuel('pending')],
    }),
    stop('14', 'red Kona', 'J31', 'expired', -70),
  ];
  return { sessions, events: [...story(), ...complaint(), ...shutLate()], answers: {}, told: [] };
}

/** The stop that the story is about. */
export const stopId = id('01');

/** The stop that was stopped while its trunk was open. */
export const shutId = id('13');

/** The stop whose customer reported a problem. */
export const disputedId = id('12');

/** What happened to it. */
export function story(): Event[] {
  return eventsOf(stopId, 0, [
    [-1500, 'session.created'],
    [-1490, 'link.issued'],
    [-1400, 'customer.bound'],
    [-1395, 'recipient.verified'],
    [-1380, 'session.bound'],
    [-700, 'driver.assigned'],
    [-420, 'place.judged', { answer: 'uncertain' }],
    [-410, 'tag.scanned', { known: true }],
    [-405, 'vehicle.compared', { matches: true }],
    [-400, 'geofence.entered'],
    [-370, 'otp.issued'],
    [-362, 'proof.failed', { reason: 'code_wrong' }],
    [-362, 'request.refused', { request: 'prove_presence', reasons: ['code_wrong'] }],
    [-350, 'presence.proven', { method: 'code' }],
    [-340, 'token.issued'],
    [-338, 'release.authorised', { leg: 0 }],
    [-337, 'command.sent', { leg: 0 }],
    [-307, 'release.unconfirmed', { leg: 0 }],
    [-247, 'exception.raised', { exception: 'outcome_unknown', leg: 0 }],
  ]).map((event) =>
    event.type === 'carhop.request.refused.v1' ? { ...event, decision: decision.id } : event,
  );
}

function complaint(): Event[] {
  return eventsOf(disputedId, 100, [
    [-1500, 'session.completed', { outcome: 'full' }],
    [-900, 'dispute.opened', { about: 'missing' }],
  ]);
}

function shutLate(): Event[] {
  return eventsOf(shutId, 200, [
    [-1530, 'release.authorised', { leg: 0 }],
    [-1528, 'command.sent', { leg: 0 }],
    [-1526, 'lock.opened', { leg: 0 }],
    [-1500, 'session.revoked', { cause: 'customer_stopped' }],
    [-1470, 'lock.locked', { leg: 0 }],
  ]);
}

function eventsOf(session: string, first: number, told: [number, string, object?][]): Event[] {
  return told.map(([seconds, name, data], index) => ({
    id: `evt_${first + index}`,
    type: `carhop.${name}.v1`,
    position: first + index,
    time: time(seconds),
    session,
    actor: {},
    data: data ?? {},
  }));
}

const dispute: Schemas['Dispute'] = {
  session: disputedId,
  about: 'missing',
  words: 'One bag of two is not there. The milk and the bread were in it.',
  opened_at: time(-900),
  answer_by: time(85_500),
  outcome: null,
  decided_at: null,
};

export const decision: Schemas['DecisionView'] = {
  id: 'dec_2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b',
  session: id('01'),
  at: time(-362),
  request: 'prove_presence',
  granted: false,
  policies: ['proof.code_right'],
  policy_version: '10'.repeat(32),
  reasons: [{ code: 'code_wrong', meaning: '', remedy: '' }],
  inputs: {},
};

/** Plays it: what is asked of `/v1` is answered from the scene. */
export async function play(page: Page, scene: Scene): Promise<void> {
  await page.route('**/v1/**', (route) => {
    const url = new URL(route.request().url());
    const path = url.pathname.replace('/v1/', '');
    if (path === 'events/stream') {
      return route.fulfill({ contentType: 'text/event-stream', body: tellAll(scene) });
    }
    const json = scene.answers[path] ?? answer(scene, path, url.searchParams);
    if (json === undefined) {
      return route.fulfill({ status: 404, json: problem('not_found', 404) });
    }
    return route.fulfill({ json });
  });
}

/** The stream, which ends at once; what was told is not told again. */
function tellAll({ told }: Scene): string {
  const lines = told.splice(0).map((event) => `data: ${JSON.stringify(event)}\n\n`);
  return `: here\n\n${lines.join('')}`;
}

/** Something that happened just now. */
export function happened(position: number, name: string, data: object = {}): Event {
  return {
    ...{ id: `evt_${position}`, type: `carhop.${name}.v1`, position, time: time(0) },
    ...{ actor: {}, data },
  };
}

/** Gives the page an authenticator of its own, which says yes to everything. */
export async function addPasskeys(page: Page): Promise<void> {
  const target = await page.context().newCDPSession(page);
  await target.send('WebAuthn.enable');
  await target.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
      automaticPresenceSimulation: true,
    },
  });
}

/** Gives the page an authenticator, and signs its member in by an invitation. */
export async function signIn(page: Page, origin: string): Promise<void> {
  await addPasskeys(page);
  await page.goto(`${origin}/console#invitation=cht_test`);
  await page.getByRole('button', { name: /Set up|anlegen/ }).click();
  await page.getByRole('navigation').first().waitFor({ state: 'attached' });
}

/** A problem as the authority states it. */
export function problem(code: string, status: number, reasons: string[] = []): object {
  const said = reasons.map((reason) => ({ code: reason, meaning: reason, remedy: '' }));
  return {
    type: 'about:blank',
    title: code,
    status,
    code,
    reasons: said,
    retryable: false,
    trace_id: 'req_0',
  };
}

function answer(scene: Scene, path: string, query: URLSearchParams): unknown {
  const page = (data: unknown[]): object => ({ data, has_more: false });
  const [kind, name, part] = path.split('/');
  switch (kind) {
    case 'staff':
      return staffAnswers[path.replace('staff/', '')];
    case 'account':
      return { account: 'demo/here', hold: null, trust_epoch: 1, map: null };
    case 'audit':
      return path === 'audit/root'
        ? { size: scene.events.length, root: '00'.repeat(32) }
        : undefined;
    case 'venues':
      return page(venues);
    case 'events':
      return page(scene.events.filter((event) => event.session === query.get('session')));
    case 'disputes':
      return page([{ ...dispute, words: null }]);
    case 'sessions': {
      if (part === 'places') return [];
      if (part === 'dispute') return name === disputedId ? dispute : undefined;
      if (!name) return page(scene.sessions.map((one) => ({ ...one, changed_at: one.window.end })));
      const session = scene.sessions.find((one) => one.id === name);
      if (part === 'decisions') return page(name === id('01') ? [decision] : []);
      return session;
    }
    case 'decisions':
      return name === decision.id ? decision : undefined;
    default:
      return undefined;
  }
}

const member = {
  member: 'stf_01010101010101010101010101010101',
  name: 'Ada Brandt',
  role: 'dispatcher',
  scopes: ['staff', 'fleet', 'venues', 'audit'],
  token: 'chm_test',
  token_type: 'DPoP',
  expires_at: time(8 * 3600),
};
const challenge = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const staffAnswers: Record<string, unknown> = {
  'registrations/challenges': {
    challenge,
    rp: { id: 'localhost', name: 'Carhop' },
    user: { id: 'AAAA', name: 'Ada', displayName: 'Ada Brandt' },
    pubKeyCredParams: [-7, -257].map((alg) => ({ type: 'public-key', alg })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    attestation: 'none',
  },
  registrations: member,
  'sign-outs': { member: member.member },
};

function stop(
  number: string,
  description: string,
  plate: string,
  state: string,
  minutesLeft: number,
  more: Partial<Session> = {},
): Session {
  const hasDriver = !['requested', 'vehicle_bound', 'expired'].includes(state);
  const assignment = {
    driver: 'drv_0',
    driver_name: drivers[Number(number) % drivers.length] ?? null,
    device: 'dev_2',
    tier: 'attested',
  };
  const venue = more.venue ?? 'library';
  return {
    id: id(number),
    order: `ord_${number.repeat(16)}`,
    order_version: 1,
    digest: '00'.repeat(32),
    state,
    hold: null,
    exceptions: [],
    revocation: null,
    legs: [goods('pending'), fuel('pending')],
    window: { start: time((minutesLeft - 60) * 60), end: time(minutesLeft * 60) },
    venue,
    venue_name: names[venue] ?? venue,
    handoff: 'unattended',
    binding: null,
    assignment: hasDriver ? assignment : null,
    next: [],
    version: 1,
    changed_at: time(0),
    vehicle: { description, plate_last3: plate, bay: `B${Number(number)}` },
    ...more,
  };
}

function id(number: string): string {
  return `hs_${number.repeat(16)}`;
}

function held(cause: string, seconds: number): Schemas['HoldView'] {
  return { cause, since: time(seconds) };
}

function time(seconds: number): string {
  return new Date(began + seconds * 1000).toISOString();
}

const drivers = ['Mara Quist', 'Tomas Berg', 'Ines Ferro', 'Jonah Weld'];
const names: Record<string, string> = {
  library: 'Los Altos Library',
  campus: 'Alder Campus',
  stadium: 'Harbor Stadium lot',
};

/** Places, as rectangles of so many degrees. */
const venues = [
  ['library', -122.0838, 37.3906, 0.0011, 0.0008],
  ['campus', -122.0935, 37.3952, 0.0016, 0.0007],
  ['stadium', -122.0765, 37.3948, 0.0012, 0.0013],
].map(([name, longitude, latitude, wide, high]) => {
  const [x, y, w, h] = [longitude, latitude, wide, high].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const ring = (scale: number): number[][] => [
    [x - w * scale, y - h * scale],
    [x + w * scale, y - h * scale],
    [x + w * scale, y + h * scale],
    [x - w * scale, y + h * scale],
    [x - w * scale, y - h * scale],
  ];
  const zone = (kind: string, service: string, scale: number): object => ({
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: [ring(scale)] },
    properties: { name: names[String(name)], kind, services: [service] },
  });
  return {
    id: String(name),
    name: names[String(name)],
    version: 3,
    services: ['grocery_handoff', 'fuel_authorisation'],
    tags: 4,
    geojson: {
      type: 'FeatureCollection',
      features: [
        zone('delivery', 'grocery_handoff', 1),
        zone('fuelling', 'fuel_authorisation', 0.6),
      ],
    },
  };
});
