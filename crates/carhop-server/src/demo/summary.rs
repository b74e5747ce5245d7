//! The end of a demo: a table of what the audit says, and what differs from what was promised.

use carhop_kernel::digest::EvidenceHash;
use console::{pad_str, style};
use serde_json::{Value, json};

use super::audit::{Audit, Story};
use super::judge::{differences, found, strays, way};
use super::plan::Plan;
use super::scenario::told;
use super::scenarios::{all, wrapped};
use super::trace::Recording;
use super::trips::Trip;
use super::view::{View, counted, litres, minutes, tail};
use carhop_kernel::id::SessionId;

/// A stop that was run.
pub(crate) struct Run {
    /// What was planned.
    pub(crate) plan: Plan,
    /// Its session, if it came that far.
    pub(crate) session: Option<SessionId>,
    /// Why the runner did not get to its end.
    pub(crate) broken: Option<String>,
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
    // What is asked about first comes last, where a small terminal still shows it.
    scenarios(view, runs, audit);
    trips(view, runs, audit);
    view.say("");
    let head = "       stop   scenario           ended        opened metered = settled receipt";
    view.say(&style(head).bold().to_string());
    let mut failed = 0;
    for run in runs {
        let story = story_of(run, audit);
        let found = faults(run, story);
        failed += usize::from(!found.is_empty());
        view.say(&row(run, story, found.is_empty()));
    }
    totals(view, runs, audit);
    if view.as_json {
        println!("{}", for_programs(runs, audit));
    }
    failed
}

/// Whether every stop has ended as it should, as far as the audit goes.
pub(crate) fn is_as_expected(runs: &[Run], audit: &Audit) -> bool {
    runs.iter().all(|run| faults(run, story_of(run, audit)).is_empty())
}

/// What each scenario had to end in and what it ended in.
fn scenarios(view: &View, runs: &[Run], audit: &Audit) {
    view.say("");
    view.say(&style("  what had to be in the audit, and was found there").bold().to_string());
    for scenario in all() {
        let is_one = |run: &&Run| run.plan.scenario.name == scenario.name;
        let played: Vec<&Run> = runs.iter().filter(is_one).collect();
        if played.is_empty() {
            continue;
        }
        let bad = |run: &&&Run| !faults(run, story_of(run, audit)).is_empty();
        let failed: Vec<&&Run> = played.iter().filter(bad).collect();
        let mark = if failed.is_empty() { style("✓").green() } else { style("✗").red() };
        let stops: Vec<String> = played.iter().map(|run| run.plan.number.to_string()).collect();
        let stops = style(format!("stop {}", stops.join(", "))).dim();
        view.say(&format!("  {mark} {:<18} {stops}", scenario.name));
        for line in wrapped(&told(&scenario.expected(None))) {
            view.say(&format!("      {line}"));
        }
        for run in failed {
            for fault in faults(run, story_of(run, audit)) {
                let fault = format!("stop {}: {fault}", run.plan.number);
                for line in wrapped(&fault) {
                    view.say(&format!("      {}", style(line).red()));
                }
            }
        }
    }
}

fn story_of<'a>(run: &Run, audit: &'a Audit) -> Option<&'a Story> {
    run.session.as_ref().and_then(|session| audit.stories.get(session))
}

/// The table as one JSON object.
fn for_programs(runs: &[Run], audit: &Audit) -> Value {
    let stop = |run: &Run| {
        let story = story_of(run, audit);
        json!({
            "number": run.plan.number,
            "scenario": run.plan.scenario.name,
            "session": run.session,
            "trip": run.driven.as_ref().map(|driven| driven.trip.trace),
            "expected": run.plan.scenario.expected(Some(&run.plan)),
            "found": story.map(|story| found(story, &run.plan)),
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
    let mut faults: Vec<String> = run.broken.iter().cloned().collect();
    faults.extend(differences(story, &run.plan));
    if let (Some(driven), Some(story)) = (&run.driven, story) {
        faults.extend(strays(story, &driven.recording, driven.shift_ms));
    }
    faults
}

fn row(run: &Run, story: Option<&Story>, is_good: bool) -> String {
    let mark = if is_good { style("✓").green() } else { style("✗").red() };
    let session = run.session.as_ref().map_or_else(String::new, ToString::to_string);
    let none = Story::default();
    let story = story.unwrap_or(&none);
    let end = story.session.as_ref().map_or("—", |session| session.phase.kind().name());
    let fuel = if story.metered_ml == 0 && story.settled_ml == 0 {
        "—".to_owned()
    } else {
        format!("{:.3} = {:.3} l", litres(story.metered_ml), litres(story.settled_ml))
    };
    format!(
        "  {mark} {:>2} {} {:<18} {:<13} {:>4}  {} {:>7}",
        run.plan.number,
        style(format!("{:<6}", tail(&session))).dim(),
        run.plan.scenario.name,
        end.replace('_', " "),
        story.openings,
        pad_str(&fuel, 17, console::Alignment::Right, None),
        slowest(story).map_or_else(|| "—".to_owned(), duration),
    )
}

/// Milliseconds for people.
fn duration(ms: u64) -> String {
    if ms < MS_SHOWN_MAX { format!("{ms} ms") } else { format!("{} s", ms / 1_000) }
}

/// The longest time from a release to its receipt.
fn slowest(story: &Story) -> Option<u64> {
    let spans = story.releases.iter().filter_map(|one| Some(one.received_at?.since_ms(one.at)));
    spans.max()
}

fn totals(view: &View, runs: &[Run], audit: &Audit) {
    let stories: Vec<&Story> = runs.iter().filter_map(|run| story_of(run, audit)).collect();
    let opened: u32 = stories.iter().map(|story| story.openings).sum();
    let settled: u32 = stories.iter().map(|story| story.settled_ml).sum();
    let refused: u32 = stories.iter().flat_map(|story| story.refused.values()).sum();
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
        let Some(story) = story_of(run, audit) else { continue };
        let places = story.places;
        let arrival = story.arrival.map_or_else(
            || "never".to_owned(),
            |(by, at)| {
                let after_ms = at.minus_ms(driven.shift_ms).since_ms(driven.recording.parked);
                format!("+{} by {}", minutes(after_ms / 1_000), way(by))
            },
        );
        view.say(&format!(
            "  {:<25} {:>6} {:>7} {:>9} {:>5}  {arrival}",
            driven.trip.trace, places.inside, places.outside, places.uncertain, places.stale,
        ));
        view.say(&format!("    {}", style(driven.trip.reason).dim()));
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

/// From here on, seconds are told.
const MS_SHOWN_MAX: u64 = 10_000;
