//! `policy`: whether a folder of policies can be put in force, which policies are, and putting others in their place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use carhop_policy::Bundle;
use clap::Subcommand;
use serde_json::{Value, json};

use super::remote::Remote;

/// What to do with policies.
#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// Parse and validate policies, and say which shipped requirements they depart from; without a folder, the embedded
    /// ones.
    Check {
        /// A folder with `*.cedar`, `schema.cedarschema` and `rungs.txt`.
        folder: Option<PathBuf>,
    },
    /// Show the policies that decide on a running server, or those of a version that once did.
    Show {
        #[command(flatten)]
        remote: Remote,
        /// The version that a decision names; without it, those that decide.
        #[arg(long = "of", value_name = "VERSION")]
        which: Option<String>,
        /// Write the files into this folder.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Let the policies of a folder decide on a running server from now on.
    Activate {
        #[command(flatten)]
        remote: Remote,
        /// A folder with `*.cedar`, `schema.cedarschema` and `rungs.txt`.
        folder: PathBuf,
        /// A shipped requirement that they leave out or word otherwise, by its `@id`; `policy check` lists them.
        /// Repeatable.
        #[arg(long = "departure", value_name = "ID")]
        departures: Vec<String>,
    },
}

pub(super) async fn run(command: PolicyCommand, json: bool) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check { folder } => check(folder.as_deref(), json)?,
        PolicyCommand::Show { remote, which, out } => {
            let which = which.map(|version| format!("?version={version}")).unwrap_or_default();
            let shown = remote.connect()?.look(&format!("/v1/policy{which}")).await?;
            if let Some(folder) = out {
                write(&folder, &shown)?;
            }
            tell(&shown, json);
        }
        PolicyCommand::Activate { remote, folder, departures } => {
            let files = read(&folder)?;
            let files: Vec<_> =
                files.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
            let ask = json!({ "files": files, "departures": departures });
            tell(&remote.connect()?.store("/v1/policy", &ask).await?, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(folder: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let bundle = match folder {
        Some(folder) => load(folder)?,
        None => Bundle::embedded()?,
    };
    let (version, departures) = (bundle.version(), bundle.departures()?);
    if json {
        println!("{}", json!({ "valid": true, "version": version, "departures": departures }));
        return Ok(());
    }
    println!("the policies are valid\nversion    {version}");
    for departure in departures {
        println!("departure  {departure}");
    }
    Ok(())
}

fn tell(shown: &Value, json: bool) {
    if json {
        println!("{shown}");
        return;
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    println!("version    {}", text(&shown["version"]));
    println!("in force   {}", if shown["in_force"] == true { "yes" } else { "no" });
    println!("activated  {}", text(&shown["activated_at"]));
    for file in shown["files"].as_array().into_iter().flatten() {
        println!("{}  {}", text(&file["sha256"]), text(&file["name"]));
    }
}

fn load(folder: &Path) -> anyhow::Result<Bundle> {
    let files = read(folder)?;
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Bundle::load(&files)?)
}

fn read(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
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
    Ok(files)
}

/// Writes what a server shows. Its names are checked like any others: the server is not asked where to write.
fn write(folder: &Path, shown: &Value) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for file in shown["files"].as_array().into_iter().flatten() {
        let name = file["name"].as_str().unwrap_or_default();
        let is_plain = Path::new(name).file_name().is_some_and(|last| last == name);
        anyhow::ensure!(is_plain, "the server names a file `{name}`");
        let path = folder.join(name);
        std::fs::write(&path, file["text"].as_str().unwrap_or_default())
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}
