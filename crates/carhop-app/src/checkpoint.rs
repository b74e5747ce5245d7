//! Signs what the log has come to, and never two stories about it (M-AUD-1, standards §7).
//!
//! The key and the memory of what was signed last lie with a [`Notary`], outside of the journal: a journal restored from
//! a backup is older than what was published, and must not be signed again as something else.

use carhop_proofs::audit::Checkpoint;
use carhop_proofs::merkle::Hash;

use crate::app::App;
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::Partition;
use crate::records::CheckpointRecord;

/// Holds the key of each log, and remembers what it signed with it.
pub trait Notary: Send + Sync {
    /// The last checkpoint that was signed for a partition's log.
    fn last(&self, partition: &Partition) -> Result<Option<Checkpoint>, NotaryError>;

    /// Signs that the log has this root at this size. What it returns will be remembered whatever happens to the journal.
    fn sign(&self, partition: &Partition, size: u64, root: Hash) -> Result<String, NotaryError>;
}

/// The notary could not read its memory, or not write it, or not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log cannot be signed: {0}")]
pub struct NotaryError(pub String);

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The log does not continue the one that was signed: it was restored, rebuilt or rewritten. Only the operator can
    /// begin a new one.
    #[error("the log of {size} entries does not continue the one of {signed} that was signed last")]
    Diverged {
        /// How many entries were signed.
        signed: u64,
        /// How many there are.
        size: u64,
    },
    /// The notary failed.
    #[error(transparent)]
    Notary(#[from] NotaryError),
    /// The journal failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl App {
    /// Signs and keeps a checkpoint over everything that has a position, if that is more than was signed last. Only what
    /// is durable has a position, so a checkpoint never covers what a crash could take back.
    pub async fn sign_checkpoint(
        &self,
        partition: &Partition,
        notary: &dyn Notary,
    ) -> Result<u64, CheckpointError> {
        let log = self.log(partition);
        let (size, root) = log.root().await?;
        if let Some(last) = notary.last(partition)? {
            let continued = size >= last.size && log.root_at(last.size).await? == Some(last.root);
            if !continued {
                return Err(CheckpointError::Diverged { signed: last.size, size });
            }
        }
        if size == 0 || self.peek::<CheckpointRecord>(partition, key(size)).await?.is_some() {
            return Ok(size);
        }
        // Signed a second time after a crash in between, the note is the same: Ed25519 takes no chance.
        let note = notary.sign(partition, size, root)?;
        let mut batch = Reads::new(self, partition).batch();
        batch.store(&CheckpointRecord { size, note }).map_err(Failure::from)?;
        self.append(batch, None).await.map_err(Failure::from)?;
        Ok(size)
    }
}

fn key(size: u64) -> String {
    CheckpointRecord::key_of(size)
}
