/** The stops of a board, as values: every change makes new ones. */

import type { Session } from '../api/client';
import type { Stop } from './queue';

export type Stops = ReadonlyMap<string, Stop>;

/** No stops. */
export const none: Stops = new Map();

/** The same, with these as they are now. */
export function withSessions(
  stops: Stops,
  sessions: readonly (Session & { changed_at?: string })[],
  now: number,
): Stops {
  const next = new Map(stops);
  for (const session of sessions) {
    const changedAt = session.changed_at ? Date.parse(session.changed_at) : now;
    next.set(session.id, stopOf(session, next.get(session.id), changedAt));
  }
  return next;
}

/** The same, where exactly these wait for an answer to what their customer complains of. */
export function withDisputed(stops: Stops, disputed: readonly string[]): Stops {
  const next = new Map(stops);
  for (const [id, stop] of stops) {
    if (stop.isDisputed !== disputed.includes(id))
      next.set(id, { ...stop, isDisputed: !stop.isDisputed });
  }
  return next;
}

function stopOf(session: Session, before: Stop | undefined, changedAt: number): Stop {
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
    changedAt,
    exceptions: session.exceptions,
    isDisputed: before?.isDisputed ?? false,
  };
}
