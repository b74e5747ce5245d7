/**
 * A city that does not exist: streets, blocks, houses and parks from a seed, piece by piece and without end, so that a map
 * has ground to show where no tiles are (M-UXP-1). The same seed makes the same city; nothing in it is anybody's data.
 *
 * Distances are metres east and south of the city's middle. It knows no screen and no coordinates of the earth.
 */

/** A point in metres. */
export type Point = readonly [x: number, y: number];

/** A rectangle in metres that is kept clear of houses. */
export interface Box {
  west: number;
  north: number;
  east: number;
  south: number;
}

/** What a piece of the city is drawn of: outlines as SVG paths. */
export interface Piece {
  streets: string;
  avenues: string;
  houses: string;
  parks: string;
  names: StreetName[];
}

/** A name along an avenue. */
export interface StreetName {
  text: string;
  at: Point;
  /** Degrees clockwise. */
  turn: number;
}

/** Side of a piece; its edges are avenues. */
export const pieceM = 460;

/** One city. */
export class City {
  readonly #number: number;
  readonly #pieces = new Map<string, Piece>();

  constructor(
    seed: string,
    private readonly clear: readonly Box[] = [],
  ) {
    this.#number = hash(seed);
  }

  /** The piece at this column and row. */
  piece(column: number, row: number): Piece {
    const name = `${column}/${row}`;
    const known = this.#pieces.get(name);
    if (known) return known;
    const made = this.#make(column, row);
    this.#pieces.set(name, made);
    return made;
  }

  /** The river, between two points of the compass, as the middle of its bed. */
  river(west: number, east: number): string {
    const points: Point[] = [];
    const from = Math.floor(west / riverStepM) - 1;
    const to = Math.ceil(east / riverStepM) + 1;
    for (let step = from; step <= to; step += 1) {
      const x = step * riverStepM;
      points.push([x, this.#riverAt(x)]);
    }
    return line(points);
  }

  #make(column: number, row: number): Piece {
    const dice = random(this.#number ^ hash(`${column},${row}`));
    const kind = kindOf(dice(), column, row);
    const origin: Point = [column * pieceM, row * pieceM];
    const at = (u: number, v: number): Point =>
      this.#bend([origin[0] + u * pieceM, origin[1] + v * pieceM]);
    const avenues = line(along(at, 'u', 0)) + line(along(at, 'v', 0));
    const names = this.#names(column, row, at);
    if (kind === 'park') {
      const paths =
        line(curve(at, dice(), dice(), dice())) + line(curve(at, dice(), dice(), dice()));
      return { avenues, names, streets: paths, houses: '', parks: area(ring(at, 0.05)) };
    }
    // Rows of blocks run either way; each is cut by streets of its own.
    const isUpright = dice() < 0.5;
    const turned: Place = isUpright ? (u, v) => at(v, u) : at;
    const { rows, columns } = grids[kind];
    let [streets, houses, parks] = ['', '', ''];
    for (let row = 0; row < rows; row += 1) {
      const [v, h] = [row / rows, 1 / rows];
      if (row > 0) streets += line(along(turned, 'u', v));
      const cuts = columns[Math.floor(dice() * columns.length)] ?? 3;
      for (let cut = 0; cut < cuts; cut += 1) {
        const [u, w] = [cut / cuts, 1 / cuts];
        if (cut > 0) streets += line([turned(u, v), turned(u, v + h / 2), turned(u, v + h)]);
        const block: Block = { u, v, w, h };
        if (dice() < greenChance) parks += area(corners(turned, inset(block, 0.14)));
        else
          houses += this.#houses(turned, inset(block, kind === 'works' ? 0.1 : 0.13), kind, dice);
      }
    }
    return { avenues, names, streets, houses, parks };
  }

  /** Houses along the edges of a block, with a yard between them. */
  #houses(at: Place, block: Block, kind: Kind, dice: () => number): string {
    const depth = kind === 'works' ? 1 : 0.36 + dice() * 0.1;
    const lots =
      kind === 'works'
        ? 1 + Math.floor(dice() * 2)
        : 4 + Math.floor((dice() * 14 * block.w) / 0.33);
    let drawn = '';
    for (const side of depth > 0.9 ? [0] : [0, 1 - depth]) {
      let from = 0;
      for (let lot = 0; lot < lots && from < 0.98; lot += 1) {
        const wide = Math.min(1 - from, (0.7 + dice() * 0.6) / lots);
        const gap = Math.min(0.03, wide / 5);
        const setBack = side === 0 ? 0 : dice() * 0.08;
        const house: Block = {
          u: block.u + (from + gap) * block.w,
          v: block.v + (side + setBack) * block.h,
          w: (wide - 2 * gap) * block.w,
          h: depth * (0.72 + dice() * 0.28) * block.h,
        };
        from += wide;
        if (dice() < emptyLotChance) continue;
        const outline = corners(at, house);
        if (!this.#isKeptClear(outline)) drawn += area(outline);
      }
    }
    return drawn;
  }

  #isKeptClear(outline: readonly Point[]): boolean {
    const [x, y] = middle(outline);
    if (Math.abs(y - this.#riverAt(x)) < riverWidthM * 0.9) return true;
    return this.clear.some(
      (box) =>
        x > box.west - marginM &&
        x < box.east + marginM &&
        y > box.north - marginM &&
        y < box.south + marginM,
    );
  }

  #names(column: number, row: number, at: Place): StreetName[] {
    const named = (way: string, index: number): string => {
      const dice = random(this.#number ^ hash(`${way}${index}`));
      const name = names[Math.floor(dice() * names.length)] ?? '';
      return `${name} ${way === 'row' ? 'Avenue' : 'Street'}`;
    };
    const label = (text: string, from: Point, to: Point): StreetName => {
      const turn = (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
      return { text, at: middle([from, to]), turn };
    };
    const drawn: StreetName[] = [];
    if (column % 2 === 0) drawn.push(label(named('row', row), at(0.4, 0), at(0.6, 0)));
    if (row % 2 !== 0) drawn.push(label(named('column', column), at(0, 0.6), at(0, 0.4)));
    return drawn;
  }

  /** Bends the plane a little, so that no two streets are quite parallel. */
  #bend([x, y]: Point): Point {
    const wave = (scale: number, salt: number): number =>
      noise(this.#number + salt, x / scale, y / scale) - 0.5;
    return [
      x + 170 * wave(1400, 1) + 26 * wave(330, 2),
      y + 170 * wave(1400, 3) + 26 * wave(330, 4),
    ];
  }

  #riverAt(x: number): number {
    const salt = this.#number + 9;
    return 560 + 620 * (noise(salt, x / 1500, 0) - 0.5) + 90 * (noise(salt, x / 420, 7) - 0.5);
  }
}

type Place = (u: number, v: number) => Point;
type Kind = 'homes' | 'town' | 'works' | 'park';

/** A part of a piece, in fractions of its side. */
interface Block {
  u: number;
  v: number;
  w: number;
  h: number;
}

function kindOf(dice: number, column: number, row: number): Kind {
  const distance = Math.hypot(column + 0.5, row + 0.5);
  if (distance > 0.9 && dice < 0.13) return 'park';
  if (dice > 0.9 || (distance > 5 && dice > 0.72)) return 'works';
  return distance < 2.6 ? 'town' : 'homes';
}

function inset({ u, v, w, h }: Block, by: number): Block {
  const edge = Math.min(w, h) * by;
  return { u: u + edge, v: v + edge, w: w - 2 * edge, h: h - 2 * edge };
}

function corners(at: Place, { u, v, w, h }: Block): Point[] {
  return [at(u, v), at(u + w, v), at(u + w, v + h), at(u, v + h)];
}

/** The edge of a whole piece, with enough points to follow its bends. */
function ring(at: Place, by: number): Point[] {
  const points: Point[] = [];
  const steps = 8;
  const go = (u0: number, v0: number, u1: number, v1: number): void => {
    for (let step = 0; step < steps; step += 1) {
      const part = step / steps;
      points.push(at(u0 + (u1 - u0) * part, v0 + (v1 - v0) * part));
    }
  };
  go(by, by, 1 - by, by);
  go(1 - by, by, 1 - by, 1 - by);
  go(1 - by, 1 - by, by, 1 - by);
  go(by, 1 - by, by, by);
  return points;
}

function along(at: Place, way: 'u' | 'v', where: number): Point[] {
  const points: Point[] = [];
  for (let step = 0; step <= 8; step += 1) {
    points.push(way === 'u' ? at(step / 8, where) : at(where, step / 8));
  }
  return points;
}

/** A path through a park. */
function curve(at: Place, from: number, to: number, swing: number): Point[] {
  const points: Point[] = [];
  for (let step = 0; step <= 12; step += 1) {
    const part = step / 12;
    const v = from + (to - from) * part + (swing - 0.5) * 0.6 * Math.sin(Math.PI * part);
    points.push(at(0.05 + 0.9 * part, Math.min(0.95, Math.max(0.05, v))));
  }
  return points;
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce<Point>(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

function line(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index ? 'L' : 'M'}${round(x)} ${round(y)}`).join('');
}

function area(points: readonly Point[]): string {
  return `${line(points)}Z`;
}

const round = (metres: number): number => Math.round(metres * 10) / 10;

/** FNV-1a over the text, 32 bits. */
export function hash(text: string): number {
  let number = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    number = Math.imul(number ^ byte, 0x01000193);
  }
  return number >>> 0;
}

/** Mulberry32: numbers from zero up to one. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Smooth noise from zero to one over a grid of whole numbers. */
function noise(seed: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const corner = (dx: number, dy: number): number =>
    random(seed ^ Math.imul(left + dx, 0x27d4eb2f) ^ Math.imul(top + dy, 0x165667b1))();
  const ease = (part: number): number => part * part * (3 - 2 * part);
  const [u, v] = [ease(x - left), ease(y - top)];
  const upper = corner(0, 0) * (1 - u) + corner(1, 0) * u;
  const lower = corner(0, 1) * (1 - u) + corner(1, 1) * u;
  return upper * (1 - v) + lower * v;
}

/** How many rows of blocks a piece has, and how often a row may be cut. */
const grids: Record<Exclude<Kind, 'park'>, { rows: number; columns: readonly number[] }> = {
  town: { rows: 5, columns: [3, 4, 4, 5] },
  homes: { rows: 5, columns: [2, 3, 3, 4] },
  works: { rows: 3, columns: [1, 2, 2, 3] },
};
/** Width of the river's bed. */
export const riverWidthM = 84;
const riverStepM = 60;
const marginM = 10;
const greenChance = 0.07;
const emptyLotChance = 0.09;
const names = [
  ...['Alder', 'Aspen', 'Beacon', 'Bishop', 'Calder', 'Canal', 'Cedar', 'Chandler', 'Clover'],
  ...['Cooper', 'Dover', 'Ember', 'Fairway', 'Ferry', 'Foundry', 'Garnet', 'Granary', 'Harbor'],
  ...['Hazel', 'Heron', 'Juniper', 'Kestrel', 'Lantern', 'Linden', 'Maple', 'Mercer', 'Mill'],
  ...['Orchard', 'Osprey', 'Pilot', 'Quarry', 'Rowan', 'Saddler', 'Sparrow', 'Tanner', 'Willow'],
] as const;
