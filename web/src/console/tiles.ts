/**
 * Tiles in web-mercator projection under the map's own plane: which ones are seen, where each lies in metres, and where it
 * is asked for. It asks for nothing itself.
 */

import type { Box, Point } from '../city/city';
import { project, unproject, type Anchor } from './geo';

/** A tile by its numbers, from the north-west of the world. */
export interface Tile {
  zoom: number;
  column: number;
  row: number;
}

/** Where a point of the earth falls among the tiles of a zoom level, in columns and rows. */
export function tileAt(zoom: number, [longitude, latitude]: Point): Point {
  const bend = Math.asinh(Math.tan((latitude * Math.PI) / 180));
  return [((longitude + 180) / 360) * 2 ** zoom, ((1 - bend / Math.PI) / 2) * 2 ** zoom];
}

/** The north-western corner of a tile, in degrees: longitude, latitude. */
export function cornerOf({ zoom, column, row }: Tile): Point {
  const bend = Math.PI * (1 - (2 * row) / 2 ** zoom);
  return [(column / 2 ** zoom) * 360 - 180, (Math.atan(Math.sinh(bend)) * 180) / Math.PI];
}

/** The zoom level whose pixels are nearest to those of the map. */
export function zoomFor(pixelsPerMetre: number, latitude: number): number {
  const around = equatorM * Math.cos((latitude * Math.PI) / 180);
  const zoom = Math.round(Math.log2((pixelsPerMetre * around) / tilePx));
  return Math.min(zoomMax, Math.max(0, zoom));
}

/** Every tile that a part of the plane shows, and where it lies there. */
export function covering(
  anchor: Anchor,
  view: Box,
  pixelsPerMetre: number,
): { tile: Tile; box: Box }[] {
  const zoom = zoomFor(pixelsPerMetre, anchor.latitude);
  const [west, north] = tileAt(zoom, unproject(anchor, [view.west, view.north]));
  const [east, south] = tileAt(zoom, unproject(anchor, [view.east, view.south]));
  const found = [];
  for (let column = Math.floor(west); column < east; column += 1) {
    for (let row = Math.max(0, Math.floor(north)); row < Math.min(south, 2 ** zoom); row += 1) {
      const [left, top] = project(anchor, cornerOf({ zoom, column, row }));
      const [right, bottom] = project(anchor, cornerOf({ zoom, column: column + 1, row: row + 1 }));
      const box = { west: left, north: top, east: right, south: bottom };
      // The world goes on behind its edge.
      found.push({ tile: { zoom, column: modulo(column, 2 ** zoom), row }, box });
    }
  }
  return found;
}

/** Where a tile is asked for. */
export function addressOf(template: string, { zoom, column, row }: Tile): string {
  return template
    .replace('{z}', String(zoom))
    .replace('{x}', String(column))
    .replace('{y}', String(row));
}

const modulo = (number: number, by: number): number => ((number % by) + by) % by;
const equatorM = 40_075_017;
/** Side of a tile that is shown as it is. */
const tilePx = 256;
/** The last level that tiles are commonly made for; nearer ones are shown larger. */
const zoomMax = 19;
