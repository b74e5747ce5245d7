//! `carhop demo`: an authority on embedded defaults, and people, locks and pumps around it that know only what anybody
//! can know: the public interface (design §7).
//!
//! It decides nothing. Whether a stop ended as its scenario says is read back from the audit.

mod audit;
mod client;
mod drive;
mod driver;
mod fleet;
mod host;
mod judge;
mod mishap;
mod parties;
mod plan;
mod scenario;
mod scenarios;
mod seed;
mod stop;
mod summary;
mod trace;
mod trips;
mod venue;
mod view;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use console::style;
use tokio::task::JoinSet;

use audit::Audit;
use host::{Host, Lane};
use plan::Plan;
use seed::Dice;
use stop::Tempo;
use summary::{OfTrip, Run};
use trace::Recording;
use trips::{TRIPS, Trip};
use view::View;

use crate::clock::{Stopwatch, SystemClock};
use crate::{CA_FILE, timers};

/// The scenarios as a document.
pub(crate) fn scenarios_markdown() -> String {
    scenarios::markdown()
}

/// A number of stops.
fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().map_err(|_| "give a number of stops".to_owned())?;
    if number > 0 { Ok(number) } else { Err("there is nothing to see without a stop".to_owned()) }
}

/// Run an authority with a virtual fleet and see what it does.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How many stops to run; six, or none where recorded trips are driven.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub stops: Option<usize>,
    /// The same seed deals the same stops and choices.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Plain lines instead of a live view.
    #[arg(long)]
    pub headless: bool,
    /// The folder for journal, keys and devices; a temporary one if absent.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Keep the temporary folder.
    #[arg(long)]
    pub keep: bool,
    /// Drive the recorded trips in this folder as well.
    #[arg(long, value_name = "DIR")]
    pub traces: Option<PathBuf>,
    /// Play this scenario, and no other that is not named as well; `--stops` of each, or one.
    #[arg(long, value_name = "NAME", value_parser = scenario)]
    pub scenario: Vec<&'static str>,
    /// Only say which scenarios there are, and how each must end.
    #[arg(long)]
    pub list: bool,
    /// How many times faster people and fuel are than usual.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

fn scenario(text: &str) -> Result<&'static str, String> {
    let found = scenarios::named(text).map(|scenario| scenario.name);
    found.ok_or_else(|| "no such scenario; `--list` names them".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (SPEED_MIN..=SPEED_MAX).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err(format!("a number from {SPEED_MIN} to {SPEED_MAX}")),
    }
}

/// Runs the demo: success if every stop ended as its scenario says and the audit verifies.
pub async fn run(args: Args, as_json: bool) -> Result<ExitCode> {
    let view = Arc::new(View::new(args.headless, as_json));
    if args.list {
        view.say(scenarios::list().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let folder = Folder::open(&args)?;
    let stopwatch = Stopwatch::start();
    let clock = Arc::new(SystemClock::default());
    let host = Arc::new(Host::start(&folder.path, Arc::clone(&clock)).await?);
    greet(&view, &args, &host, &folder);
    let told = tokio::select! {
        told = play_and_tell(&args, &host, &view) => told,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    view.close();
    summary::took(&view, stopwatch.seconds(), clock.offset_ms());
    if let Some(host) = Arc::into_inner(host) {
        host.running.stop().await;
    }
    folder.close(&view);
    Ok(if told? == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every stop and tells what the audit says; how many ended otherwise than they should have.
async fn play_and_tell(args: &Args, host: &Arc<Host>, view: &Arc<View>) -> Result<usize> {
    let runs = play(args, host, view).await?;
    finish(view, host, &runs).await
}

/// Where everything lies while the demo runs.
struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    fn open(args: &Args) -> Result<Self> {
        if let Some(path) = &args.data {
            return Ok(Self { path: path.clone(), is_temporary: false });
        }
        let name = uuid::Uuid::from_bytes(crate::entropy::random()).simple().to_string();
        let path = std::env::temp_dir().join(format!("carhop-demo-{name}"));
        std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path, is_temporary: !args.keep })
    }

    fn close(self, view: &View) {
        if self.is_temporary {
            // What is left in the folder for temporary files is the system's to clear.
            let _ = std::fs::remove_dir_all(&self.path);
        } else {
            view.say(&format!("  journal, keys and devices are kept in {}", self.path.display()));
        }
    }
}

fn greet(view: &View, args: &Args, host: &Host, folder: &Folder) {
    let title = style("carhop demo").bold();
    view.say(&format!("{title}  seed {}, people and fuel at {}x", args.seed, args.speed));
    view.say(&format!("  people and partners  {}", style(&host.place.public).cyan()));
    view.say(&format!("  locks and pumps      {}", style(&host.place.devices).cyan()));
    view.say(&format!("  root certificate     {}", folder.path.join(CA_FILE).display()));
    view.say("");
}

async fn play(args: &Args, host: &Arc<Host>, view: &Arc<View>) -> Result<Vec<Run>> {
    let tempo = Tempo::new(args.speed);
    let recordings = args.traces.as_deref().map_or(Ok(Vec::new()), read_trips)?;
    let plans = deal(args, recordings.is_empty());
    let stops = plans.len();
    let lanes = stops.clamp(1, LANES_MAX);
    let each = |what| view::counted(lanes as u64, what);
    view.say(&format!("  enrolling {}, {} and {}", each("handset"), each("lock"), each("pump")));
    host.store.draw_venue(venue::NAME, venue::car_park()).await?;
    let mut lanes = enrol(host, lanes).await?;
    let mut runs = Vec::new();
    if stops > 0 {
        (runs, lanes) = run_stops(host, view, lanes, plans, tempo).await?;
    }
    lanes.truncate(1);
    if let Some(lane) = lanes.first_mut() {
        let dice = Dice::new(args.seed);
        runs.extend(drive_trips(host, view, lane, recordings, dice, (stops, tempo)).await);
    }
    Ok(runs)
}

/// The stops that were asked for: of the scenarios that were named, or a mix.
fn deal(args: &Args, has_no_trips: bool) -> Vec<Plan> {
    if args.scenario.is_empty() {
        let stops = args.stops.unwrap_or(if has_no_trips { STOPS } else { 0 });
        return Plan::deal(stops, args.seed);
    }
    let named = args.scenario.iter().filter_map(|name| scenarios::named(name));
    let each = args.stops.unwrap_or(1);
    Plan::deal_only(named.flat_map(|scenario| std::iter::repeat_n(scenario, each)), args.seed)
}

async fn enrol(host: &Arc<Host>, count: usize) -> Result<Vec<Lane>> {
    let mut enrolling = JoinSet::new();
    for number in 1..=count {
        let host = Arc::clone(host);
        enrolling.spawn(async move { host.lane(number).await });
    }
    enrolling.join_all().await.into_iter().collect()
}

/// Runs the stops; each lane takes the next one, and those that take long go first.
async fn run_stops(
    host: &Arc<Host>,
    view: &Arc<View>,
    lanes: Vec<Lane>,
    mut plans: Vec<Plan>,
    tempo: Tempo,
) -> Result<(Vec<Run>, Vec<Lane>)> {
    plans.sort_by_key(|plan| !plan.scenario.takes_long());
    let waiting = Arc::new(Mutex::new(VecDeque::from(plans)));
    let mut running = JoinSet::new();
    for mut lane in lanes {
        let (host, view, waiting) = (Arc::clone(host), Arc::clone(view), Arc::clone(&waiting));
        running.spawn(async move {
            let mut runs = Vec::new();
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(plan) = next else { return (runs, lane) };
                view.begin(&plan);
                let mut session = String::new();
                let result = run_stop(&host, &mut lane, &plan, (tempo, &view), &mut session).await;
                runs.push(ended(&view, plan, &session, result, None));
            }
        });
    }
    let (mut runs, mut lanes) = (Vec::new(), Vec::new());
    while let Some(joined) = running.join_next().await {
        let (own, lane) = joined?;
        runs.extend(own);
        lanes.push(lane);
    }
    runs.sort_by_key(|run| run.plan.number);
    Ok((runs, lanes))
}

/// Runs one stop, with the devices that its scenario wants; what it spoils is replaced for the next one.
async fn run_stop(
    host: &Host,
    lane: &mut Lane,
    plan: &Plan,
    stage: (Tempo, &View),
    session: &mut String,
) -> Result<()> {
    if let Some((class, fault)) = plan.scenario.fault {
        host.exchange(lane, class, Some(fault)).await?;
    }
    let result = stop::run(host, lane, plan, stage, session).await;
    if let Some((class, _)) = plan.scenario.fault {
        host.exchange(lane, class, None).await?;
    }
    result
}

fn read_trips(folder: &Path) -> Result<Vec<(Trip, Recording)>> {
    TRIPS.into_iter().map(|trip| Ok((trip, Recording::read(folder, &trip)?))).collect()
}

/// Drives the recorded trips, one after the other: they share the clock that skips.
async fn drive_trips(
    host: &Host,
    view: &View,
    lane: &mut Lane,
    recordings: Vec<(Trip, Recording)>,
    mut dice: Dice,
    (before, tempo): (usize, Tempo),
) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, (trip, recording)) in (before + 1..).zip(recordings) {
        let plan = Plan { place: trip.place, ..Plan::roll(number, trip.scenario, &mut dice) };
        view.begin(&plan);
        let mut session = String::new();
        let stage = (tempo, view);
        let drive = drive::run(host, lane, (&trip, &recording), &plan, stage, &mut session).await;
        let shift_ms = drive.as_ref().map_or(0, |shift_ms| *shift_ms);
        let of_trip = OfTrip { trip, recording, shift_ms };
        runs.push(ended(view, plan, &session, drive.map(drop), Some(of_trip)));
    }
    runs
}

fn ended(
    view: &View,
    plan: Plan,
    session: &str,
    result: Result<()>,
    driven: Option<OfTrip>,
) -> Run {
    let broken = result.err().map(|error| format!("{error:#}"));
    view.end(plan.number, broken.as_deref());
    Run { plan, session: session.parse().ok(), broken, driven }
}

/// Reads everything back from the audit and tells it.
async fn finish(view: &View, host: &Host, runs: &[Run]) -> Result<usize> {
    let mut audit = Audit::read(&host.auditor).await.context("the audit does not verify")?;
    for _ in 0..SEQUENCING_LOOKS_MAX {
        if summary::is_as_expected(runs, &audit) {
            break;
        }
        // The sequencer may still be at the last events.
        timers::sleep(SEQUENCING_PAUSE).await;
        audit = Audit::read(&host.auditor).await.context("the audit does not verify")?;
    }
    Ok(summary::show(view, runs, &audit))
}

const STOPS: usize = 6;
/// Stops that run at the same time.
const LANES_MAX: usize = 14;
const SPEED_MIN: f64 = 0.1;
const SPEED_MAX: f64 = 100.0;
const SEQUENCING_LOOKS_MAX: usize = 20;
const SEQUENCING_PAUSE: Duration = Duration::from_millis(200);
