import { expect, test } from 'vitest';
import { City, hash, pieceM } from './city';

test('a seed makes the same city every time, and another seed another one', () => {
  const pieces = (seed: string): string => {
    const city = new City(seed);
    const parts = [];
    for (let column = -3; column < 3; column += 1) {
      for (let row = -3; row < 3; row += 1) parts.push(JSON.stringify(city.piece(column, row)));
    }
    return parts.join() + city.river(-1000, 1000);
  };
  expect(pieces('Carhop Bay')).toBe(pieces('Carhop Bay'));
  expect(pieces('Carhop Bay')).not.toBe(pieces('Carhop Cove'));
  // Whoever changes the generator changes every picture of it: the number says so.
  expect(hash(pieces('Carhop Bay'))).toMatchInlineSnapshot(`555875806`);
});

test('streets meet where pieces meet', () => {
  const city = new City('seam');
  const ends = (path: string): string[] => [...path.matchAll(/-?[\d.]+ -?[\d.]+/g)].map(String);
  const here = ends(city.piece(0, 0).avenues);
  const next = ends(city.piece(1, 0).avenues);
  // The avenue along the northern edge goes on where it ended.
  expect(next[0]).toBe(here[8]);
});

test('no house stands where a venue is, nor in the river', () => {
  const box = { west: -120, north: -120, east: 120, south: 120 };
  const inside = (houses: string): number =>
    houses.split('Z').filter((house) => {
      const points = [...house.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)];
      if (points.length === 0) return false;
      const x = points.reduce((sum, point) => sum + Number(point[1]), 0) / points.length;
      const y = points.reduce((sum, point) => sum + Number(point[2]), 0) / points.length;
      return x > box.west && x < box.east && y > box.north && y < box.south;
    }).length;
  const count = (city: City): number =>
    [-1, 0].flatMap((x) => [-1, 0].map((y) => inside(city.piece(x, y).houses))).reduce(sum, 0);
  expect(count(new City('clear'))).toBeGreaterThan(3);
  expect(count(new City('clear', [box]))).toBe(0);
});

test('every number of a piece is finite and near its piece', () => {
  const city = new City('bounds');
  const { houses, streets, avenues, parks } = city.piece(4, -2);
  const numbers = [...`${houses}${streets}${avenues}${parks}`.matchAll(/-?[\d.]+/g)].map(Number);
  expect(numbers.length).toBeGreaterThan(100);
  for (const number of numbers) expect(Math.abs(number)).toBeLessThan(6 * pieceM);
});

function sum(one: number, other: number): number {
  return one + other;
}
