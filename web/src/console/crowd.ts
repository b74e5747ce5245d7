/** Which of the pins at one spot are drawn, and where around it: a crowd stays readable. Pure; what stands first is drawn. */

import type { Point } from '../city/city';

/** What stands around one spot. */
export interface Crowd<P> {
  at: Point;
  /** What is drawn, and at which seat beside the spot, counted in pins. */
  seats: { pin: P; seat: Point }[];
  /** What is only counted, and where the number stands. */
  rest: readonly P[];
  restSeat: Point;
}

/** Seats everybody; who is chosen is drawn in any case. */
export function crowds<P extends { at: Point; isChosen: boolean }>(pins: readonly P[]): Crowd<P>[] {
  const spots = new Map<string, P[]>();
  for (const pin of pins) {
    const spot = pin.at.join();
    spots.set(spot, [...(spots.get(spot) ?? []), pin]);
  }
  return [...spots.values()].map((all) => {
    const first = all.length > seatsMax ? all.slice(0, seatsMax - 1) : all;
    const late = all.find((pin) => pin.isChosen && !first.includes(pin));
    const drawn = late ? [...first.slice(0, -1), late] : first;
    const rest = all.filter((pin) => !drawn.includes(pin));
    const taken = drawn.length + (rest.length > 0 ? 1 : 0);
    return {
      at: all[0]?.at ?? [0, 0],
      seats: drawn.map((pin, index) => ({ pin, seat: seatOf(index, taken) })),
      rest,
      restSeat: seatOf(taken - 1, taken),
    };
  });
}

/** Rows around the middle, each in the middle of its own. */
function seatOf(index: number, taken: number): Point {
  const columns = Math.min(columnsMax, Math.ceil(Math.sqrt(taken * 1.6)));
  const rows = Math.ceil(taken / columns);
  const row = Math.floor(index / columns);
  const inRow = Math.min(columns, taken - row * columns);
  return [(index % columns) - (inRow - 1) / 2, row - (rows - 1) / 2];
}

const columnsMax = 4;
const seatsMax = 8;
