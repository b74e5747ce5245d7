//! What a demo looks like: a line for each running stop, kept up to date in a terminal, or plain lines without one.
//!
//! It shows what the runner does; what came of it stands in the summary.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use console::{Term, style};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::plan::{CodeShown, Plan};
use crate::clock::Stopwatch;

/// What goes on at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The store places the order.
    Ordering,
    /// The customer reads and approves.
    Approving,
    /// A recorded drive.
    Driving {
        /// How long until it parks, in seconds.
        left_s: u64,
        /// How long it has been parked, in seconds.
        parked_s: u64,
    },
    /// The driver comes and stands.
    Approaching {
        /// How long the stay has lasted.
        dwell_ms: u64,
    },
    /// Positions are not enough.
    ScanningTag,
    /// The customer shows a code.
    Presenting {
        /// How.
        how: CodeShown,
    },
    /// The trunk is asked for.
    Opening,
    /// Somebody loads.
    Loading {
        /// How many lines the basket has.
        lines: usize,
    },
    /// Fuel flows.
    Fuelling {
        /// Whether the trunk is loaded already.
        loaded: bool,
        /// So far.
        metered_ml: u32,
        /// At most.
        limit_ml: u32,
    },
    /// Nobody does what should be done.
    Waiting {
        /// What does not happen.
        why: &'static str,
        /// For how much longer, in seconds.
        left_s: u64,
    },
    /// Something goes wrong on purpose.
    Trouble(&'static str),
    /// What is left is bookkeeping.
    Settling,
}

impl Stage {
    /// What is written but once in plain lines, however often it is shown.
    fn kind(self) -> String {
        if let Self::Trouble(what) = self {
            return what.to_owned();
        }
        format!("{:?}", std::mem::discriminant(&self))
    }

    /// In plain words.
    fn words(self) -> String {
        match self {
            Self::Ordering => "order placed".to_owned(),
            Self::Approving => "customer reads and approves".to_owned(),
            Self::Driving { left_s: 0, parked_s } => {
                format!("parked for {}, place still uncertain", minutes(parked_s))
            }
            Self::Driving { left_s, .. } => format!("on the road, {} to go", minutes(left_s)),
            Self::Approaching { dwell_ms: 0 } => "driver drives in".to_owned(),
            Self::Approaching { dwell_ms: DWELL_MS.. } => {
                "driver at the bay, place still uncertain".to_owned()
            }
            Self::Approaching { dwell_ms } => {
                format!("driver stands at the bay, {:.0} s of 20 s", seconds(dwell_ms))
            }
            Self::ScanningTag => "driver scans the tag at the bay".to_owned(),
            Self::Presenting { how: CodeShown::Typed } => "customer reads the code out".to_owned(),
            Self::Presenting { how: CodeShown::Scanned } => "driver scans the code".to_owned(),
            Self::Opening => "driver asks for the trunk".to_owned(),
            Self::Loading { lines } => format!("trunk open, {lines} lines go in"),
            Self::Fuelling { metered_ml: 0, .. } => "driver asks for the pump".to_owned(),
            Self::Fuelling { loaded, metered_ml, limit_ml } => {
                let done =
                    (u64::from(metered_ml) * BAR_WIDTH / u64::from(limit_ml.max(1))).min(BAR_WIDTH);
                let width = |count: u64| usize::try_from(count).unwrap_or(0);
                let bar = style("━".repeat(width(done))).yellow();
                let rest = style("╌".repeat(width(BAR_WIDTH - done))).dim();
                let trunk = if loaded { "trunk ✓ " } else { "" };
                let litres = litres(metered_ml);
                format!("{trunk}{bar}{rest} {litres:>5.2} l of {} l", limit_ml / 1_000)
            }
            Self::Waiting { why, left_s } => {
                style(format!("{why}, {left_s} s")).yellow().to_string()
            }
            Self::Trouble(what) => style(what).yellow().to_string(),
            Self::Settling => "settling".to_owned(),
        }
    }
}

/// The live view.
pub(crate) struct View {
    /// Whether standard output is for programs, so that words go to standard error.
    pub(crate) as_json: bool,
    bars: Option<MultiProgress>,
    pinned: OnceLock<ProgressBar>,
    lines: Mutex<BTreeMap<usize, Line>>,
    stopwatch: Stopwatch,
}

struct Line {
    bar: ProgressBar,
    scenario: &'static str,
    session: String,
    shown: Option<String>,
    begun_s: f64,
}

impl View {
    /// A view in the terminal, or plain lines.
    pub(crate) fn new(headless: bool, as_json: bool) -> Self {
        let is_live = !headless && !as_json && Term::stdout().features().is_attended();
        let bars = is_live.then(|| {
            MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout_with_hz(12))
        });
        let (pinned, lines) = (OnceLock::new(), Mutex::default());
        Self { as_json, bars, pinned, lines, stopwatch: Stopwatch::start() }
    }

    /// Says something above the running stops.
    pub(crate) fn say(&self, text: &str) {
        // A terminal that is gone is not worth ending the demo for.
        let _ = match &self.bars {
            Some(bars) => bars.println(text),
            None if self.as_json => Term::stderr().write_line(text),
            None => Term::stdout().write_line(text),
        };
    }

    /// Keeps these lines in sight above the running stops, in the place of those that were pinned before. Without a terminal
    /// they are said.
    pub(crate) fn pin(&self, lines: &[String]) {
        let Some(bars) = &self.bars else {
            return lines.iter().for_each(|line| self.say(line));
        };
        let pinned = self.pinned.get_or_init(|| bars.insert(0, ProgressBar::new_spinner()));
        if let Ok(template) = ProgressStyle::with_template("{msg}") {
            pinned.set_style(template);
        }
        pinned.set_message(lines.join("\n"));
    }

    /// A stop begins.
    pub(crate) fn begin(&self, plan: &Plan) {
        let bar = match &self.bars {
            Some(bars) => {
                let before = self.lock().keys().filter(|number| **number < plan.number).count();
                let pinned = usize::from(self.pinned.get().is_some());
                bars.insert(pinned + before, ProgressBar::new_spinner())
            }
            None => ProgressBar::hidden(),
        };
        let template = ProgressStyle::with_template("  {spinner:.cyan} {prefix} {wide_msg}");
        if let Ok(template) = template {
            bar.set_style(
                template.tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "]),
            );
        }
        bar.enable_steady_tick(Duration::from_millis(90));
        let scenario = plan.scenario.name;
        let begun_s = self.stopwatch.seconds();
        let line = Line { bar, scenario, session: String::new(), shown: None, begun_s };
        line.prefix(plan.number);
        self.lock().insert(plan.number, line);
    }

    /// The stop's session has a name now.
    pub(crate) fn name(&self, number: usize, session: &str) {
        if let Some(line) = self.lock().get_mut(&number) {
            tail(session).clone_into(&mut line.session);
            line.prefix(number);
        }
    }

    /// Something goes on at a stop.
    pub(crate) fn show(&self, number: usize, stage: Stage) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&number) else { return };
        let words = stage.words();
        line.bar.set_message(words.clone());
        // Plain lines are written when something new goes on, not at each step of it.
        let kind = stage.kind();
        if self.bars.is_none() && line.shown.as_ref() != Some(&kind) {
            line.shown = Some(kind);
            let text = format!("  · {} {words}", line.plain(number));
            drop(lines);
            self.say(&format!("{:>6.1} s{text}", self.stopwatch.seconds()));
        }
    }

    /// A stop is over, as far as its people know.
    pub(crate) fn end(&self, number: usize, failure: Option<&str>) {
        let Some(line) = self.lock().remove(&number) else { return };
        line.bar.finish_and_clear();
        let (mark, words) = match failure {
            None => {
                let span_s = self.stopwatch.seconds() - line.begun_s;
                (style("✓").green().bold(), format!("over after {span_s:.1} s"))
            }
            Some(why) => (style("✗").red().bold(), why.to_owned()),
        };
        self.say(&format!("  {mark} {} {words}", line.plain(number)));
    }

    /// Nothing more is shown live.
    pub(crate) fn close(&self) {
        if let Some(pinned) = self.pinned.get() {
            pinned.finish_and_clear();
        }
        for line in std::mem::take(&mut *self.lock()).into_values() {
            line.bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn prefix(&self, number: usize) {
        let prefix =
            format!("{number:>2}  {:<6}  {:<18}", style(&self.session).dim(), self.scenario);
        self.bar.set_prefix(prefix);
    }

    fn plain(&self, number: usize) -> String {
        format!("{number:>2}  {:<6}  {:<18}", self.session, self.scenario)
    }
}

/// Enough of an id to tell it from others: its end is chance, its beginning the hour.
pub(crate) fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(6)..).unwrap_or(id)
}

/// So many of them.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Millilitres as litres, for people.
pub(crate) fn litres(ml: u32) -> f64 {
    f64::from(ml) / 1_000.0
}

/// Milliseconds as seconds, for people.
#[expect(clippy::cast_precision_loss, reason = "a few seconds for people")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// Seconds as minutes and seconds.
pub(crate) fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

const BAR_WIDTH: u64 = 14;
/// How long somebody has to stand before the place counts (standards §10).
const DWELL_MS: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_told_in_plain_words_that_fit_a_narrow_terminal() {
        let rows = [
            (Stage::Driving { left_s: 125, parked_s: 0 }, "on the road, 2:05 to go"),
            (Stage::Driving { left_s: 0, parked_s: 61 }, "parked for 1:01, place still uncertain"),
            (Stage::Approaching { dwell_ms: 12_400 }, "driver stands at the bay, 12 s of 20 s"),
            (Stage::Approaching { dwell_ms: 24_000 }, "driver at the bay, place still uncertain"),
            (
                Stage::Waiting { why: "nobody closes the trunk", left_s: 7 },
                "nobody closes the trunk, 7 s",
            ),
            (
                Stage::Fuelling { loaded: true, metered_ml: 10_000, limit_ml: 40_000 },
                "trunk ✓ ━━━╌╌╌╌╌╌╌╌╌╌╌ 10.00 l of 40 l",
            ),
        ];
        for (stage, words) in rows {
            assert_eq!(stage.words(), words);
            assert!(words.chars().count() <= 80 - 36, "{words}");
        }
    }
}
