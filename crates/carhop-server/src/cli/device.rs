//! `device`: the inventory of a running server, and a lock or pump as a process of its own.

use std::process::ExitCode;

use carhop_kernel::device::DeviceClass;
use serde_json::{Value, json};

use super::remote::Remote;

/// What to do with devices.
#[derive(clap::Subcommand)]
pub(super) enum DeviceCommand {
    /// List the inventory.
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Name a device and make the ticket it enrols with, once.
    Ticket {
        #[command(flatten)]
        remote: Remote,
        /// `handset`, `console`, `vehicle_module`, `lock`, `pump`, `relay` or `till`.
        #[arg(long)]
        class: DeviceClass,
        /// Its name for people.
        #[arg(long)]
        name: String,
    },
    /// Run a lock or a pump with a simulated actuator.
    Run(crate::device::Args),
}

/// Does it.
pub(super) async fn run(command: DeviceCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    match command {
        DeviceCommand::Run(args) => {
            super::log(as_json, "info");
            return crate::device::run(args).await;
        }
        DeviceCommand::List { remote } => list(remote, as_json).await?,
        DeviceCommand::Ticket { remote, class, name } => {
            let ask = json!({ "class": class, "name": name });
            let made = remote.connect()?.ask("/v1/devices/tickets", &ask).await?;
            if as_json {
                println!("{made}");
            } else {
                println!("device   {}", text(&made["device"]));
                println!("ticket   {}", text(&made["ticket"]));
                println!("expires  {}", text(&made["expires_at"]));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(remote: Remote, as_json: bool) -> anyhow::Result<()> {
    let server = remote.connect()?;
    let mut after = String::new();
    loop {
        let page = server.look(&format!("/v1/devices?limit=100{after}")).await?;
        for device in page["data"].as_array().into_iter().flatten() {
            if as_json {
                println!("{device}");
            } else {
                println!("{}", line(device));
            }
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return Ok(()),
        }
    }
}

fn line(device: &Value) -> String {
    let state = if device["revoked"].is_string() {
        "revoked"
    } else if device["connected"] == true {
        "connected"
    } else if device["enrolled"] == true {
        "away"
    } else {
        "to enrol"
    };
    format!(
        "{}  {:<14} {:<9} {:<10} {}",
        text(&device["id"]),
        text(&device["class"]),
        state,
        text(&device["tier"]),
        text(&device["name"]),
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
