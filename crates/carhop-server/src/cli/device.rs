//! `device`: the inventory of a running server, and a lock or pump as a process of its own.

use std::process::ExitCode;
use std::time::Duration;

use carhop_kernel::device::DeviceClass;
use serde_json::{Value, json};

use super::accepted;
use super::remote::Remote;
use crate::timers::sleep;

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
        #[arg(long, value_parser = accepted::class)]
        class: DeviceClass,
        /// Its name for people.
        #[arg(long)]
        name: String,
    },
    /// Show what relies on a device, a class or a firmware, before it is revoked.
    Trust {
        #[command(flatten)]
        remote: Remote,
        /// `device:dev_…`, `class:lock` or `firmware:` and 64 hexadecimal digits.
        #[arg(value_parser = accepted::subject)]
        subject: String,
    },
    /// Revoke a device, a class or a firmware, and wait until nothing that was commanded before can happen any more.
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// `device:dev_…`, `class:lock` or `firmware:` and 64 hexadecimal digits.
        #[arg(value_parser = accepted::subject)]
        subject: String,
        /// Why, for the record.
        #[arg(long)]
        cause: String,
    },
    /// Clear a frozen or tampered device that a person has looked at.
    Clear {
        #[command(flatten)]
        remote: Remote,
        /// Which.
        device: String,
        /// `freeze` or `tamper`.
        #[arg(long)]
        of: String,
        /// What was found, for the record.
        #[arg(long)]
        cause: String,
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
        DeviceCommand::Trust { remote, subject } => {
            let found = remote.connect()?.look(&format!("/v1/trust/{subject}")).await?;
            if as_json {
                println!("{found}");
            } else {
                relying(&found);
            }
        }
        DeviceCommand::Revoke { remote, subject, cause } => {
            revoke(remote, &subject, &cause, as_json).await?;
        }
        DeviceCommand::Clear { remote, device, of, cause } => {
            let ask = json!({ "of": of, "cause": cause });
            let path = format!("/v1/devices/{device}/clearances");
            let cleared = remote.connect()?.ask(&path, &ask).await?;
            if as_json {
                println!("{cleared}");
            } else {
                println!("{}", line(&cleared));
            }
        }
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

/// Revokes, and follows it to its second moment.
async fn revoke(remote: Remote, subject: &str, cause: &str, as_json: bool) -> anyhow::Result<()> {
    let server = remote.connect()?;
    let ask = json!({ "subject": subject, "cause": cause });
    let mut revocation = server.ask("/v1/revocations", &ask).await?;
    if !as_json {
        println!(
            "revoked  {}  nothing new is released from here on",
            moment(&revocation, "revoked_at")
        );
    }
    for _ in 0..SETTLED_LOOKS {
        if revocation["settled_at"].is_string() {
            break;
        }
        sleep(SETTLED_EVERY).await;
        let found = server.look(&format!("/v1/trust/{subject}")).await?;
        revocation = found["revocation"].clone();
    }
    if as_json {
        println!("{revocation}");
    } else if revocation["settled_at"].is_string() {
        println!(
            "settled  {}  nothing commanded before can happen any more",
            moment(&revocation, "settled_at")
        );
        println!("devices {}, stops on hold {}", revocation["devices"], revocation["sessions"]);
    } else {
        println!("not settled yet: look again with `carhop device trust {subject}`");
    }
    Ok(())
}

fn relying(found: &Value) {
    let devices = found["devices"].as_array().map_or(0, Vec::len);
    let more = if found["more_devices"] == true { " and more" } else { "" };
    println!("devices  {devices}{more}");
    for session in found["sessions"].as_array().into_iter().flatten() {
        let awaits = if session["awaits"] == true { "  awaits a command's answer" } else { "" };
        println!("stop     {}  {}{awaits}", text(&session["session"]), text(&session["phase"]));
    }
    let revocation = &found["revocation"];
    if revocation.is_object() {
        println!("revoked  {}", moment(revocation, "revoked_at"));
        println!("settled  {}", moment(revocation, "settled_at"));
    }
}

fn moment<'a>(revocation: &'a Value, which: &str) -> &'a str {
    text(&revocation[which])
}

async fn list(remote: Remote, as_json: bool) -> anyhow::Result<()> {
    let server = remote.connect()?;
    let mut after = String::new();
    loop {
        let page = server.look(&format!("/v1/devices?limit=100{after}")).await?;
        if !as_json && after.is_empty() && page["data"].as_array().is_none_or(Vec::is_empty) {
            println!(
                "no devices; `carhop device ticket` names one and makes the ticket it enrols with"
            );
        }
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

/// How often a revocation is looked at until it is settled.
const SETTLED_EVERY: Duration = Duration::from_millis(500);
/// Looks at a revocation before somebody else has to: a minute.
const SETTLED_LOOKS: usize = 120;
