import { expect, test } from 'vitest';
import type { Point } from '../city/city';
import { crowds } from './crowd';

test('a few at one spot are all drawn, side by side, and those elsewhere apart from them', () => {
  const found = crowds([pin('a'), pin('b'), pin('c', { at: [90, 0] })]);
  expect(found.map(({ at, seats }) => [at, seats.map(({ pin, seat }) => [pin.id, seat])])).toEqual([
    [
      [0, 0],
      [
        ['a', [-0.5, 0]],
        ['b', [0.5, 0]],
      ],
    ],
    [[90, 0], [['c', [0, 0]]]],
  ]);
});

test('of a crowd the first are drawn and the others counted, and nobody sits on anybody', () => {
  const many = Array.from({ length: 40 }, (_, at) => pin(`p${at}`));
  const [crowd] = crowds(many);
  expect(crowd?.seats.map((one) => one.pin.id)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
  expect(crowd?.rest).toHaveLength(33);
  const seats = [...(crowd?.seats ?? []).map(({ seat }) => seat), crowd?.restSeat];
  expect(new Set(seats.map(String)).size).toBe(8);
  // As many as there are seats need no number.
  expect(crowds(many.slice(0, 8))[0]?.rest).toEqual([]);
});

test('who is chosen is drawn however many stand before', () => {
  const many = Array.from({ length: 40 }, (_, at) => pin(`p${at}`, { isChosen: at === 33 }));
  const [crowd] = crowds(many);
  expect(crowd?.seats.at(-1)?.pin.id).toBe('p33');
  expect(crowd?.seats).toHaveLength(7);
  expect(crowd?.rest).toHaveLength(33);
});

interface Pin {
  id: string;
  at: Point;
  isChosen: boolean;
}

function pin(id: string, change: Partial<Pin> = {}): Pin {
  return { id, at: [0, 0], isChosen: false, ...change };
}
