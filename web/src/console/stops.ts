/** The stops of a board, as values: every change makes new ones. */

import type { Session } from '../api/client';
import type { Stop } from './queue';

export type Stops = ReadonlyMap<string, Stop>;

/** No stops. */
export const none: Stops = new Map();

/** The same, with these as they are now. */
export function withSessions(stops: Stops, sessions: readonly Session[], now: number): Stops {
  const next = new Map(stops);
  for (const session of sessions) {
    next.set(session.id, stopOf(session, next.get(session.id), now));
  }
  return next;
}

/** The same, with something unusual noted at one of them. */
export function withException(stops: Stops, id: string, exception: string): Stops {
  const stop = stops.get(id);
  if (!stop || stop.exceptions.includes(exception)) return stops;
  return new Map(stops).set(id, { ...stop, exceptions: [...stop.exceptions, exception] });
}

function stopOf(session: Session, before: Stop | undefined, now: number): Stop {
  return {
    id: session.id,
    state: session.state,
    hold: session.hold ?? null,
    legs: session.legs,
    window: session.window,
    venue: session.venue,
    venueName: session.venue_name,
    vehicle: session.vehicle,
    driverName: session.assignment?.driver_name ?? null,
    // Until the list says when it was, a stop that was there already has the end of its window.
    changedAt: before ? now : Date.parse(session.window.end),
    exceptions: before?.exceptions ?? [],
  };
}
