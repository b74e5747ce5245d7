/** What a driver does next at a stop, one thing at a time. Pure; whether it is permitted the authority says when asked. */

import type { Live } from '../api/client';
import {
  isOverLeg,
  isUnanswered,
  placeOf,
  standsOpen,
  timesShown,
  type Leg,
  type Tone,
} from '../customer/story';
import { fill, type Texts } from '../texts';

/** The one thing to do now. */
export type Doing =
  | { kind: 'plate' | 'arrive' | 'prove' | 'wait' | 'done' }
  | { kind: 'load' | 'shut' | 'fuelling'; leg: Leg }
  /** To open, for which presence is to be shown anew first where that was found to be lacking. */
  | { kind: 'release'; leg: Leg; proves: boolean };

export interface Step {
  tone: Tone;
  title: string;
  body: string;
  doing: Doing;
}

/** What this phone knows of a stop beside what the authority tells. */
export interface Known {
  /** Whether the plate that was read is the car's; unknown until one was read. */
  plateMatches?: boolean | undefined;
  /** How often presence had been shown when an opening was refused for want of it. */
  lackedAt?: number | undefined;
  /** Whether the phone is at the right place, and only has to rest there. */
  lacksRest?: boolean;
}

/** The next step. */
export function nextStep(texts: Texts, live: Live, known: Known = {}): Step {
  const { plateMatches, lackedAt, lacksRest = false } = known;
  const { session } = live;
  const say = texts.driver.steps;
  const step = (
    told: { title: string; body: string },
    doing: Doing,
    tone: Tone = 'move',
  ): Step => ({
    tone,
    title: fill(told.title, values(live)),
    body: fill(told.body, values(live)),
    doing,
  });
  const isOver = ['completed', 'revoked', 'expired'].includes(session.state);
  if (session.hold && !isOver) return step(say.held, { kind: 'wait' }, 'warn');
  switch (session.state) {
    case 'en_route':
      if (plateMatches === false) return step(say.wrongCar, { kind: 'plate' }, 'stop');
      return plateMatches
        ? step(lacksRest ? { ...say.arrive, body: say.arrive.rest } : say.arrive, {
            kind: 'arrive',
          })
        : step(say.plate, { kind: 'plate' });
    case 'arrived':
      return step(say.prove, { kind: 'prove' });
    case 'handoff_ready':
    case 'in_service':
      return serving(texts, live, timesShown(live) === lackedAt, step);
    case 'completed':
      return step(say.done, { kind: 'done' }, 'go');
    case 'revoked': {
      const left = session.legs.find(standsOpen);
      if (left === undefined) {
        const isOnItsWay = session.legs.some(isUnanswered);
        return step(isOnItsWay ? say.stoppedUnclear : say.stopped, { kind: 'done' }, 'stop');
      }
      const title = fill(say.stoppedOpen.title, { place: placeOf(texts, left) });
      return step({ ...say.stoppedOpen, title }, { kind: 'done' }, 'stop');
    }
    case 'expired':
      return step(say.expired, { kind: 'done' }, 'stop');
    default:
      return step(say.customerFirst, { kind: 'wait' }, 'calm');
  }
}

function serving(
  texts: Texts,
  { session }: Live,
  proves: boolean,
  step: (told: { title: string; body: string }, doing: Doing, tone?: Tone) => Step,
): Step {
  const say = texts.driver.steps;
  const leg = session.legs.find((leg) => !isOverLeg(leg));
  if (leg === undefined) return step(say.between, { kind: 'wait' });
  const named = (told: { title: string; body: string }): { title: string; body: string } => ({
    title: fill(told.title, { place: placeOf(texts, leg) }),
    body: fill(told.body, { place: placeOf(texts, leg) }),
  });
  const isFuel = leg.kind === 'fuel';
  switch (leg.state) {
    case 'pending':
      return step(
        named(isFuel ? say.startPump : say.unlock),
        { kind: 'release', leg, proves },
        'go',
      );
    case 'open':
      return step(named(say.load), { kind: 'load', leg });
    case 'transferred':
      return step(named(say.shut), { kind: 'shut', leg });
    case 'dispensing':
    case 'dispensed':
      return step(say.fuelling, { kind: 'fuelling', leg });
    case 'indeterminate':
      return step(named(isFuel ? say.unclearFuel : say.unclear), { kind: 'wait' }, 'warn');
    default:
      return step(isFuel ? say.waitPump : say.waitLock, { kind: 'wait' });
  }
}

function values({ session }: Live): Record<string, string> {
  return {
    car: session.vehicle.description ?? '',
    plate: session.vehicle.plate_last3 ?? '',
    venue: session.venue_name,
  };
}
