//! Plays simulated worlds with the program of `carhop-sim`, built quick and with every assertion on, and says how fast.
//! What is played and what must hold is that program's business.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::commands::{cargo, monotonic_time, run, shown, target_folder};

/// Builds the program and runs it with these arguments.
pub fn play(arguments: &[OsString]) -> anyhow::Result<()> {
    run(&mut build())?;
    let folder = target_folder()?;
    let program = folder.join("debug/carhop-sim").with_extension(std::env::consts::EXE_EXTENSION);
    let mut worlds = Command::new(program);
    worlds.args(arguments).arg("--folder").arg(folder.join("sim"));
    let began = monotonic_time();
    let mut child = worlds.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("the worlds have no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some((seeds, stops)) = counted(&line) {
            let seconds = (monotonic_time() - began).as_secs_f64().max(0.001);
            println!(
                "{seconds:.1} s: {:.0} seeds and {:.0} stops per second",
                seeds / seconds,
                stops / seconds
            );
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{} ended with {status}", shown(&worlds));
    }
    Ok(())
}

/// Builds the program. Dependencies are those of the workspace's tests, features included, and are there already; what is
/// ours is quick, and its assertions are on.
pub fn build() -> Command {
    let mut build = cargo("build --workspace --bin carhop-sim");
    build.args(["--config", "profile.dev.opt-level=2"]);
    build
}

/// Seeds and stops of the line that counts them.
fn counted(line: &str) -> Option<(f64, f64)> {
    let (seeds, rest) = line.split_once(" seeds, ")?;
    let (stops, _) = rest.split_once(" stops, ")?;
    Some((seeds.parse().ok()?, stops.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_counts_is_understood_and_no_other() {
        assert_eq!(counted("20 seeds, 90 stops, 1 happenings, 0 faults"), Some((20.0, 90.0)));
        for line in ["seed 3 broke x after 20 seeds: y", "", "made smaller:"] {
            assert_eq!(counted(line), None);
        }
    }
}
