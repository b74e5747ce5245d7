/** Where this phone is, as the browser tells it; in a demo, where the demo's car stands. And what that comes to, in words. */

import type { Schemas } from '../api/client';
import { fill, type Texts } from '../texts';

export interface Found {
  latitude: number;
  longitude: number;
  accuracy: number;
  speed: number | null;
  /** Unix milliseconds by this phone's clock. */
  timestamp: number;
}

/** Whether the page is shown by a demo, which says where its visitor stands. */
export const isPlayed = (): boolean => played() !== null;

/** Looks once; a phone that cannot find out has no place. */
export async function locate(): Promise<Found | undefined> {
  const [latitude, longitude] = played()?.content.split(',').map(Number) ?? [];
  if (latitude !== undefined && longitude !== undefined) {
    return { latitude, longitude, accuracy: 6, speed: 0, timestamp: Date.now() };
  }
  if (!('geolocation' in navigator)) return undefined;
  const options = { enableHighAccuracy: true, maximumAge: 1_000, timeout: 5_000 };
  return new Promise((resolve) =>
    navigator.geolocation.getCurrentPosition(
      ({ coords, timestamp }) => {
        const { latitude, longitude, accuracy, speed } = coords;
        resolve({ latitude, longitude, accuracy, speed, timestamp });
      },
      () => resolve(undefined),
      options,
    ),
  );
}

/** Whether nothing but rest is missing: it is the right place, and the stay there is too short. */
export function lacksRest(place: Schemas['PlaceView'] | undefined): boolean {
  const why = place?.answer === 'uncertain' ? place.why : [];
  return why.length > 0 && why.every((one) => resting.includes(one));
}

/** What the place comes to. */
export function tellPlace(
  texts: Texts,
  place: Schemas['PlaceView'] | undefined,
  isSignRead: boolean,
): string {
  const told = texts.driver.place;
  if (isSignRead && place?.answer !== 'inside') return told.sign;
  if (!place) return told.none;
  if (place.answer === 'inside') return told.inside;
  if (lacksRest(place)) return told.resting;
  if (place.answer === 'uncertain') return told.uncertain;
  const metres = Math.round(Math.max(0, place.distance_m ?? 0));
  return fill(told.outside, { distance: fill(texts.units.metres, { metres }) });
}

/** What a short rest mends. */
const resting = ['dwelling', 'moving'];
const played = (): HTMLMetaElement | null => document.querySelector('meta[name="stands-at"]');
