//! Fuzzing of the parsers in `tests/hostile`, guided by coverage, on the stable compiler: the passes that
//! libFuzzer needs are ordinary code generation options, and only sanitizers would want a nightly one.
//! What is tried and what must hold is not known here.

use std::fs;

use anyhow::{Context, ensure};

use crate::commands::{cargo, output, run, target_folder};

/// Fuzzes one target, or says which there are. Inputs that were worth keeping stay in `target/fuzz`, so
/// that the next run goes on from there.
pub fn fuzz(target: Option<&str>, minutes: u64) -> anyhow::Result<()> {
    let Some(target) = target else {
        return run(&mut cargo("run --quiet --package hostile-input"));
    };
    let folder = target_folder()?.join("fuzz").join(target);
    let (corpus, broken) = (folder.join("corpus"), folder.join("broken"));
    for folder in [&corpus, &broken] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let engine = [
        corpus.display().to_string(),
        format!("-artifact_prefix={}/", broken.display()),
        format!("-max_total_time={}", minutes * 60),
        format!("-max_len={INPUT_LENGTH_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-rss_limit_mb={MEMORY_MB_MAX}"),
        "-print_final_stats=1".to_owned(),
    ];
    ensure!(engine.iter().all(|one| !one.contains(' ')), "libFuzzer takes no path with a space");
    // A platform that is named keeps the instrumentation away from what runs while building.
    let platform = host()?;
    let mut command = cargo("run --quiet --package hostile-input --target");
    command.arg(platform);
    if !WITH_SERVER.contains(&target) {
        command.arg("--no-default-features");
    }
    command.arg("--").arg(target).arg(&corpus);
    command.env("RUSTFLAGS", INSTRUMENTATION.join(" "));
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    command.env("BOLERO_LIBFUZZER_ARGS", engine.join(" "));
    run(&mut command)
}

/// The platform of this compiler.
fn host() -> anyhow::Result<String> {
    let said = output(std::process::Command::new("rustc").arg("-vV"))?;
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
const INPUT_LENGTH_MAX: u32 = 16 * 1024;
const INPUT_SECONDS_MAX: u32 = 20;
const MEMORY_MB_MAX: u32 = 2_048;
