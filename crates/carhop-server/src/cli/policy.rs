//! `policy check`: whether a folder of policies can be put in force, and what it would be called.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use carhop_policy::Bundle;
use clap::Subcommand;
use serde_json::json;

/// What to do with policies.
#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// Parse and validate policies; without a folder, the embedded ones.
    Check {
        /// A folder with `*.cedar`, `*.cedarschema` and `rungs.txt`.
        folder: Option<PathBuf>,
    },
}

pub(super) fn run(command: &PolicyCommand, json: bool) -> anyhow::Result<ExitCode> {
    let PolicyCommand::Check { folder } = command;
    let bundle = match folder {
        Some(folder) => load(folder)?,
        None => Bundle::embedded()?,
    };
    let version = bundle.version();
    if json {
        println!("{}", json!({ "valid": true, "version": version }));
    } else {
        println!("the policies are valid\nversion {version}");
    }
    Ok(ExitCode::SUCCESS)
}

fn load(folder: &Path) -> anyhow::Result<Bundle> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let meant = [".cedar", ".cedarschema", "rungs.txt"].iter().any(|end| name.ends_with(end));
        if meant {
            let text =
                std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            files.push((name, text));
        }
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Bundle::load(&files)?)
}
