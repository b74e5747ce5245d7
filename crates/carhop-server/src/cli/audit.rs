//! `audit verify` and `audit export`: the log checked from its entries alone, and written as files that anyone can check.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use carhop_app::ports::Journal;
use carhop_app::record::{Partition, Record, RecordKey};
use carhop_app::records::LogRecord;
use carhop_journal::SqliteJournal;
use carhop_kernel::digest::EvidenceHash;
use carhop_proofs::merkle::Frontier;
use carhop_proofs::suite::AwsLc;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::notary;
use crate::server::JOURNAL_FILE;
use crate::verify::{Entry, ExportedLog, Verified, Verifier, read_export, write_export};

/// What to do with a log.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Check every entry, every stream and the root; a fault is named with its position.
    Verify(Source),
    /// Write the log as `entries.jsonl` and `root.json`, for `audit verify --export`.
    Export {
        #[command(flatten)]
        source: Source,
        /// The folder to write into; created if it is missing.
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the key that verifies a log's checkpoints, for auditors to pin.
    Vkey(Account),
    /// Put the key of a log away, so that the next start signs under a new key and origin. Needed once after a restore:
    /// a restored log cannot keep what was signed before.
    NewLog(Account),
}

/// A log in a server's data folder.
#[derive(Args)]
pub(super) struct Account {
    /// The server's data folder.
    #[arg(long, default_value = "carhop-data")]
    data: PathBuf,
    /// Whose log.
    #[arg(long, default_value = "local")]
    tenant: String,
    /// Of which city.
    #[arg(long, default_value = "local")]
    market: String,
}

/// Where a log is read from.
#[derive(Args)]
pub(super) struct Source {
    /// A server's data folder.
    #[arg(long, conflicts_with = "export")]
    data: Option<PathBuf>,
    /// A folder that `audit export` wrote.
    #[arg(long)]
    export: Option<PathBuf>,
    /// Whose log.
    #[arg(long, default_value = "local")]
    tenant: String,
    /// Of which city.
    #[arg(long, default_value = "local")]
    market: String,
}

pub(super) fn run(command: &AuditCommand, json: bool) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Verify(source) => {
            let log = read(source)?;
            report(&log, json)
        }
        AuditCommand::Export { source, out } => {
            let log = read(source)?;
            verify(&log).context("the log is not whole; nothing was written")?;
            std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
            write_export(out, &log)?;
            if !json {
                println!("wrote {} entries to {}", log.entries.len(), out.display());
            }
            report(&log, json)
        }
        AuditCommand::Vkey(account) => {
            let vkey = notary::stored_verifier(&account.data, &account.partition()?);
            let vkey = vkey.context("there is no log of that tenant and market")?;
            if json {
                println!("{}", json!({ "vkey": vkey }));
            } else {
                println!("{vkey}");
            }
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::NewLog(account) => {
            let aside = notary::retire(&account.data, &account.partition()?)?;
            if json {
                println!("{}", json!({ "retired": aside }));
            } else {
                println!("the key and what it signed last are in {}", aside.display());
                println!("the next start of the server makes a new key: give it to your auditors");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Account {
    fn partition(&self) -> anyhow::Result<Partition> {
        Ok(Partition { tenant: self.tenant.parse()?, market: self.market.parse()? })
    }
}

fn report(log: &ExportedLog, json: bool) -> anyhow::Result<ExitCode> {
    let outcome = verify(log);
    let root = EvidenceHash(log.claimed.root);
    match (outcome, json) {
        (Ok(verified), true) => {
            println!("{}", json!({ "verified": true, "size": verified.size, "root": root }));
        }
        (Ok(verified), false) => {
            println!(
                "{} entries verified: every leaf fits its event, every stream is whole",
                verified.size
            );
            println!("root {root}");
        }
        (Err(fault), true) => {
            println!("{}", json!({ "verified": false, "fault": fault.to_string() }));
            return Ok(ExitCode::FAILURE);
        }
        (Err(fault), false) => bail!("the log does not verify: {fault}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(log: &ExportedLog) -> Result<Verified, crate::verify::Fault> {
    let mut verifier = Verifier::default();
    for entry in &log.entries {
        verifier.accept(&AwsLc, entry)?;
    }
    verifier.finish(&AwsLc, log.claimed)
}

fn read(source: &Source) -> anyhow::Result<ExportedLog> {
    match (&source.data, &source.export) {
        (None, Some(folder)) => Ok(read_export(folder)?),
        (data, None) => {
            let data = data.as_deref().unwrap_or(Path::new("carhop-data"));
            let partition =
                Partition { tenant: source.tenant.parse()?, market: source.market.parse()? };
            read_journal(data, &partition)
        }
        (Some(_), Some(_)) => bail!("`--data` and `--export` exclude each other"),
    }
}

fn read_journal(data: &Path, partition: &Partition) -> anyhow::Result<ExportedLog> {
    let path = data.join(JOURNAL_FILE);
    if !path.exists() {
        bail!("there is no journal in {}", data.display());
    }
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::open(&path)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let claimed = claimed_root(&*journal, partition).await?;
        let mut entries = Vec::new();
        loop {
            let from = entries.len() as u64;
            let page = journal.log(partition.clone(), from, PAGE).await?;
            if page.is_empty() {
                return Ok(ExportedLog { entries, claimed });
            }
            entries.extend(page.into_iter().map(|entry| Entry {
                position: entry.position,
                leaf: entry.leaf,
                stored: entry.recorded.stored,
            }));
        }
    })
}

async fn claimed_root(journal: &dyn Journal, partition: &Partition) -> anyhow::Result<Verified> {
    let key = LogRecord::default().key();
    let place = RecordKey { partition: partition.clone(), kind: LogRecord::KIND, key };
    let log: LogRecord = match journal.record(place).await? {
        Some(versioned) => serde_json::from_slice(&versioned.body)?,
        None => LogRecord::default(),
    };
    let frontier = Frontier::from_peaks(log.size, log.peaks)
        .context("the frontier of the log does not fit its size")?;
    Ok(Verified { size: log.size, root: frontier.root(&AwsLc) })
}

/// Entries that are read at once.
const PAGE: usize = 1_000;
