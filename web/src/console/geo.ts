/** Venues on a plane: metres east and south of a middle, good for the few kilometres that a map shows. */

import type { Box, Point } from '../city/city';
import type { Schemas } from '../api/client';

/** The middle of a plane. */
export interface Anchor {
  latitude: number;
  longitude: number;
}

/** A zone as it is drawn. */
export interface Zone {
  kind: string;
  services: string[];
  name: string | undefined;
  /** Outer ring and holes, in degrees: longitude, latitude. */
  rings: Point[][];
}

/** A venue with its zones. */
export interface Venue {
  id: string;
  name: string;
  zones: Zone[];
}

/** Degrees to metres. */
export function project(anchor: Anchor, [longitude, latitude]: Point): Point {
  const shrink = Math.cos((anchor.latitude * Math.PI) / 180);
  return [
    (longitude - anchor.longitude) * metresPerDegree * shrink,
    (anchor.latitude - latitude) * metresPerDegree,
  ];
}

/** Metres to degrees. */
export function unproject(anchor: Anchor, [x, y]: Point): Point {
  const shrink = Math.cos((anchor.latitude * Math.PI) / 180);
  return [anchor.longitude + x / (metresPerDegree * shrink), anchor.latitude - y / metresPerDegree];
}

/** What the interface says about a venue, as zones; what is no polygon is left out. */
export function venueOf({ id, name, geojson }: Schemas['VenueView']): Venue {
  const said = geojson as GeoJson;
  const features = said.type === 'FeatureCollection' ? (said.features ?? []) : [said];
  const zones = features.flatMap((feature) => zonesOf(feature));
  return { id, name, zones };
}

/** The middle of all venues; where there are none, the demo's own town. */
export function anchorOf(venues: readonly Venue[]): Anchor {
  const points = venues.flatMap(pointsOf);
  if (points.length === 0) return { latitude: 37.3906, longitude: -122.0838 };
  const sum = points.reduce<Point>(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return { longitude: sum[0] / points.length, latitude: sum[1] / points.length };
}

/** The box around points, in metres. */
export function boxOf(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return {
    west: Math.min(...xs),
    east: Math.max(...xs),
    north: Math.min(...ys),
    south: Math.max(...ys),
  };
}

/** Every corner of a venue, in degrees. */
export function pointsOf(venue: Venue): Point[] {
  return venue.zones.flatMap((zone) => zone.rings.flat());
}

/** The middle of a venue, in metres. */
export function middleOf(venue: Venue, anchor: Anchor): Point {
  const box = boxOf(pointsOf(venue).map((point) => project(anchor, point)));
  return [(box.west + box.east) / 2, (box.north + box.south) / 2];
}

/** A ring as an SVG path. */
export function outline(rings: readonly Point[][], anchor: Anchor): string {
  return rings
    .map((ring) => {
      const drawn = ring.map((point) =>
        project(anchor, point)
          .map((m) => m.toFixed(1))
          .join(' '),
      );
      return `M${drawn.join('L')}Z`;
    })
    .join('');
}

interface GeoJson {
  type: string;
  features?: GeoJson[];
  geometry?: { type: string; coordinates: unknown };
  properties?: { kind?: string; services?: string[]; name?: string };
}

function zonesOf({ geometry, properties }: GeoJson): Zone[] {
  const polygons =
    geometry?.type === 'Polygon'
      ? [geometry.coordinates as Point[][]]
      : geometry?.type === 'MultiPolygon'
        ? (geometry.coordinates as Point[][][])
        : [];
  return polygons.map((rings) => ({
    kind: properties?.kind ?? 'delivery',
    services: properties?.services ?? [],
    name: properties?.name,
    rings,
  }));
}

const metresPerDegree = 111_320;
