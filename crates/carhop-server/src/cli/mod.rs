//! The command line. Every command has `--help`, and `--json` where it prints something to be read by programs.

pub(crate) mod accepted;
mod account;
mod api_keys;
mod audit;
mod backup;
mod device;
mod events;
mod keys;
mod policy;
mod remote;
mod serve;
mod staff;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Decides who may open which trunk or arm which pump at a parked car, where and when, and proves it afterwards.
#[derive(Parser)]
#[command(name = "carhop", version, propagate_version = true, after_help = BEGIN_WITH)]
struct Arguments {
    /// Print what programs can read.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until it is told to stop.
    Serve {
        /// The settings (TOML). Without it: data in `carhop-data`, people on port 8443 and devices on 8444 of this machine.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Read the settings and the files they name, and say whether a server could start with them.
    CheckConfig {
        /// The settings (TOML).
        #[arg(long, value_name = "FILE", default_value = "carhop.toml")]
        config: PathBuf,
    },
    /// Copy journal and keys of a server, which may run, into a folder.
    Backup(backup::Backup),
    /// Bring a backup back into an empty data folder, and end everything that was alive then.
    Restore(backup::Restore),
    /// Check a log, or write it as files.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Check policies, show those that decide, and put others in their place.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Make by hand what clients and devices make; list and revoke a running server's API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The devices of a running server, or a lock or pump of its own.
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Freeze every release of a running server's account, or let them go on.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Invite, list and remove those who use a running server's console.
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// What happens on a running server.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Write the generated documents of the source tree; for those who change Carhop.
    Docs {
        /// The folder to write into.
        #[arg(long, default_value = "docs/generated")]
        out: PathBuf,
    },
    /// Run a server with virtual customers, drivers, locks and pumps, and see what it does.
    Demo(crate::demo::Args),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The first to install wins; nothing else installs one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("carhop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let json = arguments.json;
    match arguments.command {
        Command::Serve { config } => serve::serve(config.as_deref(), json),
        Command::CheckConfig { config } => serve::check_config(&config, json),
        Command::Backup(command) => backup::back_up(&command, json),
        Command::Restore(command) => in_runtime(backup::restore(command, json)),
        Command::Audit(command) => Ok(audit::run(&command, json)),
        Command::Policy(command) => in_runtime(policy::run(command, json)),
        Command::Keys(command) => in_runtime(keys::run(command, json)),
        Command::Device(command) => in_runtime(device::run(command, json)),
        Command::Account(command) => in_runtime(account::run(command, json)),
        Command::Staff(command) => in_runtime(staff::run(command, json)),
        Command::Events(command) => in_runtime(events::run(command, json)),
        Command::Docs { out } => crate::docs::write_all(&out).map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => in_runtime(crate::demo::run(args, json)),
    }
}

fn in_runtime(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// Logs to standard error, as text for people or as JSON.
fn log(json: bool, filter: &str) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.compact().init() }
}

const BEGIN_WITH: &str = "Begin with `carhop demo`, which needs nothing, or with `carhop serve`.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_can_be_called() {
        Arguments::command().debug_assert();
    }
}
