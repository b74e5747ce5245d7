//! `staff`: who may use the console, what for, and until when.

use std::process::ExitCode;

use anyhow::Context;
use carhop_kernel::id::StaffId;
use clap::Subcommand;
use serde_json::{Value, json};

use super::remote::Remote;

/// What to do with the staff.
#[derive(Subcommand)]
pub(super) enum StaffCommand {
    /// Invite somebody, and print the link with which they make their passkey; it works once, for three days.
    Invite {
        #[command(flatten)]
        remote: Remote,
        /// Their name for people.
        #[arg(long)]
        name: String,
        /// What they are there for.
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
    /// List the staff, those who were removed as well.
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Remove somebody: passkey, sign-ins and invitation are dead at once.
    Remove {
        #[command(flatten)]
        remote: Remote,
        /// Who: `stf_…`.
        member: StaffId,
        /// Why, for the record.
        #[arg(long)]
        cause: String,
    },
}

pub(super) async fn run(command: StaffCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    match command {
        StaffCommand::Invite { remote, name, role } => {
            let ask = json!({ "name": name, "role": role });
            let made = remote.connect()?.ask("/v1/staff", &ask).await?;
            let url = made["invitation"]["url"].as_str().context("an answer without a link")?;
            println!("{}", if as_json { made.to_string() } else { url.to_owned() });
        }
        StaffCommand::List { remote } => list(remote, as_json).await?,
        StaffCommand::Remove { remote, member, cause } => {
            let path = format!("/v1/staff/{member}/removals");
            let removed = remote.connect()?.ask(&path, &json!({ "cause": cause })).await?;
            tell(&removed, as_json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(remote: Remote, as_json: bool) -> anyhow::Result<()> {
    let connected = remote.connect()?;
    let mut path = "/v1/staff?limit=100".to_owned();
    loop {
        let page = connected.look(&path).await?;
        for member in page["data"].as_array().context("an answer without a list")? {
            tell(member, as_json);
        }
        let Some(next) = page["next_cursor"].as_str() else { return Ok(()) };
        path = format!("/v1/staff?limit=100&after={next}");
    }
}

fn tell(member: &Value, as_json: bool) {
    if as_json {
        println!("{member}");
        return;
    }
    let text = |name: &str| member[name].as_str().unwrap_or("-").to_owned();
    let (who, role, state) = (text("member"), text("role"), text("state"));
    println!("{who}  {role:<13}  {state:<9}  {}  {}", text("last_sign_in_at"), text("name"));
}

const ROLES: [&str; 4] = ["dispatcher", "support", "auditor", "administrator"];
