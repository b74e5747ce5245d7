//! Positions, areas and fences in JSON: numbers that cannot be meant are refused, and what is taken never
//! yields a number that is none.

use carhop_kernel::geofence::{Fence, Fix, Polygon, Position, Track, probability_inside};
use carhop_kernel::limits::POLYGON_VERTICES_MAX;
use carhop_kernel::order::Scope;
use serde_json::json;

use crate::keys::NOW;
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "polygon", seeds: polygons, law: polygon, cost: Cost::TREE },
    &Target { name: "fence", seeds: fences, law: fence, cost: Cost::TREE },
    &Target { name: "fix", seeds: fixes, law: fix, cost: Cost::TREE },
];

fn polygons() -> Vec<Vec<u8>> {
    let square = "[[[1.0,1.0],[1.01,1.0],[1.01,1.01],[1.0,1.01],[1.0,1.0]]]";
    let holed = "[[[1.0,1.0],[1.01,1.0],[1.01,1.01],[1.0,1.01],[1.0,1.0]],\
                 [[1.002,1.002],[1.002,1.008],[1.008,1.008],[1.008,1.002],[1.002,1.002]]]";
    let across =
        "[[[179.999,10.0],[-179.999,10.0],[-179.999,10.001],[179.999,10.001],[179.999,10.0]]]";
    [square, holed, across].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// An area has one stored form, and every question about it has a number for an answer.
fn polygon(input: &[u8]) -> bool {
    let Ok(coordinates) = serde_json::from_slice::<Vec<Vec<[f64; 2]>>>(input) else { return false };
    let count: usize = coordinates.iter().map(Vec::len).sum();
    let Ok(area) = Polygon::from_coordinates(&coordinates) else { return false };
    assert!(count <= POLYGON_VERTICES_MAX);
    let stored = area.coordinates();
    let again = Polygon::from_coordinates(&stored).unwrap();
    assert_eq!(again, area);
    assert_eq!(again.coordinates(), stored);
    let places = stored.iter().flatten().map(|&[longitude, latitude]| (latitude, longitude));
    for (latitude, longitude) in places.chain([(0.0, 0.0), (90.0, 0.0), (-90.0, 180.0)]).take(20) {
        let place = Position::new(latitude, longitude).unwrap();
        assert!(area.distance_to_edge_m(place).is_finite());
        let probability = probability_inside(&area, place, 5.0);
        assert!((0.0..=1.0).contains(&probability), "{probability}");
        let _ = area.contains(place);
    }
    true
}

fn sample_fence() -> Vec<u8> {
    let coordinates: serde_json::Value = serde_json::from_slice(&polygons()[0]).unwrap();
    let zones = json!([
        { "kind": "delivery", "polygon": coordinates, "services": ["grocery_handoff"] },
    ]);
    json!({ "venue": "lot-1", "version": 1, "zones": zones }).to_string().into_bytes()
}

fn fences() -> Vec<Vec<u8>> {
    vec![sample_fence()]
}

/// A fence is read back as it is stored, and answers about anybody.
fn fence(input: &[u8]) -> bool {
    let Ok(fence) = serde_json::from_slice::<Fence>(input) else { return false };
    let stored = serde_json::to_vec(&fence).unwrap();
    assert_eq!(serde_json::from_slice::<Fence>(&stored).unwrap(), fence);
    answer(&fence, &serde_json::from_slice(&fixes()[0]).unwrap());
    true
}

fn fixes() -> Vec<Vec<u8>> {
    let full = json!({
        "position": { "latitude_deg": 1.005, "longitude_deg": 1.005 },
        "accuracy": { "radius_m": 4.5, "confidence": 0.95 },
        "fixed_at": NOW.unix_ms(),
        "received_at": NOW.unix_ms(),
        "speed": 1.5,
        "source": "gnss",
        "mock": true,
    });
    let bare = json!({
        "position": { "latitude_deg": -90.0, "longitude_deg": -180.0 },
        "accuracy": { "radius_m": 100_000.0 },
        "fixed_at": 0,
        "received_at": u64::MAX,
        "source": "statement",
    });
    [full, bare].map(|fix| fix.to_string().into_bytes()).to_vec()
}

/// A fix is read back as it is stored, and no track is confused by it.
fn fix(input: &[u8]) -> bool {
    let Ok(fix) = serde_json::from_slice::<Fix>(input) else { return false };
    let stored = serde_json::to_vec(&fix).unwrap();
    assert_eq!(serde_json::from_slice::<Fix>(&stored).unwrap(), fix);
    assert!(fix.accuracy.sigma_m().is_finite() && fix.accuracy.sigma_m() > 0.0);
    answer(&serde_json::from_slice(&sample_fence()).unwrap(), &fix);
    true
}

fn answer(fence: &Fence, fix: &Fix) {
    let mut track = Track::default();
    for delay_ms in [0, 1, 30_000] {
        let now = NOW.plus_ms(delay_ms);
        track.observe(fix, fence, now);
        let result = fence.evaluate(&track, now, Scope::GroceryHandoff);
        assert!(result.distance_m.is_none_or(f64::is_finite));
    }
}
