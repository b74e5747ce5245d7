//! How other programs are called, and what the environment says. What they are called for stands elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail, ensure};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where cargo puts what it builds: two levels above this program.
pub fn target_folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).context("the task runs outside a target folder")?;
    Ok(folder.to_owned())
}

/// A call of cargo at the root of the repository, its arguments parted by spaces.
pub fn cargo(arguments: &str) -> Command {
    let mut command = cargo_here(arguments);
    command.current_dir(root());
    command
}

/// Builds `carhop`, unless it is fresh, and calls it in the folder of the caller. The profile is
/// `dev`: its dependencies are optimised, and it is there minutes before `release`.
pub fn carhop_from_source() -> Command {
    let mut command = cargo_here("run --package carhop-server --bin carhop --manifest-path");
    command.arg(root().join("Cargo.toml")).arg("--");
    command
}

/// Waits for the command; anything but success is an error that names it.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// Waits for the command; what it wrote.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(output.status.success(), "{} ended with {}", shown(command), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Ends this program as the other one, so that its exit code and signals need no passing on.
#[cfg(unix)]
pub fn become_command(mut command: Command) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    bail!("cannot start {}: {error}", shown(&command))
}

/// Ends this program with the exit code of the other one.
#[cfg(not(unix))]
pub fn become_command(mut command: Command) -> anyhow::Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

fn cargo_here(arguments: &str) -> Command {
    let mut command = Command::new(setting("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.args(arguments.split(' '));
    command
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "tasks are steered by the environment they run in")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A point from which to measure how long something takes.
#[expect(clippy::disallowed_methods, reason = "tasks are timed for the one who waits for them")]
pub fn monotonic_time() -> Instant {
    Instant::now()
}
