/** How a stop looks in a row, on the map and on its page: the same everywhere. */

import { fill, type ConsoleTexts, type Texts } from '../texts';
import { standsOpen, type Tone } from '../customer/story';
import { span } from '../parts/time.svelte';
import { attention, isOver, type Stop } from './queue';

/** Its tone and its one word. */
export function lookOf(stop: Stop, now: number, texts: ConsoleTexts): { tone: Tone; text: string } {
  const [gravest] = attention(stop, now);
  if (gravest === 'disputed') return { tone: 'warn', text: texts.attention.disputed };
  if (gravest === 'window_ending') return { tone: 'warn', text: stateText(stop, texts) };
  if (gravest) return { tone: 'stop', text: texts.attention[gravest] };
  if (stop.hold && !isOver(stop)) return { tone: 'warn', text: texts.queues.held };
  // An open lid is what matters, whatever the stop has come to.
  if (stop.legs.some(standsOpen)) {
    return isOver(stop)
      ? { tone: 'stop', text: texts.stops.stillOpen }
      : { tone: 'move', text: texts.stops.open };
  }
  return { tone: toneOf(stop), text: stateText(stop, texts) };
}

/** The state alone. */
export function stateText(stop: Stop, texts: ConsoleTexts): string {
  return texts.states[stop.state as keyof ConsoleTexts['states']] ?? stop.state;
}

/** What the car is called. */
export function carOf(stop: Stop, texts: ConsoleTexts): string {
  const { description } = stop.vehicle;
  if (!description) return texts.stops.someCar;
  return description.charAt(0).toUpperCase() + description.slice(1);
}

/** The car with the end of its plate, which tells stops apart. */
export function nameOf(stop: Stop, texts: ConsoleTexts): string {
  const { plate_last3: plate } = stop.vehicle;
  return plate ? `${carOf(stop, texts)} …${plate}` : carOf(stop, texts);
}

/** Who drives, or drove. */
export function driverOf(stop: Stop, texts: ConsoleTexts): string {
  return stop.driverName ?? (isOver(stop) ? texts.stops.neverDriver : texts.stops.noDriver);
}

/** How much time is left, and whether that is little. */
export function timeOf(
  stop: Stop,
  now: number,
  common: Texts,
  texts: ConsoleTexts,
): { text: string; isShort: boolean } {
  const [start, end] = [Date.parse(stop.window.start), Date.parse(stop.window.end)];
  if (now < start) {
    return {
      text: fill(texts.stops.startsIn, { time: long(common, start - now) }),
      isShort: false,
    };
  }
  if (now < end) {
    const time = long(common, end - now);
    return { text: fill(texts.stops.left, { time }), isShort: end - now < shortMs };
  }
  return { text: fill(texts.stops.late, { time: long(common, now - end) }), isShort: true };
}

/** A span of minutes, hours or days. */
export function long(common: Texts, milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return span(common, milliseconds);
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 60 / 24)} d`;
}

function toneOf(stop: Stop): Tone {
  switch (stop.state) {
    case 'completed':
    case 'handoff_ready':
    case 'vehicle_bound':
      return 'go';
    case 'en_route':
    case 'arrived':
    case 'in_service':
      return 'move';
    case 'revoked':
    case 'expired':
      return 'stop';
    default:
      return 'calm';
  }
}

const shortMs = 10 * 60_000;
