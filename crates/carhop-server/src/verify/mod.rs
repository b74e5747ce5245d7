//! Checks a log as an outsider would: from its entries alone, without a database, a network or trust in who sent them.
//!
//! What can be trusted is not known here: whoever calls brings the key that was pinned, and what was seen before.

mod archive;
mod attached;
mod bundle;
mod explain;
mod fault;
mod journal;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::BTreeMap;

use carhop_app::batch::{Recorded, Stream};
use carhop_app::record::Partition;
use carhop_app::sequence::leaf;
use carhop_journal::codec;
use carhop_proofs::audit::TILE_HEIGHT;
use carhop_proofs::merkle::{Frontier, Hash, leaf_hash};
use carhop_proofs::suite::Suite;

pub use archive::{Archive, CHECKPOINT_FILE, VKEY_FILE, read_archive, write_archive};
pub use attached::Attached;
pub use bundle::Bundle;
pub use explain::{Again, explain_again};
pub use fault::Fault;
pub use journal::{JournalFault, from_journal};
pub use whole::{Expected, Whole, verify_whole};

/// One entry as it is shown to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position, from zero.
    pub position: u64,
    /// The bytes of its Merkle leaf.
    pub leaf: Vec<u8>,
    /// The stored event that the leaf commits to.
    pub stored: Vec<u8>,
}

/// A log that has been checked as far as it was read.
#[derive(Debug, Default)]
pub struct Verifier {
    frontier: Frontier,
    partition: Option<Partition>,
    streams: BTreeMap<Stream, u64>,
}

/// What a whole log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Verifier {
    /// Checks the next entry and hands back its event.
    pub fn accept(&mut self, suite: &dyn Suite, entry: &Entry) -> Result<Recorded, Fault> {
        let expected = self.frontier.size();
        if entry.position != expected {
            return Err(Fault::Position { expected, found: entry.position });
        }
        let recorded =
            codec::decode(&entry.stored).map_err(|_| Fault::Unreadable(entry.position))?;
        let made = leaf(suite, &recorded, entry.position);
        if made.ok().as_deref() != Some(&entry.leaf) {
            return Err(Fault::Leaf(entry.position));
        }
        if *self.partition.get_or_insert_with(|| recorded.partition.clone()) != recorded.partition {
            return Err(Fault::Foreign(entry.position));
        }
        self.follow(entry.position, &recorded)?;
        self.frontier.append(suite, leaf_hash(suite, &entry.leaf), |_, _, _| {});
        Ok(recorded)
    }

    /// Checks an event that waits to become the entry at `position`, and hands it back.
    pub fn accept_waiting(&mut self, position: u64, stored: &[u8]) -> Result<Recorded, Fault> {
        let recorded = codec::decode(stored).map_err(|_| Fault::Unreadable(position))?;
        self.follow(position, &recorded)?;
        Ok(recorded)
    }

    /// How many entries were read, and the root over them.
    pub fn so_far(&self, suite: &dyn Suite) -> Verified {
        Verified { size: self.frontier.size(), root: self.frontier.root(suite) }
    }

    /// Whether what was read is the whole claimed log.
    pub fn finish(self, suite: &dyn Suite, claimed: Verified) -> Result<Verified, Fault> {
        let Verified { size, root } = self.so_far(suite);
        if size != claimed.size {
            return Err(Fault::Size { expected: claimed.size, found: size });
        }
        if root != claimed.root {
            return Err(Fault::Root);
        }
        Ok(Verified { size, root })
    }

    /// Streams are numbered from one without gaps, and the log keeps their order.
    fn follow(&mut self, position: u64, recorded: &Recorded) -> Result<(), Fault> {
        let last = self.streams.entry(recorded.stream).or_default();
        let (expected, found) = (*last + 1, recorded.sequence);
        if found != expected {
            return Err(Fault::Stream { position, expected, found });
        }
        *last = expected;
        Ok(())
    }
}

/// The hash tiles' rows that the entries make, as far as they are complete.
fn rows(suite: &dyn Suite, entries: &[Entry]) -> BTreeMap<u8, Vec<Hash>> {
    let (mut rows, mut frontier) = (BTreeMap::<u8, Vec<Hash>>::new(), Frontier::default());
    for entry in entries {
        frontier.append(suite, leaf_hash(suite, &entry.leaf), |level, _, hash| {
            if level.is_multiple_of(TILE_HEIGHT)
                && let Ok(row) = u8::try_from(level / TILE_HEIGHT)
            {
                rows.entry(row).or_default().push(hash);
            }
        });
    }
    rows
}
