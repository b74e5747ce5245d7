//! Records that let an outsider check the log (M-AUD-1, M-AUD-2): tiles, checkpoints, and what entries refer to by hash.

use carhop_kernel::digest::{KeyThumbprint, PolicyVersion};
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;
use serde::{Deserialize, Serialize};

use crate::ports::Certified;
use crate::record::{Kind, Record};

/// A hash tile above the leaves, as far as it has grown. Those of the leaves follow from the leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileRecord {
    /// Its row, from one.
    pub row: u8,
    /// Its place in the row.
    pub index: u64,
    /// Its hashes: roots of the full tiles below it.
    pub hashes: Vec<[u8; 32]>,
}

impl TileRecord {
    /// The key of a tile.
    pub fn key_of(row: u8, index: u64) -> String {
        format!("{row}/{index:020}")
    }
}

impl Record for TileRecord {
    const KIND: Kind = Kind::Tile;

    fn key(&self) -> String {
        Self::key_of(self.row, self.index)
    }
}

/// A signed checkpoint, kept for ever: whoever saw it can be shown that it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// How many entries it covers.
    pub size: u64,
    /// The signed note as it was published.
    pub note: String,
}

impl CheckpointRecord {
    /// The key of the checkpoint over so many entries.
    pub fn key_of(size: u64) -> String {
        format!("{size:020}")
    }
}

impl Record for CheckpointRecord {
    const KIND: Kind = Kind::Checkpoint;

    fn key(&self) -> String {
        Self::key_of(self.size)
    }
}

/// The text of policies that once decided, so that their decisions can be made again (M-POL-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The hash of their contents.
    pub version: PolicyVersion,
    /// Names and texts.
    pub files: Vec<(String, String)>,
}

impl PolicyRecord {
    /// The text of a bundle.
    pub fn of(bundle: &Bundle) -> Self {
        Self { version: bundle.version(), files: bundle.files().to_vec() }
    }
}

impl Record for PolicyRecord {
    const KIND: Kind = Kind::Policy;

    fn key(&self) -> String {
        self.version.to_string()
    }
}

/// Which policies decide in this account; none while it judges by those that it began with. Every decision reads it, so
/// that none is appended once others decide (`design.md` §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInForceRecord {
    /// The hash of their contents, under which their text is kept.
    pub version: PolicyVersion,
    /// Since when.
    pub activated_at: Timestamp,
}

impl PolicyInForceRecord {
    /// The key of the one such record.
    pub const KEY: &str = "in_force";
}

impl Record for PolicyInForceRecord {
    const KIND: Kind = Kind::PolicyInForce;

    fn key(&self) -> String {
        Self::KEY.to_owned()
    }
}

/// A device's certificate with what leads to its root, so that what the device signed can be verified when the
/// certificate is long over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// SHA-256 of the certificate, which the log names.
    pub fingerprint: KeyThumbprint,
    /// DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The roots it was issued under, DER.
    pub roots: Vec<Vec<u8>>,
}

impl From<&Certified> for CertificateRecord {
    fn from(certified: &Certified) -> Self {
        Self {
            fingerprint: certified.fingerprint,
            chain: certified.chain.clone(),
            roots: certified.roots.clone(),
        }
    }
}

impl Record for CertificateRecord {
    const KIND: Kind = Kind::Certificate;

    fn key(&self) -> String {
        self.fingerprint.to_string()
    }
}
