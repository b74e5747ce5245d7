//! `account`: whether the releases of a whole account are frozen, and the freezing.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::remote::Remote;

/// What to do with an account.
#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Show whether it is frozen, since when and why.
    Show {
        #[command(flatten)]
        remote: Remote,
    },
    /// Freeze every release at once, and call back what has not left.
    Hold {
        #[command(flatten)]
        remote: Remote,
        /// Why, for the record.
        #[arg(long)]
        cause: String,
    },
    /// Let releases go on.
    Resume {
        #[command(flatten)]
        remote: Remote,
        /// What was found, for the record.
        #[arg(long)]
        cause: String,
    },
}

pub(super) async fn run(command: AccountCommand, json: bool) -> anyhow::Result<ExitCode> {
    let shown = match command {
        AccountCommand::Show { remote } => remote.connect()?.look("/v1/account").await?,
        AccountCommand::Hold { remote, cause } => {
            remote.connect()?.ask("/v1/account/holds", &json!({ "cause": cause })).await?
        }
        AccountCommand::Resume { remote, cause } => {
            remote.connect()?.ask("/v1/account/resumptions", &json!({ "cause": cause })).await?
        }
    };
    if json {
        println!("{shown}");
    } else {
        tell(&shown);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(shown: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    println!("account  {}", text(&shown["account"]));
    let hold = &shown["hold"];
    if hold.is_object() {
        println!("frozen   since {}: {}", text(&hold["since"]), text(&hold["cause"]));
    } else {
        println!("frozen   no");
    }
}
