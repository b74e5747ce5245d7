/** A drawing: what a hand does to it, and that nothing is lost on the way to the authority and back. */

import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import {
  allowed,
  cornersOf,
  drawingOf,
  geojsonOf,
  moved,
  permitted,
  referenceOf,
  split,
  square,
  without,
  withZone,
  type Drawing,
} from './fence';

const ring = [
  [1, 1],
  [2, 1],
  [2, 2],
  [1, 1],
];
const hole = [
  [1.6, 1.2],
  [1.8, 1.2],
  [1.8, 1.4],
  [1.6, 1.2],
];

function view(geojson: object): Schemas['VenueView'] {
  return { id: 'lot', name: 'Lot', version: 3, services: [], tags: 0, geojson };
}

const properties = { kind: 'parking', services: ['grocery_handoff'], level: 2, name: 'Lot' };

test('a drawing comes back as it was, with holes and with what its features say besides', () => {
  const polygon = {
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: [ring, hole] },
    properties,
  };
  const several = {
    type: 'Feature',
    geometry: { type: 'MultiPolygon', coordinates: [[ring], [hole]] },
    properties: { kind: 'fuelling', services: ['fuel_authorisation'], name: 'Lot' },
  };
  const whole = { type: 'FeatureCollection', name: 'Lot', features: [polygon, several] };
  const drawing = drawingOf(view(whole));
  expect(drawing.zones.map(({ kind }) => kind)).toEqual(['parking', 'fuelling', 'fuelling']);
  expect(cornersOf(drawing.zones[0] as never)).toHaveLength(3);
  const back = geojsonOf(drawing) as typeof whole;
  expect(back.features[0]).toEqual(polygon);
  expect(back.features[1]?.geometry).toEqual({ type: 'Polygon', coordinates: [ring] });
  // A single feature is a drawing too.
  expect(drawingOf(view(polygon)).zones).toEqual([drawing.zones[0]]);
});

test('corners are moved, added in the middle of an edge and removed, and three stay', () => {
  const [zone] = drawingOf(view({ type: 'Feature', geometry: undefined, properties })).zones;
  expect(zone).toBeUndefined();
  const drawn = square({ latitude: 0, longitude: 0 }, [0, 0]);
  expect(cornersOf(drawn)).toHaveLength(4);
  const wider = split(drawn, 3);
  expect(cornersOf(wider)).toHaveLength(5);
  const [first, last] = [cornersOf(drawn)[0], cornersOf(drawn)[3]];
  expect(cornersOf(wider)[4]?.[1]).toBeCloseTo(((first?.[1] ?? 0) + (last?.[1] ?? 0)) / 2, 7);
  expect(cornersOf(moved(drawn, 1, [0.123456789, 9]))[1]).toEqual([0.1234568, 9]);
  const three = without(drawn, 0);
  expect(cornersOf(three)).toHaveLength(3);
  expect(without(three, 0)).toEqual(three);
  const drawing: Drawing = { name: 'x', zones: [drawn, drawn] };
  expect(withZone(drawing, 1, { kind: 'exclusion' }).zones[0]).toBe(drawn);
});

test('only fuelling fuels, and what is excluded is permitted nowhere', () => {
  expect(allowed('fuelling')).toEqual(['fuel_authorisation']);
  expect(allowed('indoor')).not.toContain('fuel_authorisation');
  expect(allowed('exclusion')).toHaveLength(4);
  const zone = square({ latitude: 0, longitude: 0 }, [0, 0]);
  const kept: Drawing = {
    name: 'x',
    zones: [{ ...zone, kind: 'exclusion', services: ['locker_access'] }, zone],
  };
  expect(permitted(kept)).toEqual(['grocery_handoff']);
});

test('a reference is made of a name', () => {
  expect(referenceOf('  Parkhaus Süd, Ebene 2 ')).toBe('parkhaus-sud-ebene-2');
});
