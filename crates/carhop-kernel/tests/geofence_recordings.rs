//! The geofence over real recordings (M-GEO-1, M-GEO-2): people who drove, parked and walked, phones that lied
//! about place and time. The recordings are found through `CARHOP_SHARED` and are not part of the repository.
#![expect(clippy::unwrap_used, reason = "a recording that cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use carhop_kernel::evidence::PlaceAnswer;
use carhop_kernel::geofence::{
    Accuracy, Confidence, Fence, FenceLimits, FenceReason, FenceResult, Fix, FixSource, Polygon,
    Position, Speed, Track, TrackUpdate, VenueTag, Zone, ZoneKind, judge_place,
};
use carhop_kernel::order::Scope;
use carhop_kernel::time::Timestamp;
use serde_json::Value;

/// Every recorded trip with a car leg, the venue the car leg ends at, and whether the fence alone gets there with
/// its default limits; the others are why place evidence has a second way (design §9.10).
const CAR_TRIPS: [(&str, &str, bool); 7] = [
    ("mob_lib_and1_hf_20190728", "mobilitynet:los-altos-library", true),
    ("mob_lib_and3_mf_20190728", "mobilitynet:los-altos-library", true),
    ("mob_lib_ios2_hf_20190728", "mobilitynet:los-altos-library", true),
    ("mob_lib_ios3_ma_20190728", "mobilitynet:los-altos-library", false),
    ("mob_sj_and2_20200304", "mobilitynet:san-jose-king-library", true),
    ("mob_sj_and3_20190723", "mobilitynet:san-jose-king-library", true),
    ("mob_sj_ios3_20190723", "mobilitynet:san-jose-king-library", false),
];

#[test]
fn cars_are_inside_only_while_parked_and_never_far_from_the_polygon() {
    let Some(data) = recordings() else { return };
    for (trace, venue, by_fence) in CAR_TRIPS {
        let fence = venue_fence(&data, venue);
        let (stop, start) = parked(&data, trace);
        let moments = watch(&read_trace(&data, trace), &fence);
        let inside: Vec<_> = moments.iter().filter(|moment| moment.is_inside()).collect();
        for moment in &inside {
            // People press the button of the next leg a little before they set out.
            assert!(stop <= moment.at && moment.at < start.plus_ms(60_000), "{trace} {moment:?}");
            assert!(moment.result.distance_m.unwrap() <= 50.0, "{trace} {moment:?}");
        }
        let first_s = inside.first().map(|moment| moment.at.since_ms(stop) / 1_000);
        let arrivals = arrivals_between(&moments, stop, start);
        println!("{trace} {venue} first inside {first_s:?} s after parking, arrivals {arrivals:?}");
        assert_eq!(first_s.is_some(), by_fence, "{trace}");
        assert!(first_s.is_none_or(|first_s| first_s < 300), "{trace} {first_s:?}");
    }
}

#[test]
fn a_tag_shows_the_place_that_sparse_fixes_cannot() {
    let Some(data) = recordings() else { return };
    for (trace, venue, _) in CAR_TRIPS.into_iter().filter(|&(_, _, by_fence)| !by_fence) {
        let fence = venue_fence(&data, venue);
        let (stop, start) = parked(&data, trace);
        let mut shown = 0;
        for moment in watch(&read_trace(&data, trace), &fence) {
            let tag = VenueTag { venue: venue.parse().unwrap(), bay: None, read_at: moment.at };
            let judged = judge_place(&fence, SERVICE, &moment.result, Some(&tag), moment.at);
            shown += usize::from(
                judged.answer == PlaceAnswer::Inside && stop <= moment.at && moment.at < start,
            );
            // A photographed tag is of no use to somebody who is still kilometres away.
            let far = moment.result.distance_m.is_some_and(|distance_m| distance_m > 5_000.0);
            assert!(!far || judged.answer != PlaceAnswer::Inside, "{trace} {moment:?}");
        }
        println!("{trace} shown by tag at {shown} moments");
        assert!(shown > 0, "{trace}");
    }
}

#[test]
fn confident_teleports_never_lead_inside() {
    let Some(data) = recordings() else { return };
    let fixes = read_trace(&data, "em_android_20150821_teleport");
    for (name, latitude_deg, longitude_deg) in
        [("naples", 26.223_65, -81.764_78), ("shanghai", 31.199_11, 121.581_38)]
    {
        let moments = watch(&fixes, &square_around(name, latitude_deg, longitude_deg));
        assert!(!moments.iter().any(Moment::is_inside), "{name}");
    }
    // The truth around the lies is still found.
    let moments = watch(&fixes, &longest_stop(&data, "em_android_20150821_teleport"));
    assert!(moments.iter().any(Moment::is_inside));
}

#[test]
fn wrong_clocks_and_late_fixes_never_improve_an_answer() {
    let Some(data) = recordings() else { return };
    for trace in [
        "em_android_20160615_badclock",
        "em_android_20150821_teleport",
        "mob_lib_and3_mf_20190728",
        "mob_still_ios1_stale_20190613",
    ] {
        let fence = longest_stop(&data, trace);
        let fixes = read_trace(&data, trace);
        let in_time =
            |fix: &&Fix| fix.received_at.since_ms(fix.fixed_at) <= fence.limits().fix_age_ms_max;
        let punctual: Vec<_> = fixes.iter().filter(in_time).copied().collect();
        assert!(punctual.len() < fixes.len(), "{trace} has late fixes");
        let (all, honest) = (watch(&fixes, &fence), watch(&punctual, &fence));
        for moment in all.iter().filter(|moment| moment.is_inside()) {
            let also = honest.iter().any(|other| other.at <= moment.at && other.is_inside());
            assert!(also, "{trace} {moment:?}");
        }
        let inside =
            |moments: &[Moment]| moments.iter().filter(|m| m.arrived && m.is_inside()).count();
        println!("{trace} inside at {} arrivals", inside(&all));
        assert_eq!(inside(&all), inside(&honest), "{trace}");
    }
}

#[test]
fn a_cache_of_days_ago_is_no_place() {
    let Some(data) = recordings() else { return };
    let fixes = read_trace(&data, "mob_still_ios1_stale_20190613");
    let here = fixes[0].position;
    let fence = square_around("here", here.latitude_deg(), here.longitude_deg());
    let mut track = Track::default();
    assert_eq!(track.observe(&fixes[0], &fence, fixes[0].received_at), TrackUpdate::Stale);
    let result = fence.evaluate(&track, fixes[0].received_at, SERVICE);
    assert_eq!((result.answer, result.why), (PlaceAnswer::Uncertain, vec![FenceReason::Stale]));
}

#[test]
fn phones_that_lie_still_are_hardly_ever_in_motion() {
    let Some(data) = recordings() else { return };
    let nowhere = square_around("nowhere", 0.0, 0.0);
    // The recorded speeds of a phone at rest pass walking pace now and then; nothing here is allowed to add to them.
    for (trace, moving_max) in [
        ("mob_still_and1_20190730", 1),
        ("mob_still_and4_lowpower_20190729", 0),
        ("mob_still_ios1_stale_20190613", 0),
        ("mob_still_ios2_20190729", 0),
    ] {
        let mut track = Track::default();
        let mut moving = 0;
        for fix in read_trace(&data, trace) {
            let believed = track.observe(&fix, &nowhere, fix.received_at) == TrackUpdate::Believed;
            moving += usize::from(believed && track.is_moving());
        }
        println!("{trace} in motion {moving} times, {:?}", track.counts());
        assert!(moving <= moving_max, "{trace} {moving}");
        assert_eq!(track.counts().jumped, 0, "{trace}");
    }
}

#[test]
fn every_real_polygon_is_accepted_and_reads_back_equal() {
    let Some(data) = recordings() else { return };
    for file in ["venues.geojson", "venues_osm_only.geojson"] {
        let venues = read_json(&data.join(file));
        for feature in venues["features"].as_array().unwrap() {
            let coordinates = feature["geometry"]["coordinates"].clone();
            let polygon = serde_json::from_value::<Polygon>(coordinates);
            let polygon = polygon.unwrap_or_else(|error| panic!("{file} {error} {feature}"));
            let text = serde_json::to_string(&polygon).unwrap();
            assert_eq!(serde_json::from_str::<Polygon>(&text).unwrap(), polygon);
        }
    }
}

/// What a fence says at one moment: at an arrival, or in one of the seconds after it.
#[derive(Debug)]
struct Moment {
    at: Timestamp,
    arrived: bool,
    result: FenceResult,
}

impl Moment {
    fn is_inside(&self) -> bool {
        self.result.answer == PlaceAnswer::Inside
    }
}

/// Folds a trace and asks at every arrival and every second after it for as long as a fix can count.
fn watch(fixes: &[Fix], fence: &Fence) -> Vec<Moment> {
    let mut track = Track::default();
    let mut moments = Vec::new();
    for (index, fix) in fixes.iter().enumerate() {
        track.observe(fix, fence, fix.received_at);
        let next = fixes.get(index + 1).map(|next| next.received_at);
        let seconds = fence.limits().fix_age_ms_max / 1_000 + 1;
        for second in 0..=seconds {
            let at = fix.received_at.plus_ms(second * 1_000);
            if second > 0 && next.is_some_and(|next| next <= at) {
                break;
            }
            let result = fence.evaluate(&track, at, SERVICE);
            moments.push(Moment { at, arrived: second == 0, result });
        }
    }
    moments
}

/// How many arrivals found the answer inside, outside, uncertain, and no usable fix.
fn arrivals_between(moments: &[Moment], from: Timestamp, to: Timestamp) -> [usize; 4] {
    let mut counts = [0; 4];
    for moment in
        moments.iter().filter(|moment| moment.arrived && from <= moment.at && moment.at < to)
    {
        let stale = moment.result.why.contains(&FenceReason::Stale);
        let index = match moment.result.answer {
            PlaceAnswer::Inside => 0,
            PlaceAnswer::Outside => 1,
            PlaceAnswer::Uncertain => 2 + usize::from(stale),
        };
        counts[index] += 1;
    }
    counts
}

/// A fence around the place where a trace has most fixes.
fn longest_stop(data: &Path, trace: &str) -> Fence {
    let stops = read_json(&data.join(format!("{trace}.stops.json")));
    let stays = stops["stay50"].as_array().unwrap();
    let longest = stays.iter().max_by_key(|stay| stay["n"].as_u64()).unwrap();
    square_around("stop", longest["lat"].as_f64().unwrap(), longest["lon"].as_f64().unwrap())
}

/// A fence of 200 m about a point.
fn square_around(name: &str, latitude_deg: f64, longitude_deg: f64) -> Fence {
    let corners =
        [(-0.001, -0.001), (-0.001, 0.001), (0.001, 0.001), (0.001, -0.001), (-0.001, -0.001)];
    let at = |(north, east)| Position::new(latitude_deg + north, longitude_deg + east).unwrap();
    fence_of(name, Polygon::new(&[corners.map(at).to_vec()]).unwrap())
}

const SERVICE: Scope = Scope::GroceryHandoff;

fn venue_fence(data: &Path, venue: &str) -> Fence {
    let venues = read_json(&data.join("venues.geojson"));
    let features = venues["features"].as_array().unwrap();
    let feature = features.iter().find(|f| f["properties"]["venue_id"] == venue).unwrap();
    let polygon: Polygon =
        serde_json::from_value(feature["geometry"]["coordinates"].clone()).unwrap();
    fence_of(venue, polygon)
}

fn fence_of(venue: &str, polygon: Polygon) -> Fence {
    let zone = Zone { kind: ZoneKind::Delivery, polygon, services: vec![SERVICE] };
    Fence::new(venue.parse().unwrap(), 1, vec![zone], FenceLimits::default()).unwrap()
}

/// From the end of the car leg to the start of the next leg that is not walked.
fn parked(data: &Path, trace: &str) -> (Timestamp, Timestamp) {
    let truth = read_json(&data.join(format!("{trace}.truth.json")));
    let events = truth["events"].as_array().unwrap();
    let is = |event: &Value, kind: &str, leg: fn(&str) -> bool| {
        event["event"].as_str().unwrap().starts_with(kind) && leg(event["leg"].as_str().unwrap())
    };
    let end = events.iter().position(|e| is(e, "STOP", |leg| leg.contains("driving"))).unwrap();
    let next = events[end..].iter().find(|e| is(e, "START", |leg| !leg.contains("walk"))).unwrap();
    (instant(&events[end]["t"]), instant(&next["t"]))
}

fn read_trace(data: &Path, trace: &str) -> Vec<Fix> {
    let text = fs::read_to_string(data.join(format!("{trace}.jsonl"))).unwrap();
    text.lines().filter_map(|line| read_fix(&serde_json::from_str(line).unwrap())).collect()
}

/// A recorded line; none where no accuracy was recorded, since such a fix could not be reported either.
fn read_fix(line: &Value) -> Option<Fix> {
    let confidence =
        line["acc_conf"].as_f64().map_or(Confidence::UNKNOWN, |p| Confidence::new(p).unwrap());
    let fixed_at = instant(&line["t"]);
    Some(Fix {
        position: Position::new(line["lat"].as_f64()?, line["lon"].as_f64()?).unwrap(),
        accuracy: Accuracy::new(line["acc_m"].as_f64()?, confidence).ok()?,
        fixed_at,
        received_at: line.get("recv_t").map_or(fixed_at, instant),
        speed: line["speed_mps"].as_f64().and_then(|mps| Speed::from_mps(mps).ok()),
        source: match line["provider"].as_str()? {
            "gps" => FixSource::Gnss,
            "network" => FixSource::Network,
            _ => FixSource::Fused,
        },
        mock: line["mock"].as_bool().unwrap_or(false),
    })
}

/// `2019-07-28T00:38:54.164Z` as a point in time (days by Howard Hinnant's `days_from_civil`).
fn instant(text: &Value) -> Timestamp {
    let text = text.as_str().unwrap();
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + day_of_year
        - 719_468;
    let seconds = days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
    let milliseconds = text[19..].trim_start_matches('.').trim_end_matches('Z');
    Timestamp::from_unix_ms(seconds * 1_000 + milliseconds.parse::<u64>().unwrap_or(0))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn recordings() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = setting("CARHOP_SHARED").unwrap_or_else(|| default.to_string());
    let data = Path::new(&shared).join("data");
    if data.is_dir() {
        return Some(data);
    }
    assert!(setting("CI").is_none(), "no shared recordings at {}", data.display());
    println!("skipped: no shared vectors");
    None
}

#[expect(clippy::disallowed_methods, reason = "tests alone learn from the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
