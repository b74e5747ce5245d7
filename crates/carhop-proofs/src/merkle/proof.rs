//! Proofs that a leaf is in a tree and that a tree is the beginning of a larger one.
//!
//! Makers take a look-up of completed nodes by level and index and answer `None` where it does;
//! verifiers need nothing but the proof.

use alloc::vec::Vec;

use super::{Hash, node_hash};
use crate::suite::Suite;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not in a tree of that size, or the sizes are not in order.
    #[error("the proof is about a leaf or size that the tree does not have")]
    OutOfRange,
    /// More or fewer hashes than the sizes ask for.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes do not lead to the root or roots.
    #[error("the proof does not lead to the root")]
    RootMismatch,
}

/// The root of the leaves `start..end`. `start` must be the beginning of a subtree of the tree.
pub fn subtree_root(
    suite: &dyn Suite,
    start: u64,
    end: u64,
    nodes: &mut impl FnMut(u32, u64) -> Option<Hash>,
) -> Option<Hash> {
    let size = end.checked_sub(start)?;
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return nodes(level, start >> level);
    }
    let split = start + split_below(size)?;
    let left = subtree_root(suite, start, split, nodes)?;
    let right = subtree_root(suite, split, end, nodes)?;
    Some(node_hash(suite, &left, &right))
}

/// The proof that leaf `index` is in the tree of the first `size` leaves (RFC 9162 §2.1.3.1).
pub fn inclusion_proof(
    suite: &dyn Suite,
    index: u64,
    size: u64,
    mut nodes: impl FnMut(u32, u64) -> Option<Hash>,
) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end, mut proof) = (0, size, Vec::new());
    while end - start > 1 {
        let split = start + split_below(end - start)?;
        if index < split {
            proof.push(subtree_root(suite, split, end, &mut nodes)?);
            end = split;
        } else {
            proof.push(subtree_root(suite, start, split, &mut nodes)?);
            start = split;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The proof that the tree of the first `size` leaves continues that of the first `old_size`
/// (RFC 9162 §2.1.4.1). From an empty tree there is nothing to prove, hence `None`.
pub fn consistency_proof(
    suite: &dyn Suite,
    old_size: u64,
    size: u64,
    mut nodes: impl FnMut(u32, u64) -> Option<Hash>,
) -> Option<Vec<Hash>> {
    if old_size == 0 || old_size > size {
        return None;
    }
    let (mut start, mut end, mut proof) = (0, size, Vec::new());
    while old_size < end {
        let split = start + split_below(end - start)?;
        if old_size <= split {
            proof.push(subtree_root(suite, split, end, &mut nodes)?);
            end = split;
        } else {
            proof.push(subtree_root(suite, start, split, &mut nodes)?);
            start = split;
        }
    }
    // The old tree ends here; the verifier knows its root unless it went into the right half.
    if start > 0 {
        proof.push(subtree_root(suite, start, end, &mut nodes)?);
    }
    proof.reverse();
    Some(proof)
}

/// Verifies that `leaf` is leaf `index` of the tree with `size` leaves and `root`
/// (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    suite: &dyn Suite,
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(suite, sibling, &hash);
            skip_missing_levels(&mut node, &mut last);
        } else {
            hash = node_hash(suite, &hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Verifies that the tree with `size` leaves and `root` continues that with `old_size` leaves and
/// `old_root` (RFC 9162 §2.1.4.2).
pub fn verify_consistency(
    suite: &dyn Suite,
    old_size: u64,
    size: u64,
    proof: &[Hash],
    old_root: &Hash,
    root: &Hash,
) -> Result<(), ProofError> {
    if old_size == 0 || old_size > size {
        return Err(ProofError::OutOfRange);
    }
    if old_size == size {
        return match proof {
            [] if old_root == root => Ok(()),
            [] => Err(ProofError::RootMismatch),
            [..] => Err(ProofError::Length),
        };
    }
    // A complete old tree is itself the first node, which the proof leaves out.
    let (first, siblings) = match proof {
        [] => return Err(ProofError::Length),
        _ if old_size.is_power_of_two() => (old_root, proof),
        [first, siblings @ ..] => (first, siblings),
    };
    let levels = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> levels, (size - 1) >> levels);
    let (mut old_hash, mut hash) = (*first, *first);
    for sibling in siblings {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(suite, sibling, &old_hash);
            hash = node_hash(suite, sibling, &hash);
            skip_missing_levels(&mut node, &mut last);
        } else {
            hash = node_hash(suite, &hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == *old_root && hash == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The largest power of two below `size`; there is none below 2.
fn split_below(size: u64) -> Option<u64> {
    size.checked_sub(1)?.checked_ilog2().map(|bits| 1 << bits)
}

/// An even node at the right edge has no sibling until the level where it becomes odd.
fn skip_missing_levels(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}
