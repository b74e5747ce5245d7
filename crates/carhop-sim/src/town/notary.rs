//! The notary of a town's logs: signs what a log has come to, and remembers what it signed whatever happens to the
//! journal. One server alone asks it, as in production one server has a data folder.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carhop_app::checkpoint::{Notary as Port, NotaryError};
use carhop_app::record::Partition;
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::merkle::Hash;
use carhop_proofs::suite::{Algorithm, SigningKey, Suite};

use crate::quick::Crypto;

/// The notary.
pub(crate) struct Notary {
    key: SigningKey,
    crypto: Crypto,
    signed: Mutex<BTreeMap<Partition, Checkpoint>>,
}

impl Notary {
    /// A notary with a key of its own; `None` if that is no key.
    pub(crate) fn new(crypto: Crypto) -> Option<Self> {
        let key = SigningKey::from_bytes(Algorithm::Ed25519, KEY).ok()?;
        Some(Self { key, crypto, signed: Mutex::default() })
    }

    /// What everybody verifies a log's checkpoints with.
    pub(crate) fn verifier(&self, partition: &Partition) -> Option<VerifierKey> {
        let public = self.crypto.public_key(&self.key).ok()?;
        VerifierKey::new(&self.crypto, &origin(partition), public).ok()
    }

    fn signed(&self) -> MutexGuard<'_, BTreeMap<Partition, Checkpoint>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Port for Notary {
    fn last(&self, partition: &Partition) -> Result<Option<Checkpoint>, NotaryError> {
        Ok(self.signed().get(partition).cloned())
    }

    fn sign(&self, partition: &Partition, size: u64, root: Hash) -> Result<String, NotaryError> {
        let checkpoint = Checkpoint { origin: origin(partition), size, root };
        let note = checkpoint.sign(&self.crypto, &self.key);
        let note = note.map_err(|error| NotaryError(error.to_string()))?;
        self.signed().insert(partition.clone(), checkpoint);
        Ok(note)
    }
}

fn origin(partition: &Partition) -> String {
    format!("sim/{}/{}", partition.tenant, partition.market)
}

const KEY: [u8; 32] = [0x5a; 32];
