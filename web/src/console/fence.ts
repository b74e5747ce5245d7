/**
 * A fence as it is drawn: zones with corners, before the authority has seen them. Pure: every change makes a new drawing.
 * Whether a drawing is sound the authority says; here is only what a hand may do.
 */

import type { Schemas } from '../api/client';
import type { Point } from '../city/city';
import { unproject, type Anchor } from './geo';

export const kinds = [
  ...(['delivery', 'parking', 'service_point', 'indoor', 'fuelling', 'exclusion'] as const),
];
export type Kind = (typeof kinds)[number];
export const services = [
  ...(['grocery_handoff', 'locker_access', 'cold_release', 'fuel_authorisation'] as const),
];
export type Service = (typeof services)[number];

/** One zone of a drawing. */
export interface Drawn {
  kind: Kind;
  services: readonly Service[];
  /** Outer ring and holes, in degrees: longitude, latitude. The first corner is not repeated at the end. */
  rings: readonly (readonly Point[])[];
  /** What else its feature says. */
  properties: Readonly<Record<string, unknown>>;
}

/** A whole drawing. */
export interface Drawing {
  name: string;
  zones: readonly Drawn[];
}

/** The drawing that a venue was made from; what is no polygon is left out. */
export function drawingOf({ name, geojson }: Schemas['VenueView']): Drawing {
  const said = geojson as GeoJson;
  const features = said.type === 'FeatureCollection' ? (said.features ?? []) : [said];
  return { name, zones: features.flatMap(drawn) };
}

/** The drawing as the authority takes it. */
export function geojsonOf({ name, zones }: Drawing): object {
  const features = zones.map(({ kind, services, rings, properties }) => ({
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: rings.map(closed) },
    properties: { ...properties, name, kind, services },
  }));
  return { type: 'FeatureCollection', name, features };
}

/** A new zone: a square of forty metres around a point. */
export function square(anchor: Anchor, [x, y]: Point): Drawn {
  const corners: Point[] = [
    [x - sideM / 2, y + sideM / 2],
    [x + sideM / 2, y + sideM / 2],
    [x + sideM / 2, y - sideM / 2],
    [x - sideM / 2, y - sideM / 2],
  ];
  return {
    kind: 'delivery',
    services: ['grocery_handoff'],
    rings: [corners.map((corner) => rounded(unproject(anchor, corner)))],
    properties: {},
  };
}

/** With one zone as it is given. */
export function withZone(drawing: Drawing, index: number, change: Partial<Drawn>): Drawing {
  const zones = drawing.zones.map((zone, at) => (at === index ? { ...zone, ...change } : zone));
  return { ...drawing, zones };
}

/** Without one zone. */
export function withoutZone(drawing: Drawing, index: number): Drawing {
  return { ...drawing, zones: drawing.zones.filter((_, at) => at !== index) };
}

/** With a corner of the outer ring moved. */
export function moved(zone: Drawn, corner: number, to: Point): Drawn {
  return outer(zone, (ring) => ring.map((point, at) => (at === corner ? rounded(to) : point)));
}

/** With a new corner in the middle of the edge that follows a corner. */
export function split(zone: Drawn, corner: number): Drawn {
  return outer(zone, (ring) => {
    const [from, to] = [ring[corner], ring[(corner + 1) % ring.length]];
    if (!from || !to) return ring;
    const middle = rounded([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
    return [...ring.slice(0, corner + 1), middle, ...ring.slice(corner + 1)];
  });
}

/** Without a corner; three stay. */
export function without(zone: Drawn, corner: number): Drawn {
  return outer(zone, (ring) =>
    ring.length > cornersMin ? ring.filter((_, at) => at !== corner) : ring,
  );
}

/** The corners that can be moved: those of the outer ring. */
export function cornersOf(zone: Drawn): readonly Point[] {
  return zone.rings[0] ?? [];
}

/** Which services a kind of zone may name: fuelling alone may fuel, and fuels alone. */
export function allowed(kind: Kind): readonly Service[] {
  if (kind === 'fuelling') return ['fuel_authorisation'];
  return kind === 'exclusion'
    ? services
    : services.filter((service) => service !== 'fuel_authorisation');
}

/** The services that some zone permits. */
export function permitted({ zones }: Drawing): Service[] {
  const named = zones.filter(({ kind }) => kind !== 'exclusion').flatMap((zone) => zone.services);
  return services.filter((service) => named.includes(service));
}

/** Degrees to seven places: about a centimetre, and no false precision. */
export function rounded([longitude, latitude]: Point): Point {
  return [Math.round(longitude * 1e7) / 1e7, Math.round(latitude * 1e7) / 1e7];
}

/** A venue's reference from its name: small letters, digits and hyphens. */
export function referenceOf(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}

interface GeoJson {
  type: string;
  features?: GeoJson[];
  geometry?: { type: string; coordinates: unknown };
  properties?: Record<string, unknown>;
}

function drawn({ geometry, properties = {} }: GeoJson): Drawn[] {
  const polygons =
    geometry?.type === 'Polygon'
      ? [geometry.coordinates as Point[][]]
      : geometry?.type === 'MultiPolygon'
        ? (geometry.coordinates as Point[][][])
        : [];
  const named = (properties.services ?? []) as string[];
  return polygons.map((rings) => ({
    kind: kinds.find((kind) => kind === properties.kind) ?? 'delivery',
    services: services.filter((service) => named.includes(service)),
    rings: rings.map((ring) => ring.slice(0, -1)),
    properties,
  }));
}

function outer(zone: Drawn, change: (ring: readonly Point[]) => readonly Point[]): Drawn {
  const [ring = [], ...holes] = zone.rings;
  return { ...zone, rings: [change(ring), ...holes] };
}

/** A ring ends where it begins. */
function closed(ring: readonly Point[]): readonly Point[] {
  const [first] = ring;
  return first ? [...ring, first] : ring;
}

const cornersMin = 3;
const sideM = 40;
