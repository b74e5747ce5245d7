import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { languages, load } from '../texts';
import { lacksRest, tellPlace } from './place';

const at = (
  answer: string,
  why: string[] = [],
  distance_m: number | null = -4,
): Schemas['PlaceView'] => ({ answer, why, distance_m, probability: 0.9, dwell_ms: 3_000 });

test('rest is asked for where it is missing, and only there', () => {
  const rows: [Schemas['PlaceView'] | undefined, boolean][] = [
    [undefined, false],
    [at('inside'), false],
    [at('inside', ['between_thresholds']), false],
    [at('uncertain', ['dwelling']), true],
    [at('uncertain', ['moving', 'dwelling']), true],
    [at('uncertain', ['accuracy_too_low']), false],
    [at('uncertain', ['between_thresholds', 'dwelling']), false],
    [at('uncertain', ['stale']), false],
    [at('outside', ['outside', 'moving'], 140), false],
  ];
  for (const [place, lacks] of rows) expect(lacksRest(place), JSON.stringify(place)).toBe(lacks);
});

for (const language of languages) {
  test(`${language}: a place is told by what would help`, async () => {
    const texts = await load(language);
    const { place: told } = texts.driver;
    const rows: [Schemas['PlaceView'] | undefined, boolean, string][] = [
      [undefined, false, told.none],
      [undefined, true, told.sign],
      [at('inside'), true, told.inside],
      [at('uncertain', ['dwelling']), false, told.resting],
      [at('uncertain', ['dwelling']), true, told.sign],
      [at('uncertain', ['accuracy_too_low']), false, told.uncertain],
      [at('outside', ['outside'], 139.6), false, told.outside.replace('{distance}', '140 m')],
    ];
    for (const [place, isSignRead, text] of rows) {
      expect(tellPlace(texts, place, isSignRead)).toBe(text);
    }
  });
}
