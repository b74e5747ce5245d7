//! `carhop demo`: an authority on embedded defaults, and people, locks and pumps around it that know only what anybody
//! can know: the public interface (design §7).
//!
//! It decides nothing. Whether a stop ended as its scenario says is read back from the audit.

mod audit;
mod client;
mod deck;
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
mod visit;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use console::style;
use tokio::task::JoinSet;

use audit::Audit;
use deck::Deck;
use host::{Host, Lane};
use plan::Plan;
use seed::Dice;
use stop::Tempo;
use summary::{OfTrip, Run};
use trace::Recording;
use trips::{TRIPS, Trip};
use view::View;

use crate::clock::{Stopwatch, SystemClock};
use crate::{CA_FILE, timers, ui};

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
    /// How many stops to run. Without it, stops keep coming until the demo is interrupted, and one of them is yours to
    /// play; with `--headless` or `--json` there are six, and none beside recorded trips or named scenarios.
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
    let keeps_on = args.keeps_on(as_json);
    let window = (keeps_on && ui::are_built()).then(visit::window);
    let host = Arc::new(Host::start(&folder.path, Arc::clone(&clock), window).await?);
    greet(&view, &args, &host, &folder);
    let told = if keeps_on {
        keep_on(&args, &host, &view).await
    } else {
        tokio::select! {
            told = play_and_tell(&args, &host, &view) => told,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        }
    };
    view.close();
    summary::took(&view, stopwatch.seconds(), clock.offset_ms());
    if let Some(host) = Arc::into_inner(host) {
        host.running.stop().await;
    }
    folder.close(&view);
    Ok(if told? == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Args {
    /// Whether stops keep coming: nobody has said how many, or which.
    const fn keeps_on(&self, as_json: bool) -> bool {
        let is_watched = !self.headless && !as_json;
        is_watched && self.stops.is_none() && self.traces.is_none() && self.scenario.is_empty()
    }
}

/// Runs every stop and tells what the audit says; how many ended otherwise than they should have.
async fn play_and_tell(args: &Args, host: &Arc<Host>, view: &Arc<View>) -> Result<usize> {
    let runs = play(args, host, view).await?;
    finish(view, host, &runs).await
}

/// Runs stops until somebody interrupts it, and tells what the audit says of those that had ended.
async fn keep_on(args: &Args, host: &Arc<Host>, view: &Arc<View>) -> Result<usize> {
    let stage = Stage::new(host, view, args.speed, Deck::endless(args.seed));
    let playing = async {
        host.store.draw_venue(venue::NAME, venue::car_park()).await?;
        let lanes = enrol(host, view, LANES_WATCHED).await?;
        tokio::try_join!(run_stops(&stage, lanes), visited(host, view))
    };
    tokio::select! {
        played = playing => played.map(drop)?,
        _ = tokio::signal::ctrl_c() => {}
    }
    view.close();
    let runs = stage.take_runs();
    drop(stage);
    finish(view, host, &runs).await
}

/// Keeps a stop ready for whoever watches, where there are pages to play it on.
async fn visited(host: &Host, view: &View) -> Result<()> {
    if ui::are_built() {
        return visit::keep_one_ready(host, view).await;
    }
    view.say("  this server was built without its pages: `cargo xtask pages` builds them");
    Ok(())
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
    let recordings = args.traces.as_deref().map_or(Ok(Vec::new()), read_trips)?;
    let plans = deal(args, recordings.is_empty());
    let stops = plans.len();
    host.store.draw_venue(venue::NAME, venue::car_park()).await?;
    let mut lanes = enrol(host, view, stops.clamp(1, LANES_MAX)).await?;
    let stage = Stage::new(host, view, args.speed, Deck::of(plans));
    if stops > 0 {
        lanes = run_stops(&stage, lanes).await?;
    }
    let mut runs = stage.take_runs();
    lanes.truncate(1);
    if let Some(lane) = lanes.first_mut() {
        let dice = Dice::new(args.seed);
        let tempo = Tempo::new(args.speed);
        runs.extend(drive_trips(host, view, lane, recordings, dice, (stops, tempo)).await);
    }
    Ok(runs)
}

/// The stops that were asked for: of the scenarios that were named, or a mix.
fn deal(args: &Args, has_no_trips: bool) -> Vec<Plan> {
    if args.scenario.is_empty() {
        let stops = args.stops.unwrap_or(if has_no_trips { STOPS } else { 0 });
        return Plan::deal(1, stops, args.seed);
    }
    let named = args.scenario.iter().filter_map(|name| scenarios::named(name));
    let each = args.stops.unwrap_or(1);
    Plan::deal_only(1, named.flat_map(|scenario| std::iter::repeat_n(scenario, each)), args.seed)
}

async fn enrol(host: &Arc<Host>, view: &View, count: usize) -> Result<Vec<Lane>> {
    let each = |what| view::counted(count as u64, what);
    view.say(&format!("  enrolling {}, {} and {}", each("handset"), each("lock"), each("pump")));
    let mut enrolling = JoinSet::new();
    for number in 1..=count {
        let host = Arc::clone(host);
        enrolling.spawn(async move { host.lane(number).await });
    }
    enrolling.join_all().await.into_iter().collect()
}

/// What stops are played with, and what has become of them.
struct Stage {
    host: Arc<Host>,
    view: Arc<View>,
    tempo: Tempo,
    deck: Mutex<Deck>,
    runs: Mutex<Vec<Run>>,
}

impl Stage {
    fn new(host: &Arc<Host>, view: &Arc<View>, speed: f64, deck: Deck) -> Arc<Self> {
        let (host, view, tempo) = (Arc::clone(host), Arc::clone(view), Tempo::new(speed));
        Arc::new(Self { host, view, tempo, deck: Mutex::new(deck), runs: Mutex::default() })
    }

    fn draw(&self) -> Option<Plan> {
        self.deck.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }

    /// Whether those who play rest after a stop: where it goes on without end, nobody is in a hurry.
    fn is_calm(&self) -> bool {
        self.deck.lock().unwrap_or_else(PoisonError::into_inner).is_endless()
    }

    /// The stops that have ended, in their order.
    fn take_runs(&self) -> Vec<Run> {
        let mut runs =
            std::mem::take(&mut *self.runs.lock().unwrap_or_else(PoisonError::into_inner));
        runs.sort_by_key(|run| run.plan.number);
        runs
    }

    /// Plays one stop after the other.
    async fn play_on(&self, lane: &mut Lane) {
        while let Some(plan) = self.draw() {
            self.view.begin(&plan);
            let mut session = String::new();
            let stage = (self.tempo, &*self.view);
            let result = run_stop(&self.host, lane, &plan, stage, &mut session).await;
            let run = ended(&self.view, plan, &session, result, None);
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
            if self.is_calm() {
                self.tempo.pause(REST).await;
            }
        }
    }
}

/// Runs the stops; each lane takes the next one.
async fn run_stops(stage: &Arc<Stage>, lanes: Vec<Lane>) -> Result<Vec<Lane>> {
    let mut running = JoinSet::new();
    for mut lane in lanes {
        let stage = Arc::clone(stage);
        running.spawn(async move {
            stage.play_on(&mut lane).await;
            lane
        });
    }
    let mut lanes = Vec::new();
    while let Some(joined) = running.join_next().await {
        lanes.push(joined?);
    }
    Ok(lanes)
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
/// Stops that run at the same time where they keep coming.
const LANES_WATCHED: usize = 3;
/// How long a driver rests before the next stop.
const REST: Duration = Duration::from_secs(3);
/// Stops that run at the same time.
const LANES_MAX: usize = 14;
const SPEED_MIN: f64 = 0.1;
const SPEED_MAX: f64 = 100.0;
const SEQUENCING_LOOKS_MAX: usize = 20;
const SEQUENCING_PAUSE: Duration = Duration::from_millis(200);
