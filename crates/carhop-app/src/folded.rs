//! Sessions that were folded already, so that a release does not read its whole history again (`design.md` §4).
//!
//! It is never asked what is so: the version of the session's head is read from the journal each time, and what was folded
//! under another version is not found. A stale entry could only cost a retried append, never give a permit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carhop_kernel::id::SessionId;
use carhop_kernel::session::Session;

use crate::record::Partition;

/// What was folded, with the version of the head it belongs to.
#[derive(Debug)]
pub(crate) struct Folded(Mutex<Entries>);

type Entries = BTreeMap<(Partition, SessionId), (u64, Session)>;

impl Folded {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The session as it was folded under this version of its head.
    pub(crate) fn find(
        &self,
        partition: &Partition,
        session: SessionId,
        version: u64,
    ) -> Option<Session> {
        let place = (partition.clone(), session);
        let entries = self.entries();
        let (under, folded) = entries.get(&place)?;
        (*under == version).then(|| folded.clone())
    }

    /// Keeps what was folded. When there are too many, all are forgotten: they come back as they are asked for.
    pub(crate) fn keep(
        &self,
        partition: &Partition,
        session: SessionId,
        version: u64,
        folded: &Session,
    ) {
        let mut entries = self.entries();
        if entries.len() >= FOLDED_MAX {
            entries.clear();
        }
        entries.insert((partition.clone(), session), (version, folded.clone()));
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions that are kept folded; each takes about two kilobytes.
const FOLDED_MAX: usize = 20_000;
