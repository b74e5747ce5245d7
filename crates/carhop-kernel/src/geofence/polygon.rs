//! An area on the map: one shell, any number of holes, also across the antimeridian.
//! Edges are straight in longitude and latitude (RFC 7946 §3.1.1); circles and unions are not polygons.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::position::{FixError, METRES_PER_DEGREE, NANODEGREES_PER_DEGREE, Point, Position};
use super::validity::{GeometryError, Vertex, bounds, checked_rings, degrees, exact, wrapped};
use crate::limits::POLYGON_VERTICES_MAX;

/// A checked polygon. Its stored form is the `coordinates` member of a GeoJSON polygon (RFC 7946 §3.1.6):
/// rings of `[longitude, latitude]`, closed, shell counter-clockwise, holes clockwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<[f64; 2]>>", into = "Vec<Vec<[f64; 2]>>")]
pub struct Polygon {
    rings: Vec<Vec<Vertex>>,
    low: Vertex,
    high: Vertex,
}

impl Polygon {
    /// A polygon from closed rings, shell first; either orientation is taken and set right (M-GEO-1).
    /// Longitudes that jump by more than half a turn are read as crossing the antimeridian.
    pub fn new(rings: &[Vec<Position>]) -> Result<Self, GeometryError> {
        let rings = checked_rings(rings)?;
        let shell = rings.first().ok_or(GeometryError::Empty)?;
        let [low, high] = bounds(shell);
        Ok(Self { rings, low, high })
    }

    /// A polygon from the `coordinates` of a GeoJSON polygon: `[longitude, latitude]` in degrees.
    pub fn from_coordinates(rings: &[Vec<[f64; 2]>]) -> Result<Self, GeometryError> {
        let count = rings.iter().fold(0_usize, |sum, ring| sum.saturating_add(ring.len()));
        if count > POLYGON_VERTICES_MAX {
            return Err(GeometryError::TooManyVertices { count });
        }
        let read = |ring: usize, coordinates: &Vec<[f64; 2]>| {
            let positions =
                coordinates.iter().enumerate().map(|(vertex, &[longitude, latitude])| {
                    let refused = |_: FixError| GeometryError::BadPosition { ring, vertex };
                    Position::new(latitude, longitude).map_err(refused)
                });
            positions.collect::<Result<Vec<_>, _>>()
        };
        let positions: Result<Vec<_>, _> =
            rings.iter().enumerate().map(|(ring, coordinates)| read(ring, coordinates)).collect();
        Self::new(&positions?)
    }

    /// The rings as GeoJSON `coordinates`, normalised.
    pub fn coordinates(&self) -> Vec<Vec<[f64; 2]>> {
        let pair = |vertex: &Vertex| [degrees(wrapped(vertex.x)), degrees(vertex.y)];
        let closed = |ring: &Vec<Vertex>| ring.iter().chain(ring.first()).map(pair).collect();
        self.rings.iter().map(closed).collect()
    }

    /// How many vertices it has, closing ones not counted.
    pub fn vertices(&self) -> usize {
        self.rings.iter().map(Vec::len).sum()
    }

    /// Whether the point lies inside the shell and in no hole; on an edge either answer is possible.
    pub fn contains(&self, position: Position) -> bool {
        if self.box_distance_m(position) > 0.0 {
            return false;
        }
        self.edges_around(position).filter(|&(a, b)| crosses_ray(a, b)).count() % 2 == 1
    }

    /// Distance to the nearest edge in metres, negative inside. True to 0.6 % within 100 km; further away
    /// only its order of magnitude is meant.
    pub fn distance_to_edge_m(&self, position: Position) -> f64 {
        let (mut nearest_m2, mut inside) = (f64::INFINITY, false);
        for (a, b) in self.edges_around(position) {
            nearest_m2 = nearest_m2.min(squared_distance_to_segment_m2(a, b));
            inside ^= crosses_ray(a, b);
        }
        let nearest_m = libm::sqrt(nearest_m2);
        if inside { -nearest_m } else { nearest_m }
    }

    /// The edges as seen from `position`, in metres, each with the polygon on its left.
    pub(super) fn edges_around(&self, position: Position) -> impl Iterator<Item = (Point, Point)> {
        let view = View::from(position, self.low);
        self.rings.iter().flat_map(move |ring| {
            let mut before = ring.last().map(|&last| view.place(last));
            ring.iter().filter_map(move |&vertex| {
                let point = view.place(vertex);
                before.replace(point).map(|start| (start, point))
            })
        })
    }

    /// Distance to the box around the polygon in metres, zero inside.
    pub(super) fn box_distance_m(&self, position: Position) -> f64 {
        let view = View::from(position, self.low);
        let (low, high) = (view.place(self.low), view.place(self.high));
        let east_m = low.east_m.max(-high.east_m).max(0.0);
        let north_m = low.north_m.max(-high.north_m).max(0.0);
        libm::hypot(east_m, north_m)
    }
}

/// The flat map around a position, aligned so that the whole polygon lies on the same side of the earth.
#[derive(Clone, Copy)]
struct View {
    origin: Vertex,
    east_m_per_nanodegree: f64,
}

impl View {
    fn from(position: Position, reference: Vertex) -> Self {
        let at = Vertex::of(position);
        let origin = Vertex { x: reference.x - wrapped(reference.x - at.x), ..at };
        let cosine = libm::cos(position.latitude_deg().to_radians());
        Self { origin, east_m_per_nanodegree: METRES_PER_NANODEGREE * cosine }
    }

    fn place(&self, vertex: Vertex) -> Point {
        Point {
            east_m: exact(vertex.x - self.origin.x) * self.east_m_per_nanodegree,
            north_m: exact(vertex.y - self.origin.y) * METRES_PER_NANODEGREE,
        }
    }
}

/// Whether the edge crosses the ray from the origin to the east.
fn crosses_ray(a: Point, b: Point) -> bool {
    let turn = a.east_m * b.north_m - a.north_m * b.east_m;
    (a.north_m > 0.0) != (b.north_m > 0.0) && (turn > 0.0) == (b.north_m > a.north_m)
}

fn squared_distance_to_segment_m2(a: Point, b: Point) -> f64 {
    let (east_m, north_m) = (b.east_m - a.east_m, b.north_m - a.north_m);
    let along = -(a.east_m * east_m + a.north_m * north_m) / (east_m * east_m + north_m * north_m);
    // Vertices are at least a nanodegree apart, but near a pole that may be nothing on the map.
    let share = if along.is_finite() { along.clamp(0.0, 1.0) } else { 0.0 };
    let (east_m, north_m) = (a.east_m + share * east_m, a.north_m + share * north_m);
    east_m * east_m + north_m * north_m
}

const METRES_PER_NANODEGREE: f64 = METRES_PER_DEGREE / NANODEGREES_PER_DEGREE;

impl TryFrom<Vec<Vec<[f64; 2]>>> for Polygon {
    type Error = GeometryError;

    fn try_from(rings: Vec<Vec<[f64; 2]>>) -> Result<Self, GeometryError> {
        Self::from_coordinates(&rings)
    }
}

impl From<Polygon> for Vec<Vec<[f64; 2]>> {
    fn from(polygon: Polygon) -> Self {
        polygon.coordinates()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    type Ring = Vec<[f64; 2]>;

    fn check(rings: &[Ring], expected: Result<(), GeometryError>) {
        assert_eq!(Polygon::from_coordinates(rings).map(drop), expected, "{rings:?}");
    }

    /// A closed square of `side` thousandths of a degree with its lower left corner there.
    fn square(x: f64, y: f64, side: f64) -> Ring {
        let side = side / 1000.0;
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    }

    fn at(longitude_deg: f64, latitude_deg: f64) -> Position {
        Position::new(latitude_deg, longitude_deg).unwrap()
    }

    #[test]
    fn bad_geometry_is_refused_with_the_place_of_the_fault() {
        use GeometryError as E;
        let shell = square(1.0, 1.0, 10.0);
        let many = vec![[0.0, 0.0]; POLYGON_VERTICES_MAX + 1];
        let zigzag = vec![[0.0, 0.0], [0.01, 0.0], [0.0, 0.01], [0.01, 0.01], [0.0, 0.0]];
        let spike = vec![[0.0, 0.0], [0.02, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.0]];
        let touching =
            vec![[0.0, 0.0], [0.02, 0.0], [0.02, 0.01], [0.01, 0.0], [0.0, 0.01], [0.0, 0.0]];
        let around_the_pole = vec![[0.0, 80.0], [120.0, 80.0], [-120.0, 80.0], [0.0, 80.0]];
        for (rings, fault) in [
            (vec![], E::Empty),
            (vec![vec![]], E::Empty),
            (vec![many], E::TooManyVertices { count: 513 }),
            (vec![vec![[0.0, f64::NAN]]], E::BadPosition { ring: 0, vertex: 0 }),
            (vec![vec![[0.0, 0.0], [181.0, 0.0]]], E::BadPosition { ring: 0, vertex: 1 }),
            (vec![shell.clone(), vec![[0.0, 91.0]]], E::BadPosition { ring: 1, vertex: 0 }),
            (vec![shell[..3].to_vec()], E::RingTooShort { ring: 0 }),
            (vec![shell.clone(), vec![]], E::RingTooShort { ring: 1 }),
            (vec![shell[..4].to_vec()], E::RingNotClosed { ring: 0 }),
            (vec![vec![[0.0, 0.0]; 4]], E::RepeatedPoint { ring: 0, vertex: 1 }),
            (vec![around_the_pole], E::EnclosesPole { ring: 0 }),
            (vec![square(0.0, 84.995, 10.0)], E::NearPole { ring: 0, vertex: 2 }),
            (vec![square(0.0, 0.0, 900.0)], E::TooLarge { ring: 0 }),
            (vec![square(0.0, 0.0, 0.005)], E::ZeroArea { ring: 0 }),
            (vec![vec![[0.0, 0.0], [0.1, 0.1], [0.2, 0.2], [0.0, 0.0]]], E::ZeroArea { ring: 0 }),
            (vec![zigzag], E::ZeroArea { ring: 0 }),
            (vec![spike], E::SelfIntersection { ring: 0, vertex: 1 }),
            (vec![touching], E::SelfIntersection { ring: 0, vertex: 2 }),
            (vec![shell.clone(), square(2.0, 2.0, 1.0)], E::HoleOutsideShell { ring: 1 }),
            (vec![shell.clone(), square(0.999, 0.999, 12.0)], E::HoleOutsideShell { ring: 1 }),
            (vec![shell.clone(), square(1.005, 1.005, 10.0)], E::RingsCross { ring: 1, vertex: 0 }),
            (vec![shell.clone(), square(1.0, 1.002, 1.0)], E::RingsCross { ring: 1, vertex: 0 }),
            (
                vec![shell.clone(), square(1.002, 1.002, 4.0), square(1.003, 1.003, 1.0)],
                E::NestedHoles { ring: 2 },
            ),
            (
                vec![shell, square(1.003, 1.003, 1.0), square(1.002, 1.002, 4.0)],
                E::NestedHoles { ring: 2 },
            ),
        ] {
            check(&rings, Err(fault));
        }
    }

    #[test]
    fn either_orientation_is_taken_and_the_stored_form_is_normalised() {
        let (shell, hole) = (square(1.0, 1.0, 10.0), square(1.002, 1.002, 1.0));
        let reversed = |ring: &Ring| ring.iter().rev().copied().collect::<Ring>();
        for rings in [
            [shell.clone(), hole.clone()],
            [reversed(&shell), hole.clone()],
            [reversed(&shell), reversed(&hole)],
        ] {
            let stored = Polygon::from_coordinates(&rings).unwrap().coordinates();
            let doubled_area = |ring: &Ring| -> f64 {
                ring.windows(2).map(|edge| edge[0][0] * edge[1][1] - edge[1][0] * edge[0][1]).sum()
            };
            assert!(doubled_area(&stored[0]) > 0.0 && doubled_area(&stored[1]) < 0.0);
            assert_eq!(stored[0].first(), stored[0].last());
        }
    }

    #[test]
    fn the_largest_polygon_allowed_is_accepted() {
        let corner = |index: u32| {
            let angle = f64::from(index) * core::f64::consts::TAU / 511.0;
            [0.4 * libm::cos(angle), 0.4 * libm::sin(angle)]
        };
        let mut ring: Ring = (0..511).map(corner).collect();
        ring.push(ring[0]);
        // 0.8 degrees across, but the box's diagonal is what counts: 126 km.
        check(&[ring.clone()], Err(GeometryError::TooLarge { ring: 0 }));
        for point in &mut ring {
            *point = point.map(|deg| deg * 0.75);
        }
        check(&[ring], Ok(()));
    }

    #[test]
    fn inside_outside_holes_and_the_antimeridian() {
        let plain = [square(1.0, 1.0, 10.0), square(1.002, 1.002, 1.0)];
        let fiji = [
            vec![
                [179.99, -16.5],
                [-179.98, -16.5],
                [-179.98, -16.49],
                [179.99, -16.49],
                [179.99, -16.5],
            ],
            square(-179.995, -16.496, 2.0),
        ];
        for (rings, point, inside) in [
            (&plain, at(1.005, 1.005), true),
            (&plain, at(1.0025, 1.0025), false),
            (&plain, at(0.999, 1.005), false),
            (&plain, at(-178.995, 1.005), false),
            (&fiji, at(179.995, -16.495), true),
            (&fiji, at(-180.0, -16.495), true),
            (&fiji, at(180.0, -16.495), true),
            (&fiji, at(-179.985, -16.495), true),
            (&fiji, at(-179.994, -16.495), false),
            (&fiji, at(-179.975, -16.495), false),
            (&fiji, at(179.985, -16.495), false),
            (&fiji, at(0.0, -16.495), false),
        ] {
            let polygon = Polygon::from_coordinates(rings).unwrap();
            assert_eq!(polygon.contains(point), inside, "{point:?}");
            assert_eq!(polygon.distance_to_edge_m(point) < 0.0, inside, "{point:?}");
        }
    }

    #[test]
    fn the_distance_to_the_edge_is_signed_and_in_metres() {
        let polygon = Polygon::from_coordinates(&[square(179.995, 0.0, 10.0)]);
        assert_eq!(polygon, Err(GeometryError::BadPosition { ring: 0, vertex: 1 }));
        let ring = vec![
            [179.995, 0.0],
            [-179.995, 0.0],
            [-179.995, 0.01],
            [179.995, 0.01],
            [179.995, 0.0],
        ];
        let polygon = Polygon::from_coordinates(&[ring]).unwrap();
        for (point, expected_m) in [
            (at(180.0, 0.005), -556.0),
            (at(-179.996, 0.005), -111.2),
            (at(-179.994, 0.005), 111.2),
            (at(179.994, 0.011), 157.2),
            (at(179.0, 0.005), 110_639.0),
        ] {
            let distance_m = polygon.distance_to_edge_m(point);
            assert!((distance_m - expected_m).abs() < 1.0, "{point:?} {distance_m}");
        }
    }
}
