//! Fuzzing of the parsers in `tests/hostile`, guided by coverage, on the stable compiler: the passes that
//! libFuzzer needs are ordinary code generation options, and only sanitizers would want a nightly one.
//! What is tried and what must hold is not known here.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::commands::{cargo, monotonic_time, output, root, run, target_folder};

/// Fuzzes each of these targets, or all, until it has had `minutes` in all. They take turns, so that whenever
/// this is stopped each has had its share, and what earlier runs did counts: inputs that were worth keeping,
/// finds and accounts stay in `target/fuzz`. A target with a find waits until the find is gone.
pub fn fuzz(wanted: &[String], minutes: u64) -> anyhow::Result<()> {
    let program = build(wanted)?;
    let known = output(&mut Command::new(&program))?;
    let known: Vec<&str> = known.lines().collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no target `{unknown}`; there are {}", known.join(", "));
    }
    let is_wanted = |name: &&&str| wanted.is_empty() || wanted.iter().any(|one| one == *name);
    let folder = target_folder()?.join("fuzz");
    let mut targets = Vec::new();
    for name in known.iter().filter(is_wanted) {
        targets.push(Target::open(name, folder.join(name))?);
    }
    while let Some((turn, seconds)) = next_turn(&targets, minutes * 60) {
        let target = &mut targets[turn];
        target.take_turn(&program, seconds)?;
        println!("{target}");
    }
    println!("\n{HEADING}");
    for target in &targets {
        println!("{target}");
    }
    let finds: u64 = targets.iter().map(|target| target.finds).sum();
    ensure!(finds == 0, "{finds} finds: mend what they show, then delete {}", broken(&targets));
    Ok(())
}

/// A target and its account over all runs.
struct Target {
    name: String,
    folder: PathBuf,
    executions: u64,
    seconds: u64,
    /// Inputs that broke a law and still lie there.
    finds: u64,
}

impl Target {
    fn open(name: &str, folder: PathBuf) -> anyhow::Result<Self> {
        for inner in ["corpus", "broken"] {
            let inner = folder.join(inner);
            fs::create_dir_all(&inner).with_context(|| inner.display().to_string())?;
        }
        let account = fs::read_to_string(folder.join(ACCOUNT)).unwrap_or_default();
        let mut numbers = account.split_whitespace().map_while(|word| word.parse().ok());
        let (executions, seconds) =
            (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let finds = count_finds(&folder.join("broken"))?;
        Ok(Self { name: name.to_owned(), folder, executions, seconds, finds })
    }

    /// Fuzzes for this long or until a find, and enters what it came to.
    fn take_turn(&mut self, program: &Path, seconds: u64) -> anyhow::Result<()> {
        let broken = self.folder.join("broken");
        let engine = [
            self.folder.join("corpus").display().to_string(),
            format!("-artifact_prefix={}/", broken.display()),
            format!("-max_total_time={seconds}"),
            format!("-max_len={INPUT_LENGTH_MAX}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-rss_limit_mb={MEMORY_MB_MAX}"),
            "-print_final_stats=1".to_owned(),
        ];
        ensure!(
            engine.iter().all(|one| !one.contains(' ')),
            "libFuzzer takes no path with a space"
        );
        let mut command = Command::new(program);
        command.current_dir(root()).arg(&self.name).arg(self.folder.join("corpus"));
        command.env("BOLERO_LIBFUZZER_ARGS", engine.join(" "));
        let start = monotonic_time();
        let ended = command.output().with_context(|| program.display().to_string())?;
        // A turn always counts, so that one that ends at once is not taken again for ever.
        self.seconds += (monotonic_time() - start).as_secs().max(1);
        let said =
            [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        fs::write(self.folder.join("last.log"), said.concat())?;
        self.executions += said.iter().find_map(|said| executions(said)).unwrap_or_default();
        self.finds = count_finds(&broken)?;
        fs::write(self.folder.join(ACCOUNT), format!("{} {}\n", self.executions, self.seconds))?;
        ensure!(
            ended.status.success() || self.finds > 0,
            "`{}` ended with {} and no find: see {}",
            self.name,
            ended.status,
            self.folder.join("last.log").display()
        );
        Ok(())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, executions, seconds, finds, .. } = self;
        write!(f, "{name:25} {executions:>12} {seconds:>8} {finds:>6}")
    }
}

/// Whose turn it is, and for how many seconds: the one that has had the least, if it lacks any.
fn next_turn(targets: &[Target], seconds_each: u64) -> Option<(usize, u64)> {
    let waiting = targets.iter().enumerate().filter(|(_, target)| target.finds == 0);
    let (turn, target) = waiting.min_by_key(|(_, target)| target.seconds)?;
    let lacking = seconds_each.saturating_sub(target.seconds);
    (lacking > 0).then_some((turn, lacking.min(TURN_SECONDS_MAX)))
}

/// How often libFuzzer says it has called the target.
fn executions(said: &str) -> Option<u64> {
    let found = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    found?.trim().parse().ok()
}

/// Inputs that broke a law; those that were merely slow have another name.
fn count_finds(broken: &Path) -> anyhow::Result<u64> {
    let mut finds = 0;
    for entry in fs::read_dir(broken)? {
        let is_slow = entry?.file_name().to_string_lossy().starts_with("slow-unit-");
        finds += u64::from(!is_slow);
    }
    Ok(finds)
}

/// Where the finds lie.
fn broken(targets: &[Target]) -> String {
    let found = targets.iter().filter(|target| target.finds > 0);
    let folders = found.map(|target| target.folder.join("broken").display().to_string());
    folders.collect::<Vec<_>>().join(", ")
}

/// Builds the program with the instrumentation, and with the server if a target needs it.
fn build(wanted: &[String]) -> anyhow::Result<PathBuf> {
    let needs_server = |name: &String| WITH_SERVER.contains(&name.as_str());
    // A platform that is named keeps the instrumentation away from what runs while building.
    let platform = host()?;
    let mut command = cargo("build --package hostile-input --bin hostile-input --target");
    command.arg(&platform);
    if !wanted.is_empty() && !wanted.iter().any(needs_server) {
        command.arg("--no-default-features");
    }
    command.env("RUSTFLAGS", INSTRUMENTATION.join(" "));
    command.env("CARGO_INCREMENTAL", "0");
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    run(&mut command)?;
    Ok(target_folder()?.join(platform).join("debug/hostile-input"))
}

/// The platform of this compiler.
fn host() -> anyhow::Result<String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}

/// Targets that need the whole server to be built.
const WITH_SERVER: [&str; 6] =
    ["gateway", "policies", "rungs", "settings", "stored-effect", "stored-event"];
/// What bolero's `cargo-bolero` passes for this engine; the flags are all there is to it.
const INSTRUMENTATION: [&str; 10] = [
    "--cfg fuzzing",
    "--cfg fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Ccodegen-units=1",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "-Cdebug-assertions",
];
/// The file with executions and seconds of all runs.
const ACCOUNT: &str = "account";
const HEADING: &str = "target                      executions  seconds  finds";
/// What is lost at most when a run is killed.
const TURN_SECONDS_MAX: u64 = 60;
const INPUT_LENGTH_MAX: u32 = 16 * 1024;
const INPUT_SECONDS_MAX: u32 = 20;
const MEMORY_MB_MAX: u32 = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    fn target(seconds: u64, finds: u64) -> Target {
        Target { name: "x".to_owned(), folder: PathBuf::new(), executions: 0, seconds, finds }
    }

    #[test]
    fn targets_take_turns_until_each_has_had_its_time() {
        for (targets, minutes, expected) in [
            (vec![target(0, 0), target(0, 0)], 1, Some((0, 60))),
            (vec![target(60, 0), target(0, 0)], 2, Some((1, 60))),
            (vec![target(60, 0), target(50, 0)], 1, Some((1, 10))),
            (vec![target(61, 0), target(60, 0)], 1, None),
            (vec![target(60, 0), target(0, 1)], 1, None),
            (vec![target(60, 0), target(0, 1)], 3, Some((0, 60))),
            (vec![], 1, None),
        ] {
            assert_eq!(next_turn(&targets, minutes * 60), expected);
        }
    }

    #[test]
    fn accounts_outlive_a_run_and_slow_inputs_are_no_finds() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("x");
        let fresh = Target::open("x", folder.clone()).unwrap();
        assert_eq!((fresh.executions, fresh.seconds, fresh.finds), (0, 0, 0));
        fs::write(folder.join(ACCOUNT), "17 60\n").unwrap();
        fs::write(folder.join("broken/slow-unit-1"), "").unwrap();
        fs::write(folder.join("broken/crash-1"), "").unwrap();
        let later = Target::open("x", folder).unwrap();
        assert_eq!((later.executions, later.seconds, later.finds), (17, 60, 1));
        assert_eq!(later.to_string(), "x                                   17       60      1");
    }

    #[test]
    fn executions_are_read_from_what_the_engine_says() {
        let said = "Done\nstat::number_of_executed_units: 8192\nstat::peak_rss_mb: 40\n";
        assert_eq!(executions(said), Some(8192));
        assert_eq!(executions("INFO: Seed: 1\n"), None);
    }
}
