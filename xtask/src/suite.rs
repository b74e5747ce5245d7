//! Everything that has to pass before a change lands, the quickest to fail first.
//! Each step is announced and timed; the first failure ends the run.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::commands::{cargo, monotonic_time, root, run, setting, shown, target_folder};
use crate::{generated, interface, pages, tools};

/// Runs every step, then says again what each took and what `cargo test` counted.
pub fn run_all() -> anyhow::Result<()> {
    let mut times = Times::default();
    let mut test_results = Vec::new();
    times.step("layout", || run(&mut cargo("fmt --all --check")))?;
    times.step("lints", || run(&mut cargo("clippy --workspace --all-targets -- -D warnings")))?;
    times.step("pages", || {
        pages::build()?;
        pages::check()
    })?;
    times.step("tests", || {
        test_results = run_tests(&mut cargo("test --workspace"))?;
        Ok(())
    })?;
    times.step("device side without std", || {
        run(&mut cargo("run --package no-std-proof --features proof --profile no-std"))
    })?;
    times.step("dependencies", || {
        // The lock file also names what other platforms need, and looking at it must not reach out.
        run(&mut cargo("fetch --locked"))?;
        run(tools::cargo_deny()?.args(["--offline", "check", "licenses", "bans", "sources"]))
    })?;
    times.step("generated files", || generated::check(&mut carhop()?))?;
    times.step("tutorial", || {
        let mut script = Command::new("bash");
        run(script.current_dir(root()).arg(TUTORIAL).env("CARHOP", carhop_path()?))
    })?;
    let data = target_folder()?.join("demo-data");
    times.step("demo", || {
        remove(&data)?;
        run(carhop()?.args(DEMO).arg("--data").arg(&data).arg("--keep"))
    })?;
    times.step("pages in a browser", || pages::try_in_browser(&carhop_path()?))?;
    times.step("interface", || interface::ask(carhop()?, &data))?;
    times.step("demo on recorded traces", demo_on_recorded_traces)?;
    println!("\n{}\n{times}", test_results.join("\n"));
    Ok(())
}

/// The steps that have passed, and what each took.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        println!("\n==> {name}");
        let start = monotonic_time();
        let outcome = work();
        let time = monotonic_time() - start;
        let seconds = time.as_secs_f64();
        outcome.with_context(|| {
            format!("`{name}` failed after {seconds:.1} s; the steps after it have not run")
        })?;
        println!("==> {name}: passed in {seconds:.1} s");
        self.0.push((name, time));
        Ok(())
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, time)| writeln!(f, "{:7.1} s  {name}", time.as_secs_f64()))
    }
}

/// Shows what the tests print, and keeps the line that each test program ends with.
fn run_tests(command: &mut Command) -> anyhow::Result<Vec<String>> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("the tests have no output")?;
    let mut results = Vec::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        if line.starts_with("test result: ") {
            results.push(line);
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(results)
}

/// Real fixes through the whole program. They are not part of the repository; a machine without
/// them says so, and fails where nobody would read it.
fn demo_on_recorded_traces() -> anyhow::Result<()> {
    let shared = setting("CARHOP_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let traces = shared.join("data");
    if traces.is_dir() {
        return run(carhop()?.args(DEMO).arg("--traces").arg(traces));
    }
    ensure!(setting("CI").is_none(), "no recorded traces in {}", traces.display());
    println!("skipped: no recorded traces in {}", traces.display());
    Ok(())
}

/// What an earlier run left.
fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The program as the tests have just built it.
fn carhop() -> anyhow::Result<Command> {
    Ok(Command::new(carhop_path()?))
}

fn carhop_path() -> anyhow::Result<PathBuf> {
    let program =
        target_folder()?.join("debug/carhop").with_extension(std::env::consts::EXE_EXTENSION);
    ensure!(program.is_file(), "the tests have not built {}", program.display());
    Ok(program)
}

const DEMO: [&str; 6] = ["demo", "--headless", "--stops", "3", "--seed", "1"];
const TUTORIAL: &str = "docs/tutorial/stop.sh";
