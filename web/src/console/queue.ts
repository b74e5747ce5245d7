/**
 * Which stops need somebody, and which of them first. Pure, so that a table can show it; what may be done about them the
 * authority says when asked.
 */

import type { Schemas } from '../api/client';

export const queues = ['needs_you', 'held', 'in_progress', 'done'] as const;
export type Queue = (typeof queues)[number];

/** Why a stop needs somebody. */
export type Attention =
  | 'outcome_unknown'
  | 'exception'
  | 'safety'
  | 'tamper'
  | 'device_revoked'
  | 'vehicle_moved'
  | 'window_ending'
  | 'disputed';

/** A stop as the board has it. */
export interface Stop {
  id: string;
  state: string;
  hold: Schemas['HoldView'] | null;
  legs: { index: number; kind: string; state: string; stands_open: boolean }[];
  window: Schemas['TimeWindow'];
  venue: string;
  venueName: string;
  vehicle: Schemas['VehicleView'];
  driverName: string | null;
  /** When something about it changed last, in Unix milliseconds. */
  changedAt: number;
  /** What was raised and still waits for a person, by the names that the authority gives it; some come after an end. */
  exceptions: string[];
  /** Whether its customer reported a problem that nobody has answered yet. */
  isDisputed: boolean;
}

/** Whether it has ended. */
export function isOver(stop: Stop): boolean {
  return ['completed', 'revoked', 'expired'].includes(stop.state);
}

/** What a person should look at, gravest first. */
export function attention(stop: Stop, now: number): Attention[] {
  const found: Attention[] = [];
  if (stop.legs.some((leg) => leg.state === 'indeterminate')) found.push('outcome_unknown');
  if (stop.isDisputed) found.push('disputed');
  if (isOver(stop)) return stop.exceptions.length > 0 ? [...found, 'exception'] : found;
  switch (stop.hold?.cause) {
    case 'safety':
    case 'tamper':
    case 'device_revoked':
    case 'vehicle_moved':
      found.push(stop.hold.cause);
  }
  if (stop.exceptions.length > 0) found.push('exception');
  const left = Date.parse(stop.window.end) - now;
  if (isUnderWay(stop) && left < endingMs) found.push('window_ending');
  return found;
}

/** What a person can say where a device does not, about which leg. */
export interface Question {
  /** Whether a command was carried out; that a pump which ran is not heard any more; that the goods are inside. */
  about: 'outcome' | 'silence' | 'transfer';
  leg: number;
}

/** What a person is asked to find out, and to say here. */
export function questions({
  state,
  legs,
  exceptions,
}: Pick<Stop, 'state' | 'legs' | 'exceptions'>): Question[] {
  const isSilent = exceptions.includes('meter_silent') || exceptions.includes('outcome_unknown');
  const isUnconfirmed = exceptions.includes('transfer_unconfirmed') && state === 'in_service';
  return legs.flatMap(({ index: leg, state }): Question[] => {
    if (state === 'indeterminate') return [{ about: 'outcome', leg }];
    if (state === 'dispensing' && isSilent) return [{ about: 'silence', leg }];
    if (state === 'open' && isUnconfirmed) return [{ about: 'transfer', leg }];
    return [];
  });
}

/** The one queue that it stands in, so that the counts add up. */
export function queueOf(stop: Stop, now: number): Queue {
  if (attention(stop, now).length > 0) return 'needs_you';
  if (isOver(stop)) return 'done';
  return stop.hold ? 'held' : 'in_progress';
}

/** The queue that somebody is led to who has named none: the chosen stop's own, or where something is to be seen. */
export function beginning(stops: readonly Stop[], chosen: string | undefined, now: number): Queue {
  const stop = stops.find(({ id }) => id === chosen);
  if (stop) return queueOf(stop, now);
  return stops.some((one) => queueOf(one, now) === 'needs_you') ? 'needs_you' : 'in_progress';
}

/** What is due first stands first; what is done, by when it ended. */
export function sorted(stops: readonly Stop[], queue: Queue, now: number): Stop[] {
  const due = (stop: Stop): number => Date.parse(stop.window.end);
  const grave = (stop: Stop): number => {
    const [first] = attention(stop, now);
    if (first === 'disputed') return 2;
    return first === undefined || first === 'window_ending' ? 1 : 0;
  };
  return stops
    .filter((stop) => queueOf(stop, now) === queue)
    .sort((one, other) => {
      if (queue === 'done') return other.changedAt - one.changedAt || order(one.id, other.id);
      const byWeight = queue === 'needs_you' ? grave(one) - grave(other) : 0;
      return byWeight || due(one) - due(other) || order(one.id, other.id);
    });
}

/** Whether a stop has any of the words that were typed. */
export function matches(stop: Stop, words: string): boolean {
  const text = [stop.id, stop.vehicle.description, stop.vehicle.plate_last3, stop.driverName]
    .concat([stop.venueName, stop.vehicle.bay])
    .join(' ')
    .toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function isUnderWay(stop: Stop): boolean {
  return ['en_route', 'arrived', 'handoff_ready', 'in_service'].includes(stop.state);
}

function order(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** A stop under way whose window ends so soon may be lost. */
const endingMs = 10 * 60_000;
