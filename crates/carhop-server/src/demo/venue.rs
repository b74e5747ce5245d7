//! The demo's own car park, and a driver who comes and stands there.
//!
//! Recorded trips have venues of their own; see `trips`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use carhop_app::ports::Clock;
use carhop_kernel::time::Timestamp;
use serde_json::{Value, json};

use super::driver::{Driver, Judged, Reported};
use super::stop::Positions;
use crate::clock::SystemClock;
use crate::timers;

/// The venue's name.
pub(crate) const NAME: &str = "demo:market-street";

/// Where its cars stand: degrees north and east.
pub(crate) const STANDS_AT: [f64; 2] = [NORTH, EAST];

/// What the tag at the venue carries.
pub(crate) const TAG: &str = "CARHOP-DEMO-BAY-7";

/// A venue of one drawn area: handoffs and fuelling in all of it, one tag.
pub(crate) fn geojson(name: &str, coordinates: &Value) -> Value {
    let zone = |kind: &str, services: &[&str], tags: &[&str]| {
        json!({
            "type": "Feature",
            "geometry": { "type": "Polygon", "coordinates": coordinates },
            "properties": { "name": name, "kind": kind, "services": services, "tags": tags },
        })
    };
    json!({
        "type": "FeatureCollection",
        "features": [
            zone("delivery", &["grocery_handoff"], &[TAG]),
            zone("fuelling", &["fuel_authorisation"], &[]),
        ],
    })
}

/// The demo's own car park, a hundred metres wide.
pub(crate) fn car_park() -> Value {
    let (west, south) = (EAST - 0.000_6, NORTH - 0.000_45);
    let (east, north) = (EAST + 0.000_6, NORTH + 0.000_45);
    let ring = json!([[[west, south], [east, south], [east, north], [west, north], [west, south]]]);
    geojson("Market Street car park", &ring)
}

/// A car that has left the car park.
pub(crate) const fn down_the_road(now: Timestamp) -> Reported {
    Reported {
        latitude: NORTH + AWAY_DEGREES,
        longitude: EAST,
        accuracy_m: ACCURACY_M,
        accuracy_confidence: Some(0.68),
        fixed_at: now,
        speed_mps: Some(9.0),
        source: "fused",
        mock: false,
    }
}

/// A driver who drives in, stands, and walks to the car.
pub(crate) struct Parked {
    clock: Arc<SystemClock>,
    /// How many positions were reported.
    reported: u32,
    accuracy_m: f64,
}

impl Parked {
    /// A driver some way off.
    pub(crate) const fn approach(clock: Arc<SystemClock>) -> Self {
        Self { clock, reported: 0, accuracy_m: ACCURACY_M }
    }

    async fn report(&mut self, driver: &Driver, session: &str) -> Result<Judged> {
        let away = f64::from(DRIVING_STEPS.saturating_sub(self.reported));
        self.reported += 1;
        let fix = Reported {
            latitude: NORTH + away * STEP_DEGREES,
            longitude: EAST,
            accuracy_m: self.accuracy_m,
            accuracy_confidence: Some(0.68),
            fixed_at: self.clock.now(),
            speed_mps: Some(if away > 0.0 { 8.0 } else { 0.0 }),
            source: "gnss",
            mock: false,
        };
        driver.report(session, &[fix]).await
    }
}

impl Positions for Parked {
    async fn next(&mut self, driver: &Driver, session: &str) -> Result<Judged> {
        let pause = if self.reported < DRIVING_STEPS { DRIVING_PAUSE } else { STANDING_PAUSE };
        timers::sleep(pause).await;
        self.report(driver, session).await
    }

    async fn keep_fresh(&mut self, driver: &Driver, session: &str) -> Result<()> {
        self.report(driver, session).await.map(drop)
    }

    fn blur(&mut self) {
        self.accuracy_m = BLURRED_M;
    }
}

const NORTH: f64 = 37.390_6;
const EAST: f64 = -122.083_8;
/// About eleven metres.
const STEP_DEGREES: f64 = 0.000_1;
const ACCURACY_M: f64 = 6.0;
/// Among high walls.
const BLURRED_M: f64 = 100.0;
/// About three hundred metres.
const AWAY_DEGREES: f64 = 0.002_7;
const DRIVING_STEPS: u32 = 3;
const DRIVING_PAUSE: Duration = Duration::from_secs(1);
const STANDING_PAUSE: Duration = Duration::from_secs(2);
