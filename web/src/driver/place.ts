/** Where this phone is, as the browser tells it; in a demo, where the demo's car stands. */

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

const played = (): HTMLMetaElement | null => document.querySelector('meta[name="stands-at"]');
