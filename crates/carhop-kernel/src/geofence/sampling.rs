//! The probability of being inside, held against seeded Monte Carlo over shapes that are hard for it (M-GEO-2).
//! Tests only; the sampler shares nothing with the formula but the polygon's own notion of inside.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::PI;

use super::position::METRES_PER_DEGREE;
use super::{Polygon, Position, probability_inside};

#[test]
fn the_probability_is_within_a_hundredth_of_monte_carlo() {
    let mut chance = Chance(20_190_728);
    let origins = [(37.38, -122.11), (-16.5, 180.0), (64.1, -21.9)];
    for (index, (name, rings)) in shapes(&mut chance).into_iter().enumerate() {
        let (latitude_deg, longitude_deg) = origins[index % 3];
        let origin = Position::new(latitude_deg, longitude_deg).unwrap();
        let polygon = polygon(origin, &rings);
        for sigma_m in
            [chance.between(1.0, 5.0), chance.between(5.0, 60.0), chance.between(60.0, 600.0)]
        {
            let point = [chance.between(-60.0, 60.0), chance.between(-60.0, 60.0)];
            let position = place(origin, point);
            let formula = probability_inside(&polygon, position, sigma_m);
            let sampled = monte_carlo(&polygon, position, sigma_m, &mut chance);
            let error = (formula - sampled).abs();
            assert!(error < 0.01, "{name} {point:?} {sigma_m} {formula} {sampled}");
        }
    }
}

#[test]
fn edges_and_extremes_have_their_known_probability() {
    let origin = Position::new(37.38, -122.11).unwrap();
    let square = polygon(origin, &[rectangle(0.0, 0.0, 100.0, 100.0)]);
    let far = place(origin, [5_000.0, 0.0]);
    // One-dimensional normal integrals: 0.954 500 within 2 sigma, 0.682 689 within 1 sigma.
    for (what, point, sigma_m, expected) in [
        ("tiny sigma at the centre", [0.0, 0.0], 0.001, 1.0),
        ("tiny sigma outside", [60.0, 0.0], 0.001, 0.0),
        ("on an edge", [50.0, 0.0], 2.0, 0.5),
        ("on a corner", [50.0, 50.0], 2.0, 0.25),
        ("two sigmas to every edge", [0.0, 0.0], 25.0, 0.954_500 * 0.954_500),
        ("one sigma to every edge", [0.0, 0.0], 50.0, 0.682_689 * 0.682_689),
        ("huge sigma", [0.0, 0.0], 66_000.0, 3.65e-7),
        ("no idea at all", [0.0, 0.0], f64::INFINITY, 0.0),
        ("not a number", [0.0, 0.0], f64::NAN, 0.0),
    ] {
        let formula = probability_inside(&square, place(origin, point), sigma_m);
        assert!((formula - expected).abs() < 1e-4, "{what}: {formula} for {expected}");
    }
    assert!(probability_inside(&square, far, 100.0) < 1e-9);
}

#[test]
fn equal_input_has_equal_bits() {
    let origin = Position::new(1.0, 2.0).unwrap();
    let square = polygon(origin, &[rectangle(3.0, 4.0, 100.0, 50.0)]);
    let again: Polygon = serde_json::from_str(&serde_json::to_string(&square).unwrap()).unwrap();
    assert_eq!(again, square);
    let (one, other) =
        (probability_inside(&square, origin, 20.0), probability_inside(&again, origin, 20.0));
    assert_eq!(one.to_bits(), other.to_bits());
}

/// A ring in metres about an origin, not closed.
type Ring = Vec<[f64; 2]>;

fn shapes(chance: &mut Chance) -> Vec<(String, Vec<Ring>)> {
    let mut shapes = vec![
        ("square".into(), vec![rectangle(0.0, 0.0, 100.0, 100.0)]),
        ("sliver".into(), vec![rectangle(0.0, 0.0, 400.0, 3.0)]),
        ("diagonal sliver".into(), vec![vec![[-150.0, -148.0], [150.0, 150.0], [150.0, 154.0]]]),
        ("comb".into(), vec![comb()]),
        ("frame".into(), vec![rectangle(0.0, 0.0, 120.0, 90.0), rectangle(5.0, 0.0, 90.0, 70.0)]),
        (
            "two holes".into(),
            vec![
                rectangle(0.0, 0.0, 120.0, 90.0),
                rectangle(-30.0, 0.0, 40.0, 60.0),
                rectangle(30.0, 10.0, 20.0, 30.0),
            ],
        ),
    ];
    for round in 0..12 {
        let corners = 3 + round * 4;
        shapes.push((format!("star of {corners}"), vec![star(corners, chance)]));
    }
    shapes
}

fn rectangle(east_m: f64, north_m: f64, width_m: f64, height_m: f64) -> Ring {
    let (w, h) = (width_m / 2.0, height_m / 2.0);
    [[-w, -h], [w, -h], [w, h], [-w, h]].map(|[x, y]| [east_m + x, north_m + y]).into()
}

/// Ten teeth of two metres with gaps of three: concave and thin everywhere.
fn comb() -> Ring {
    let tooth = |index: i32| {
        let left = f64::from(index).mul_add(5.0, -25.0);
        [[left, -40.0], [left, 40.0], [left + 2.0, 40.0], [left + 2.0, -40.0]]
    };
    let mut ring: Vec<_> = (0..10).flat_map(tooth).collect();
    ring.extend([[22.0, -50.0], [-25.0, -50.0]]);
    ring
}

/// A ring around the origin with a random radius at every corner.
fn star(corners: u32, chance: &mut Chance) -> Ring {
    let corner = |index: u32| {
        let angle = 2.0 * PI * f64::from(index) / f64::from(corners);
        let radius_m = chance.between(5.0, 120.0);
        [radius_m * libm::cos(angle), radius_m * libm::sin(angle)]
    };
    (0..corners).map(corner).collect()
}

fn polygon(origin: Position, rings: &[Ring]) -> Polygon {
    let closed =
        |ring: &Ring| ring.iter().chain(ring.first()).map(|&point| place(origin, point)).collect();
    Polygon::new(&rings.iter().map(closed).collect::<Vec<_>>()).unwrap()
}

/// The position `[east, north]` metres from `origin`, by the inverse of the flat map.
fn place(origin: Position, [east_m, north_m]: [f64; 2]) -> Position {
    let latitude_deg = origin.latitude_deg() + north_m / METRES_PER_DEGREE;
    let east_deg = east_m / METRES_PER_DEGREE / libm::cos(origin.latitude_deg().to_radians());
    let longitude_deg = origin.longitude_deg() + east_deg;
    let turns = libm::floor((longitude_deg + 180.0) / 360.0);
    Position::new(latitude_deg, longitude_deg - turns * 360.0).unwrap()
}

/// The share of samples inside; its own standard error is at most 0.0021, so 0.01 is almost five of them.
fn monte_carlo(polygon: &Polygon, position: Position, sigma_m: f64, chance: &mut Chance) -> f64 {
    let mut inside = 0_u32;
    for _ in 0..SAMPLES / 2 {
        let [east, north] = chance.normal_pair();
        let point = [east * sigma_m, north * sigma_m];
        inside += u32::from(polygon.contains(place(position, point)));
        inside += u32::from(polygon.contains(place(position, [-point[1], point[0]])));
    }
    f64::from(inside) / f64::from(SAMPLES)
}

/// A 64-bit linear congruential generator (Knuth's MMIX constants), its upper half mixed once.
struct Chance(u64);

impl Chance {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let upper = u32::try_from(self.0 >> 32).unwrap();
        low + (high - low) * (f64::from(upper) + 0.5) / 4_294_967_296.0
    }

    fn normal_pair(&mut self) -> [f64; 2] {
        let radius = libm::sqrt(-2.0 * libm::log(self.between(0.0, 1.0)));
        let angle = self.between(0.0, 2.0 * PI);
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    }
}

const SAMPLES: u32 = 60_000;
