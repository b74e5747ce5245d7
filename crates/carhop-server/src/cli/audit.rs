//! `carhop audit`: a log checked from what it holds alone, written as files that anyone can check, one decision proven in
//! one file, and one made again. Exit code 0: it verifies; 1: it does not; 2: it could not be checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use carhop_app::batch::{Body, OperatorEvent, Recorded};
use carhop_app::log::Log;
use carhop_app::record::Partition;
use carhop_journal::SqliteJournal;
use carhop_kernel::digest::{CommandKey, EvidenceHash, KeyThumbprint};
use carhop_kernel::id::DecisionId;
use carhop_proofs::audit::VerifierKey;
use carhop_proofs::merkle::leaf_hash;
use carhop_proofs::suite::AwsLc;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::notary;
use crate::server::{JOURNAL_FILE, hold};
use crate::verify::{
    Again, Archive, Bundle, CHECKPOINT_FILE, Expected, Fault, JournalFault, Verified, Whole,
    explain_again, from_journal, read_archive, verify_whole, write_archive,
};

/// What to do with a log.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Check every entry, stream, tile, checkpoint, decision record and statement; a fault is named with its place.
    Verify {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        pinned: Pinned,
        /// A checkpoint that was seen before, or the folder of an earlier export. Repeatable.
        #[arg(long)]
        earlier: Vec<PathBuf>,
    },
    /// Write what the last checkpoint covers as files, for `audit verify --export`.
    Export {
        #[command(flatten)]
        source: Source,
        /// The folder to write into; created if it is missing.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the proof of one decision as one file, for `audit verify --bundle`.
    Prove {
        /// Which decision.
        decision: DecisionId,
        #[command(flatten)]
        source: Source,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Make a decision again with the policies and inputs that are recorded, and say why it came out as it did.
    Explain {
        /// Which decision; the one that a bundle proves may be left out.
        decision: Option<DecisionId>,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        pinned: Pinned,
    },
    /// Print the key that verifies a log's checkpoints, for auditors to pin.
    Vkey(Account),
    /// Put the key of a log away, so that the next start signs under a new key and origin: for a journal that was put back
    /// by hand, which cannot keep what was signed before. `carhop restore` does it by itself.
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
    /// A server's data folder; `carhop-data` if nothing else is named.
    #[arg(long, conflicts_with = "export")]
    data: Option<PathBuf>,
    /// A folder that `audit export` wrote.
    #[arg(long)]
    export: Option<PathBuf>,
    /// A file that `audit prove` wrote.
    #[arg(long, conflicts_with_all = ["data", "export"])]
    bundle: Option<PathBuf>,
    /// Whose log.
    #[arg(long, default_value = "local")]
    tenant: String,
    /// Of which city.
    #[arg(long, default_value = "local")]
    market: String,
}

/// What the auditor trusts.
#[derive(Args)]
pub(super) struct Pinned {
    /// The pinned key, or a file that holds it. A bundle is checked with nothing else. Of a log the key beside it is
    /// believed without, which shows no forgery by whoever keeps the log.
    #[arg(long)]
    key: Option<String>,
}

pub(super) fn run(command: &AuditCommand, json: bool) -> ExitCode {
    let Err(error) = obey(command, json) else { return ExitCode::SUCCESS };
    let is_fault = error.is::<Fault>();
    if is_fault && json {
        println!("{}", json!({ "verified": false, "fault": error.to_string() }));
    } else if is_fault {
        eprintln!("carhop: it does not verify: {error:#}");
    } else {
        eprintln!("carhop: it could not be checked: {error:#}");
    }
    ExitCode::from(if is_fault { 1 } else { 2 })
}

fn obey(command: &AuditCommand, json: bool) -> anyhow::Result<()> {
    match command {
        AuditCommand::Verify { source, pinned, earlier } => match &source.bundle {
            Some(file) => verify_bundle(file, pinned, json),
            None => verify_log(source, pinned, earlier, json),
        },
        AuditCommand::Export { source, out } => export(source, out, json),
        AuditCommand::Prove { decision, source, out } => prove(*decision, source, out, json),
        AuditCommand::Explain { decision, source, pinned } => {
            explain(*decision, source, pinned, json)
        }
        AuditCommand::Vkey(account) => {
            let vkey = notary::stored_verifier(&account.data, &account.partition()?);
            let vkey = vkey.context("there is no log of that tenant and market")?;
            say(json, &json!({ "vkey": vkey }), std::slice::from_ref(&vkey));
            Ok(())
        }
        AuditCommand::NewLog(account) => {
            let partition = account.partition()?;
            if notary::stored_verifier(&account.data, &partition).is_none() {
                bail!("there is no log of that tenant and market in {}", account.data.display());
            }
            // A server that runs would go on signing with the key that it has read.
            let _held = hold(&account.data).context("stop the server first")?;
            let aside = notary::retire(&account.data, &partition)?;
            let told = [
                format!("the key and what it signed last are in {}", aside.display()),
                "the next start of the server makes a new key: give it to your auditors".to_owned(),
            ];
            say(json, &json!({ "retired": aside }), &told);
            Ok(())
        }
    }
}

fn verify_log(
    source: &Source,
    pinned: &Pinned,
    earlier: &[PathBuf],
    json: bool,
) -> anyhow::Result<()> {
    let (archive, stored) = read(source)?;
    let whole = check(&archive, stored, pinned, earlier)?;
    let Whole { signed, all, waiting, checkpoints, decisions, statements } = whole;
    let root = EvidenceHash(signed.root);
    let unsigned = all.size - signed.size;
    let mut told = vec![
        format!("{} entries verified: every leaf fits its event, every stream is whole", all.size),
        format!(
            "{decisions} decision records and {statements} device statements fit their entries"
        ),
        format!("{checkpoints} checkpoints agree; the last covers {} entries", signed.size),
    ];
    if unsigned > 0 {
        told.push(format!("{unsigned} entries came since and are not signed yet"));
    }
    if waiting > 0 {
        told.push(format!("{waiting} events wait for their position in the log"));
    }
    if pinned.key.is_none() {
        told.push(
            "NOT PINNED: the key beside the log was believed; bring your own with --key".to_owned(),
        );
    }
    told.push(format!("root {root}"));
    let value = json!({
        "verified": true, "pinned": pinned.key.is_some(), "size": signed.size, "root": root,
        "unsigned": unsigned, "waiting": waiting, "checkpoints": checkpoints, "decisions": decisions,
        "statements": statements,
    });
    say(json, &value, &told);
    Ok(())
}

fn verify_bundle(file: &Path, pinned: &Pinned, json: bool) -> anyhow::Result<()> {
    let bundle = read_bundle(file)?;
    let (entries, attached) = bundle.verify(&AwsLc, &pinned.required()?)?;
    let decision = bundle.decision();
    let (commands, statements) = (attached.commands.len(), attached.statements.len());
    let mut told = vec![
        format!("decision {decision} is proven by {} signed entries", entries.len()),
        format!(
            "{commands} commands are signed by the authority, {statements} statements by devices"
        ),
    ];
    let named: BTreeSet<_> = entries.iter().filter_map(named_at_start).collect();
    for (root, key) in &named {
        told.push(format!("certificates lead to the root {root}, the authority's key is {key}"));
    }
    let (roots, keys): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let value = json!({
        "verified": true, "decision": decision, "entries": entries.len(), "commands": commands,
        "statements": statements, "roots": roots, "command_keys": keys,
    });
    say(json, &value, &told);
    Ok(())
}

/// The root of all devices and the authority's key, as the start of a server names them.
fn named_at_start(entry: &Recorded) -> Option<(KeyThumbprint, CommandKey)> {
    if let Body::Operator(OperatorEvent::Started { device_root, command_key, .. }) = &entry.body {
        Some((*device_root, *command_key))
    } else {
        None
    }
}

fn export(source: &Source, out: &Path, json: bool) -> anyhow::Result<()> {
    let (archive, stored) = read(source)?;
    check(&archive, stored, &Pinned { key: None }, &[])
        .context("the log is not whole; nothing was written")?;
    let archive = archive.up_to_checkpoint(&AwsLc).context("nothing has been signed yet")?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    write_archive(out, &archive)?;
    let size = archive.entries.len();
    let told = [format!("wrote {size} entries to {}", out.display())];
    say(json, &json!({ "verified": true, "size": size }), &told);
    Ok(())
}

fn prove(decision: DecisionId, source: &Source, out: &Path, json: bool) -> anyhow::Result<()> {
    let (archive, stored) = read(source)?;
    check(&archive, stored, &Pinned { key: None }, &[])?;
    let bundle = Bundle::of(&AwsLc, &archive, decision);
    let bundle = bundle.context("the signed part of the log knows no such decision")?;
    let bytes = bundle.to_bytes();
    std::fs::write(out, &bytes).with_context(|| out.display().to_string())?;
    let told = [format!("wrote {} bytes to {}", bytes.len(), out.display())];
    say(json, &json!({ "decision": decision, "bytes": bytes.len() }), &told);
    Ok(())
}

fn explain(
    decision: Option<DecisionId>,
    source: &Source,
    pinned: &Pinned,
    json: bool,
) -> anyhow::Result<()> {
    let (decision, attached) = if let Some(file) = &source.bundle {
        let bundle = read_bundle(file)?;
        let (_, attached) = bundle.verify(&AwsLc, &pinned.required()?)?;
        (decision.unwrap_or(bundle.decision()), attached)
    } else {
        let (archive, stored) = read(source)?;
        check(&archive, stored, pinned, &[])?;
        (decision.context("which decision?")?, archive.attached)
    };
    let again = explain_again(&attached, decision);
    let again = again.context("the log has no such decision")?;
    let told = told_again(&again);
    let differs = again.differences.join("; ");
    let Again { record, explained, .. } = &again;
    let value = json!({
        "verified": differs.is_empty(), "record": record, "explained": explained,
        "differences": again.differences,
    });
    say(json, &value, &told);
    if differs.is_empty() {
        return Ok(());
    }
    Err(Fault::Again(differs).into())
}

fn told_again(again: &Again) -> Vec<String> {
    let Again { record, explained, .. } = again;
    let verdict = if record.reasons.is_empty() { "granted" } else { "refused" };
    let mut told = vec![
        format!("{} was {verdict} for {}", record.request, record.session),
        format!("policies {}", record.policy),
    ];
    for reason in &record.reasons {
        let by_policy = explained.as_ref().is_some_and(|it| it.verdict.reasons.contains(reason));
        let who = if by_policy { "policies" } else { "state machine" };
        told.push(format!("  {reason} ({who}): {}; {}", reason.meaning(), reason.remedy()));
    }
    for policy in &record.policies {
        told.push(format!("  determined by {policy}"));
    }
    told.push(match explained {
        Some(_) if again.differences.is_empty() => "made again: the same came out".to_owned(),
        Some(_) => "made again: something else came out".to_owned(),
        None => "policies are not asked about this; the state machine alone decided".to_owned(),
    });
    told
}

/// Checks a whole log against the pinned key, or the one beside it, and against what was seen before.
fn check(
    archive: &Archive,
    stored: Option<Verified>,
    pinned: &Pinned,
    earlier: &[PathBuf],
) -> anyhow::Result<Whole> {
    let key = match &pinned.key {
        Some(_) => pinned.required()?,
        None => VerifierKey::parse(&AwsLc, &archive.vkey).context("the key beside the log")?,
    };
    let mut expected = Expected { key, earlier: BTreeMap::new(), leaves: Vec::new() };
    for path in earlier {
        let is_export = path.is_dir();
        let file = if is_export { path.join(CHECKPOINT_FILE) } else { path.clone() };
        let note = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        expected.earlier.insert(format!("`{}`", file.display()), note);
        if is_export {
            let seen = read_archive(&AwsLc, path)?;
            expected.leaves =
                seen.entries.iter().map(|entry| leaf_hash(&AwsLc, &entry.leaf)).collect();
        }
    }
    let whole = verify_whole(&AwsLc, archive, &expected)?;
    match stored {
        Some(stored) if stored.size != whole.all.size => {
            Err(Fault::Size { expected: stored.size, found: whole.all.size }.into())
        }
        Some(stored) if stored.root != whole.all.root => Err(Fault::Root.into()),
        Some(_) | None => Ok(whole),
    }
}

/// The log, and, from a journal, the size and root that the journal goes on from.
fn read(source: &Source) -> anyhow::Result<(Archive, Option<Verified>)> {
    if source.bundle.is_some() {
        bail!("a bundle is no whole log");
    }
    if let Some(folder) = &source.export {
        if !folder.is_dir() {
            bail!("there is no folder {}", folder.display());
        }
        return Ok((read_archive(&AwsLc, folder)?, None));
    }
    let data = source.data.as_deref().unwrap_or(Path::new("carhop-data"));
    let partition = Partition { tenant: source.tenant.parse()?, market: source.market.parse()? };
    let path = data.join(JOURNAL_FILE);
    if !path.exists() {
        bail!("there is no journal in {}", data.display());
    }
    let vkey = notary::stored_verifier(data, &partition);
    let vkey = vkey.context("there is no log of that tenant and market")?;
    let journal = SqliteJournal::open_as_it_is(&path)?;
    let signed = notary::stored_checkpoint(data, &partition);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (size, root) = Log::new(&journal, &AwsLc, &partition).root().await?;
        let read = from_journal(&AwsLc, &journal, &partition, &vkey).await;
        let mut archive = read.map_err(|error| match error {
            JournalFault::Fault(fault) => anyhow::Error::from(fault),
            JournalFault::Failure(failure) => failure.into(),
        })?;
        // Outside of the journal, it may be all that the journal's end is known by.
        if let Some(note) = signed {
            archive.was_signed(note);
        }
        if archive.checkpoint.is_empty() {
            bail!("nothing has been signed yet");
        }
        Ok((archive, Some(Verified { size, root })))
    })
}

fn read_bundle(file: &Path) -> anyhow::Result<Bundle> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    Ok(Bundle::parse(&bytes)?)
}

fn say(json: bool, value: &serde_json::Value, told: &[String]) {
    if json {
        println!("{value}");
    } else {
        println!("{}", told.join("\n"));
    }
}

impl Pinned {
    /// The key, as text or in a file.
    fn required(&self) -> anyhow::Result<VerifierKey> {
        let said = self.key.as_deref().context("bring the key that you pinned, with --key")?;
        let text =
            if Path::new(said).exists() { std::fs::read_to_string(said)? } else { said.to_owned() };
        VerifierKey::parse(&AwsLc, text.trim_end()).context("the pinned key is no verifier key")
    }
}

impl Account {
    fn partition(&self) -> anyhow::Result<Partition> {
        Ok(Partition { tenant: self.tenant.parse()?, market: self.market.parse()? })
    }
}
