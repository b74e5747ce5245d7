//! The end of a demo: a table of what the audit says, and what differs from what was promised.

use carhop_kernel::digest::EvidenceHash;
use console::{pad_str, style};
use serde_json::{Value, json};

use super::audit::{Audit, Story};
use super::judge::{differences, strays};
use super::scenario::Plan;
use super::trace::Recording;
use super::trips::Trip;
use super::view::{View, counted, litres, minutes, tail};
use carhop_kernel::evidence::PlaceMethod;
use carhop_kernel::id::SessionId;

/// A stop that was run.
pub(crate) struct Run {
    /// What was planned.
    pub(crate) plan: Plan,
    /// Its session, or why there is none or it was not finished.
    pub(crate) result: Result<SessionId, String>,
    /// The recorded trip it drove, if one.
    pub(crate) driven: Option<OfTrip>,
}

/// The recording of a driven trip.
pub(crate) struct OfTrip {
    /// The trip.
    pub(crate) trip: Trip,
    /// Its recording.
    pub(crate) recording: Recording,
    /// What its times were shifted by.
    pub(crate) shift_ms: u64,
}

/// Shows the table; says how many stops ended otherwise than they should have.
pub(crate) fn show(view: &View, runs: &[Run], audit: &Audit) -> usize {
    view.say("");
    let head = "       stop   scenario       ended     arrived  opened metered = settled receipt";
    view.say(&style(head).bold().to_string());
    let mut failed = 0;
    for run in runs {
        let story = run.result.as_ref().ok().and_then(|session| audit.stories.get(session));
        let found = faults(run, story);
        failed += usize::from(!found.is_empty());
        view.say(&row(run, story, found.is_empty()));
        for fault in found {
            view.say(&format!("      {}", style(fault).red()));
        }
    }
    totals(view, runs, audit);
    trips(view, runs, audit);
    if view.as_json {
        println!("{}", for_programs(runs, audit));
    }
    failed
}

/// The table as one JSON object.
fn for_programs(runs: &[Run], audit: &Audit) -> Value {
    let stop = |run: &Run| {
        let story = run.result.as_ref().ok().and_then(|session| audit.stories.get(session));
        json!({
            "number": run.plan.number,
            "scenario": run.plan.scenario.name(),
            "session": run.result.as_ref().ok(),
            "trip": run.driven.as_ref().map(|driven| driven.trip.trace),
            "end": story.map(|story| story.end),
            "openings": story.map(|story| story.openings),
            "metered_ml": story.map(|story| story.metered_ml),
            "settled_ml": story.map(|story| story.settled_ml),
            "receipt_ms": story.and_then(slowest),
            "faults": faults(run, story),
        })
    };
    let stops: Vec<Value> = runs.iter().map(stop).collect();
    let root = EvidenceHash(audit.verified.root);
    json!({ "stops": stops, "audit": { "entries": audit.verified.size, "root": root } })
}

fn faults(run: &Run, story: Option<&Story>) -> Vec<String> {
    let mut found: Vec<String> = run.result.as_ref().err().cloned().into_iter().collect();
    if found.is_empty() {
        found.extend(differences(story, run.plan.expected()));
    }
    if let (Some(driven), Some(story)) = (&run.driven, story) {
        found.extend(strays(story, &driven.recording, driven.shift_ms));
    }
    found
}

fn row(run: &Run, story: Option<&Story>, is_good: bool) -> String {
    let mark = if is_good { style("✓").green() } else { style("✗").red() };
    let session = run.result.as_ref().map_or_else(|_| String::new(), ToString::to_string);
    let none = Story::default();
    let story = story.unwrap_or(&none);
    let end = if story.end.is_empty() { "—" } else { story.end };
    let arrival = story.arrival.map_or("—", |(by, _)| way(by));
    let fuel = if story.metered_ml == 0 && story.settled_ml == 0 {
        "—".to_owned()
    } else {
        format!("{:.3} = {:.3} l", litres(story.metered_ml), litres(story.settled_ml))
    };
    format!(
        "  {mark} {:>2} {} {:<14} {end:<9} {arrival:<8} {:>4}  {} {:>7}",
        run.plan.number,
        style(format!("{:<6}", tail(&session))).dim(),
        run.plan.scenario.name(),
        story.openings,
        pad_str(&fuel, 17, console::Alignment::Right, None),
        slowest(story).map_or_else(|| "—".to_owned(), |ms| format!("{ms} ms")),
    )
}

/// The longest time from a release to its receipt.
fn slowest(story: &Story) -> Option<u64> {
    let spans = story.releases.iter().filter_map(|one| Some(one.received_at?.since_ms(one.at)));
    spans.max()
}

fn totals(view: &View, runs: &[Run], audit: &Audit) {
    let stories: Vec<&Story> =
        runs.iter().filter_map(|run| audit.stories.get(run.result.as_ref().ok()?)).collect();
    let opened: u32 = stories.iter().map(|story| story.openings).sum();
    let settled: u32 = stories.iter().map(|story| story.settled_ml).sum();
    let refused: u32 = stories.iter().map(|story| story.refusals).sum();
    let mut latencies: Vec<u64> = stories.iter().copied().filter_map(slowest).collect();
    latencies.sort_unstable();
    let median = latencies.get(latencies.len() / 2).copied().unwrap_or(0);
    view.say("");
    view.say(&format!(
        "  {}, {}, {:.3} l settled, {}",
        counted(runs.len() as u64, "stop"),
        counted(opened.into(), "opening"),
        litres(settled),
        counted(refused.into(), "refusal"),
    ));
    view.say(&format!(
        "  from release to signed receipt {median} ms (median of the slowest per stop)"
    ));
    let mut root = String::new();
    // Writing to a string cannot fail.
    let _ = carhop_kernel::digest::write_hex(&mut root, &audit.verified.root);
    let short = root.get(..16).unwrap_or_default();
    view.say(&format!(
        "  {} audit verified: {} entries, every leaf recomputed, root {short}…",
        style("✓").green().bold(),
        audit.verified.size
    ));
}

/// How each recorded trip was judged, beside what its carrier recorded.
fn trips(view: &View, runs: &[Run], audit: &Audit) {
    if runs.iter().all(|run| run.driven.is_none()) {
        return;
    }
    view.say("");
    let head = "  recorded trip             inside outside uncertain stale  after parking";
    view.say(&style(head).bold().to_string());
    for run in runs {
        let Some(driven) = &run.driven else { continue };
        let story = run.result.as_ref().ok().and_then(|session| audit.stories.get(session));
        let Some(story) = story else { continue };
        let places = story.places;
        let arrival = story.arrival.map_or_else(
            || "never".to_owned(),
            |(by, at)| {
                let after_ms = at.minus_ms(driven.shift_ms).since_ms(driven.recording.parked);
                format!("+{} {}", minutes(after_ms / 1_000), way(by))
            },
        );
        view.say(&format!(
            "  {:<25} {:>6} {:>7} {:>9} {:>5}  {arrival}",
            driven.trip.trace, places.inside, places.outside, places.uncertain, places.stale,
        ));
        view.say(&format!("    {}", style(driven.trip.reason).dim()));
    }
}

const fn way(by: PlaceMethod) -> &'static str {
    match by {
        PlaceMethod::Fence => "by fence",
        PlaceMethod::VenueTag => "by tag",
        PlaceMethod::Statement => "by word",
        PlaceMethod::Telematics => "by telematics",
    }
}

/// How long a demo took, for people.
pub(crate) fn took(view: &View, elapsed_s: f64, skipped_ms: u64) {
    let skipped = if skipped_ms == 0 {
        String::new()
    } else {
        format!(", and its clock skipped {}", minutes(skipped_ms / 1_000))
    };
    view.say(&format!("  it took {elapsed_s:.1} s{skipped}"));
}
