//! A backup of a data folder: a copy of the journal at one moment and of the keys, with a manifest that says what there
//! must be. It holds every secret of the server; keeping it safe is the operator's business.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use carhop_app::Restored;
use carhop_app::record::Partition;
use carhop_journal::copy_journal;
use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::{AwsLc, Suite};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::server::{CA_FILE, JOURNAL_FILE, Server};
use crate::{notary, private};

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The program that made it.
    pub(crate) version: String,
    /// When, in milliseconds of Unix time.
    pub(crate) made_at_ms: u64,
    /// SHA-256 of each file, by its path below the backup.
    pub(crate) files: BTreeMap<String, EvidenceHash>,
}

/// Copies what a server needs into a new folder, while it runs, and reads all of it back.
pub(crate) fn back_up(data: &Path, out: &Path, now: Timestamp) -> Result<Manifest> {
    ensure!(data.join(JOURNAL_FILE).exists(), "there is no journal in {}", data.display());
    ensure!(is_vacant(out)?, "{} is not empty", out.display());
    private::folder(out)?;
    // Made beforehand and empty, so that it is nobody else's to read at any moment.
    private::keep(&out.join(JOURNAL_FILE))?;
    copy_journal(&data.join(JOURNAL_FILE), &out.join(JOURNAL_FILE))?;
    copy_below(data, out, Path::new(KEYS))?;
    copy_file(data, out, Path::new(CA_FILE))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { version, made_at_ms: now.unix_ms(), files: hashes(out)? };
    // Last: a backup without it was interrupted.
    private::write(&out.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
    check(out)
}

/// Whether everything is as the manifest says.
pub(crate) fn check(backup: &Path) -> Result<Manifest> {
    let text = fs::read(backup.join(MANIFEST))
        .with_context(|| format!("{} is no backup that was finished", backup.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).context("the manifest")?;
    let found = hashes(backup)?;
    for (name, hash) in &manifest.files {
        ensure!(found.get(name) == Some(hash), "`{name}` is not what was backed up");
    }
    ensure!(found.len() == manifest.files.len(), "there are files that were not backed up");
    Ok(manifest)
}

/// Brings a backup back into the data folder of `config`, which must be empty or missing: whole, or not at all.
pub(crate) async fn restore(
    backup: &Path,
    config: Config,
    assemble: impl FnOnce(Config) -> Result<Server>,
) -> Result<Vec<(Partition, Restored)>> {
    let manifest = check(backup)?;
    let data = config.data_dir.clone();
    ensure!(is_vacant(&data)?, "{} is not empty: nothing was changed", data.display());
    let partial = beside(&data)?;
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    private::folder(&partial)?;
    for name in manifest.files.keys() {
        copy_file(backup, &partial, Path::new(name))?;
    }
    let partitions = config.partitions()?;
    for partition in &partitions {
        // What was published since goes on being true of the old log; the restored one is another.
        if notary::stored_verifier(&partial, partition).is_some() {
            notary::retire(&partial, partition)?;
        }
    }
    let server = assemble(Config { data_dir: partial.clone(), ..config })?;
    let made_at = Timestamp::from_unix_ms(manifest.made_at_ms);
    let ended = server.app.restore(&partitions, made_at).await?;
    // Its threads let go of the files.
    drop(server);
    if data.exists() {
        fs::remove_dir(&data)?;
    }
    fs::rename(&partial, &data)?;
    if let Some(parent) = data.canonicalize()?.parent() {
        fs::File::open(parent)?.sync_all()?;
    }
    Ok(partitions.into_iter().zip(ended).collect())
}

fn is_vacant(folder: &Path) -> Result<bool> {
    Ok(!folder.exists() || fs::read_dir(folder)?.next().is_none())
}

fn beside(data: &Path) -> Result<PathBuf> {
    let name = data.file_name().context("the data folder has no name")?;
    let mut name = name.to_owned();
    name.push(".restoring");
    Ok(data.with_file_name(name))
}

/// The hash of every file but the manifest.
fn hashes(folder: &Path) -> Result<BTreeMap<String, EvidenceHash>> {
    let mut found = BTreeMap::new();
    for path in files_below(folder)? {
        let name = path.strip_prefix(folder)?.to_str().context("a name that is no text")?;
        if name != MANIFEST {
            found.insert(name.to_owned(), EvidenceHash(AwsLc.sha256(&[&fs::read(&path)?])));
        }
    }
    Ok(found)
}

fn copy_below(from: &Path, to: &Path, name: &Path) -> Result<()> {
    for path in files_below(&from.join(name))? {
        copy_file(from, to, path.strip_prefix(from)?)?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path, name: &Path) -> Result<()> {
    let target = to.join(name);
    target.parent().map_or(Ok(()), private::folder)?;
    let bytes = fs::read(from.join(name)).with_context(|| name.display().to_string())?;
    Ok(private::write(&target, &bytes)?)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

const MANIFEST: &str = "manifest.json";
const KEYS: &str = "keys";
