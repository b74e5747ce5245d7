//! `backup` and `restore`: what they do is told, and what the operator has to do next.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use carhop_app::ports::Clock;
use clap::Args;
use serde_json::json;
use tokio::sync::watch;

use crate::backup;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::server::Server;

/// What to copy, and where to.
#[derive(Args)]
pub(super) struct Backup {
    /// The server's settings; without it, the embedded defaults.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder to write; it must be empty or missing.
    #[arg(long)]
    out: PathBuf,
}

/// What to bring back.
#[derive(Args)]
pub(super) struct Restore {
    /// The server's settings; without it, the embedded defaults. Its data folder must be empty or missing.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder that `backup` wrote.
    #[arg(long)]
    from: PathBuf,
}

pub(super) fn back_up(command: &Backup, json: bool) -> anyhow::Result<ExitCode> {
    let config = settings(command.config.as_deref())?;
    let now = SystemClock::default().now();
    let manifest = backup::back_up(&config.data_dir, &command.out, now)?;
    if json {
        println!("{}", serde_json::to_string(&manifest)?);
    } else {
        println!("{} files written and read back", manifest.files.len());
        println!("it holds every key of the server: keep {} safe", command.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(command: Restore, json: bool) -> anyhow::Result<ExitCode> {
    let config = settings(command.config.as_deref())?;
    let addresses = [config.public_address, config.device_address];
    let (_stop, stopping) = watch::channel(false);
    let assemble = |config| {
        Ok(Server::assemble(config, Arc::new(SystemClock::default()), addresses, stopping)?)
    };
    for (account, ended) in backup::restore(&command.from, config, assemble).await? {
        let account = format!("{}/{}", account.tenant, account.market);
        if json {
            println!(
                "{}",
                json!({
                    "account": account, "trust_epoch": ended.trust_epoch, "tokens": ended.tokens,
                    "tickets": ended.tickets, "codes": ended.codes, "stops": ended.stops,
                    "legs": ended.legs,
                })
            );
        } else {
            println!("{account}: from now on epoch {}", ended.trust_epoch);
            println!(
                "  ended: {} tokens, {} links and tickets, {} codes",
                ended.tokens, ended.tickets, ended.codes
            );
            println!("  {} stops are held, {} legs in doubt", ended.stops, ended.legs);
        }
    }
    if !json {
        println!("revoke again what was revoked since the backup, then look at each held stop");
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(path: Option<&Path>) -> anyhow::Result<Config> {
    Ok(path.map_or_else(|| Ok(Config::default()), Config::read)?)
}
