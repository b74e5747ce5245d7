//! Where a statement stands in its device's chain, also where a restored journal has forgotten part of it: what the device
//! had said until it came back is heard in any order, and from there on the chain goes on without a gap (decision 0005).
//!
//! What a statement means is not asked here, nor whether it is known already.

use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::id::DeviceId;
use carhop_proofs::frame::Position;
use carhop_proofs::statement::{ChainError, ChainHead, Statement, next_head};
use carhop_proofs::suite::Suite;

use crate::records::{ChainRecord, Lost};

/// Where a statement belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the end: this is the head now.
    Next(ChainHead),
    /// Somewhere in what was forgotten, before the head.
    Forgotten,
}

/// Finds the place of a statement.
pub(crate) fn place(
    suite: &dyn Suite,
    chain: Option<&ChainRecord>,
    statement: &Statement,
    bytes: &[u8],
) -> Result<Place, ChainError> {
    let found = chain.and_then(|chain| chain.forgotten(suite, statement, bytes));
    if let Some(place) = found {
        return Ok(place);
    }
    let head = chain.filter(|chain| chain.is_heard()).map(|chain| ChainHead {
        boot_epoch: chain.boot_epoch,
        sequence: chain.sequence,
        hash: chain.hash.0,
    });
    next_head(suite, head.as_ref(), statement, bytes).map(Place::Next)
}

impl ChainRecord {
    /// The chain of a device that has said nothing.
    pub(crate) const fn unheard(device: DeviceId) -> Self {
        let hash = EvidenceHash([0; 32]);
        Self { device, boot_epoch: 0, sequence: 0, hash, metering: None, lost: None, heard: None }
    }

    /// The chain as a restored journal has it: the device may have said more.
    pub(crate) fn cut(self) -> Self {
        // Of two backups that were brought back one after the other the earlier end counts.
        let after = self.lost.map_or(self.end(), |lost| lost.after.min(self.end()));
        Self { lost: Some(Lost { after, until: None }), ..self }
    }

    /// The chain once its device has come back and says which statement it makes next; `None` if that changes nothing.
    pub(crate) fn greeted(self, next: Position) -> Option<Self> {
        let lost = self.lost.filter(|_| self.is_open())?;
        let until = Some((next.boot_epoch, next.sequence));
        (lost.until != until).then_some(Self { lost: Some(Lost { until, ..lost }), ..self })
    }

    /// The place of a statement that is in the forgotten stretch or the first one after it.
    fn forgotten(&self, suite: &dyn Suite, statement: &Statement, bytes: &[u8]) -> Option<Place> {
        let Statement { boot_epoch, sequence, .. } = *statement;
        let at = (boot_epoch, sequence);
        let goes_on = self.lost?.until == Some(at) && self.is_open() && !self.leads_to(at);
        let is_within = self.is_forgotten(statement);
        if is_within && at <= self.end() {
            return Some(Place::Forgotten);
        }
        let hash = suite.sha256(&[bytes]);
        (is_within || goes_on).then_some(Place::Next(ChainHead { boot_epoch, sequence, hash }))
    }

    /// Whether a statement was made in the forgotten stretch: what its device said next may never be heard.
    pub(crate) fn is_forgotten(&self, statement: &Statement) -> bool {
        let at = (statement.boot_epoch, statement.sequence);
        self.lost
            .is_some_and(|Lost { after, until }| at > after && until.is_none_or(|until| at < until))
    }

    /// Whether the device has not gone on yet from where it came back.
    fn is_open(&self) -> bool {
        self.lost.is_some_and(|lost| lost.until.is_none_or(|until| self.end() < until))
    }

    /// Whether nothing can be missing before the statement with this number.
    fn leads_to(&self, (boot_epoch, sequence): (u32, u64)) -> bool {
        let (boot, last) = self.end();
        boot == boot_epoch && last.checked_add(1) == Some(sequence)
    }

    /// Whether any statement of its device is in it.
    pub(crate) const fn is_heard(&self) -> bool {
        self.boot_epoch > 0
    }

    const fn end(&self) -> (u32, u64) {
        (self.boot_epoch, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

    #[test]
    fn a_device_that_comes_back_more_than_once_before_it_goes_on_goes_on_from_the_last_time() {
        let cut = ChainRecord { boot_epoch: 1, sequence: 10, ..ChainRecord::unheard(DEVICE) }.cut();
        let at = |boot_epoch, sequence| Position { boot_epoch, sequence };
        let back = cut.greeted(at(1, 13)).unwrap();
        assert_eq!(back.lost, Some(Lost { after: (1, 10), until: Some((1, 13)) }));
        assert_eq!(back.greeted(at(1, 13)), None, "nothing new");
        let again = back.greeted(at(2, 0)).unwrap();
        assert_eq!(again.lost.and_then(|lost| lost.until), Some((2, 0)));
        let gone_on = ChainRecord { boot_epoch: 2, ..again };
        let gone_on = ChainRecord { sequence: 0, ..gone_on };
        assert_eq!(gone_on.greeted(at(2, 5)), None, "it is known from there on");
        assert_eq!(ChainRecord::unheard(DEVICE).greeted(at(1, 3)), None, "nothing was lost");
    }
}
