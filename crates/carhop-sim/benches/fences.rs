//! Ten thousand fences of thirty-two corners: what our answer about a position costs beside a bare spatial index that
//! finds the fence and asks whether the point is inside.
//!
//! Ours knows which fence is meant, because an order names its venue, but answers more: how probable it is to be inside,
//! given the accuracy of the position, with reasons.

#![expect(clippy::unwrap_used, reason = "a measurement stops at what should not happen")]
#![expect(clippy::cast_precision_loss, reason = "small counts")]

mod measure;

use std::hint::black_box;

use carhop_kernel::geofence::{
    Accuracy, Confidence, Fence, FenceLimits, Fix, FixSource, Polygon, Position, Track, Zone,
    ZoneKind,
};
use carhop_kernel::order::Scope;
use carhop_kernel::time::Timestamp;
use carhop_sim::chance::Chance;
use geo::Contains as _;
use rstar::primitives::GeomWithData;
use rstar::{AABB, RTree};

fn main() {
    let fences: Vec<Fence> = (0..FENCES).map(fence).collect();
    let polygons: Vec<geo::Polygon> = (0..FENCES).map(polygon).collect();
    let boxes = (0..FENCES).map(|number| {
        let ring = ring(number);
        let bounds = AABB::from_points(ring.iter());
        GeomWithData::new(rstar::primitives::Rectangle::from_aabb(bounds), number)
    });
    let tree = RTree::bulk_load(boxes.collect());
    let fixes: Vec<(usize, Fix)> =
        (0..FIXES).map(|number| fix(&mut Chance::new(7, &number.to_string()))).collect();
    let (mut bare, mut probability, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(measure::seconds(|| {
            for (_, fix) in &fixes {
                let at = [fix.position.longitude_deg(), fix.position.latitude_deg()];
                let found = tree
                    .locate_all_at_point(&at)
                    .find(|found| polygons[found.data].contains(&geo::Point::new(at[0], at[1])));
                black_box(found);
            }
        }));
        probability.push(measure::seconds(|| {
            for (number, fix) in &fixes {
                let polygon = &fences[*number].zones()[0].polygon;
                black_box(carhop_kernel::geofence::probability_inside(
                    polygon,
                    fix.position,
                    fix.accuracy.sigma_m(),
                ));
            }
        }));
        whole.push(measure::seconds(|| {
            for (number, fix) in &fixes {
                let mut track = Track::default();
                track.observe(fix, &fences[*number], fix.received_at);
                let scope = Scope::GroceryHandoff;
                black_box(fences[*number].evaluate(&track, fix.received_at, scope));
            }
        }));
    }
    let per_fix_us = |seconds: &[f64]| measure::median(seconds) / FIXES as f64 * 1e6;
    let raw = per_fix_us(&bare);
    println!("{FENCES} fences of {CORNERS} corners, {FIXES} positions, half of them inside");
    println!("rstar and geo alone      {raw:>7.3} us a position");
    for (name, figures) in
        [("probability of being in", probability), ("observed and evaluated", whole)]
    {
        let own = per_fix_us(&figures);
        println!("{name:<24} {own:>7.3} us, {:.2} of the bare rate", raw / own);
    }
}

fn fence(number: usize) -> Fence {
    let corners = ring(number).into_iter().map(|[east, north]| Position::new(north, east).unwrap());
    let polygon = Polygon::new(&[corners.collect()]).unwrap();
    let services = vec![Scope::GroceryHandoff];
    let zones = vec![Zone { kind: ZoneKind::Delivery, polygon, services }];
    let venue = format!("city:venue-{number}").parse().unwrap();
    Fence::new(venue, 1, zones, FenceLimits::default()).unwrap()
}

fn polygon(number: usize) -> geo::Polygon {
    let corners = ring(number).into_iter().map(|[east, north]| (east, north));
    geo::Polygon::new(geo::LineString::from(corners.collect::<Vec<_>>()), Vec::new())
}

/// A closed ring of about a hundred metres across, whose radius goes in and out.
fn ring(number: usize) -> Vec<[f64; 2]> {
    let [east, north] = centre(number);
    (0..=CORNERS)
        .map(|corner| {
            let angle = (corner % CORNERS) as f64 / CORNERS as f64 * core::f64::consts::TAU;
            let radius_deg = if corner % 2 == 0 { 0.000_45 } else { 0.000_35 };
            [east + radius_deg * 1.26 * angle.cos(), north + radius_deg * angle.sin()]
        })
        .collect()
}

fn centre(number: usize) -> [f64; 2] {
    let (row, column) = (number / 100, number % 100);
    [-122.5 + column as f64 * 0.004, 37.2 + row as f64 * 0.004]
}

/// A position near one fence: within a hundred metres of its centre.
fn fix(chance: &mut Chance) -> (usize, Fix) {
    let number = chance.below(FENCES);
    let [east, north] = centre(number);
    let mut off = || (chance.below(2_000) as f64 - 1_000.0) * 0.000_000_8;
    let position = Position::new(north + off(), east + off()).unwrap();
    let at = Timestamp::from_unix_s(1_800_000_000);
    let fix = Fix {
        position,
        accuracy: Accuracy::new(5.0, Confidence::ANDROID).unwrap(),
        fixed_at: at,
        received_at: at,
        speed: None,
        source: FixSource::Gnss,
        mock: false,
    };
    (number, fix)
}

const FENCES: usize = 10_000;
const CORNERS: usize = 32;
const FIXES: usize = 20_000;
const ROUNDS: usize = 9;
