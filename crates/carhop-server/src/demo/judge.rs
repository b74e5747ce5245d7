//! Compares what the audit says with what each scenario promises, and names every difference.

use carhop_kernel::evidence::PlaceMethod;
use carhop_kernel::time::Timestamp;

use super::audit::Story;
use super::scenario::{Expected, PlaceShown};
use super::trace::Recording;

/// Every way in which a stop ended otherwise than it should have.
pub(crate) fn differences(story: Option<&Story>, expected: Expected) -> Vec<String> {
    let Some(story) = story else { return vec!["the audit does not know it".to_owned()] };
    let mut found = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let end = if story.end.is_empty() { "not ended" } else { story.end };
    check(story.end == "completed" && story.is_full, format!("it is {end}, not fully completed"));
    let Expected { openings, metered_ml, place } = expected;
    check(story.openings == openings, format!("{} openings, not {openings}", story.openings));
    let (metered, settled) = (story.metered_ml, story.settled_ml);
    check(metered == settled, format!("metered {metered} ml, settled {settled} ml"));
    check(metered == metered_ml, format!("metered {metered} ml, not {metered_ml} ml"));
    check(story.exceptions == 0, format!("{} exceptions", story.exceptions));
    let wanted = match place {
        PlaceShown::Fence => PlaceMethod::Fence,
        PlaceShown::Tag => PlaceMethod::VenueTag,
    };
    let by = story.arrival.map(|(by, _)| by);
    check(by == Some(wanted), format!("place shown by {by:?}, not {wanted:?}"));
    // Where positions are not enough, arriving is refused once; nothing else is ever refused.
    let refusals = u32::from(place == PlaceShown::Tag);
    check(story.refusals == refusals, format!("{} refusals, not {refusals}", story.refusals));
    let unanswered = story.releases.iter().filter(|one| one.received_at.is_none()).count();
    check(unanswered == 0, format!("{unanswered} releases without a receipt"));
    found
}

/// Every release of a recorded trip that happened outside the recorded stay, or too far from the area.
pub(crate) fn strays(story: &Story, recording: &Recording, shift_ms: u64) -> Vec<String> {
    let mut found = Vec::new();
    for release in &story.releases {
        let ended = release.received_at.unwrap_or(release.at);
        for at in [release.at, ended].map(|at| at.minus_ms(shift_ms)) {
            found.extend(stray(at, recording));
        }
    }
    found
}

fn stray(at: Timestamp, recording: &Recording) -> Option<String> {
    if at < recording.parked || recording.left <= at {
        return Some("a release outside the recorded stay".to_owned());
    }
    match recording.distance_m(at) {
        Some(distance_m) if distance_m <= DISTANCE_M_MAX => None,
        Some(distance_m) => Some(format!("a release {distance_m:.0} m outside the area")),
        None => Some("a release without a recorded position".to_owned()),
    }
}

/// How far from the area the recorded position may be at a release.
const DISTANCE_M_MAX: f64 = 50.0;

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected =
        Expected { openings: 1, metered_ml: 20_000, place: PlaceShown::Fence };

    fn good() -> Story {
        Story {
            end: "completed",
            is_full: true,
            arrival: Some((PlaceMethod::Fence, Timestamp::default())),
            openings: 1,
            metered_ml: 20_000,
            settled_ml: 20_000,
            ..Story::default()
        }
    }

    #[test]
    fn a_stop_that_ended_as_promised_differs_in_nothing() {
        assert_eq!(differences(Some(&good()), EXPECTED), [""; 0]);
    }

    #[test]
    fn every_difference_is_named() {
        type Spoil = fn(&mut Story);
        let rows: [(&str, Spoil); 9] = [
            ("1 refusals", |story| story.refusals = 1),
            ("not ended", |story| story.end = ""),
            ("revoked", |story| story.end = "revoked"),
            ("not fully", |story| story.is_full = false),
            ("2 openings", |story| story.openings = 2),
            ("settled 19999", |story| story.settled_ml = 19_999),
            ("metered 0 ml, not", |story| (story.metered_ml, story.settled_ml) = (0, 0)),
            ("1 exceptions", |story| story.exceptions = 1),
            ("VenueTag", |story| {
                story.arrival = Some((PlaceMethod::VenueTag, Timestamp::default()));
            }),
        ];
        for (wanted, spoil) in rows {
            let mut story = good();
            spoil(&mut story);
            let found = differences(Some(&story), EXPECTED).join("; ");
            assert!(found.contains(wanted), "{wanted}: {found}");
        }
        assert_eq!(differences(None, EXPECTED).len(), 1);
    }
}
