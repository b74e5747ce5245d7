/**
 * What happened to a stop, as people say it: one sentence an event, with what it was because of. Pure, so that every event
 * can be tried in a test.
 */

import { fill, type ConsoleTexts, type Texts } from '../texts';
import type { Schemas } from '../api/client';
import type { Tone } from '../customer/story';
import { litres } from '../parts/time.svelte';
import type { Event } from './board.svelte';

/** One entry of a timeline. */
export interface Entry {
  position: number;
  at: number;
  tone: Tone;
  text: string;
  /** What it was because of, what it came to. */
  about: string | undefined;
  /** The decision behind it. */
  decision: string | undefined;
  /** Whether it is noise beside what matters. */
  isQuiet: boolean;
}

/** What an event was about: a service, done by a lock or by a pump. */
export type Part = Pick<Schemas['LegView'], 'index' | 'kind'>;

/** The name of an event without its prefix and version. */
export function nameOf(event: Event): string {
  return event.type.replace(/^carhop\./, '').replace(/\.v\d+$/, '');
}

/** Tells the events of a stop of these parts, oldest first. */
export function tell(
  events: readonly Event[],
  legs: readonly Part[],
  common: Texts,
  texts: ConsoleTexts,
): Entry[] {
  const end = events.findIndex((event) => ends.includes(nameOf(event)));
  return events.map((event, index) => {
    const name = nameOf(event);
    // A lid that is shut only after the end is what the staff wait for.
    const isAwaited = name === 'lock.locked' && end >= 0 && end < index;
    const at = Date.parse(event.time);
    return {
      position: event.position,
      at,
      tone: toneOf(name, event),
      text: textOf(event, name, legs, texts),
      about: aboutOf(event, name, common, texts),
      decision: event.decision ?? undefined,
      isQuiet: quiet.includes(name) && !isAwaited,
    };
  });
}

/** The sentence of an event; of a release, by what was released. */
function textOf(event: Event, name: string, legs: readonly Part[], texts: ConsoleTexts): string {
  const { leg } = (event.data ?? {}) as Data;
  const kind = legs.find(({ index }) => index === leg)?.kind;
  if (name === 'release.authorised' && kind !== undefined) {
    return kind === 'fuel' ? texts.permitted.fuel : texts.permitted.goods;
  }
  return texts.history[name as keyof ConsoleTexts['history']] ?? name;
}

/** Details as a table has them: nothing is left out of what the log says. */
export function detailsOf(event: Event): [name: string, value: string][] {
  const data = (event.data ?? {}) as Record<string, unknown>;
  return Object.entries(data)
    .filter(([name]) => name !== 'event')
    .map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]);
}

function aboutOf(
  event: Event,
  name: string,
  common: Texts,
  texts: ConsoleTexts,
): string | undefined {
  const data = (event.data ?? {}) as Data;
  const parts: string[] = [];
  if (name === 'request.refused' || name === 'proof.failed') {
    const [gravest] = data.reasons ?? [data.reason ?? ''];
    const said = texts.reasons[gravest as keyof ConsoleTexts['reasons']];
    // A plate that the customer types is nowhere near a car.
    if (data.request === 'propose_binding' && gravest === 'vehicle_mismatch') {
      parts.push(texts.plate.mistyped);
    } else if (said?.[1]) parts.push(said[1]);
  }
  if (name === 'vehicle.compared' && typeof data.matches === 'boolean') {
    parts.push(data.matches ? texts.plate.right : texts.plate.wrong);
  }
  if (name === 'dispute.opened') {
    const said = texts.dispute.about[data.about as keyof ConsoleTexts['dispute']['about']];
    if (said) parts.push(said);
  }
  const why = data.why ?? data.cause ?? data.exception ?? data.outcome;
  if (typeof why === 'string') {
    const said = texts.why[why as keyof ConsoleTexts['why']];
    if (said) parts.push(said);
  }
  if (name === 'presence.proven') {
    const said = texts.methods[data.method as keyof ConsoleTexts['methods']];
    if (said) parts.push(said);
  }
  if (name === 'outcome.stated') {
    const said = texts.act.bases[data.basis as keyof ConsoleTexts['act']['bases']];
    if (said) parts.push(said);
  }
  if (typeof data.metered_ml === 'number') {
    parts.push(fill(common.units.litres, { litres: litres(data.metered_ml, 2) }));
  }
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

function toneOf(name: string, event: Event): Tone {
  const { matches } = (event.data ?? {}) as Data;
  if (name === 'vehicle.compared') return matches === false ? 'warn' : 'calm';
  for (const [tone, names] of Object.entries(tones)) {
    if (names.includes(name)) return tone as Tone;
  }
  return 'calm';
}

interface Data {
  why?: unknown;
  cause?: unknown;
  exception?: unknown;
  outcome?: unknown;
  reasons?: string[];
  reason?: string;
  request?: string;
  method?: string;
  basis?: string;
  about?: string;
  metered_ml?: number;
  matches?: boolean;
  leg?: number;
}

const tones: Record<Exclude<Tone, 'calm'>, readonly string[]> = {
  go: [
    ...['session.bound', 'presence.proven', 'lock.secured', 'fuel.settled', 'session.completed'],
    ...['session.resumed', 'release.authorised'],
  ],
  move: [
    ...['driver.assigned', 'geofence.entered', 'command.sent', 'lock.opened', 'fuel.authorized'],
    ...['goods.transferred', 'fuel.dispensed'],
  ],
  warn: [
    ...[
      'session.held',
      'session.hold_eased',
      'release.unconfirmed',
      'proof.failed',
      'request.refused',
      'binding.voided',
    ],
    ...[
      'order.amended',
      'release.not_executed',
      'leg.failed',
      'exception.raised',
      'outcome.stated',
    ],
    ...['leg.taken_over', 'effect.abandoned', 'dispute.opened'],
  ],
  stop: ['session.revoked', 'session.expired', 'device.revoked', 'trust.revoked'],
};
const ends = ['session.completed', 'session.revoked', 'session.expired'];
const quiet = [
  ...[
    'token.issued',
    'token.revoked',
    'place.judged',
    'tag.scanned',
    'fuel.metered',
    'link.issued',
  ],
  ...['customer.bound', 'command.sent', 'refusals.capped', 'exceptions.capped', 'lock.locked'],
];
