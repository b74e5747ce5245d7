//! What a stranger is given of the log: leaves, signed notes, checkpoints, keys and proofs.

use std::collections::BTreeMap;

use carhop_kernel::digest::{Commitment, EvidenceHash, KeyThumbprint, PolicyVersion, SecretHash};
use carhop_proofs::audit::{
    Checkpoint, LEAF_LENGTH_MAX, Leaf, Part, TILE_WIDTH, Tile, VerifierKey, decode_bundle,
    decode_hashes, encode_bundle,
};
use carhop_proofs::merkle::{
    Frontier, Hash, consistency_proof, inclusion_proof, leaf_hash, verify_consistency,
    verify_inclusion,
};
use carhop_proofs::suite::AwsLc;

use crate::keys::{NOW, authority, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "leaf", seeds: leaves, law: leaf, cost: Cost::SMALL },
    &Target { name: "verifier-key", seeds: keys, law: key, cost: Cost::SMALL },
    &Target { name: "checkpoint", seeds: checkpoints, law: checkpoint, cost: Cost::SMALL },
    &Target { name: "checkpoint-text", seeds: texts, law: text, cost: Cost::SMALL },
    &Target { name: "tile-path", seeds: tile_paths, law: tile_path, cost: Cost::SMALL },
    &Target { name: "tile", seeds: tiles, law: tile, cost: Cost::SMALL },
    &Target { name: "tree-proof", seeds: proofs, law: proof, cost: Cost::TREE },
];

fn leaves() -> Vec<Vec<u8>> {
    let full = Leaf {
        time: NOW,
        tenant: "acme".parse().unwrap(),
        market: "austin".parse().unwrap(),
        position: 7,
        stream: "session:hs_0".to_owned(),
        sequence: 3,
        event: "session.requested".to_owned(),
        body_hash: [1; 32],
        actor: "driver:1".to_owned(),
        device: Some(KeyThumbprint([2; 32])),
        order: Some([3; 16]),
        states: Some(("bound".to_owned(), "ready".to_owned())),
        fence: Some("inside".to_owned()),
        token: Some(SecretHash([4; 32])),
        evidence: Some(EvidenceHash([5; 32])),
        policy: Some(PolicyVersion([6; 32])),
        decision: Some("granted".to_owned()),
        reasons: vec!["a".to_owned(), "b".to_owned()],
        commitment: Some(Commitment([7; 32])),
    };
    let bare = Leaf {
        device: None,
        order: None,
        states: None,
        fence: None,
        token: None,
        evidence: None,
        policy: None,
        decision: None,
        reasons: Vec::new(),
        commitment: None,
        ..full.clone()
    };
    vec![full.encode().unwrap(), bare.encode().unwrap()]
}

fn leaf(input: &[u8]) -> bool {
    let Ok(read) = Leaf::decode(input) else { return false };
    assert!(input.len() <= LEAF_LENGTH_MAX);
    assert_eq!(read.encode().unwrap(), input);
    true
}

fn verifier() -> VerifierKey {
    VerifierKey::new(&AwsLc, ORIGIN, public(&authority())).unwrap()
}

fn keys() -> Vec<Vec<u8>> {
    vec![verifier().to_string().into_bytes()]
}

fn key(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Ok(read) = VerifierKey::parse(&AwsLc, text) else { return false };
    assert_eq!(read.to_string(), text);
    true
}

fn signed() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 1_234, root: [9; 32] }
}

fn checkpoints() -> Vec<Vec<u8>> {
    let note = signed().sign(&AwsLc, &authority()).unwrap();
    let witnessed = format!("{note}\u{2014} witness.example AAAAAAA=\n");
    vec![note.into_bytes(), witnessed.into_bytes()]
}

/// Whatever else a note carries, the key has signed this size and root.
fn checkpoint(input: &[u8]) -> bool {
    let Ok(note) = str::from_utf8(input) else { return false };
    let Ok(read) = Checkpoint::open(&AwsLc, note, &verifier()) else { return false };
    assert_eq!(read, signed());
    let exact = read.sign(&AwsLc, &authority()).unwrap();
    let line = exact.lines().last().unwrap();
    assert!(note.starts_with(&read.text()) && note.contains(line));
    true
}

fn texts() -> Vec<Vec<u8>> {
    vec![signed().text().into_bytes()]
}

/// Whatever text the key could be made to sign, only a checkpoint in its one form is read.
fn text(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let note = carhop_proofs::audit::sign_note(&AwsLc, ORIGIN, &authority(), text);
    let Ok(note) = note else { return false };
    let Ok(read) = Checkpoint::open(&AwsLc, &note, &verifier()) else { return false };
    assert_eq!(read.text(), text);
    assert_eq!(read.sign(&AwsLc, &authority()).unwrap(), note);
    true
}

fn tile_paths() -> Vec<Vec<u8>> {
    let tiles =
        [(Part::Entries, 0, 7), (Part::Hashes(0), 1_234_067, 256), (Part::Hashes(1), 5, 255)];
    let paths = tiles.map(|(part, index, width)| Tile { part, index, width }.to_string());
    paths.map(String::into_bytes).to_vec()
}

fn tile_path(input: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(input) else { return false };
    let Some(read) = Tile::parse(path) else { return false };
    assert_eq!(read.to_string(), path);
    assert!((1..=TILE_WIDTH).contains(&read.width));
    true
}

/// A width in the first byte, and the tile.
fn tiles() -> Vec<Vec<u8>> {
    let leaves = leaves();
    let bundle = encode_bundle(leaves.iter().map(Vec::as_slice)).unwrap();
    let bundle = [&[1], bundle.as_slice()].concat();
    vec![bundle, [vec![2], vec![7; 96]].concat(), [vec![255], vec![0; 32 * 256]].concat()]
}

/// Bundles and hash tiles have one form.
fn tile(input: &[u8]) -> bool {
    let Some((&last, bytes)) = input.split_first() else { return false };
    let width = u16::from(last) + 1;
    let bundle = decode_bundle(bytes, width);
    if let Some(leaves) = &bundle {
        assert_eq!(leaves.len(), usize::from(width));
        assert_eq!(encode_bundle(leaves.iter().copied()).unwrap(), bytes);
    }
    let hashes = decode_hashes(bytes, width);
    assert!(hashes.as_ref().is_none_or(|hashes| hashes.concat() == bytes));
    bundle.is_some() || hashes.is_some()
}

/// A tree of 13 leaves: every size up to there has proofs.
struct Tree {
    nodes: BTreeMap<(u32, u64), Hash>,
    roots: Vec<Hash>,
}

impl Tree {
    fn grown() -> Self {
        let mut frontier = Frontier::default();
        let mut tree = Self { nodes: BTreeMap::new(), roots: vec![frontier.root(&AwsLc)] };
        for number in 0..SIZE_MAX {
            frontier.append(&AwsLc, leaf_hash(&AwsLc, &[number]), |level, index, hash| {
                tree.nodes.insert((level, index), hash);
            });
            tree.roots.push(frontier.root(&AwsLc));
        }
        tree
    }

    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }
}

/// Two numbers and the hashes of a proof, behind each other.
fn proofs() -> Vec<Vec<u8>> {
    let tree = Tree::grown();
    let mut proofs = Vec::new();
    for (first, second) in [(0_u8, 13_u8), (5, 13), (12, 13), (6, 8)] {
        let node = |level, index| tree.node(level, index);
        let proof = inclusion_proof(&AwsLc, first.into(), second.into(), node).unwrap();
        proofs.push([&[first, second], proof.concat().as_slice()].concat());
    }
    for (first, second) in [(1_u8, 13_u8), (8, 13), (7, 12), (13, 13)] {
        let node = |level, index| tree.node(level, index);
        let proof = consistency_proof(&AwsLc, first.into(), second.into(), node).unwrap();
        proofs.push([&[first, second], proof.concat().as_slice()].concat());
    }
    proofs
}

/// There is one proof of a fact: what verifies is what the log itself would give.
fn proof(input: &[u8]) -> bool {
    let Some((&[first, second], rest)) = input.split_first_chunk() else { return false };
    let (hashes, _) = rest.as_chunks::<32>();
    let tree = Tree::grown();
    let node = |level, index| tree.node(level, index);
    let (index, size) = (u64::from(first), u64::from(second));
    let Some(root) = tree.roots.get(usize::from(second)) else {
        let (leaf, root) = (leaf_hash(&AwsLc, &[first]), [0; 32]);
        assert!(verify_inclusion(&AwsLc, &leaf, index, size, hashes, &root).is_err());
        return false;
    };
    let leaf = leaf_hash(&AwsLc, &[first]);
    let included = verify_inclusion(&AwsLc, &leaf, index, size, hashes, root).is_ok();
    if included {
        assert_eq!(inclusion_proof(&AwsLc, index, size, node).unwrap(), hashes);
    }
    let Some(old_root) = tree.roots.get(usize::from(first)) else { return included };
    let continued = verify_consistency(&AwsLc, index, size, hashes, old_root, root).is_ok();
    if continued {
        assert_eq!(consistency_proof(&AwsLc, index, size, node).unwrap(), hashes);
    }
    included || continued
}

const ORIGIN: &str = "carhop.example/acme/austin";
const SIZE_MAX: u8 = 13;
