//! Checks a log as an outsider would: from its entries alone, without a database, a network or trust in who sent them.
//!
//! What signs a root, and witnesses it, is not known here; whoever calls says which root to expect.

mod export;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use carhop_app::batch::{Recorded, Stream};
use carhop_app::sequence::leaf;
use carhop_journal::codec;
use carhop_proofs::merkle::{Frontier, Hash, leaf_hash};
use carhop_proofs::suite::Suite;

pub use export::{ExportError, ExportedLog, read_export, write_export};

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
    streams: BTreeMap<(String, Stream), u64>,
}

/// What a whole log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// What is wrong with a log, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry is missing, repeated or out of order.
    #[error("entry {found} stands where {expected} belongs")]
    Position {
        /// The position that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The stored event cannot be read.
    #[error("entry {0} holds no readable event")]
    Unreadable(u64),
    /// The leaf is not the one that the stored event makes.
    #[error("entry {0}: the leaf does not fit the event")]
    Leaf(u64),
    /// An event of a stream is missing or out of order.
    #[error("entry {position}: event {found} of its stream stands where {expected} belongs")]
    Stream {
        /// Which entry.
        position: u64,
        /// The number that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The entries are whole, but their number is another.
    #[error("{found} entries, but {expected} are claimed")]
    Size {
        /// What is claimed.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The tree over the entries has another root.
    #[error("the entries do not make the claimed root")]
    Root,
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
        self.follow(entry.position, &recorded)?;
        self.frontier.append(suite, leaf_hash(suite, &entry.leaf), |_, _, _| {});
        Ok(recorded)
    }

    /// Whether what was read is the whole claimed log.
    pub fn finish(self, suite: &dyn Suite, claimed: Verified) -> Result<Verified, Fault> {
        let (size, root) = (self.frontier.size(), self.frontier.root(suite));
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
        let owner = format!("{}/{}", recorded.partition.tenant, recorded.partition.market);
        let last = self.streams.entry((owner, recorded.stream)).or_default();
        let (expected, found) = (*last + 1, recorded.sequence);
        if found != expected {
            return Err(Fault::Stream { position, expected, found });
        }
        *last = expected;
        Ok(())
    }
}
