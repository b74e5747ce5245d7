//! Project tasks, behind `cargo xtask`. They call other programs and decide nothing about Carhop.

mod commands;
mod fuzz;
mod generated;
mod interface;
mod mutants;
mod pages;
mod sim;
mod suite;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

/// Project tasks of Carhop.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Builds and runs `carhop demo`; every argument goes to it
    #[command(disable_help_flag = true)]
    Demo(PassedOn),
    /// Runs everything that has to pass before a change lands, and stops at the first failure
    Test,
    /// Writes the files that are generated from the code into `docs/generated`
    Update {
        /// Writes nothing, and fails if a file would change
        #[arg(long)]
        check: bool,
    },
    /// Fuzzes the parsers of outside bytes with laws from `tests/hostile`, in turns, and goes on where it stopped
    Fuzz {
        /// Which; all without
        targets: Vec<String>,
        /// How long each is fuzzed in all; the time of earlier runs counts
        #[arg(long, default_value_t = 1)]
        minutes: u64,
    },
    /// Builds the pages for people into `web/dist`, where the server takes them from; needs Node
    Pages,
    /// Runs the benchmarks, or those that `--bench NAME` names; every argument goes to `cargo bench`
    Bench(PassedOn),
    /// Plays simulated worlds on all cores; every argument goes to `carhop-sim`, `--help` and `--mutants` included
    #[command(disable_help_flag = true)]
    Sim(PassedOn),
    /// Plants deliberate bugs, one after the other, and has the simulator find each of them
    Mutants {
        /// In so many worlds at most
        #[arg(long, default_value_t = MUTANT_SEEDS)]
        seeds: u64,
        /// Only those whose name contains this
        only: Option<String>,
    },
    /// Kills and stops server, locks and pumps and fills the disk while stops are made, and settles the account
    KillRounds {
        /// How many strikes
        rounds: u64,
        /// The same seed plans the same strikes
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// Worlds in which a deliberate bug has to be found.
const MUTANT_SEEDS: u64 = 2_000;

#[derive(clap::Args)]
struct PassedOn {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Demo(PassedOn { arguments }) => {
            if pages::has_node() {
                pages::build()?;
            } else {
                println!(
                    "no Node 20.19 or newer is here: the demo runs without the pages for people"
                );
            }
            let mut carhop = commands::carhop_from_source();
            carhop.arg("demo").args(arguments);
            commands::become_command(carhop)
        }
        Task::Test => suite::run_all(),
        Task::Pages => pages::build(),
        Task::Update { check: true } => generated::check(&mut commands::carhop_from_source()),
        Task::Update { check: false } => generated::update(&mut commands::carhop_from_source()),
        Task::Fuzz { targets, minutes } => fuzz::fuzz(&targets, minutes),
        Task::Sim(PassedOn { arguments }) if arguments.iter().any(|it| it == "--mutants") => {
            anyhow::ensure!(
                arguments.len() == 1,
                "`cargo xtask mutants` takes names and `--seeds`; `--mutants` stands alone"
            );
            mutants::run_all(MUTANT_SEEDS, None)
        }
        Task::Sim(PassedOn { arguments }) => sim::play(&arguments),
        Task::Bench(PassedOn { arguments }) => {
            let mut bench = commands::cargo("bench --workspace");
            // Without a name, cargo would build the tests of every crate as benchmarks too.
            if !arguments.iter().any(|argument| argument == "--bench") {
                bench.args(["--bench", "*"]);
            }
            bench.args(arguments);
            commands::become_command(bench)
        }
        Task::Mutants { seeds, only } => mutants::run_all(seeds, only.as_deref()),
        Task::KillRounds { rounds, seed } => {
            let mut kills =
                commands::cargo("test --package carhop-server --test kills -- --nocapture");
            kills.env("CARHOP_KILL_ROUNDS", rounds.to_string());
            kills.env("CARHOP_KILL_SEED", seed.to_string());
            commands::become_command(kills)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_gets_its_arguments_with_and_without_dashes() {
        let expected = ["--headless", "--stops", "12", "--help"];
        for dashes in [&[][..], &["--"]] {
            let line = ["xtask", "demo"].iter().chain(dashes).chain(&expected);
            let Task::Demo(passed_on) = Task::parse_from(line) else { panic!("not a demo") };
            assert_eq!(passed_on.arguments, expected);
        }
    }
}
