//! What makes rings of positions a polygon that can be judged: the rules of RFC 7946 §3.1.6 and of sane geometry.
//! It refuses and turns rings the right way round; it mends nothing, because a mended fence is not the drawn one.
//!
//! All of it works on whole nanodegrees, so that no rounding can hide a touching edge.

use alloc::vec::Vec;
use core::fmt;

use super::position::{METRES_PER_DEGREE, NANODEGREES_PER_DEGREE, Position};
use crate::limits::{POLYGON_AREA_M2_MIN, POLYGON_EXTENT_M_MAX, POLYGON_VERTICES_MAX};

/// A vertex in nanodegrees; `x` runs on across the antimeridian instead of jumping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vertex {
    pub(super) x: i64,
    pub(super) y: i64,
}

impl Vertex {
    /// Where the position is, at -180 to 180 degrees.
    pub(super) fn of(position: Position) -> Self {
        Self { x: nanodegrees(position.longitude_deg()), y: nanodegrees(position.latitude_deg()) }
    }
}

/// Open rings (the closing vertex left out), shell first and counter-clockwise, holes clockwise; or why not.
pub(super) fn checked_rings(rings: &[Vec<Position>]) -> Result<Vec<Vec<Vertex>>, GeometryError> {
    let count = rings.iter().fold(0_usize, |sum, ring| sum.saturating_add(ring.len()));
    if count > POLYGON_VERTICES_MAX {
        return Err(GeometryError::TooManyVertices { count });
    }
    let start = rings.first().and_then(|shell| shell.first()).ok_or(GeometryError::Empty)?;
    let start_x = nanodegrees(start.longitude_deg());
    let mut checked = Vec::with_capacity(rings.len());
    for (index, ring) in rings.iter().enumerate() {
        checked.push(checked_ring(index, ring, start_x)?);
    }
    check_rings_apart(&checked)?;
    for (index, ring) in checked.iter_mut().enumerate() {
        let counter_clockwise = doubled_area(ring) > 0;
        if counter_clockwise != (index == 0) {
            ring.reverse();
        }
    }
    Ok(checked)
}

/// Why rings are refused as a polygon; `ring` 0 is the shell, `vertex` counts from 0 within its ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GeometryError {
    /// No ring, or a shell without vertices.
    Empty,
    /// More vertices than [`POLYGON_VERTICES_MAX`].
    TooManyVertices {
        /// How many there are.
        count: usize,
    },
    /// A vertex that is not a position on the earth.
    BadPosition {
        /// The ring.
        ring: usize,
        /// The vertex.
        vertex: usize,
    },
    /// Fewer than four positions.
    RingTooShort {
        /// The ring.
        ring: usize,
    },
    /// The last position is not the first.
    RingNotClosed {
        /// The ring.
        ring: usize,
    },
    /// A position that the ring has visited before.
    RepeatedPoint {
        /// The ring.
        ring: usize,
        /// The second visit.
        vertex: usize,
    },
    /// The ring goes once around the earth.
    EnclosesPole {
        /// The ring.
        ring: usize,
    },
    /// A vertex closer to a pole than the flat map is honest for.
    NearPole {
        /// The ring.
        ring: usize,
        /// The vertex.
        vertex: usize,
    },
    /// The ring extends further than [`POLYGON_EXTENT_M_MAX`].
    TooLarge {
        /// The ring.
        ring: usize,
    },
    /// The ring encloses less than [`POLYGON_AREA_M2_MIN`].
    ZeroArea {
        /// The ring.
        ring: usize,
    },
    /// Two edges of the ring cross, touch or run over each other.
    SelfIntersection {
        /// The ring.
        ring: usize,
        /// Where the second of the two edges starts.
        vertex: usize,
    },
    /// A hole that lies outside the shell.
    HoleOutsideShell {
        /// The ring.
        ring: usize,
    },
    /// An edge that crosses or touches an edge of an earlier ring.
    RingsCross {
        /// The later ring.
        ring: usize,
        /// Where its edge starts.
        vertex: usize,
    },
    /// A hole inside another hole.
    NestedHoles {
        /// The ring.
        ring: usize,
    },
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the polygon has no vertices"),
            Self::TooManyVertices { count } => {
                write!(f, "the polygon has {count} vertices, more than {POLYGON_VERTICES_MAX}")
            }
            Self::BadPosition { ring, vertex } => {
                write!(f, "vertex {vertex} of ring {ring} is not a longitude and a latitude")
            }
            Self::RingTooShort { ring } => write!(f, "ring {ring} has fewer than 4 positions"),
            Self::RingNotClosed { ring } => write!(f, "ring {ring} does not end where it starts"),
            Self::RepeatedPoint { ring, vertex } => {
                write!(f, "vertex {vertex} of ring {ring} repeats an earlier one")
            }
            Self::EnclosesPole { ring } => write!(f, "ring {ring} goes around a pole"),
            Self::NearPole { ring, vertex } => {
                write!(f, "vertex {vertex} of ring {ring} is too close to a pole")
            }
            Self::TooLarge { ring } => write!(f, "ring {ring} is more than 100 km across"),
            Self::ZeroArea { ring } => write!(f, "ring {ring} encloses less than a square metre"),
            Self::SelfIntersection { ring, vertex } => {
                write!(f, "ring {ring} crosses or touches itself at the edge after vertex {vertex}")
            }
            Self::HoleOutsideShell { ring } => write!(f, "hole {ring} lies outside the shell"),
            Self::RingsCross { ring, vertex } => {
                write!(f, "ring {ring} meets another ring at the edge after vertex {vertex}")
            }
            Self::NestedHoles { ring } => {
                write!(f, "hole {ring} and another hole contain each other")
            }
        }
    }
}

impl core::error::Error for GeometryError {}

/// Degrees of whole nanodegrees.
pub(super) fn degrees(nanodegrees: i64) -> f64 {
    exact(nanodegrees) / NANODEGREES_PER_DEGREE
}

/// The same number of nanodegrees; exact, since they stay far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "at most a few turns of 3.6e11 nanodegrees")]
pub(super) const fn exact(nanodegrees: i64) -> f64 {
    nanodegrees as f64
}

/// Nanodegrees brought to -180 up to 180 degrees.
pub(super) const fn wrapped(nanodegrees: i64) -> i64 {
    (nanodegrees + TURN / 2).rem_euclid(TURN) - TURN / 2
}

#[expect(clippy::cast_possible_truncation, reason = "a position has at most 180 degrees")]
fn nanodegrees(deg: f64) -> i64 {
    libm::round(deg * NANODEGREES_PER_DEGREE) as i64
}

fn checked_ring(
    ring: usize,
    positions: &[Position],
    start_x: i64,
) -> Result<Vec<Vertex>, GeometryError> {
    if positions.len() < 4 {
        return Err(GeometryError::RingTooShort { ring });
    }
    let mut vertices = unwrapped(positions, start_x);
    let (first, last) = (vertices[0], vertices[vertices.len() - 1]);
    if first.y != last.y || wrapped(first.x - last.x) != 0 {
        return Err(GeometryError::RingNotClosed { ring });
    }
    if first.x != last.x {
        return Err(GeometryError::EnclosesPole { ring });
    }
    vertices.pop();
    check_vertices(ring, &vertices)?;
    check_extent(ring, &vertices)?;
    if area_m2(&vertices) < POLYGON_AREA_M2_MIN {
        return Err(GeometryError::ZeroArea { ring });
    }
    check_simple(ring, &vertices)?;
    Ok(vertices)
}

/// The ring with longitudes that run on: every step goes the short way, the first one from the shell's start.
fn unwrapped(positions: &[Position], start_x: i64) -> Vec<Vertex> {
    let mut x = start_x;
    let step = |position: &Position| {
        let at = Vertex::of(*position);
        x += wrapped(at.x - x);
        Vertex { x, ..at }
    };
    positions.iter().map(step).collect()
}

fn check_vertices(ring: usize, vertices: &[Vertex]) -> Result<(), GeometryError> {
    for (vertex, here) in vertices.iter().enumerate() {
        if here.y.abs() > LATITUDE_MAX {
            return Err(GeometryError::NearPole { ring, vertex });
        }
        if vertices[..vertex].contains(here) {
            return Err(GeometryError::RepeatedPoint { ring, vertex });
        }
    }
    Ok(())
}

fn check_extent(ring: usize, vertices: &[Vertex]) -> Result<(), GeometryError> {
    let [low, high] = bounds(vertices);
    let widest_y = if low.y <= 0 && high.y >= 0 { 0 } else { low.y.abs().min(high.y.abs()) };
    let east_m = degrees(high.x - low.x) * METRES_PER_DEGREE * cosine(widest_y);
    let north_m = degrees(high.y - low.y) * METRES_PER_DEGREE;
    if libm::hypot(east_m, north_m) > POLYGON_EXTENT_M_MAX {
        return Err(GeometryError::TooLarge { ring });
    }
    Ok(())
}

/// Lower left and upper right corner of the box around some vertices.
pub(super) fn bounds(vertices: &[Vertex]) -> [Vertex; 2] {
    let mut low = Vertex { x: i64::MAX, y: i64::MAX };
    let mut high = Vertex { x: i64::MIN, y: i64::MIN };
    for vertex in vertices {
        low = Vertex { x: low.x.min(vertex.x), y: low.y.min(vertex.y) };
        high = Vertex { x: high.x.max(vertex.x), y: high.y.max(vertex.y) };
    }
    [low, high]
}

/// Twice the signed area in square nanodegrees, positive if counter-clockwise.
fn doubled_area(vertices: &[Vertex]) -> i128 {
    let corner = vertices[0];
    edges(vertices).map(|(a, b)| turn(corner, a, b)).sum()
}

#[expect(clippy::cast_precision_loss, reason = "compared with a coarse bound only")]
fn area_m2(vertices: &[Vertex]) -> f64 {
    let side_m = METRES_PER_DEGREE / NANODEGREES_PER_DEGREE;
    let area = doubled_area(vertices).unsigned_abs() as f64 / 2.0;
    area * side_m * side_m * cosine(vertices[0].y)
}

fn cosine(y: i64) -> f64 {
    libm::cos(degrees(y).to_radians())
}

fn check_simple(ring: usize, vertices: &[Vertex]) -> Result<(), GeometryError> {
    let count = vertices.len();
    for later in 1..count {
        let (c, d) = edge(vertices, later);
        for earlier in 0..later {
            let (a, b) = edge(vertices, earlier);
            let wrong = if b == c {
                doubles_back(a, b, d)
            } else if d == a {
                doubles_back(c, d, b)
            } else {
                meet(a, b, c, d)
            };
            if wrong {
                return Err(GeometryError::SelfIntersection { ring, vertex: later });
            }
        }
    }
    Ok(())
}

fn check_rings_apart(rings: &[Vec<Vertex>]) -> Result<(), GeometryError> {
    for (ring, vertices) in rings.iter().enumerate().skip(1) {
        for (index, earlier) in rings[..ring].iter().enumerate() {
            let crossing = (0..vertices.len()).find(|&vertex| {
                let (c, d) = edge(vertices, vertex);
                edges(earlier).any(|(a, b)| meet(a, b, c, d))
            });
            if let Some(vertex) = crossing {
                return Err(GeometryError::RingsCross { ring, vertex });
            }
            if index == 0 && !encloses(earlier, vertices[0]) {
                return Err(GeometryError::HoleOutsideShell { ring });
            }
            if index > 0 && (encloses(earlier, vertices[0]) || encloses(vertices, earlier[0])) {
                return Err(GeometryError::NestedHoles { ring });
            }
        }
    }
    Ok(())
}

fn edge(vertices: &[Vertex], start: usize) -> (Vertex, Vertex) {
    (vertices[start], vertices[(start + 1) % vertices.len()])
}

fn edges(vertices: &[Vertex]) -> impl Iterator<Item = (Vertex, Vertex)> {
    (0..vertices.len()).map(|start| edge(vertices, start))
}

/// Positive if the way from `a` over `b` to `c` turns left, zero if it runs straight.
fn turn(a: Vertex, b: Vertex, c: Vertex) -> i128 {
    let (abx, aby) = (i128::from(b.x - a.x), i128::from(b.y - a.y));
    let (acx, acy) = (i128::from(c.x - a.x), i128::from(c.y - a.y));
    abx * acy - aby * acx
}

/// Whether the way from `a` to `b` returns over itself towards `c`.
fn doubles_back(a: Vertex, b: Vertex, c: Vertex) -> bool {
    let along = i128::from(a.x - b.x) * i128::from(c.x - b.x)
        + i128::from(a.y - b.y) * i128::from(c.y - b.y);
    turn(a, b, c) == 0 && along > 0
}

/// Whether two closed segments share a point.
fn meet(a: Vertex, b: Vertex, c: Vertex, d: Vertex) -> bool {
    let (ends_c, ends_d) = (turn(a, b, c).signum(), turn(a, b, d).signum());
    let (ends_a, ends_b) = (turn(c, d, a).signum(), turn(c, d, b).signum());
    (ends_c != ends_d && ends_a != ends_b)
        || (ends_c == 0 && within(a, b, c))
        || (ends_d == 0 && within(a, b, d))
        || (ends_a == 0 && within(c, d, a))
        || (ends_b == 0 && within(c, d, b))
}

/// Whether `c`, known to lie on the line through `a` and `b`, lies between them.
fn within(a: Vertex, b: Vertex, c: Vertex) -> bool {
    (a.x.min(b.x)..=a.x.max(b.x)).contains(&c.x) && (a.y.min(b.y)..=a.y.max(b.y)).contains(&c.y)
}

/// Whether a ring goes around a point that is on none of its edges.
fn encloses(ring: &[Vertex], point: Vertex) -> bool {
    let crossings = edges(ring).filter(|&(a, b)| {
        (a.y > point.y) != (b.y > point.y) && (turn(a, b, point) > 0) == (b.y > a.y)
    });
    crossings.count() % 2 == 1
}

/// Vertices stay within 85 degrees of the equator.
const LATITUDE_MAX: i64 = 85_000_000_000;

/// A full turn in nanodegrees.
const TURN: i64 = 360_000_000_000;
