//! A recorded trip as files give it: fixes in the order of their arrival, the car leg and the parked interval, the area.
//!
//! Nothing is moved, made up or left out between the start of the car leg and the next leg; all times are shifted by
//! one constant.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use carhop_kernel::geofence::{Polygon, Position};
use carhop_kernel::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::driver::Reported;
use super::trips::Trip;

/// A recorded trip.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Fixes by arrival.
    fixes: Vec<Arrived>,
    /// When the car leg starts.
    pub(crate) start: Timestamp,
    /// When the car is parked.
    pub(crate) parked: Timestamp,
    /// When the next leg that is not walked starts.
    pub(crate) left: Timestamp,
    /// The area of the venue, as GeoJSON coordinates.
    pub(crate) coordinates: Value,
    polygon: Polygon,
}

/// A fix and when it arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// When the phone had it.
    pub(crate) at: Timestamp,
    /// What the phone had.
    pub(crate) fix: Reported,
}

/// A line of a recording.
#[derive(Deserialize)]
struct Line {
    t: String,
    lat: f64,
    lon: f64,
    acc_m: Option<f64>,
    acc_conf: Option<f64>,
    provider: String,
    speed_mps: Option<f64>,
    recv_t: Option<String>,
    #[serde(default)]
    mock: bool,
}

/// A truth file.
#[derive(Deserialize)]
struct Truth {
    events: Vec<Press>,
}

/// The carrier pressed a button at the start or the end of a leg.
#[derive(Deserialize)]
struct Press {
    t: String,
    event: String,
    leg: String,
}

impl Recording {
    /// Reads a trip out of a folder of recordings.
    pub(crate) fn read(folder: &Path, trip: &Trip) -> Result<Self> {
        let text = |name: String| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        let truth: Truth = serde_json::from_str(&text(format!("{}.truth.json", trip.trace))?)?;
        let [start, parked, left] = car_leg(&truth.events)?;
        let lines = text(format!("{}.jsonl", trip.trace))?;
        let mut fixes = Vec::new();
        for (number, line) in lines.lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {} of {}", number + 1, trip.trace))?;
            fixes.extend(line.arrived()?.filter(|fix| start <= fix.at && fix.at < left));
        }
        ensure!(fixes.is_sorted_by_key(|fix| fix.at), "the fixes are not in order of arrival");
        let venues: Value = serde_json::from_str(&text("venues.geojson".to_owned())?)?;
        let features = venues["features"].as_array().context("no venues")?;
        let feature = features.iter().find(|one| one["properties"]["venue_id"] == trip.venue);
        let feature = feature.with_context(|| format!("no venue `{}`", trip.venue))?;
        let coordinates = feature["geometry"]["coordinates"].clone();
        let polygon = serde_json::from_value(coordinates.clone())?;
        Ok(Self { fixes, start, parked, left, coordinates, polygon })
    }

    /// The fixes, by arrival.
    pub(crate) fn fixes(&self) -> &[Arrived] {
        &self.fixes
    }

    /// How far from the area the phone said it was at a recorded moment, in metres; negative inside.
    pub(crate) fn distance_m(&self, at: Timestamp) -> Option<f64> {
        let last = self.fixes.iter().take_while(|fix| fix.at <= at).last()?;
        let position = Position::new(last.fix.latitude, last.fix.longitude).ok()?;
        Some(self.polygon.distance_to_edge_m(position))
    }
}

impl Arrived {
    /// The same fix, so much later.
    pub(crate) const fn shifted(self, shift_ms: u64) -> Self {
        let fix = Reported { fixed_at: self.fix.fixed_at.plus_ms(shift_ms), ..self.fix };
        Self { at: self.at.plus_ms(shift_ms), fix }
    }
}

impl Line {
    /// The fix; none where no accuracy was recorded, since such a fix cannot be reported.
    fn arrived(self) -> Result<Option<Arrived>> {
        let Some(accuracy_m) = self.acc_m else { return Ok(None) };
        let fixed_at = instant(&self.t)?;
        let at = self.recv_t.as_deref().map_or(Ok(fixed_at), instant)?;
        let source = match self.provider.as_str() {
            "gps" => "gnss",
            "network" => "network",
            _ => "fused",
        };
        let fix = Reported {
            latitude: self.lat,
            longitude: self.lon,
            accuracy_m,
            accuracy_confidence: self.acc_conf,
            fixed_at,
            speed_mps: self.speed_mps,
            source,
            mock: self.mock,
        };
        Ok(Some(Arrived { at, fix }))
    }
}

/// Start and end of the car leg, and the start of the next leg that is not walked.
fn car_leg(events: &[Press]) -> Result<[Timestamp; 3]> {
    let find = |kind: &str, from: Timestamp, wanted: fn(&str) -> bool| -> Result<Timestamp> {
        for press in events.iter().filter(|press| press.event.starts_with(kind)) {
            let at = instant(&press.t)?;
            if at >= from && wanted(&press.leg) {
                return Ok(at);
            }
        }
        anyhow::bail!("the truth has no car leg with a leg after it")
    };
    let start = find("START", Timestamp::default(), |leg| leg.contains("driving"))?;
    let parked = find("STOP", start, |leg| leg.contains("driving"))?;
    let left = find("START", parked, |leg| !leg.contains("walk"))?;
    Ok([start, parked, left])
}

fn instant(text: &str) -> Result<Timestamp> {
    let at: jiff::Timestamp = text.parse().with_context(|| format!("`{text}` is no time"))?;
    let unix_ms = u64::try_from(at.as_millisecond()).context("a time before 1970")?;
    Ok(Timestamp::from_unix_ms(unix_ms))
}

#[cfg(test)]
mod tests {
    use super::super::plan::PlaceShown;
    use super::super::scenarios::HAPPY;
    use super::*;

    const TRIP: Trip = Trip {
        trace: "trip",
        venue: "library",
        scenario: &HAPPY[1],
        place: PlaceShown::Fence,
        reason: "",
    };

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let press = |t: &str, event: &str, leg: &str| {
            format!(r#"{{"t":"2019-07-28T00:{t}Z","event":"{event}_SECTION","leg":"{leg}"}}"#)
        };
        let events = [
            press("10:00", "START", "city_driving_weekend"),
            press("20:00", "STOP", "city_driving_weekend"),
            press("20:00", "START", "walk_end"),
            press("40:00", "START", "walk_start"),
            press("41:00", "START", "suburb_bicycling"),
        ];
        let truth = format!(r#"{{"method":"m","events":[{}]}}"#, events.join(","));
        let fix = |t: &str, more: &str| {
            format!(
                r#"{{"t":"2019-07-28T00:{t}Z","lat":0.0005,"lon":0.0005,"acc_m":5.0,"acc_conf":0.68,"provider":"gps","speed_mps":null{more}}}"#
            )
        };
        let lines = [
            fix("09:59", ""),
            fix("10:01", ""),
            fix("05:00", r#","recv_t":"2019-07-28T00:12:00.500Z""#),
            fix("20:05", "").replace("5.0", "null"),
            fix("20:06", "").replace("0.0005,\"lon\"", "0.0020,\"lon\""),
            fix("41:00", ""),
        ];
        let ring = "[[[0,0],[0.001,0],[0.001,0.001],[0,0.001],[0,0]]]";
        let venues = format!(
            r#"{{"features":[{{"properties":{{"venue_id":"library"}},"geometry":{{"coordinates":{ring}}}}}]}}"#
        );
        fs::write(folder.path().join("trip.truth.json"), truth).unwrap();
        fs::write(folder.path().join("trip.jsonl"), lines.join("\n")).unwrap();
        fs::write(folder.path().join("venues.geojson"), venues).unwrap();
        folder
    }

    #[test]
    fn a_trip_has_the_fixes_of_its_car_leg_and_stay_in_order_of_arrival() {
        let folder = folder();
        let trip = Recording::read(folder.path(), &TRIP).unwrap();
        assert_eq!(trip.parked.since_ms(trip.start), 600_000);
        assert_eq!(trip.left.since_ms(trip.parked), 1_260_000);
        let ages: Vec<_> =
            trip.fixes().iter().map(|fix| fix.at.since_ms(fix.fix.fixed_at)).collect();
        assert_eq!(ages, [0, 420_500, 0]);
    }

    #[test]
    fn all_times_of_a_trip_shift_by_one_constant() {
        let folder = folder();
        let trip = Recording::read(folder.path(), &TRIP).unwrap();
        for fix in trip.fixes() {
            let shifted = fix.shifted(86_400_000);
            assert_eq!(shifted.at.since_ms(fix.at), 86_400_000);
            assert_eq!(shifted.fix.fixed_at.since_ms(fix.fix.fixed_at), 86_400_000);
            let back = Reported { fixed_at: fix.fix.fixed_at, ..shifted.fix };
            assert_eq!(back, fix.fix);
        }
    }

    #[test]
    fn distance_is_that_of_the_last_fix_before() {
        let folder = folder();
        let trip = Recording::read(folder.path(), &TRIP).unwrap();
        assert!(trip.distance_m(trip.start).is_none());
        assert!(trip.distance_m(trip.parked).unwrap() < 0.0);
        let outside = trip.distance_m(trip.parked.plus_ms(60_000)).unwrap();
        assert!((outside - 111.0).abs() < 2.0, "{outside}");
    }
}
