//! How likely the true point lies in a polygon, when the reported one is off by a circular Gaussian.
//! It judges one polygon and one fix; thresholds and history are the fence's.
//!
//! Seen from the reported point, each edge spans a triangle. Integrating the Gaussian over the radius leaves
//! `1 - exp(-h² / (2 cos² θ))` over the angle θ from the edge's foot point, `h` being the distance of the edge's
//! line in sigmas (this is Owen's T function). The signed sum over all edges is the probability, holes included.
//!
//! The angles themselves need not be measured: the directions of a ring's corners cancel out, so that of each edge only
//! counts whether it passes due west. What the Gaussian loses beyond an edge is left, and edges out of its reach lose
//! nothing. That loss is taken numerically, by fixed Gauss-Legendre rules, so equal input has equal bits.

use core::f64::consts::PI;

use super::polygon::Polygon;
use super::position::{Point, Position};
use crate::limits::SIGMA_M_MIN;

/// Probability, 0 to 1, that a point lies in `polygon` that was reported at `position` with a standard deviation
/// of `sigma_m` metres along each axis. Within 0.01 of the exact value; less than [`SIGMA_M_MIN`] is not believed.
pub fn probability_inside(polygon: &Polygon, position: Position, sigma_m: f64) -> f64 {
    if !sigma_m.is_finite() {
        // Nothing is known, so nothing is inside.
        return 0.0;
    }
    let sigma_m = sigma_m.max(SIGMA_M_MIN);
    if polygon.box_distance_m(position) > REACH_SIGMAS * sigma_m {
        return 0.0;
    }
    let angle: f64 = polygon.edges_around(position).map(|(a, b)| angle_share(a, b, sigma_m)).sum();
    (angle / (2.0 * PI)).clamp(0.0, 1.0)
}

/// What an edge adds to the angle that the polygon is seen under, weighed by the Gaussian, but for the difference of the
/// directions of its ends.
fn angle_share(a: Point, b: Point, sigma_m: f64) -> f64 {
    let turn = turn_m2(a, b);
    if turn == 0.0 {
        // Seen end-on it has no triangle; seen from within it is half a turn, to whichever side.
        return direction(a) - direction(b);
    }
    let whole = turns_west(a, b, turn) * 2.0 * PI;
    if is_beyond(a, b, turn, REACH_SIGMAS * sigma_m) {
        whole
    } else {
        whole - lost_angle(a, b, turn.abs(), sigma_m).copysign(turn)
    }
}

/// Twice the area of the triangle between the origin and an edge, negative if the edge runs clockwise around the origin.
fn turn_m2(a: Point, b: Point) -> f64 {
    a.east_m * b.north_m - a.north_m * b.east_m
}

/// Whether every point of an edge is farther from the origin.
fn is_beyond(a: Point, b: Point, turn_m2: f64, reach_m: f64) -> bool {
    let (east_m, north_m) = (b.east_m - a.east_m, b.north_m - a.north_m);
    let along = |p: Point| p.east_m * east_m + p.north_m * north_m;
    let is_far = |p: Point| p.east_m * p.east_m + p.north_m * p.north_m > reach_m * reach_m;
    if along(a) >= 0.0 {
        return is_far(a);
    }
    if along(b) <= 0.0 {
        return is_far(b);
    }
    turn_m2 * turn_m2 > reach_m * reach_m * (east_m * east_m + north_m * north_m)
}

/// Whole turns that an edge away from the origin adds to the difference of its ends' directions: one counter-clockwise if
/// it passes due west southwards, one clockwise if northwards.
fn turns_west(a: Point, b: Point, turn_m2: f64) -> f64 {
    match (a.north_m >= 0.0, b.north_m >= 0.0) {
        (true, false) if turn_m2 > 0.0 => 1.0,
        (false, true) if turn_m2 < 0.0 => -1.0,
        (_, _) => 0.0,
    }
}

/// The direction of a point as an angle from due east; due west is half a turn, never minus half a turn.
fn direction(p: Point) -> f64 {
    // The sum has no negative zero.
    libm::atan2(p.north_m + 0.0, p.east_m)
}

/// The share of the Gaussian that lies in the directions of an edge and beyond it, as an angle.
fn lost_angle(a: Point, b: Point, turn_m2: f64, sigma_m: f64) -> f64 {
    let (east_m, north_m) = (b.east_m - a.east_m, b.north_m - a.north_m);
    let length_m = libm::sqrt(east_m * east_m + north_m * north_m);
    let foot_m = turn_m2 / length_m;
    let angle_of =
        |p: Point| libm::atan2((p.east_m * east_m + p.north_m * north_m) / length_m, foot_m);
    tail_angle(foot_m / sigma_m, angle_of(a), angle_of(b))
}

/// The integral of `exp(-h² / (2 cos² θ))` from `start` to `end`.
fn tail_angle(foot_sigmas: f64, start: f64, end: f64) -> f64 {
    let (middle, half) = (f64::midpoint(start, end), (end - start) / 2.0);
    // Towards a right angle the Gaussian may fall off within a small part of the edge.
    let is_even = half < NARROW && start.abs().max(end.abs()) < OBLIQUE;
    let nodes: &[(f64, f64)] = if is_even { &FEW_NODES } else { &NODES };
    let exponent = -0.5 * foot_sigmas * foot_sigmas;
    let at = |angle: f64| {
        let cosine = libm::cos(angle);
        libm::exp(exponent / (cosine * cosine))
    };
    let pair = |&(node, weight): &(f64, f64)| {
        weight * (at(middle - half * node) + at(middle + half * node))
    };
    half * nodes.iter().map(pair).sum::<f64>()
}

/// Beyond this many sigmas nothing is left of a Gaussian that could matter (4e-6).
const REACH_SIGMAS: f64 = 5.0;

/// Positive nodes and weights of the 12-point Gauss-Legendre rule on -1 to 1.
const NODES: [(f64, f64); 6] = [
    (0.125_233_408_511_468_9, 0.249_147_045_813_402_8),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_4, 0.203_167_426_723_065_9),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_2),
    (0.904_117_256_370_474_9, 0.106_939_325_995_318_4),
    (0.981_560_634_246_719_3, 0.047_175_336_386_511_8),
];

/// Half the angle up to which an edge needs few nodes, and how far from its foot; 2e-5 of probability is lost at most.
const NARROW: f64 = 0.5;
const OBLIQUE: f64 = 1.2;

/// The same of the 4-point rule.
const FEW_NODES: [(f64, f64); 2] = [
    (0.339_981_043_584_856_3, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_9),
];

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The formula as it is written: every angle measured, no edge left out, and the integral by many small steps.
    fn written_out(polygon: &Polygon, position: Position, sigma_m: f64) -> f64 {
        let angle = |(a, b): (Point, Point)| {
            let (east_m, north_m) = (b.east_m - a.east_m, b.north_m - a.north_m);
            let (length_m, turn) = (libm::hypot(east_m, north_m), turn_m2(a, b));
            let (foot_m, along) = (turn.abs() / length_m, |p: Point| {
                (p.east_m * east_m + p.north_m * north_m) / length_m
            });
            if turn == 0.0 {
                return 0.0;
            }
            let (start, end) = (libm::atan2(along(a), foot_m), libm::atan2(along(b), foot_m));
            let step = (end - start) / f64::from(STEPS);
            let kept = |number: u32| {
                let cosine = libm::cos(start + (f64::from(number) + 0.5) * step);
                1.0 - libm::exp(-0.5 * libm::pow(foot_m / sigma_m / cosine, 2.0))
            };
            ((0..STEPS).map(kept).sum::<f64>() * step).copysign(turn)
        };
        let angle: f64 = polygon.edges_around(position).map(angle).sum();
        angle / (2.0 * PI)
    }

    /// Steps of an edge's integral.
    const STEPS: u32 = 500;

    /// A closed ring around a place near the equator, which goes in and out between these distances in degrees.
    fn star(corners: u32, inner_deg: f64, outer_deg: f64) -> Vec<[f64; 2]> {
        (0..=corners)
            .map(|corner| {
                let angle = f64::from(corner % corners) / f64::from(corners) * 2.0 * PI;
                let deg = if corner % 2 == 0 { outer_deg } else { inner_deg };
                [deg * libm::cos(angle), deg * libm::sin(angle)]
            })
            .collect()
    }

    proptest! {
        #[test]
        fn few_nodes_do_where_they_are_taken(
            foot_sigmas in 0.001_f64..6.0,
            middle in -1.2_f64..1.2,
            half in 0.01..NARROW,
        ) {
            prop_assume!(middle.abs() + half < OBLIQUE);
            let (start, step) = (middle - half, 2.0 * half / f64::from(STEPS));
            let at = |number: u32| {
                let cosine = libm::cos(start + (f64::from(number) + 0.5) * step);
                libm::exp(-0.5 * libm::pow(foot_sigmas / cosine, 2.0))
            };
            let fine = (0..STEPS).map(at).sum::<f64>() * step;
            let quick = tail_angle(foot_sigmas, start, middle + half);
            prop_assert!((quick - fine).abs() / (2.0 * PI) < 2e-5, "{quick} {fine}");
        }

        #[test]
        fn the_sum_is_that_of_the_formula_written_out(
            half_corners in 2_u32..20,
            inner in 2_i32..9,
            has_hole in any::<bool>(),
            (east, north) in (-20_i32..=20, -20_i32..=20),
            sigma_m in 1.0_f64..60.0,
        ) {
            let shell = star(half_corners * 2, f64::from(inner) * 1e-4, 1e-3);
            let hole = star(4, 5e-5, 5e-5);
            let rings = if has_hole { [shell, hole].to_vec() } else { [shell].to_vec() };
            let polygon = Polygon::from_coordinates(&rings).unwrap();
            // A grid, so that corners and edges lie due west and under the position itself, too.
            let position = Position::new(f64::from(north) * 1e-4, f64::from(east) * 1e-4).unwrap();
            let (quick, whole) = (
                probability_inside(&polygon, position, sigma_m),
                written_out(&polygon, position, sigma_m.max(SIGMA_M_MIN)),
            );
            prop_assert!((quick - whole.clamp(0.0, 1.0)).abs() < 5e-3, "{quick} {whole}");
        }
    }
}
