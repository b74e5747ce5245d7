//! Compares what the audit says with what each scenario promises, and names every difference.

use carhop_kernel::evidence::PlaceMethod;
use carhop_kernel::session::LegStateKind;
use carhop_kernel::time::Timestamp;

use super::audit::Story;
use super::plan::Plan;
use super::scenario::{
    Aspects, END, EVENTS, EXCEPTIONS, Ending, FUEL, LEGS, NOTEWORTHY, NOTHING, OPENINGS, PLACE,
    REFUSED, SOME_FUEL, counted_words, leg_words, litre_words,
};
use super::trace::Recording;

/// What the audit says of a stop, part by part, to be compared with what its scenario says.
pub(crate) fn found(story: &Story, plan: &Plan) -> Aspects {
    let Some(session) = &story.session else { return Aspects::new() };
    let scenario = plan.scenario;
    let legs: Vec<LegStateKind> = session.legs.iter().map(|leg| leg.state.kind()).collect();
    let events = story.events.iter().map(|(name, count)| (*name, *count));
    let events = events.filter(|(name, _)| NOTEWORTHY.contains(name));
    let by = story.arrival.map_or(NOTHING, |(by, _)| way(by));
    let mut aspects = Aspects::from([
        (END, Ending::of(&session.phase).words()),
        (LEGS, leg_words(scenario.legs, &legs)),
        (OPENINGS, story.openings.to_string()),
        (REFUSED, counted_words(story.refused.iter().map(|(code, count)| (*code, *count)))),
        (EXCEPTIONS, counted_words(story.exceptions.iter().map(|(what, count)| (*what, *count)))),
        (EVENTS, counted_words(events)),
        (PLACE, by.to_owned()),
    ]);
    if scenario.legs.has_fuel() {
        aspects.insert(FUEL, fuel_words(story, plan));
    }
    aspects
}

/// Every way in which a stop ended otherwise than its scenario says.
pub(crate) fn differences(story: Option<&Story>, plan: &Plan) -> Vec<String> {
    let Some(story) = story else { return vec!["the audit does not know it".to_owned()] };
    let (expected, found) = (plan.scenario.expected(Some(plan)), found(story, plan));
    let mut differences: Vec<String> = expected
        .iter()
        .filter(|(name, wanted)| found.get(*name) != Some(*wanted))
        .map(|(name, wanted)| {
            let is = found.get(name).map_or(NOTHING, String::as_str);
            format!("{name}: expected {wanted}; found {is}")
        })
        .collect();
    if story.metered_ml != story.settled_ml {
        let (metered, settled) = (story.metered_ml, story.settled_ml);
        differences.push(format!("metered {metered} ml, settled {settled} ml"));
    }
    if story.to_strangers > 0 {
        differences.push(format!("{} releases to somebody else", story.to_strangers));
    }
    differences
}

fn fuel_words(story: &Story, plan: &Plan) -> String {
    let some = super::scenario::FuelGiven::Some;
    match story.settled_ml {
        0 => "none".to_owned(),
        ml if plan.scenario.end.fuel == some && some.holds(ml, plan.wanted_ml()) => {
            SOME_FUEL.to_owned()
        }
        ml => litre_words(ml),
    }
}

/// How a place was shown, for people.
pub(crate) const fn way(by: PlaceMethod) -> &'static str {
    match by {
        PlaceMethod::Fence => "fence",
        PlaceMethod::VenueTag => "tag",
        PlaceMethod::Statement => "word",
        PlaceMethod::Telematics => "telematics",
    }
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
    use carhop_kernel::session::{Event, LegIndex, Outcome, evolve, open};

    use super::super::audit::tests::requested;
    use super::super::plan::PlaceShown;
    use super::super::scenarios::HAPPY;
    use super::super::seed::Dice;
    use super::*;

    fn plan() -> Plan {
        let plan = Plan::roll(1, &HAPPY[2], &mut Dice::new(1));
        Plan { limit_ml: 20_000, tank_ml: 30_000, place: PlaceShown::Fence, ..plan }
    }

    fn good() -> Story {
        let session = open(&requested()).unwrap();
        let session = evolve(session, &Event::FuelSettled { leg: LegIndex(0), metered_ml: 20_000 });
        let session = evolve(session, &Event::SessionCompleted { outcome: Outcome::Full });
        Story {
            session: Some(session),
            arrival: Some((PlaceMethod::Fence, Timestamp::default())),
            metered_ml: 20_000,
            settled_ml: 20_000,
            ..Story::default()
        }
    }

    #[test]
    fn a_stop_that_ended_as_promised_differs_in_nothing() {
        assert_eq!(differences(Some(&good()), &plan()), [""; 0]);
    }

    #[test]
    fn every_difference_is_named() {
        type Spoil = fn(&mut Story);
        let rows: [(&str, Spoil); 9] = [
            ("refused: expected nothing; found code_wrong", |story| {
                story.refused.insert("code_wrong", 1);
            }),
            ("end: expected completed; found still requested", |story| {
                story.session = open(&requested());
            }),
            ("legs: expected fuel settled; found fuel pending", |story| {
                story.session = open(&requested());
            }),
            ("openings: expected 0; found 2", |story| story.openings = 2),
            ("metered 20000 ml, settled 19999 ml", |story| story.settled_ml = 19_999),
            ("fuel: expected 20.000 l; found none", |story| {
                (story.metered_ml, story.settled_ml) = (0, 0);
            }),
            ("raised: expected nothing; found lock_jammed 2x", |story| {
                story.exceptions.insert("lock_jammed", 2);
            }),
            ("place shown by: expected fence; found tag", |story| {
                story.arrival = Some((PlaceMethod::VenueTag, Timestamp::default()));
            }),
            ("1 releases to somebody else", |story| story.to_strangers = 1),
        ];
        for (wanted, spoil) in rows {
            let mut story = good();
            spoil(&mut story);
            let found = differences(Some(&story), &plan()).join("; ");
            assert!(found.contains(wanted), "{wanted}: {found}");
        }
        assert_eq!(differences(None, &plan()).len(), 1);
    }
}
