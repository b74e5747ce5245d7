import { expect, test } from 'vitest';
import type { Point } from '../city/city';
import { project, unproject } from './geo';
import { addressOf, cornerOf, covering, tileAt, zoomFor } from './tiles';

test('tiles have the corners and numbers that the web gives them', () => {
  for (const [zoom, column, row, longitude, latitude] of [
    [0, 0, 0, -180, 85.0511287798],
    [1, 1, 1, 0, 0],
    [2, 1, 1, -90, 66.5132604431],
    [2, 3, 3, 90, -66.5132604431],
    [10, 511, 340, -0.3515625, 51.6180165488],
    [19, 524_288, 524_288, 180, -85.0511287798],
  ] as const) {
    const [east, north] = cornerOf({ zoom, column, row });
    expect([east, north].map((degrees) => degrees.toFixed(8))).toEqual(
      [longitude, latitude].map((degrees) => degrees.toFixed(8)),
    );
  }
  for (const [zoom, place, column, row] of [
    [18, [139.7006793, 35.6590699], 232_798, 103_246],
    [10, [-0.1278, 51.5074], 511, 340],
    [16, [-122.083, 37.391], 10_543, 25_419],
    [0, [0, 0], 0, 0],
  ] as const) {
    expect(tileAt(zoom, place).map(Math.floor)).toEqual([column, row]);
  }
});

test('a level is chosen whose pixels are nearest to the map’s', () => {
  for (const [pixelsPerMetre, latitude, zoom] of [
    [256 / 40_075_017, 0, 0],
    [1 / 2.387, 0, 16],
    [1 / 2.387, 60, 15],
    [0.14, 37.39, 14],
    [8, 37.39, 19],
    [0.000_001, 0, 0],
  ] as const) {
    expect(zoomFor(pixelsPerMetre, latitude)).toBe(zoom);
  }
});

test('tiles cover what is seen without a gap, and their corners lie where the map draws them', () => {
  for (const anchor of [
    { latitude: 37.3906, longitude: -122.0838 },
    { latitude: -54.8, longitude: -68.3 },
    { latitude: 69.65, longitude: 18.96 },
    { latitude: -16.8, longitude: 179.999 },
  ]) {
    const view = { west: -900, east: 700, north: -500, south: 600 };
    const laid = covering(anchor, view, 0.5);
    expect(laid.length).toBeGreaterThan(5);
    expect(laid.length).toBeLessThan(60);
    for (const { tile, box } of laid) {
      const [longitude, latitude] = cornerOf(tile);
      const [east, north] = unproject(anchor, [box.west, box.north]);
      expect(((east - longitude + 540) % 360) - 180).toBeCloseTo(0, 9);
      expect(north).toBeCloseTo(latitude, 9);
      expect(tile.column).toBeLessThan(2 ** tile.zoom);
    }
    for (const [x, y] of [...corners(view), [0, 0] as Point]) {
      const over = laid.filter(
        ({ box }) => box.west <= x && x < box.east && box.north <= y && y < box.south,
      );
      expect(over.length).toBe(1);
    }
    // The projections differ, but over a venue by less than a pixel.
    const [middle] = laid.filter(
      ({ box }) => box.west <= 0 && 0 < box.east && box.north <= 0 && 0 < box.south,
    );
    if (!middle) throw new Error('nothing lies under the middle');
    const { tile, box } = middle;
    const within = tileAt(tile.zoom, unproject(anchor, [60, 60]));
    const side = box.east - box.west;
    const seen = [
      box.west + modulo(within[0] - tile.column, 2 ** tile.zoom) * side,
      box.north + (within[1] - tile.row) * side,
    ];
    expect(Math.hypot((seen[0] ?? 0) - 60, (seen[1] ?? 0) - 60) * 0.5).toBeLessThan(1);
    expect(project(anchor, [anchor.longitude, anchor.latitude]).map(Math.abs)).toEqual([0, 0]);
  }
});

test('an address is the template with the numbers put in', () => {
  const tile = { zoom: 16, column: 10_542, row: 25_438 };
  for (const [template, address] of [
    ['https://tiles.example/{z}/{x}/{y}.png', 'https://tiles.example/16/10542/25438.png'],
    ['/tiles?y={y}&x={x}&z={z}', '/tiles?y=25438&x=10542&z=16'],
  ] as const) {
    expect(addressOf(template, tile)).toBe(address);
  }
});

const modulo = (number: number, by: number): number => ((number % by) + by) % by;

function corners({
  west,
  east,
  north,
  south,
}: Record<'west' | 'east' | 'north' | 'south', number>): Point[] {
  return [
    [west, north],
    [east, north],
    [west, south],
    [east, south],
  ];
}
