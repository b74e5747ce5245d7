//! An archive straight from a journal, where there is one at hand, with what only a journal can have wrong: events that
//! stand beside the log, records under another's name, and trust that was given back without a word (M-AUD-1).

use std::collections::BTreeMap;

use carhop_app::Failure;
use carhop_app::batch::{Recorded, Standing};
use carhop_app::log::Log;
use carhop_app::ports::{Journal, JournalError, Query};
use carhop_app::record::{Partition, Record};
use carhop_app::records::{
    CertificateRecord, CheckpointRecord, DecisionRecord, PolicyRecord, ReceiptRecord,
    SignedCommandRecord, TileRecord,
};
use carhop_app::told::{Stray, Told};
use carhop_proofs::audit::{Part, Tile};
use carhop_proofs::suite::Suite;

use super::{Archive, Attached, Entry, Fault};

/// Why there is no archive of a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// Something in it is wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It could not be read.
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for JournalFault {
    fn from(failure: Failure) -> Self {
        if let Failure::Journal(JournalError::Corrupt(what)) = failure {
            return Self::Fault(Fault::Corrupt(what));
        }
        Self::Failure(failure)
    }
}

impl From<JournalError> for JournalFault {
    fn from(error: JournalError) -> Self {
        Failure::from(error).into()
    }
}

/// Everything that a journal holds of a log. `vkey` is the key in force: the last checkpoint under its name counts. What
/// is read must not change meanwhile.
pub async fn from_journal(
    suite: &dyn Suite,
    journal: &dyn Journal,
    partition: &Partition,
    vkey: &str,
) -> Result<Archive, JournalFault> {
    let log = Log::new(journal, suite, partition);
    let (mut entries, mut told) = (Vec::new(), Told::default());
    loop {
        let page = log.entries(entries.len() as u64, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            if entry.recorded.partition != *partition {
                return Err(Fault::Foreign(entry.position).into());
            }
            told.follow(&entry.recorded);
            let (position, leaf) = (entry.position, entry.leaf);
            entries.push(Entry { position, leaf, stored: entry.recorded.stored });
        }
    }
    let waiting = waiting(journal, partition, entries.len() as u64).await?;
    for recorded in &waiting {
        told.follow(recorded);
    }
    if let Some(Stray { kind, key }) = told.strays(&log).await?.pop_first() {
        return Err(Fault::Untold { kind: kind.name(), key }.into());
    }
    let tiles =
        named::<TileRecord>(journal, partition).await?.into_iter().filter_map(|(tile, _)| {
            let width = u16::try_from(tile.hashes.len()).ok()?;
            let part = Part::Hashes(tile.row);
            Some((Tile { part, index: tile.index, width }, tile.hashes.concat()))
        });
    let checkpoints = named::<CheckpointRecord>(journal, partition).await?.into_iter();
    let checkpoints: Vec<_> = checkpoints.map(|(checkpoint, _)| checkpoint).collect();
    let origin = format!("{}\n", vkey.split('+').next().unwrap_or_default());
    let own = |one: &&CheckpointRecord| one.note.starts_with(&origin);
    let last = checkpoints.iter().rev().find(own).map(|one| one.note.clone());
    Ok(Archive {
        entries,
        waiting: waiting.into_iter().map(|recorded| recorded.stored).collect(),
        checkpoint: last.unwrap_or_default(),
        vkey: vkey.to_owned(),
        kept: checkpoints.into_iter().map(|one| (one.size.to_string(), one.note)).collect(),
        tiles: tiles.collect::<BTreeMap<_, _>>(),
        attached: attached(suite, journal, partition).await?,
    })
}

/// The events that wait for their position. Positions are given in the order of appending, so the journal is the
/// log and then what waits, and whatever else there is was not appended.
async fn waiting(
    journal: &dyn Journal,
    partition: &Partition,
    size: u64,
) -> Result<Vec<Recorded>, JournalFault> {
    let (mut after, mut next, mut first, mut waiting) = (None, 0, None, Vec::new());
    loop {
        let page = journal.appended(partition.clone(), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        for held in page {
            let (row, event) = (held.number, held.recorded.id);
            let beside = |what| Fault::Beside { row, event: event.to_string(), what };
            match (held.standing, &first) {
                (Standing::At(position), None) if position == next => next += 1,
                (Standing::At(_), Some(slipped_in)) => {
                    return Err(Fault::clone(slipped_in).into());
                }
                (Standing::At(_), None) => return Err(beside(OUT_OF_TURN).into()),
                (Standing::Waiting, _) => {
                    first.get_or_insert_with(|| beside(OVERTAKEN));
                    waiting.push(held.recorded);
                }
                (Standing::Beside, _) => return Err(beside(NOWHERE).into()),
            }
        }
    }
    if next != size {
        return Err(Fault::Size { expected: size, found: next }.into());
    }
    Ok(waiting)
}

async fn attached(
    suite: &dyn Suite,
    journal: &dyn Journal,
    partition: &Partition,
) -> Result<Attached, JournalFault> {
    let mut attached = Attached::default();
    // Byte for byte as they are stored: that is what entries commit to.
    for (_, bytes) in named::<DecisionRecord>(journal, partition).await? {
        attached.decision(suite, bytes);
    }
    for (receipt, _) in named::<ReceiptRecord>(journal, partition).await? {
        attached.receipt(suite, receipt);
    }
    for (signed, _) in named::<SignedCommandRecord>(journal, partition).await? {
        attached.commands.insert(signed.command, signed.bytes);
    }
    for (certificate, _) in named::<CertificateRecord>(journal, partition).await? {
        let root = certificate.roots.into_iter().next();
        attached.certificate(suite, certificate.chain.into_iter().chain(root).collect());
    }
    for (policies, _) in named::<PolicyRecord>(journal, partition).await? {
        // What are no policies is missing then, which is told with the entry that names them.
        attached.policy(policies.files);
    }
    Ok(attached)
}

/// Every record of a kind with its stored bytes, each under its own name.
async fn named<R: Record>(
    journal: &dyn Journal,
    partition: &Partition,
) -> Result<Vec<(R, Vec<u8>)>, JournalFault> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (partition, kind) = (partition.clone(), R::KIND);
        let page =
            journal.records(Query { partition, kind, index: None, after, limit: PAGE }).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(last.clone());
        for (key, versioned) in page {
            let record = serde_json::from_slice::<R>(&versioned.body).ok();
            let Some(record) = record.filter(|record| record.key() == key) else {
                return Err(Fault::Record { kind: kind.name(), key }.into());
            };
            all.push((record, versioned.body));
        }
    }
}

/// What is read at once.
const PAGE: usize = 1_000;
const NOWHERE: &str = "has no position and waits for none: it was put beside the log";
const OVERTAKEN: &str =
    "has no position though later ones have theirs: it was slipped in before them";
const OUT_OF_TURN: &str = "has another position than its turn in the journal: rows were moved";
