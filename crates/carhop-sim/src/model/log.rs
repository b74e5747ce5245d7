//! The log of each tenant: gapless positions, and a tree that is the one over the leaves, in the plainest form that RFC 6962
//! can be written in. Each published state of it continues the one before.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::Batch;
use carhop_app::record::{Kind, Partition};
use carhop_app::records::{CheckpointRecord, LogRecord};
use carhop_kernel::id::EventId;
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::merkle::{Hash, consistency_proof, verify_consistency};
use carhop_proofs::suite::{RustCrypto, Suite};

use super::invariant::Invariant;
use crate::happening::Broken;
use crate::quick::Crypto;

/// All logs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: BTreeMap<Partition, Log>,
}

#[derive(Debug, Default)]
struct Log {
    /// The hashes of complete subtrees by height and place.
    nodes: BTreeMap<(u32, u64), Hash>,
    size: u64,
    placed: BTreeSet<EventId>,
    appended: BTreeSet<EventId>,
    /// The last state that was published, with its root.
    published: Option<(u64, Hash)>,
    /// By which key its checkpoints are verified.
    key: Option<(VerifierKey, Crypto)>,
    /// How many leaves the last checkpoint covers.
    signed: u64,
}

impl Logs {
    /// Learns by which key a log's checkpoints are verified.
    pub(super) fn learn(&mut self, partition: &Partition, key: &VerifierKey, crypto: Crypto) {
        self.logs.entry(partition.clone()).or_default().key = Some((key.clone(), crypto));
    }

    /// Judges a batch.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), Broken> {
        let log = self.logs.entry(batch.partition.clone()).or_default();
        log.appended.extend(batch.entries.iter().map(|entry| entry.id));
        for sequenced in &batch.sequenced {
            let (event, position) = (sequenced.event, sequenced.position);
            let is_known = log.appended.contains(&event);
            let is_next = position == log.size && log.placed.insert(event);
            Invariant::LogIsConsistent.require(is_known && is_next, || {
                format!("{event} gets the position {position} of {}", log.size)
            })?;
            log.add(&sequenced.leaf);
        }
        for write in &batch.writes {
            let body = write.body.as_deref().unwrap_or_default();
            if write.key.kind == Kind::Log
                && let Ok(record) = serde_json::from_slice::<LogRecord>(body)
            {
                log.publish(&record)?;
            }
            if write.key.kind == Kind::Checkpoint
                && let Ok(record) = serde_json::from_slice::<CheckpointRecord>(body)
            {
                log.sign(&record)?;
            }
        }
        Ok(())
    }
}

impl Log {
    fn add(&mut self, leaf: &[u8]) {
        let mut node = RustCrypto.sha256(&[&[0], leaf]);
        let (mut height, mut place) = (0, self.size);
        self.nodes.insert((height, place), node);
        while place % 2 == 1 {
            let Some(left) = self.nodes.get(&(height, place - 1)) else { break };
            node = RustCrypto.sha256(&[&[1], left, &node]);
            (height, place) = (height + 1, place / 2);
            self.nodes.insert((height, place), node);
        }
        self.size += 1;
    }

    /// The roots of the complete subtrees over so many leaves, largest first.
    fn peaks(&self, size: u64) -> Vec<Hash> {
        let heights = (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1);
        let node = |height: u32| self.nodes.get(&(height, (size >> height) - 1)).copied();
        heights.filter_map(node).collect()
    }

    fn root(&self, size: u64) -> Hash {
        let joined = self.peaks(size).into_iter().rev();
        let joined = joined.reduce(|right, left| RustCrypto.sha256(&[&[1], &left, &right]));
        joined.unwrap_or_else(|| RustCrypto.sha256(&[]))
    }

    /// Every checkpoint is signed, is over leaves that have their positions, and continues the one before: its root is the
    /// one over the first so many of the same leaves.
    fn sign(&mut self, record: &CheckpointRecord) -> Result<(), Broken> {
        let Some((key, crypto)) = &self.key else { return Ok(()) };
        let size = record.size;
        let opened = Checkpoint::open(crypto, &record.note, key);
        let holds = opened.is_ok_and(|checkpoint| {
            let continues = self.signed <= size && size <= self.size;
            continues && checkpoint.size == size && checkpoint.root == self.root(size)
        });
        Invariant::LogIsConsistent.require(holds, || {
            format!("the checkpoint over {size} leaves does not continue that over {}", self.signed)
        })?;
        self.signed = size;
        Ok(())
    }

    fn publish(&mut self, record: &LogRecord) -> Result<(), Broken> {
        let is_it = record.size == self.size && record.peaks == self.peaks(self.size);
        Invariant::LogIsConsistent.require(is_it, || {
            format!("the tree over {} leaves is not the one over its leaves", record.size)
        })?;
        let root = self.root(self.size);
        let Some((size, before)) = self.published.replace((self.size, root)) else { return Ok(()) };
        let node = |height: u32, place: u64| self.nodes.get(&(height, place)).copied();
        let proof = consistency_proof(&RustCrypto, size, self.size, node);
        let continues = size == 0
            || proof.is_some_and(|proof| {
                verify_consistency(&RustCrypto, size, self.size, &proof, &before, &root).is_ok()
            });
        Invariant::LogIsConsistent
            .require(continues, || format!("the log of {} does not continue {size}", self.size))
    }
}
