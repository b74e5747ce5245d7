//! Fences and tracks in small scenes, written as tables (M-GEO-0 to M-GEO-4). Tests only.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::position::METRES_PER_DEGREE;
use super::*;
use crate::evidence::PlaceAnswer;
use crate::limits::ZONES_MAX;
use crate::order::Scope;
use crate::time::Timestamp;

use FenceReason as Why;
use PlaceAnswer::{Inside, Outside, Uncertain};
use TrackUpdate as Became;

pub(super) const GROCERY: Scope = Scope::GroceryHandoff;
pub(super) const FUEL: Scope = Scope::FuelAuthorisation;

/// A point in metres east and north of the middle of the scene.
pub(super) fn place(east_m: f64, north_m: f64) -> Position {
    let latitude_deg = 37.0_f64;
    let east_m_per_deg = METRES_PER_DEGREE * libm::cos(latitude_deg.to_radians());
    let (north_deg, east_deg) = (north_m / METRES_PER_DEGREE, east_m / east_m_per_deg);
    Position::new(latitude_deg + north_deg, -122.0 + east_deg).unwrap()
}

pub(super) fn square(east_m: f64, north_m: f64, side_m: f64) -> Polygon {
    let half = side_m / 2.0;
    let corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)];
    Polygon::new(&[corners.map(|(x, y)| place(east_m + x, north_m + y)).to_vec()]).unwrap()
}

/// A polygon of so many corners on a circle of fifty metres.
fn round(corners: u16) -> Polygon {
    let corner = |at: u16| {
        let turn = f64::from(at % corners) / f64::from(corners) * core::f64::consts::TAU;
        place(50.0 * turn.cos(), 50.0 * turn.sin())
    };
    Polygon::new(&[(0..=corners).map(corner).collect()]).unwrap()
}

pub(super) fn zone(kind: ZoneKind, polygon: Polygon, services: &[Scope]) -> Zone {
    Zone { kind, polygon, services: services.to_vec() }
}

pub(super) fn fence(zones: Vec<Zone>) -> Fence {
    Fence::new("lot".parse().unwrap(), 1, zones, FenceLimits::default()).unwrap()
}

/// A square of 100 m for groceries.
pub(super) fn lot() -> Fence {
    fence(vec![zone(ZoneKind::Delivery, square(0.0, 0.0, 100.0), &[GROCERY])])
}

pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_s(1_000_000 + second)
}

/// A fix of ten metres accuracy, taken and received at the same second.
pub(super) fn fix(second: u64, east_m: f64) -> Fix {
    Fix {
        position: place(east_m, 0.0),
        accuracy: accuracy(10.0),
        fixed_at: at(second),
        received_at: at(second),
        speed: None,
        source: FixSource::Fused,
        mock: false,
    }
}

pub(super) fn accuracy(radius_m: f64) -> Accuracy {
    Accuracy::new(radius_m, Confidence::ANDROID).unwrap()
}

fn speed(speed_mps: f64) -> Speed {
    Speed::from_mps(speed_mps).unwrap()
}

pub(super) fn folded(fence: &Fence, fixes: &[Fix]) -> Track {
    let mut track = Track::default();
    for fix in fixes {
        track.observe(fix, fence, fix.received_at);
    }
    track
}

/// Present at the lot since second 0, last seen at second 30.
fn present() -> Vec<Fix> {
    (0..=6).map(|index| fix(index * 5, 0.0)).collect()
}

fn check(fence: &Fence, fixes: &[Fix], second: u64, answer: PlaceAnswer, why: &[Why]) {
    let result = fence.evaluate(&folded(fence, fixes), at(second), GROCERY);
    assert_eq!((result.answer, &result.why[..]), (answer, why), "{fixes:?}");
}

#[test]
fn a_drawing_is_tried_on_one_fix_whatever_its_age_and_however_short_the_stay() {
    let lot = lot();
    for (east_m, radius_m, answer) in [
        (0.0, 10.0, Inside),
        (50.0, 10.0, Uncertain),
        (90.0, 10.0, Outside),
        (0.0, 5_000.0, Uncertain),
        (20_000.0, 5_000.0, Uncertain),
    ] {
        let fix = Fix { accuracy: accuracy(radius_m), ..fix(0, east_m) };
        let glance = lot.glance(&fix, GROCERY);
        assert_eq!(glance.answer, answer, "{east_m} m east, {radius_m} m");
        assert!((glance.distance_m.unwrap() - (east_m - 50.0)).abs() < east_m.mul_add(0.01, 1.0));
    }
    let glance = lot.glance(&fix(0, 0.0), FUEL);
    assert_eq!((glance.answer, glance.distance_m), (Outside, None));
}

#[test]
fn a_stay_becomes_inside_after_its_dwell_and_only_by_fixes() {
    let lot = lot();
    check(&lot, &[], 0, Uncertain, &[Why::NoFix]);
    check(&lot, &[fix(0, 0.0)], 0, Uncertain, &[Why::Dwelling]);
    check(&lot, &[fix(0, 0.0), fix(19, 0.0)], 19, Uncertain, &[Why::Dwelling]);
    check(&lot, &[fix(0, 0.0), fix(20, 0.0)], 20, Inside, &[]);
    // Waiting proves nothing: the second fix must be twenty seconds after the first.
    check(&lot, &[fix(0, 0.0), fix(10, 0.0)], 24, Uncertain, &[Why::Dwelling]);
    check(&lot, &[fix(0, 0.0), fix(60, 0.0)], 60, Inside, &[]);
    check(&lot, &[fix(0, 0.0), fix(61, 0.0)], 61, Uncertain, &[Why::Dwelling]);
    check(&lot, &present(), 45, Inside, &[]);
    check(&lot, &present(), 46, Uncertain, &[Why::Stale]);
    check(&lot, &[fix(0, 500.0)], 0, Outside, &[Why::Outside]);
    check(&lot, &[fix(0, 50.0)], 0, Uncertain, &[Why::BetweenThresholds]);
}

#[test]
fn neither_clock_can_stretch_a_dwell_alone() {
    let lot = lot();
    let backdated = Fix { fixed_at: at(86), received_at: at(100), ..fix(0, 0.0) };
    let postdated = Fix { fixed_at: at(110), received_at: at(100), ..fix(0, 0.0) };
    check(&lot, &[backdated, postdated], 100, Uncertain, &[Why::Dwelling]);
    let delayed = Fix { fixed_at: at(101), received_at: at(115), ..fix(0, 0.0) };
    check(&lot, &[fix(95, 0.0), delayed], 115, Uncertain, &[Why::Dwelling]);
    let future = Fix { fixed_at: at(40), received_at: at(30), ..fix(0, 0.0) };
    let result = lot.evaluate(&folded(&lot, &[future]), at(44), GROCERY);
    assert_eq!(
        result.fix_age_ms,
        Some(14_000),
        "age counts from arrival when the device's clock is ahead"
    );
}

#[test]
fn enter_and_exit_have_their_own_thresholds() {
    let lot = lot();
    let stay_at_the_edge = |east_m| [present(), vec![fix(60, east_m)]].concat();
    for (east_m, answer, why) in [
        (40.0, Inside, &[][..]),
        (48.0, Inside, &[Why::BetweenThresholds][..]),
        (57.0, Inside, &[Why::BetweenThresholds][..]),
        (60.0, Uncertain, &[Why::Outside][..]),
    ] {
        check(&lot, &stay_at_the_edge(east_m), 35, answer, why);
        let fresh =
            lot.evaluate(&folded(&lot, &[fix(35, east_m), fix(60, east_m)]), at(60), GROCERY);
        assert_eq!(fresh.answer == Inside, east_m < 45.0, "{east_m}");
    }
    // However wide the circle, a reported point far outside is no place to hand anything over.
    let wide = Fix { accuracy: accuracy(95.0), ..fix(60, 76.0) };
    check(&lot, &[present(), vec![wide]].concat(), 60, Uncertain, &[Why::BetweenThresholds]);
}

#[test]
fn one_bad_fix_never_ends_a_presence_but_several_do() {
    let lot = lot();
    for (what, bad, while_bad) in [
        ("outside", fix(35, 90.0), &[Why::Outside, Why::Moving][..]),
        ("moving", Fix { speed: Some(speed(3.0)), ..fix(35, 0.0) }, &[Why::Moving][..]),
        ("a jump", fix(35, 9_000.0), &[Why::ImplausibleSpeed][..]),
        (
            "absurd speed",
            Fix { speed: Some(speed(80.0)), ..fix(35, 0.0) },
            &[Why::ImplausibleSpeed][..],
        ),
        ("simulated", Fix { mock: true, ..fix(35, 0.0) }, &[Why::MockLocation][..]),
        ("future", Fix { fixed_at: at(46), ..fix(35, 0.0) }, &[Why::ClockSkew][..]),
    ] {
        let once = [present(), vec![bad]].concat();
        check(&lot, &once, 35, Uncertain, while_bad);
        let back = [once, vec![fix(40, 0.0)]].concat();
        let result = lot.evaluate(&folded(&lot, &back), at(40), GROCERY);
        assert_eq!((result.answer, result.dwell_ms), (Inside, 40_000), "{what}");
    }
    let gone = [present(), vec![fix(35, 90.0), fix(40, 90.0)]].concat();
    check(&lot, &gone, 40, Outside, &[Why::Outside]);
    let twice_in_a_moment = [present(), vec![fix(35, 90.0), fix(39, 90.0)]].concat();
    check(&lot, &twice_in_a_moment, 39, Uncertain, &[Why::Outside]);
    let driven = |second| Fix { speed: Some(speed(3.0)), ..fix(second, 0.0) };
    let cruising = [present(), vec![driven(35), driven(40), fix(41, 0.0)]].concat();
    check(&lot, &cruising, 41, Uncertain, &[Why::Dwelling]);
}

#[test]
fn fixes_that_are_no_evidence_are_counted_and_change_nothing() {
    let lot = lot();
    let coarse = Fix { accuracy: accuracy(100.1), ..fix(35, 0.0) };
    let w3c = |radius_m| Accuracy::new(radius_m, Confidence::W3C).unwrap();
    for (extra, became) in [
        (Fix { received_at: at(46), ..fix(30, 0.0) }, Became::Stale),
        (Fix { fixed_at: Timestamp::default(), ..fix(35, 0.0) }, Became::Stale),
        (fix(30, 90.0), Became::Duplicate),
        (Fix { fixed_at: at(29), ..fix(35, 90.0) }, Became::Reordered),
        (coarse, Became::Inaccurate),
        // 163 m at 95 % are more than 100 m at 68 %, 160 m are less.
        (Fix { accuracy: w3c(163.0), ..fix(35, 0.0) }, Became::Inaccurate),
    ] {
        let mut track = folded(&lot, &present());
        let before = lot.evaluate(&track, at(35), GROCERY);
        assert_eq!(track.observe(&extra, &lot, extra.received_at), became);
        let after = lot.evaluate(&track, at(35), GROCERY);
        assert_eq!((after.answer, after.why, after.dwell_ms), (Inside, vec![], before.dwell_ms));
    }
    let mut track = folded(&lot, &present());
    let accurate = Fix { accuracy: w3c(160.0), ..fix(35, 0.0) };
    assert_eq!(track.observe(&accurate, &lot, at(35)), Became::Believed);
    // A poor fix explains why there is nothing better, once the last good one is too old.
    let later = Fix { accuracy: accuracy(900.0), ..fix(60, 0.0) };
    check(
        &lot,
        &[present(), vec![later]].concat(),
        60,
        Uncertain,
        &[Why::Stale, Why::AccuracyTooLow],
    );
    check(&lot, &[coarse], 35, Uncertain, &[Why::AccuracyTooLow]);
}

#[test]
fn a_poor_fix_does_not_wash_off_a_suspicion() {
    let lot = lot();
    let mock = Fix { mock: true, ..fix(35, 0.0) };
    let coarse = Fix { accuracy: accuracy(900.0), ..fix(36, 0.0) };
    check(&lot, &[present(), vec![mock, coarse]].concat(), 36, Uncertain, &[Why::MockLocation]);
}

#[test]
fn a_jump_is_followed_only_when_it_can_be_true() {
    let lot = lot();
    let home: Vec<_> = (0..4).map(|index| fix(index * 30, 50_000.0)).collect();
    // Fixes at the lot that claim to be good, 50 km from the last believed one: 700 s at 70 m/s.
    let jumped =
        |count: u64| (0..count).map(|index| fix(120 + index * 30, 0.0)).collect::<Vec<_>>();
    check(
        &lot,
        &[home.clone(), jumped(14)].concat(),
        510,
        Uncertain,
        &[Why::Stale, Why::ImplausibleSpeed],
    );
    let settled = folded(&lot, &[home.clone(), jumped(22)].concat());
    assert_eq!((settled.counts().jumped, settled.counts().relocated), (20, 1));
    assert_eq!(lot.evaluate(&settled, at(750), GROCERY).answer, Inside);
    // Coming home in between starts the count anew.
    let mut broken = jumped(22);
    broken[10] = fix(420, 50_000.0);
    let doubted = folded(&lot, &[home, broken].concat());
    assert_eq!(doubted.counts().relocated, 0);
    assert_eq!(lot.evaluate(&doubted, at(750), GROCERY).answer, Uncertain);
}

#[test]
fn implied_speed_gives_both_circles_the_benefit_of_the_doubt() {
    for (radius_m, east_m, seconds, expected_mps) in
        [(10.0, 1_032.4, 10, 100.0), (10.0, 32.0, 10, 0.0), (100.0, 1_032.4, 10, 70.8)]
    {
        let start = Fix { accuracy: accuracy(radius_m), ..fix(0, 0.0) };
        let end = Fix { accuracy: accuracy(radius_m), ..fix(seconds, east_m) };
        let implied_mps = implied_speed_mps(&start, &end);
        assert!((implied_mps - expected_mps).abs() < 0.1, "{implied_mps}");
    }
    assert!(implied_speed_mps(&fix(0, 0.0), &fix(0, 1_000.0)).is_infinite());
    // Without a told speed, motion is what the circles cannot explain.
    let track = folded(&lot(), &[fix(0, -500.0), fix(10, -400.0)]);
    assert!(track.is_moving());
    assert!(!folded(&lot(), &[fix(0, -40.0), fix(10, 10.0)]).is_moving());
}

#[test]
fn services_have_their_own_zones_and_exclusions_outweigh_them() {
    let venue = fence(vec![
        zone(ZoneKind::Parking, square(0.0, 0.0, 200.0), &[GROCERY]),
        zone(ZoneKind::Fuelling, square(-60.0, 0.0, 60.0), &[FUEL]),
        zone(ZoneKind::Exclusion, square(60.0, 0.0, 60.0), &[GROCERY]),
    ]);
    let stay = |east_m| folded(&venue, &[fix(0, east_m), fix(25, east_m)]);
    for (east_m, service, answer, why) in [
        (-60.0, GROCERY, Inside, &[][..]),
        (-60.0, FUEL, Inside, &[][..]),
        (0.0, FUEL, Outside, &[Why::Outside][..]),
        (60.0, GROCERY, Outside, &[Why::ExcludedZone][..]),
        (30.0, GROCERY, Uncertain, &[Why::ExcludedZone, Why::BetweenThresholds][..]),
        (-60.0, Scope::ColdRelease, Outside, &[Why::ServiceNotPermitted][..]),
    ] {
        let result = venue.evaluate(&stay(east_m), at(25), service);
        assert_eq!((result.answer, &result.why[..]), (answer, why), "{east_m} {service:?}");
    }
}

#[test]
fn a_redrawn_fence_is_judged_anew() {
    let lot = lot();
    let track = folded(&lot, &present());
    let zones = lot.zones().to_vec();
    let redrawn = Fence::new(lot.venue().clone(), 2, zones, *lot.limits()).unwrap();
    let result = redrawn.evaluate(&track, at(30), GROCERY);
    assert_eq!((result.answer, result.why), (Uncertain, vec![Why::Dwelling]));
    let mut track = track;
    track.observe(&fix(35, 0.0), &redrawn, at(35));
    assert_eq!(redrawn.evaluate(&track, at(35), GROCERY).dwell_ms, 0);
}

#[test]
fn senseless_fences_are_refused() {
    let good = || zone(ZoneKind::Delivery, square(0.0, 0.0, 50.0), &[GROCERY]);
    let limits = FenceLimits::default();
    let swapped = FenceLimits { enter_probability: 0.5, exit_probability: 0.5, ..limits };
    for (zones, limits, expected) in [
        (vec![good()], limits, None),
        (vec![], limits, Some(FenceError::NothingPermitted)),
        (
            vec![Zone { kind: ZoneKind::Exclusion, ..good() }],
            limits,
            Some(FenceError::NothingPermitted),
        ),
        (
            vec![good(); ZONES_MAX + 1],
            limits,
            Some(FenceError::TooManyZones { count: ZONES_MAX + 1 }),
        ),
        (
            vec![Zone { polygon: round(500), ..good() }; 5],
            limits,
            Some(FenceError::TooManyVertices { count: 2_500 }),
        ),
        (
            vec![Zone { services: vec![], ..good() }],
            limits,
            Some(FenceError::NoService { zone: 0 }),
        ),
        (
            vec![good(), Zone { services: vec![GROCERY, GROCERY], ..good() }],
            limits,
            Some(FenceError::RepeatedService { zone: 1 }),
        ),
        (
            vec![Zone { services: vec![FUEL], ..good() }],
            limits,
            Some(FenceError::FuelOutsideFuelling { zone: 0 }),
        ),
        (vec![good()], swapped, Some(FenceError::Thresholds)),
        (
            vec![good()],
            FenceLimits { enter_probability: f64::NAN, ..limits },
            Some(FenceError::Thresholds),
        ),
        (
            vec![good()],
            FenceLimits { accuracy_m_max: 5_000.0, ..limits },
            Some(FenceError::AccuracyLimit),
        ),
        (vec![good()], FenceLimits { fix_age_ms_max: 0, ..limits }, Some(FenceError::AgeLimit)),
        (vec![good()], FenceLimits { dwell_ms_min: u64::MAX, ..limits }, Some(FenceError::Dwell)),
    ] {
        let refused = Fence::new("lot".parse().unwrap(), 1, zones, limits).err();
        assert_eq!(refused, expected);
    }
}

#[test]
fn the_stored_forms_are_pinned_and_small() {
    let lot = lot();
    let track = folded(&lot, &[present(), vec![fix(31, 9_000.0)]].concat());
    let text = serde_json::to_string(&track).unwrap();
    assert_eq!(serde_json::from_str::<Track>(&text).unwrap(), track);
    assert!(text.len() < 1_200, "{} {text}", text.len());
    let standing = r#""standings":[["grocery_handoff",{"state":"present","since":{"fixed_at":1000000000,"received_at":1000000000}}]]"#;
    assert!(text.contains(standing), "{text}");
    let result = lot.evaluate(&track, at(31), GROCERY);
    let expected = concat!(
        r#"{"answer":"uncertain","probability":1.0,"why":["implausible_speed"],"distance_m":-50.0,"#,
        r#""fix_age_ms":1000,"accuracy_m":10.0,"dwell_ms":30000}"#
    );
    assert_eq!(serde_json::to_string(&result).unwrap(), expected);
    let stored = serde_json::to_string(&lot).unwrap();
    let again: Fence = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, lot);
    assert!(
        stored
            .starts_with(r#"{"venue":"lot","version":1,"zones":[{"kind":"delivery","polygon":[[["#)
    );
    assert!(serde_json::from_str::<Fence>(&stored.replace("0.9", "0.05")).is_err());
}

/// Fixes that are no evidence, to be thrown into any track after a fix of `second`.
fn useless_fix() -> impl Strategy<Value = fn(u64) -> Fix> {
    prop_oneof![
        Just((|second| Fix { received_at: at(second), ..fix(second - 16, 0.0) }) as fn(u64) -> Fix),
        Just((|second| Fix { fixed_at: at(second + 11), ..fix(second, 0.0) }) as fn(u64) -> Fix),
        Just((|second| Fix { mock: true, ..fix(second, 0.0) }) as fn(u64) -> Fix),
        Just((|second| Fix { accuracy: accuracy(101.0), ..fix(second, 0.0) }) as fn(u64) -> Fix),
        Just((|second| Fix { speed: Some(speed(71.0)), ..fix(second, 0.0) }) as fn(u64) -> Fix),
        Just((|second| fix(second, 90_000.0)) as fn(u64) -> Fix),
        Just((|second| Fix { fixed_at: at(second - 1), ..fix(second, 0.0) }) as fn(u64) -> Fix),
        Just((|second| Fix { fixed_at: at(second - 3), ..fix(second, 0.0) }) as fn(u64) -> Fix),
    ]
}

const fn rank(answer: PlaceAnswer) -> u8 {
    match answer {
        Outside => 0,
        Uncertain => 1,
        Inside => 2,
    }
}

#[test]
fn after_a_jump_that_was_not_believed_a_fix_of_the_same_moment_is_news_and_no_repetition() {
    let lot = lot();
    let mut track = folded(&lot, &[fix(2, 0.0), fix(4, 0.0), fix(6, 118.4)]);
    assert_eq!(track.observe(&fix(8, -119.0), &lot, at(8)), Became::Jumped);
    let jumped = lot.evaluate(&track, at(9), GROCERY);
    assert_eq!((jumped.answer, jumped.why.first()), (Outside, Some(&Why::ImplausibleSpeed)));
    let plausible = Fix { fixed_at: at(8), ..fix(9, 0.0) };
    assert_eq!(track.observe(&plausible, &lot, at(9)), Became::Believed);
}

proptest! {
    #[test]
    fn a_useless_fix_never_improves_an_answer(
        walk in prop::collection::vec((1_u64..12, -120.0..120.0_f64, 5.0..60.0_f64), 1..40),
        useless in useless_fix(),
        place in any::<prop::sample::Index>(),
    ) {
        let lot = lot();
        let (mut honest, mut disturbed) = (Track::default(), Track::default());
        let (mut second, thrown_in) = (100, place.index(walk.len()));
        for (index, &(pause, east_m, radius_m)) in walk.iter().enumerate() {
            // Odd seconds are left to the useless fix, which arrives one second after the honest one.
            second += pause * 2;
            let honest_fix = Fix { accuracy: accuracy(radius_m), ..fix(second, east_m) };
            let before = honest.observe(&honest_fix, &lot, at(second));
            disturbed.observe(&honest_fix, &lot, at(second));
            // After one that was not believed, the next is no repetition of it and may say more than it did.
            if index == thrown_in && before == Became::Believed {
                let extra = useless(second + 1);
                let became = disturbed.observe(&extra, &lot, at(second + 1));
                prop_assert_ne!(became, Became::Believed);
            }
            let truth = lot.evaluate(&honest, at(second + 1), GROCERY);
            let answer = lot.evaluate(&disturbed, at(second + 1), GROCERY);
            prop_assert!(rank(answer.answer) <= rank(truth.answer), "{truth:?} {answer:?}");
        }
    }

    #[test]
    fn replaying_the_same_fixes_gives_the_same_bits(
        walk in prop::collection::vec((1_u64..12, -120.0..120.0_f64, 5.0..150.0_f64), 1..40),
    ) {
        let lot = lot();
        let (mut live, mut second) = (Track::default(), 100);
        let mut stored = live.clone();
        for (pause, east_m, radius_m) in walk {
            second += pause;
            let fix = Fix { accuracy: accuracy(radius_m), ..fix(second, east_m) };
            live.observe(&fix, &lot, at(second));
            stored.observe(&fix, &lot, at(second));
            stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
        }
        prop_assert_eq!(&live, &stored);
        let (one, other) = (lot.evaluate(&live, at(second), GROCERY), lot.evaluate(&stored, at(second), GROCERY));
        let again: FenceResult = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        prop_assert_eq!(one.probability.to_bits(), other.probability.to_bits());
        prop_assert_eq!(again, one);
    }
}
