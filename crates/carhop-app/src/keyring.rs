//! Keys of a tenant, all derived from one master secret: losing nothing but the master loses everything, and nothing
//! else needs a backup.

use carhop_kernel::id::TenantId;
use carhop_proofs::derive::derive_key;
use carhop_proofs::suite::{Algorithm, KeyError, SigningKey, Suite};

/// The master secret. Its bytes leave it only through derivation.
pub struct Keyring {
    master: [u8; 32],
}

impl Keyring {
    /// The keyring of a master secret.
    pub const fn new(master: [u8; 32]) -> Self {
        Self { master }
    }

    /// What secrets are hashed with before they are stored.
    pub fn pepper(&self, suite: &dyn Suite, tenant: &TenantId) -> [u8; 32] {
        self.derive(suite, tenant, "pepper")
    }

    /// What pseudonyms of customers are made with.
    pub fn pseudonym(&self, suite: &dyn Suite, tenant: &TenantId) -> [u8; 32] {
        self.derive(suite, tenant, "pseudonym")
    }

    /// What the keys of the vault's subjects are wrapped with.
    pub fn vault(&self, suite: &dyn Suite, tenant: &TenantId) -> [u8; 32] {
        self.derive(suite, tenant, "vault")
    }

    /// What makes a challenge to a passkey one of ours.
    pub fn challenge(&self, suite: &dyn Suite, tenant: &TenantId) -> [u8; 32] {
        self.derive(suite, tenant, "challenge")
    }

    /// The authority's key for commands and time replies: Ed25519 (standards §3).
    pub fn command_key(
        &self,
        suite: &dyn Suite,
        tenant: &TenantId,
    ) -> Result<SigningKey, KeyError> {
        SigningKey::from_bytes(Algorithm::Ed25519, self.derive(suite, tenant, "command"))
    }

    /// The authority's key for scannable codes: Ed25519 (standards §1).
    pub fn scan_key(&self, suite: &dyn Suite, tenant: &TenantId) -> Result<SigningKey, KeyError> {
        SigningKey::from_bytes(Algorithm::Ed25519, self.derive(suite, tenant, "scan"))
    }

    fn derive(&self, suite: &dyn Suite, tenant: &TenantId, purpose: &str) -> [u8; 32] {
        derive_key(suite, &self.master, &format!("carhop/{tenant}/{purpose}"))
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        self.master = [0; 32];
    }
}
