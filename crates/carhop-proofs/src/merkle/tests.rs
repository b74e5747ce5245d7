//! The published tree, everybody's proof vectors, and every proof of every small tree.

use std::collections::HashMap;
use std::vec::Vec;

use base64ct::{Base64, Encoding};
use carhop_kernel::digest::hex_decode;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::suite::{AwsLc, RustCrypto};
use crate::vectors;

/// Every completed node of a tree, and its root at every size.
struct Log {
    nodes: HashMap<(u32, u64), Hash>,
    leaves: Vec<Hash>,
    roots: Vec<Hash>,
}

impl Log {
    fn new(size: u64) -> Self {
        let mut frontier = Frontier::default();
        let mut log = Self {
            nodes: HashMap::new(),
            leaves: Vec::new(),
            roots: std::vec![frontier.root(&AwsLc)],
        };
        for number in 0..size {
            let leaf = leaf_hash(&AwsLc, &number.to_be_bytes());
            log.leaves.push(leaf);
            frontier.append(&AwsLc, leaf, |level, index, hash| {
                assert_eq!(log.nodes.insert((level, index), hash), None, "a node changed");
            });
            log.roots.push(frontier.root(&AwsLc));
        }
        log
    }

    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion_proof(&AwsLc, index, size, |level, index| self.node(level, index)).unwrap()
    }

    fn consistency(&self, old_size: u64, size: u64) -> Vec<Hash> {
        consistency_proof(&AwsLc, old_size, size, |level, index| self.node(level, index)).unwrap()
    }

    fn root(&self, size: u64) -> &Hash {
        &self.roots[usize::try_from(size).unwrap()]
    }

    fn leaf(&self, index: u64) -> &Hash {
        &self.leaves[usize::try_from(index).unwrap()]
    }
}

#[test]
fn the_roots_of_the_certificate_transparency_test_tree_come_out() {
    // The leaves and roots that every RFC 6962 implementation tests with.
    let leaves: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let hashes = leaves.map(|leaf| leaf_hash(&RustCrypto, leaf));
    for (size, expected) in roots.iter().enumerate() {
        assert_eq!(root(&RustCrypto, &hashes[..size]), hex_decode(expected).unwrap(), "{size}");
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_in_its_place_only() {
    let log = Log::new(70);
    for size in 1..=70 {
        for index in 0..size {
            let proof = log.inclusion(index, size);
            let verify = |index: u64, size, proof: &[Hash]| {
                verify_inclusion(
                    &AwsLc,
                    log.leaf(index.min(69)),
                    index,
                    size,
                    proof,
                    log.root(size),
                )
            };
            assert_eq!(verify(index, size, &proof), Ok(()), "{index} of {size}");
            let wrong = (index + 1) % size;
            if wrong != index {
                assert!(verify(wrong, size, &proof).is_err(), "{wrong} of {size}");
            }
            assert_eq!(verify(size, size, &proof), Err(ProofError::OutOfRange));
            let longer = [&proof[..], &[[0; 32]]].concat();
            assert_eq!(verify(index, size, &longer), Err(ProofError::Length));
            if let [_, shorter @ ..] = &proof[..] {
                assert_eq!(verify(index, size, shorter), Err(ProofError::Length));
            }
        }
    }
}

#[test]
fn every_small_tree_is_proven_to_continue_every_smaller_one() {
    let log = Log::new(70);
    for size in 1..=70 {
        for old_size in 1..=size {
            let proof = log.consistency(old_size, size);
            let verify = |proof: &[Hash], old_root: &Hash, root: &Hash| {
                verify_consistency(&RustCrypto, old_size, size, proof, old_root, root)
            };
            let (old_root, root) = (log.root(old_size), log.root(size));
            assert_eq!(verify(&proof, old_root, root), Ok(()), "{old_size} to {size}");
            assert_eq!(verify(&proof, old_root, &[0; 32]), Err(ProofError::RootMismatch));
            assert_eq!(verify(&proof, &[0; 32], root), Err(ProofError::RootMismatch));
            let longer = [&proof[..], &[[0; 32]]].concat();
            assert_eq!(verify(&longer, old_root, root), Err(ProofError::Length));
        }
    }
}

#[test]
fn proofs_about_what_the_tree_does_not_have_are_not_made() {
    let log = Log::new(7);
    let nodes = |level, index| log.node(level, index);
    assert_eq!(inclusion_proof(&AwsLc, 7, 7, nodes), None);
    assert_eq!(inclusion_proof(&AwsLc, 0, 0, nodes), None);
    assert_eq!(inclusion_proof(&AwsLc, 0, 9, nodes), None, "node not stored");
    assert_eq!(consistency_proof(&AwsLc, 0, 7, nodes), None);
    assert_eq!(consistency_proof(&AwsLc, 8, 7, nodes), None);
    assert_eq!(subtree_root(&AwsLc, 3, 2, &mut { nodes }), None);
    assert_eq!(subtree_root(&AwsLc, 2, 2, &mut { nodes }), None);
    assert_eq!(subtree_root(&AwsLc, 4, 7, &mut { nodes }), {
        let right = log.leaf(6);
        Some(node_hash(&AwsLc, &log.node(1, 2).unwrap(), right))
    });
}

#[test]
fn a_stored_frontier_needs_one_peak_for_each_complete_subtree() {
    assert_eq!(Frontier::from_peaks(0, Vec::new()), Some(Frontier::default()));
    assert!(Frontier::from_peaks(6, std::vec![[1; 32], [2; 32]]).is_some());
    assert_eq!(Frontier::from_peaks(6, std::vec![[1; 32]]), None);
    assert_eq!(Frontier::from_peaks(u64::MAX, std::vec![[1; 32]; 64]), None);
    assert_eq!(Frontier::from_peaks(8, std::vec![[1; 32], [2; 32]]), None);
}

#[test]
fn the_shared_proof_vectors_hold_or_fail_as_they_say() {
    let files =
        [("merkle/testdata/inclusion", 65, true), ("merkle/testdata/consistency", 43, false)];
    for (folder, count, inclusion) in files {
        let cases = vectors::json_below(folder);
        assert!(cases.len() == count || vectors::folder().is_none(), "{}", cases.len());
        for (path, case) in cases {
            let holds = holds(&case, inclusion).unwrap_or(false);
            assert_eq!(holds, case["wantErr"] == false, "{path}");
        }
    }
}

/// Whether the case verifies; `None` if it holds hashes that are no hashes.
fn holds(case: &Value, inclusion: bool) -> Option<bool> {
    let hash = |value: &Value| Base64::decode_vec(value.as_str()?).ok()?.try_into().ok();
    let empty = Vec::new();
    let proof = case["proof"].as_array().unwrap_or(&empty);
    let proof: Vec<Hash> = proof.iter().map(hash).collect::<Option<_>>()?;
    let number = |name: &str| case[name].as_u64().unwrap();
    let verified = if inclusion {
        let (leaf, root) = (hash(&case["leafHash"])?, hash(&case["root"])?);
        verify_inclusion(&AwsLc, &leaf, number("leafIdx"), number("treeSize"), &proof, &root)
    } else {
        let (old_root, root) = (hash(&case["root1"])?, hash(&case["root2"])?);
        verify_consistency(&AwsLc, number("size1"), number("size2"), &proof, &old_root, &root)
    };
    Some(verified.is_ok())
}

proptest! {
    #[test]
    fn arbitrary_proofs_never_panic_and_never_hold(
        index: u64, size: u64, proof in proptest::collection::vec(any::<Hash>(), 0..70), root: Hash
    ) {
        prop_assert!(verify_inclusion(&AwsLc, &[0; 32], index, size, &proof, &root).is_err());
        prop_assert!(verify_consistency(&AwsLc, index, size, &proof, &[0; 32], &root).is_err());
    }

    #[test]
    fn no_flipped_bit_leaves_a_proof_standing(
        size in 2u64..300, choice: prop::sample::Index, bit in 0usize..256
    ) {
        let log = Log::new(size);
        let index = choice.index(usize::try_from(size).unwrap()) as u64;
        let mut proof = log.inclusion(index, size);
        let at = choice.index(proof.len());
        proof[at][bit / 8] ^= 1 << (bit % 8);
        let verified = verify_inclusion(&AwsLc, log.leaf(index), index, size, &proof, log.root(size));
        prop_assert_eq!(verified, Err(ProofError::RootMismatch));
        let old_size = index.max(1);
        let mut proof = log.consistency(old_size, size);
        let at = choice.index(proof.len());
        proof[at][bit / 8] ^= 1 << (bit % 8);
        let (old_root, root) = (log.root(old_size), log.root(size));
        let verified = verify_consistency(&AwsLc, old_size, size, &proof, old_root, root);
        prop_assert_eq!(verified, Err(ProofError::RootMismatch));
    }
}
