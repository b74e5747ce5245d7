/**
 * What a customer is told about a stop: one sentence, whom we wait for, one thing to do. Pure, so that every state can be
 * tried in a test; it derives no permission, the authority says that when asked.
 */

import type { Live, Moment, Schemas, Session } from '../api/client';
import { leftOpenMs, presenceFreshMs } from '../limits';
import { fill, type Texts } from '../texts';

/** How a state feels: waiting, moving, good, in need of attention, stopped. */
export type Tone = 'calm' | 'move' | 'go' | 'warn' | 'stop';

/** The one thing that the customer can do now. */
export type Action = 'verify' | 'bind' | 'approve' | 'resume';

export interface Story {
  tone: Tone;
  state: string;
  headline: string;
  body: string;
  /** Whom we wait for, if for anybody. */
  waitsOn: keyof Texts['who'] | undefined;
  /** Since when it has been so, in Unix milliseconds, where that matters. */
  since: number | undefined;
  /** How many of the four steps are behind us; the next one is now. */
  step: 0 | 1 | 2 | 3 | 4;
  action: Action | undefined;
  /** Whether a code can be shown. */
  canShowCode: boolean;
  /** Whether what was shown at the car counts as far as is known here, and may be asked for anew all the same. */
  mayBeAskedAnew: boolean;
  /** Whether it is over. */
  isOver: boolean;
}

export type Leg = Schemas['LegView'];

/** What this phone knows of a stop beside what the authority tells. */
export interface Known {
  /** How often a former phone had shown presence at the car. */
  formers?: number;
  /** Whether the car was named here, and what follows from that is to be approved. */
  isNamed?: boolean;
}

/** Tells the story of a stop. */
export function tell(texts: Texts, live: Live, now: number, known: Known = {}): Story {
  const { session } = live;
  const base = bySession(texts, live, now, known);
  if (!session.hold || base.isOver) return base;
  const cause = session.hold.cause as keyof Texts['customer']['held'];
  const held = texts.customer.held[cause] ?? texts.customer.held.staff;
  const isOwn = cause === 'customer';
  return {
    ...base,
    ...held,
    tone: 'warn',
    state: texts.state.held,
    waitsOn: isOwn ? 'you' : 'team',
    since: Date.parse(session.hold.since),
    action: isOwn ? 'resume' : undefined,
    canShowCode: false,
    mayBeAskedAnew: false,
  };
}

function bySession(texts: Texts, live: Live, now: number, known: Known): Story {
  const { formers = 0, isNamed = false } = known;
  const { session, history } = live;
  const states = texts.customer.states;
  const story = (told: Partial<Story> & { headline: string; body: string }): Story => ({
    tone: 'calm',
    state: texts.state[session.state as keyof Texts['state']] ?? session.state,
    waitsOn: undefined,
    since: undefined,
    step: 0,
    action: undefined,
    canShowCode: false,
    mayBeAskedAnew: false,
    isOver: false,
    ...told,
    headline: fill(told.headline, values(texts, session)),
    body: fill(told.body, values(texts, session)),
  });
  switch (session.state) {
    case 'requested':
      return story({ ...states.requested, waitsOn: 'you', action: 'verify' });
    case 'verified': {
      const told = isNamed ? { ...states.proposed, state: states.proposed.pill } : states.verified;
      return story({ ...told, waitsOn: 'you', action: 'bind' });
    }
    case 'vehicle_bound':
      return story({ ...states.vehicle_bound, tone: 'go', waitsOn: 'store', step: 1 });
    case 'en_route':
      return story({
        ...states.en_route,
        tone: 'move',
        waitsOn: 'driver',
        step: 1,
        canShowCode: true,
      });
    case 'arrived':
      return story({
        ...states.arrived,
        tone: 'move',
        waitsOn: 'you',
        step: 2,
        action: 'approve',
        canShowCode: true,
        since: whenLast(history, 'geofence.entered'),
      });
    case 'handoff_ready':
      return story({
        ...states.handoff_ready,
        ...{ tone: 'go', waitsOn: 'driver', step: 2 },
        ...presence(texts, live, now, formers),
      });
    case 'in_service':
      return story({
        ...inService(texts, session, history, now),
        step: 2,
        ...presence(texts, live, now, formers),
      });
    case 'completed': {
      const isPartial = history.some(
        (one) => one.what === 'session.completed' && one.why === 'partial',
      );
      const told = isPartial ? states.partial : states.completed;
      return story({ ...told, tone: isPartial ? 'warn' : 'go', step: 4, isOver: true });
    }
    case 'revoked': {
      const why = history.findLast((one) => one.what === 'session.revoked')?.why;
      const because = texts.customer.stoppedBy[why as keyof Texts['customer']['stoppedBy']];
      const left = session.legs.find(standsOpen);
      const isOnItsWay = session.legs.some(isUnanswered);
      const told = left ? states.stoppedOpen : isOnItsWay ? states.stoppedUnclear : states.revoked;
      const place = { place: left ? placeOf(texts, left) : '' };
      const body = because ? `${because} ${told.body}` : told.body;
      return story({ headline: fill(told.headline, place), body, tone: 'stop', isOver: true });
    }
    case 'expired':
      return story({ ...states.expired, tone: 'stop', isOver: true });
    default:
      return story({ ...states.in_service });
  }
}

/** Before something is opened: what was shown at the car grows old, and is none of a new phone's (M-OTP-1). */
function presence(
  texts: Texts,
  { session, history }: Live,
  now: number,
  formers: number,
): Partial<Story> {
  const { legs } = session;
  if (legs.some(isUnderWay) || legs.every(isOverLeg)) return {};
  const shownAt = whenLast(history, presenceProven);
  const isOld = shownAt !== undefined && now - shownAt > presenceFreshMs;
  const isFormers = formers > 0 && timesShown({ history }) <= formers;
  if (!isOld && !isFormers) return { canShowCode: true, mayBeAskedAnew: true };
  const told = texts.customer.states.again;
  return { ...told, tone: 'move', waitsOn: 'you', action: 'approve', canShowCode: true };
}

/** How often presence was shown at the car. */
export function timesShown({ history }: Pick<Live, 'history'>): number {
  return history.filter(({ what }) => what === presenceProven).length;
}

/** While legs are served, the leg that something happens to tells the story. */
function inService(
  texts: Texts,
  session: Session,
  history: Moment[],
  now: number,
): Partial<Story> & { headline: string; body: string } {
  const states = texts.customer.states;
  const leg = session.legs.find(isUnderWay);
  if (leg === undefined) {
    const isBetween = session.legs.some(isOverLeg);
    return {
      ...(isBetween ? states.betweenLegs : states.in_service),
      tone: 'move',
      waitsOn: 'driver',
    };
  }
  const isFuel = leg.kind === 'fuel';
  const since = whenLast(history, isFuel ? 'fuel.authorized' : 'lock.opened', leg.index);
  switch (leg.state) {
    case 'released':
    case 'authorised':
    case 'commanded':
      return isFuel
        ? { ...states.arming, tone: 'move', waitsOn: 'pump' }
        : { ...states.unlocking, tone: 'move', waitsOn: 'lock' };
    case 'open':
    case 'transferred': {
      const place = { place: placeOf(texts, leg) };
      if (!standsOpen(leg)) {
        return { ...states.shut, headline: fill(states.shut.headline, place), waitsOn: 'driver' };
      }
      const isLate = since !== undefined && now - since > leftOpenMs;
      const told = isLate ? states.openTooLong : states.open;
      const headline = fill(told.headline, place);
      return { ...told, headline, tone: isLate ? 'warn' : 'move', waitsOn: 'driver', since };
    }
    case 'indeterminate': {
      if (isFuel) return { ...states.indeterminateFuel, tone: 'warn', waitsOn: 'pump' };
      const headline = fill(states.indeterminate.headline, { place: placeOf(texts, leg) });
      return { ...states.indeterminate, headline, tone: 'warn', waitsOn: 'lock' };
    }
    default:
      return { ...states.dispensing, tone: 'move', waitsOn: 'pump', since };
  }
}

/** How a leg feels; once the stop is over, nothing more is done about what nobody confirmed. */
export function legTone(leg: Leg, isOver = false): Tone {
  switch (leg.state) {
    case 'open':
    case 'transferred':
      return isOver ? 'warn' : 'move';
    case 'pending':
      return 'calm';
    case 'secured':
    case 'settled':
      return 'go';
    case 'indeterminate':
    case 'taken_over':
      return 'warn';
    case 'failed':
      return 'stop';
    default:
      return 'move';
  }
}

/** The name of what is opened. */
export function placeOf(texts: Texts, leg: Leg): string {
  return (
    texts.leg.places[leg.compartment as keyof Texts['leg']['places']] ?? texts.leg.places.trunk
  );
}

/** What a leg is, for people. */
export function nameOf(texts: Texts, leg: Leg, role: 'customer' | 'driver' = 'customer'): string {
  const names = role === 'driver' ? texts.leg.forDriver : texts.leg.names;
  if (leg.kind === 'fuel') return names.fuel;
  return names[leg.compartment as keyof typeof names] ?? names.trunk;
}

/** The state of a leg, for people; once the stop is over, what was not begun never will be. */
export function stateOf(texts: Texts, leg: Leg, isOver = false): string {
  const states: Record<string, string> = leg.kind === 'fuel' ? texts.leg.fuel : texts.leg.goods;
  const isShut = leg.state === 'open' && !standsOpen(leg);
  const over = leg.state === 'pending' ? 'never' : isShut ? 'unconfirmed' : leg.state;
  const state = isOver ? over : isShut ? 'shut' : leg.state;
  return states[state] ?? leg.state;
}

/** What happened, in a sentence; it is another one for a pump than for what is opened. */
export function sentenceOf(texts: Texts, { what, leg }: Moment, legs: readonly Leg[]): string {
  const isFuel = legs.some(({ index, kind }) => index === leg && kind === 'fuel');
  const { history, ofFuel } = texts.customer;
  const said = isFuel ? ofFuel[what as keyof typeof ofFuel] : undefined;
  return said ?? history[what as keyof typeof history] ?? what;
}

/** When something happened last, in Unix milliseconds. */
export function whenLast(history: Moment[], what: string, leg?: number): number | undefined {
  const found = history.findLast(
    (one) => one.what === what && (leg === undefined || one.leg === leg),
  );
  return found && Date.parse(found.at);
}

function values(texts: Texts, session: Session): Record<string, string> {
  return {
    driver: session.assignment?.driver_name ?? texts.common.yourDriver,
    vehicle: session.vehicle.description ?? texts.customer.car.title,
    venue: session.venue_name,
  };
}

function isUnderWay(leg: Leg): boolean {
  return leg.state !== 'pending' && !isOverLeg(leg);
}

/** Whether nothing more happens to a leg: it was done, could not be, or a person has finished it. */
export function isOverLeg(leg: Leg): boolean {
  return ['secured', 'settled', 'failed', 'taken_over'].includes(leg.state);
}

/** Whether something was commanded of which nobody has heard what became: it may still happen. */
export function isUnanswered({ state }: { state: string }): boolean {
  return state === 'commanded' || state === 'indeterminate';
}

/** Whether what a leg fills stands open: a lid that is shut and was not confirmed is none. */
export function standsOpen({ stands_open }: { stands_open: boolean }): boolean {
  return stands_open;
}

/** In which bay the car stands, as the order says; nobody knows it once the car has moved. */
export function bayOf({ session, history }: Live): string | undefined {
  const said = history.findLastIndex(({ what }) =>
    ['session.created', 'order.amended'].includes(what),
  );
  const left = history.findLastIndex(
    ({ what, why }) => what === 'binding.voided' && why !== 'amended',
  );
  return left > said ? undefined : (session.vehicle.bay ?? undefined);
}

const presenceProven = 'presence.proven';
