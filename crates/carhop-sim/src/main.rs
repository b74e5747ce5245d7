//! Plays worlds from seeds on all cores, and works with one that breaks: prints its one-line reproduction, saves its
//! trace, makes it smaller, plays it again and steps through it. Called by `cargo xtask sim`.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use carhop_sim::coverage::told;
use carhop_sim::happening::Witness;
use carhop_sim::model::Model;
use carhop_sim::plan::{NoPlan, Plan};
use carhop_sim::shrink::shrink;
use carhop_sim::step::Steps;
use carhop_sim::town::{Coverage, Ending, Run, play_watched};
use clap::Parser;

/// Plays simulated worlds
#[derive(Parser)]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// What else each plan says behind its seed, as `one=true,false odds=raced:1000000`
    #[arg(long, conflicts_with_all = ["plan", "replay"], default_value = "")]
    aim: String,
    /// Plays one plan, written as a failure prints it
    #[arg(long, conflicts_with = "replay")]
    plan: Option<Plan>,
    /// Plays a saved failure again, bit for bit
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Steps through the one that is played
    #[arg(long)]
    step: bool,
    /// Prints which states and faults were reached, and which were not
    #[arg(long)]
    coverage: bool,
    /// Leaves a failure as big as it is
    #[arg(long)]
    no_shrink: bool,
    /// How many at once; one for each core if not said
    #[arg(long)]
    jobs: Option<usize>,
    /// Where failures are saved
    #[arg(long, default_value = "target/sim")]
    folder: PathBuf,
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Trouble> {
    if let Some(path) = &arguments.replay {
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines();
        let plan: Plan = lines.next().unwrap_or_default().parse()?;
        return again(&plan, lines.next(), arguments.step);
    }
    match &arguments.plan {
        Some(plan) => again(plan, None, arguments.step),
        None => many(arguments),
    }
}

/// Plays one plan, and says whether it is the one that was saved and ends well.
fn again(plan: &Plan, hash: Option<&str>, step: bool) -> Result<bool, Trouble> {
    let (run, _) = if step { stepped(plan)? } else { traced(plan)? };
    println!("{plan}\nhash {}", hex(&run.hash));
    if let Some(saved) = hash {
        let same = saved == hex(&run.hash);
        println!("{}", if same { "the same, bit for bit" } else { "NOT the same as was saved" });
        if !same {
            return Ok(false);
        }
    }
    match run.ending {
        Ending::Well => println!("ended well: {:?}", run.ends),
        Ending::Broken(broken) => {
            println!("broke {broken}");
            return Ok(false);
        }
    }
    Ok(true)
}

/// What all seeds came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    happenings: u64,
    ends: std::collections::BTreeMap<&'static str, u64>,
    coverage: Coverage,
    struck: u64,
    broken: Option<(Plan, Run)>,
}

fn many(arguments: &Arguments) -> Result<bool, Trouble> {
    // What does not depend on the seed is wrong at once or never.
    aimed(arguments, arguments.from)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let sum = Mutex::new(Sum::default());
    let trouble = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.unwrap_or(cores) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds {
                        return;
                    }
                    let Ok(plan) = aimed(arguments, arguments.from + number) else { return };
                    let panics = Panics(plan.seed);
                    let played = play_watched(&plan, &mut [&mut Model::default()], |_, _, _| {});
                    drop(panics);
                    match (played, sum.lock()) {
                        (Ok(run), Ok(mut sum)) => {
                            let broken = add(&mut sum, plan, run);
                            stop.fetch_or(broken, Ordering::Relaxed);
                        }
                        (Err(error), _) => {
                            stop.store(true, Ordering::Relaxed);
                            let why = format!("seed {} could not be played: {error}", plan.seed);
                            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                        }
                        (Ok(_), Err(_)) => return,
                    }
                }
            });
        }
    });
    if let Some(why) = trouble.into_inner().ok().flatten() {
        return Err(why.into());
    }
    let sum = sum.into_inner()?;
    let stops: u64 = sum.ends.values().sum();
    println!(
        "{} seeds, {stops} stops, {} happenings, {} faults; {:?}",
        sum.seeds, sum.happenings, sum.struck, sum.ends
    );
    if arguments.coverage {
        print_coverage(arguments, &sum);
    }
    match sum.broken {
        None => Ok(true),
        Some((plan, run)) => work_on(arguments, &plan, &run, sum.seeds).map(|()| false),
    }
}

/// The world of a seed, as far as nothing else is said of it.
fn aimed(arguments: &Arguments, seed: u64) -> Result<Plan, NoPlan> {
    format!("seed={seed} {}", arguments.aim).parse()
}

fn add(sum: &mut Sum, plan: Plan, run: Run) -> bool {
    sum.seeds += 1;
    sum.happenings += run.happenings;
    sum.struck += run.struck.len() as u64;
    sum.coverage.add(&run.coverage);
    for (end, count) in &run.ends {
        *sum.ends.entry(end).or_default() += count;
    }
    let is_broken = run.ending != Ending::Well;
    let is_first = sum.broken.as_ref().is_none_or(|(known, _)| known.seed > plan.seed);
    if is_broken && is_first {
        sum.broken = Some((plan, run));
    }
    is_broken
}

/// Says which seed was played when something panics.
struct Panics(u64);

impl Drop for Panics {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {} broke no_panic after 1 seeds: see above", self.0);
        }
    }
}

/// Prints the one-line reproduction of a failure, makes it smaller and saves both.
fn work_on(arguments: &Arguments, plan: &Plan, run: &Run, seeds: u64) -> Result<(), Trouble> {
    let Ending::Broken(broken) = &run.ending else { return Ok(()) };
    let (seed, invariant, why) = (plan.seed, broken.invariant, &broken.why);
    println!("seed {seed} broke {invariant} after {seeds} seeds: {why}");
    println!("  cargo xtask sim --plan \"{plan}\"");
    save(arguments, plan, "whole")?;
    if arguments.no_shrink {
        return Ok(());
    }
    let small = shrink(plan, SHRINK_RUNS_MAX, |plan| {
        let run = play_watched(plan, &mut [&mut Model::default()], |_, _, _| {}).ok()?;
        let same = matches!(&run.ending, Ending::Broken(other) if other.invariant == invariant);
        same.then_some(run.struck)
    });
    println!("made smaller:\n  cargo xtask sim --plan \"{small}\"");
    let path = save(arguments, &small, "small")?;
    println!("  cargo xtask sim --replay {} --step", path.display());
    Ok(())
}

/// The plan and its hash, and beside it everything that happened.
fn save(arguments: &Arguments, plan: &Plan, size: &str) -> Result<PathBuf, Trouble> {
    let (run, trace) = traced(plan)?;
    fs::create_dir_all(&arguments.folder)?;
    let path = arguments.folder.join(format!("seed-{}-{size}.plan", plan.seed));
    fs::write(&path, format!("{plan}\n{}\n{:?}\n", hex(&run.hash), run.ending))?;
    fs::write(path.with_extension("trace"), trace)?;
    Ok(path)
}

fn traced(plan: &Plan) -> Result<(Run, String), Trouble> {
    let mut trace = String::new();
    let run = play_watched(plan, &mut [&mut Model::default()], |_, _, line| {
        trace.push_str(line);
        trace.push('\n');
    })?;
    Ok((run, trace))
}

/// Plays and stops at each happening for a line of the reader: nothing goes on by one, a number by so many, `s` shows
/// the sessions, `/word` goes on until a line has the word, `q` goes on to the end.
fn stepped(plan: &Plan) -> Result<(Run, String), Trouble> {
    let (mut steps, mut skip, mut until) = (Steps::default(), 0_u64, None::<String>);
    let mut input = io::stdin().lock();
    let mut model = Model::default();
    let run = play_watched(plan, &mut [&mut model as &mut dyn Witness], |_, happening, line| {
        let shown = steps.step(happening, line);
        if until.take_if(|word| shown.contains(&**word)).is_none() && until.is_some() {
            return;
        }
        print!("{shown}");
        if skip > 0 {
            skip -= 1;
            return;
        }
        loop {
            print!("> ");
            let _ = io::stdout().flush();
            let mut words = String::new();
            if input.read_line(&mut words).unwrap_or(0) == 0 {
                skip = u64::MAX;
                return;
            }
            match words.trim() {
                "" => return,
                "s" => print!("{}", steps.state()),
                "q" => {
                    skip = u64::MAX;
                    return;
                }
                word if word.starts_with('/') => {
                    until = Some(word[1..].to_owned());
                    return;
                }
                count => match count.parse::<u64>() {
                    Ok(count) => {
                        skip = count.saturating_sub(1);
                        return;
                    }
                    Err(_) => println!("Enter, a number, s, /word or q"),
                },
            }
        }
    })?;
    Ok((run, String::new()))
}

/// The sentence and the tables of `docs/simulator.md`.
fn print_coverage(arguments: &Arguments, sum: &Sum) {
    let stops: u64 = sum.ends.values().sum();
    println!(
        "{} worlds (seeds {} to {}: {stops} stops, {} happenings, {} strikes)",
        sum.seeds,
        arguments.from,
        arguments.from + sum.seeds.saturating_sub(1),
        sum.happenings,
        sum.struck
    );
    print!("{}", told(&sum.coverage));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Runs that making a failure smaller may take.
const SHRINK_RUNS_MAX: usize = 400;
