//! What is durable, who was told so, and what left because of it.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::Asker;
use carhop_app::batch::{Batch, Body, Effect, Entry, Stream};
use carhop_app::record::Kind;
use carhop_kernel::id::{CommandId, DeviceId, EventId, ReleaseId, SessionId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::Event;
use carhop_proofs::suite::{RustCrypto, Suite};

use super::invariant::Invariant;
use super::ledger::Ledger;
use crate::happening::{Answer, Ask, Broken, Happening};

/// Everything that became durable, and what hangs on it.
#[derive(Debug, Default)]
pub(super) struct Durable {
    events: BTreeSet<EventId>,
    appends: BTreeSet<u64>,
    releases: BTreeSet<ReleaseId>,
    decisions: BTreeSet<String>,
    /// Commands and cancels by the hash of their bytes.
    effects: BTreeMap<[u8; 32], (DeviceId, Option<CommandId>)>,
    left: BTreeSet<CommandId>,
    refusals: BTreeMap<SessionId, Refusals>,
    /// Which questions were asked, and what each of them has come to.
    asked: BTreeMap<u64, Ask>,
    orders: u64,
    placed: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Refusals {
    journaled: Vec<Vec<Reason>>,
    is_capped: bool,
}

impl Durable {
    /// Follows what happens.
    pub(super) fn see(&mut self, ledger: &Ledger, happening: &Happening) -> Result<(), Broken> {
        if let Happening::Acknowledged { append, .. } = happening {
            return Invariant::AcknowledgedIsRemembered
                .require(self.appends.contains(append), || {
                    format!("append {append} was acknowledged and is not durable")
                });
        }
        if let Happening::Recovered { events, server } = happening {
            let recovered: BTreeSet<EventId> = events.iter().copied().collect();
            let lost = self.events.difference(&recovered).next();
            return Invariant::AcknowledgedIsRemembered.require(lost.is_none(), || {
                format!("server {} starts without {lost:?}, which was durable", server.0)
            });
        }
        if let Happening::CommandLeft { device, bytes, .. } = happening {
            return self.leave(ledger, *device, bytes);
        }
        if let Happening::Asked { question, ask, .. } = happening {
            self.asked.insert(*question, *ask);
            if *ask == Ask::PlaceOrder {
                self.placed.insert(*question);
            }
        }
        if let Happening::Answered { question, ask, answer, .. } = happening {
            self.answer(ledger, *question, *ask, answer)?;
        }
        Ok(())
    }

    /// Takes a batch that became durable.
    pub(super) fn append(&mut self, append: u64, batch: &Batch) -> Result<(), Broken> {
        self.appends.insert(append);
        for (_, effect) in &batch.effects {
            let (device, command, bytes) = match effect {
                Effect::SendCommand { device, command, bytes, .. } => {
                    (*device, Some(*command), bytes)
                }
                Effect::SendCancel { device, bytes, .. } => (*device, None, bytes),
            };
            self.effects.insert(RustCrypto.sha256(&[bytes]), (device, command));
        }
        for write in batch.writes.iter().filter(|write| write.key.kind == Kind::Decision) {
            self.decisions.insert(write.key.key.clone());
        }
        batch.entries.iter().try_for_each(|entry| self.enter(entry))
    }

    fn enter(&mut self, entry: &Entry) -> Result<(), Broken> {
        Invariant::AcknowledgedIsRemembered
            .require(self.events.insert(entry.id), || format!("{} is durable twice", entry.id))?;
        if let Body::Session(event) = &entry.body {
            if let Event::ReleaseAuthorised { release, .. } = &**event {
                self.releases.insert(release.release);
            }
            if let Event::SessionRequested { .. } = &**event {
                self.orders += 1;
                let (orders, placed) = (self.orders, self.placed.len() as u64);
                Invariant::AskedOnceIsDoneOnce.require(orders <= placed, || {
                    format!("{orders} stops were opened and {placed} orders placed")
                })?;
            }
        }
        let Stream::Side(id) = entry.stream else { return Ok(()) };
        let refusals = self.refusals.entry(id).or_default();
        if let Body::Refused(refused) = &entry.body {
            refusals.journaled.push(refused.reasons.clone());
        }
        if let Body::ProofFailed { reason, .. } = &entry.body {
            refusals.journaled.push(vec![*reason]);
        }
        refusals.is_capped |= matches!(entry.body, Body::RefusalsCapped { by: Asker::Party, .. });
        let count = refusals.journaled.len();
        Invariant::RefusalsAreBounded
            .require(count <= REFUSALS_MAX, || format!("{count} refusals of {id} are journaled"))
    }

    fn leave(&mut self, ledger: &Ledger, device: DeviceId, bytes: &[u8; 32]) -> Result<(), Broken> {
        let Some((audience, command)) = self.effects.get(bytes) else {
            let why = format!("something left for {device} that no journal knows");
            return Err(Invariant::DurableBeforeSent.broken(why));
        };
        Invariant::DurableBeforeSent.require(*audience == device, || {
            format!("what is meant for {audience} left for {device}")
        })?;
        // A cancel may leave again and again: it can only stop something.
        let Some(command) = command else { return Ok(()) };
        let is_sent = ledger.commands.get(command).is_some_and(|made| made.is_sent);
        Invariant::DurableBeforeSent
            .require(is_sent, || format!("{command} leaves before that is durable"))?;
        Invariant::DurableBeforeSent
            .require(self.left.insert(*command), || format!("{command} leaves a second time"))
    }

    fn answer(
        &mut self,
        ledger: &Ledger,
        question: u64,
        ask: Ask,
        answer: &Answer,
    ) -> Result<(), Broken> {
        if let Answer::Refused(reasons) = answer
            && let Some(id) = steered(ask)
            && ledger.stops.contains_key(&id)
        {
            let refusals = self.refusals.get(&id);
            let is_journaled =
                refusals.is_some_and(|it| it.is_capped || it.journaled.contains(reasons));
            return Invariant::RefusalsAreJournaled.require(is_journaled, || {
                format!("question {question} was refused at {id} ({reasons:?}), unjournaled")
            });
        }
        let Answer::Done(reply) = answer else { return Ok(()) };
        let session = reply.session.is_none_or(|id| ledger.stops.contains_key(&id));
        let release = reply.release.is_none_or(|id| self.releases.contains(&id));
        let decision = reply.decision.is_none_or(|id| self.decisions.contains(&id.to_string()));
        Invariant::AcknowledgedIsRemembered.require(session && release && decision, || {
            format!("question {question} was answered with {reply:?}, which is not durable")
        })
    }
}

/// The stop that is steered; what else is refused need not be about one that exists.
fn steered(ask: Ask) -> Option<SessionId> {
    match ask {
        Ask::Amend { session, .. }
        | Ask::Release { session, .. }
        | Ask::Revoke { session }
        | Ask::Hold { session }
        | Ask::Resume { session }
        | Ask::Assign { session, .. }
        | Ask::Resolve { session, .. } => Some(session),
        Ask::PlaceOrder | Ask::Withdraw { .. } | Ask::HoldTenant { .. } | Ask::Step { .. } => None,
    }
}

/// Refusals of one stop that are journaled, of those who take part and of strangers, with those that were under way when
/// there were enough.
const REFUSALS_MAX: usize = 256 + 256 + 16;
