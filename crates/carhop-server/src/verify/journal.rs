//! An archive straight from a journal, where there is one at hand.

use std::collections::BTreeMap;

use carhop_app::Failure;
use carhop_app::log::Log;
use carhop_app::ports::{Journal, Query};
use carhop_app::record::{Kind, Partition, Record};
use carhop_app::records::{
    CertificateRecord, CheckpointRecord, DecisionRecord, PolicyRecord, ReceiptRecord, TileRecord,
};
use carhop_proofs::audit::{Part, Tile};
use carhop_proofs::suite::Suite;

use super::{Archive, Attached, Entry};

/// Everything that a journal holds of a log. `vkey` is the key in force: the last checkpoint under its name counts.
pub async fn from_journal(
    suite: &dyn Suite,
    journal: &dyn Journal,
    partition: &Partition,
    vkey: &str,
) -> Result<Archive, Failure> {
    let log = Log::new(journal, suite, partition);
    let mut entries = Vec::new();
    loop {
        let page = log.entries(entries.len() as u64, PAGE).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page.into_iter().map(|entry| Entry {
            position: entry.position,
            leaf: entry.leaf,
            stored: entry.recorded.stored,
        }));
    }
    let (tiles, checkpoints) = (log.records::<TileRecord>().await?, log.records().await?);
    let tiles = tiles.into_iter().filter_map(|tile| {
        let width = u16::try_from(tile.hashes.len()).ok()?;
        let part = Part::Hashes(tile.row);
        Some((Tile { part, index: tile.index, width }, tile.hashes.concat()))
    });
    let origin = format!("{}\n", vkey.split('+').next().unwrap_or_default());
    let own = |one: &&CheckpointRecord| one.note.starts_with(&origin);
    let last = checkpoints.iter().rev().find(own).map(|one| one.note.clone());
    Ok(Archive {
        entries,
        checkpoint: last.unwrap_or_default(),
        vkey: vkey.to_owned(),
        kept: checkpoints.into_iter().map(|one| (one.size.to_string(), one.note)).collect(),
        tiles: tiles.collect::<BTreeMap<_, _>>(),
        attached: attached(suite, journal, &log, partition).await?,
    })
}

async fn attached(
    suite: &dyn Suite,
    journal: &dyn Journal,
    log: &Log<'_>,
    partition: &Partition,
) -> Result<Attached, Failure> {
    let mut attached = Attached::default();
    // Byte for byte as they are stored: that is what entries commit to.
    for bytes in stored(journal, partition, DecisionRecord::KIND).await? {
        attached.decision(suite, bytes);
    }
    for receipt in log.records::<ReceiptRecord>().await? {
        attached.statement(suite, receipt.bytes);
    }
    for certificate in log.records::<CertificateRecord>().await? {
        attached.certificate(suite, certificate.chain.into_iter().next().unwrap_or_default());
    }
    for policies in log.records::<PolicyRecord>().await? {
        // What are no policies is missing then, which is told with the entry that names them.
        attached.policy(policies.files);
    }
    Ok(attached)
}

async fn stored(
    journal: &dyn Journal,
    partition: &Partition,
    kind: Kind,
) -> Result<Vec<Vec<u8>>, Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let query = Query { partition: partition.clone(), kind, index: None, after, limit: PAGE };
        let page = journal.records(query).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(last.clone());
        all.extend(page.into_iter().map(|(_, versioned)| versioned.body));
    }
}

/// What is read at once.
const PAGE: usize = 1_000;
