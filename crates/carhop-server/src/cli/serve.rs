//! `serve` and `check-config`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::log;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::serve::Running;
use crate::{ADMIN_KEY_FILE, CA_FILE};

/// Runs the server until it is told to stop.
pub(super) fn serve(path: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let config = path.map_or_else(|| Ok(Config::default()), read)?;
    log(json, "info");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let data_dir = config.data_dir.clone();
        let running = Running::start(config, Arc::new(SystemClock::default())).await?;
        let (public, devices) = (running.public_address(), running.device_address());
        let (ca, key) = (data_dir.join(CA_FILE), data_dir.join(ADMIN_KEY_FILE));
        // It is made once, and whoever runs the server does well to take it away.
        let key = key.exists().then_some(key);
        if json {
            let ready = json!({ "public": public, "devices": devices, "ca": ca, "admin_key": key });
            println!("{ready}");
        } else {
            println!("carhop is ready\n  people and partners  https://{public}\n  devices              https://{devices}");
            println!("  root certificate     {}", ca.display());
            match key {
                Some(key) => println!("  administrator's key  {}", key.display()),
                None => println!("  administrator's key  made at the first start, not here any more"),
            }
        }
        stop_signal().await?;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Reads the settings and what they name, and says whether a server could start with them.
pub(super) fn check_config(path: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let config = read(path)?;
    crate::server::check_files(&config)?;
    let effective = toml::to_string(&config)?;
    if json {
        println!("{}", serde_json::to_string(&config)?);
    } else {
        println!("# {} is fine; in full:\n{effective}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Config> {
    Config::read(path).with_context(|| path.display().to_string())
}

async fn stop_signal() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
