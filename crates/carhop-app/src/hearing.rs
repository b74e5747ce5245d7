//! Who is heard, and how far. A device that lost its place is told and commanded nothing any more, but what it signed about
//! a command that had left is a report, and a report is not refused (`design.md` §2.1, §9.2; decision 0011).
//!
//! What a statement is worth is not asked here: it counts as any other does, and says in the log that nobody trusts its
//! device.

use carhop_kernel::id::DeviceId;
use carhop_proofs::frame::FarewellCode;
use carhop_proofs::statement::{Body, LockEvent};

use crate::app::App;
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::Partition;
use crate::records::{DeviceRecord, SessionHead};

/// How far a device is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// In everything.
    Wholly,
    /// In what it has signed: a leg waits for it. It gets neither the time nor a chance to attest itself, and of commands
    /// only those that stop something.
    LastWords,
    /// Not any more. What it is told in farewell.
    NotAtAll(FarewellCode),
}

impl App {
    /// How far a device is heard now.
    pub async fn hearing(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<Hearing, Failure> {
        let mut reads = Reads::new(self, partition);
        let record = reads.device(device).await?.ok_or(Failure::NotFound)?;
        self.hearing_of(partition, &record).await
    }

    /// The same, of a device whose class and firmware were looked at.
    pub(crate) async fn hearing_of(
        &self,
        partition: &Partition,
        record: &DeviceRecord,
    ) -> Result<Hearing, Failure> {
        if !record.is_shut_out() {
            return Ok(Hearing::Wholly);
        }
        let index = Some(("awaited", record.device.to_string()));
        let awaiting = self.list::<SessionHead>(partition, index, None, 1).await?;
        if !awaiting.is_empty() && record.last_words < LAST_WORDS_MAX {
            return Ok(Hearing::LastWords);
        }
        let code = if record.is_revoked() { FarewellCode::Revoked } else { FarewellCode::Frozen };
        Ok(Hearing::NotAtAll(code))
    }
}

impl DeviceRecord {
    /// The record after a statement was heard.
    pub(crate) fn after(&self, said: &Body) -> Self {
        let tampered = matches!(said, Body::Lock { event: LockEvent::Tampered, .. });
        let heard = if self.is_shut_out() { self.heard_again() } else { self.clone() };
        Self { tampered: heard.tampered || tampered, ..heard }
    }

    /// The record after one more of its last words.
    pub(crate) fn heard_again(&self) -> Self {
        Self { last_words: self.last_words.saturating_add(1), ..self.clone() }
    }
}

/// Statements and connections that are taken of a device since it lost its place: all that may wait in a device
/// (`carhop_agent::limits::OUTBOX_MAX`) and the readings of a longest dispensing, one a second, twice over.
pub const LAST_WORDS_MAX: u32 = 4_096;
