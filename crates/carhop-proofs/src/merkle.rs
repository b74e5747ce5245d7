//! The append-only tree of the audit log: hashing of RFC 6962 §2.1, proofs verified by the steps of
//! RFC 9162 §2.1.3.2 and §2.1.4.2 (M-AUD-1).
//!
//! It keeps no leaves. A log holds a [`Frontier`] and stores each completed node it is told of; a
//! proof asks for such nodes again. What a leaf says is the business of [`crate::audit`].

mod proof;

pub use proof::{
    ProofError, consistency_proof, inclusion_proof, subtree_root, verify_consistency,
    verify_inclusion,
};

use alloc::vec::Vec;

use crate::suite::Suite;

/// A node of the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(`00` ‖ data).
pub fn leaf_hash(suite: &dyn Suite, data: &[u8]) -> Hash {
    suite.sha256(&[&[0], data])
}

/// The hash of an inner node: SHA-256(`01` ‖ left ‖ right).
pub fn node_hash(suite: &dyn Suite, left: &Hash, right: &Hash) -> Hash {
    suite.sha256(&[&[1], left, right])
}

/// The root of the tree over `leaves`, which are leaf hashes.
pub fn root(suite: &dyn Suite, leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.append(suite, *leaf, |_, _, _| ());
    }
    frontier.root(suite)
}

/// The right edge of a tree: the roots of its complete subtrees, largest first. All that is needed
/// to append and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The edge of a stored tree of `size` leaves; `None` unless there is one peak for each bit
    /// that is set in `size`, and room to append.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()) == Ok(peaks.len());
        (fits && size <= SIZE_MAX).then_some(Self { size, peaks })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf hash and reports every node that it completes, the leaf itself included, as
    /// level (0 for leaves), index within the level, and hash. A completed node never changes.
    pub fn append(
        &mut self,
        suite: &dyn Suite,
        leaf: Hash,
        mut completed: impl FnMut(u32, u64, Hash),
    ) {
        completed(0, self.size, leaf);
        let mut node = leaf;
        for level in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(suite, &left, &node);
            completed(level + 1, self.size >> (level + 1), node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root; of an empty tree SHA-256 of nothing.
    pub fn root(&self, suite: &dyn Suite) -> Hash {
        let joined =
            self.peaks.iter().rev().copied().reduce(|right, left| node_hash(suite, &left, &right));
        joined.unwrap_or_else(|| suite.sha256(&[]))
    }
}

/// Far beyond any log; keeps the arithmetic of stored sizes from overflowing.
const SIZE_MAX: u64 = 1 << 62;

#[cfg(test)]
#[cfg(all(feature = "std", feature = "rustcrypto"))]
mod tests;
