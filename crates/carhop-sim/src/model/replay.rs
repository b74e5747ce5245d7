//! Replay: what a server shows of a session is what its durable events come to. The one check that folds events as the
//! product does: that the fold is right is for all the others to say.

use std::collections::BTreeMap;

use carhop_app::batch::{Batch, Body, Stream};
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{Session, evolve, open};

use super::invariant::Invariant;
use crate::happening::Broken;

/// Every session as its durable events tell it.
#[derive(Debug, Default)]
pub(super) struct Replay(BTreeMap<SessionId, Session>);

impl Replay {
    /// Takes a batch that became durable.
    pub(super) fn append(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            let (Stream::Session(id), Body::Session(event)) = (entry.stream, &entry.body) else {
                continue;
            };
            let after = match self.0.remove(&id) {
                Some(session) => Some(evolve(session, event)),
                None => open(event),
            };
            self.0.extend(after.map(|session| (id, session)));
        }
    }

    /// Judges what a server shows.
    pub(super) fn view(&self, shown: &Session) -> Result<(), Broken> {
        let told = self.0.get(&shown.id);
        Invariant::ReplayGivesTheLiveState.require(told == Some(shown), || {
            format!("{} is shown as {:?}, its events tell {told:?}", shown.id, shown.phase)
        })
    }
}
