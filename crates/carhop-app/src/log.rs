//! One partition's log as an outsider reads it: its size and root, its tiles, and proofs made from them (M-AUD-1,
//! standards §7).
//!
//! It appends nothing and signs nothing.

use std::collections::BTreeMap;

use carhop_proofs::audit::{Part, Tile, encode_bundle};
use carhop_proofs::merkle::{
    Frontier, Hash, consistency_proof, inclusion_proof, leaf_hash, subtree_root,
};
use carhop_proofs::suite::Suite;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::batch::LogEntry;
use crate::failure::Failure;
use crate::ports::{Journal, JournalError, Query};
use crate::record::{Partition, Record, RecordKey};
use crate::records::{CheckpointRecord, LogRecord, TileRecord};

/// A partition's log.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    journal: &'a dyn Journal,
    suite: &'a dyn Suite,
    partition: &'a Partition,
}

impl App {
    /// A partition's log.
    pub fn log<'a>(&'a self, partition: &'a Partition) -> Log<'a> {
        Log::new(&*self.parts.journal, self.suite(), partition)
    }
}

impl<'a> Log<'a> {
    /// The log of a partition in a journal.
    pub const fn new(
        journal: &'a dyn Journal,
        suite: &'a dyn Suite,
        partition: &'a Partition,
    ) -> Self {
        Self { journal, suite, partition }
    }

    /// How many entries it has, and the root over them.
    pub async fn root(&self) -> Result<(u64, Hash), Failure> {
        let log: LogRecord = self.record(LogRecord::default().key()).await?.unwrap_or_default();
        let frontier = Frontier::from_peaks(log.size, log.peaks)
            .ok_or(Failure::Internal("a log whose frontier does not fit its size"))?;
        Ok((log.size, frontier.root(self.suite)))
    }

    /// Entries from a position on.
    pub async fn entries(&self, from: u64, limit: usize) -> Result<Vec<LogEntry>, Failure> {
        Ok(self.journal.log(self.partition.clone(), from, limit).await?)
    }

    /// Every signed checkpoint, oldest first.
    pub async fn checkpoints(&self) -> Result<Vec<CheckpointRecord>, Failure> {
        self.records().await
    }

    /// Every record of one kind, in the order of their keys.
    pub async fn records<R: Record>(&self) -> Result<Vec<R>, Failure> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let partition = self.partition.clone();
            let query = Query { partition, kind: R::KIND, index: None, after, limit: PAGE };
            let page = self.journal.records(query).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            after = Some(last.clone());
            for (_, versioned) in &page {
                all.push(parse(&versioned.body)?);
            }
        }
    }

    /// One record.
    pub async fn record<R: Record>(&self, key: String) -> Result<Option<R>, Failure> {
        let place = RecordKey { partition: self.partition.clone(), kind: R::KIND, key };
        let found = self.journal.record(place).await?;
        found.map(|versioned| parse(&versioned.body)).transpose()
    }

    /// The bytes of a tile; `None` if the log is not that large.
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Failure> {
        let (size, _) = self.root().await?;
        let grown = Tile::within(tile.part, tile.index, size);
        if grown.is_none_or(|grown| grown.width < tile.width) {
            return Ok(None);
        }
        let Part::Hashes(row) = tile.part else {
            let leaves = self.leaves(&tile).await?;
            return Ok(encode_bundle(leaves.iter().map(Vec::as_slice)));
        };
        Ok(Some(self.hashes(row, &tile).await?.concat()))
    }

    /// The root of the first `size` entries; `None` if there are fewer.
    pub async fn root_at(&self, size: u64) -> Result<Option<Hash>, Failure> {
        if size == 0 {
            return Ok(Some(Frontier::default().root(self.suite)));
        }
        self.with_nodes(size, |mut nodes| subtree_root(self.suite, 0, size, &mut nodes)).await
    }

    /// The proof that the entry at `position` is in the tree of the first `size`.
    pub async fn inclusion(&self, position: u64, size: u64) -> Result<Option<Vec<Hash>>, Failure> {
        self.with_nodes(size, |nodes| inclusion_proof(self.suite, position, size, nodes)).await
    }

    /// The proof that the tree of the first `size` entries continues that of the first `old_size`.
    pub async fn consistency(
        &self,
        old_size: u64,
        size: u64,
    ) -> Result<Option<Vec<Hash>>, Failure> {
        self.with_nodes(size, |nodes| consistency_proof(self.suite, old_size, size, nodes)).await
    }

    /// Makes something of the nodes of the first `size` entries: asked a first time, it says which it needs; the second time it gets them.
    async fn with_nodes<T>(
        &self,
        size: u64,
        make: impl Fn(&mut dyn FnMut(u32, u64) -> Option<Hash>) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let (total, _) = self.root().await?;
        if size > total {
            return Ok(None);
        }
        let mut tiles = BTreeMap::<Tile, Vec<Hash>>::new();
        make(&mut |level, index| {
            tiles.insert(Tile::of_node(level, index, total)?, Vec::new());
            Some(Hash::default())
        });
        for (tile, hashes) in &mut tiles {
            if let Part::Hashes(row) = tile.part {
                *hashes = self.hashes(row, tile).await?;
            }
        }
        Ok(make(&mut |level, index| {
            let tile = Tile::of_node(level, index, total)?;
            Tile::node(self.suite, level, index, tiles.get(&tile)?)
        }))
    }

    async fn hashes(&self, row: u8, tile: &Tile) -> Result<Vec<Hash>, Failure> {
        if row == 0 {
            let leaves = self.leaves(tile).await?;
            return Ok(leaves.iter().map(|leaf| leaf_hash(self.suite, leaf)).collect());
        }
        let stored = self.record::<TileRecord>(TileRecord::key_of(row, tile.index)).await?;
        let mut hashes = stored.ok_or(Failure::Internal("a tile that was not kept"))?.hashes;
        hashes.truncate(tile.width.into());
        Ok(hashes)
    }

    async fn leaves(&self, tile: &Tile) -> Result<Vec<Vec<u8>>, Failure> {
        let entries = self.entries(tile.start(), tile.width.into()).await?;
        if entries.len() != usize::from(tile.width) {
            return Err(Failure::Internal("a log that is shorter than it says"));
        }
        Ok(entries.into_iter().map(|entry| entry.leaf).collect())
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| JournalError::Corrupt(error.to_string()).into())
}

/// Records that are read at once.
const PAGE: usize = 500;
