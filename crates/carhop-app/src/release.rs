//! A release: the one decision that may open a lock or arm a pump. Everything it read is a precondition of its append,
//! and the signed command leaves only from the outbox (`design.md` §2, style §8).

use carhop_kernel::evidence::Fact;
use carhop_kernel::id::{CommandId, EventId, ReleaseId, SessionId};
use carhop_kernel::order::Service;
use carhop_kernel::session::{Action, LegIndex, Release, ReleaseOrder};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::{TokenEnd, TokenLayer};
use carhop_proofs::command::{COMMAND_LIFETIME_MS, Command, CommandAction, sign};

use crate::app::{App, fresh};
use crate::batch::{Effect, Timer, TimerSubject};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::judge::{Ask, Stop};
use crate::reads::{Reads, retry};
use crate::records::{CommandRecord, DeviceRecord, SignedCommandRecord, StopOrder, TokenRow};
use crate::token::PresentedToken;

impl App {
    /// Releases one leg to the assigned driver who holds a live action token for it.
    pub async fn release(
        &self,
        call: &Call,
        session: SessionId,
        leg: LegIndex,
        secret: &str,
    ) -> Result<Reply, Failure> {
        retry!(self.try_release(call, session, leg, secret).await)
    }

    async fn try_release(
        &self,
        call: &Call,
        id: SessionId,
        leg: LegIndex,
        secret: &str,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let stop = self.stop_of_driver(call, &mut reads, id, "release").await?;
        let terms = &stop.session.leg(leg).ok_or(Failure::invalid("leg", "no such leg"))?.terms;
        let actuator = reads.device(terms.device).await?.ok_or(Failure::NotFound)?;
        let actuator_busy = serves_another(&mut reads, &actuator, id).await?;
        let presented = self.presented_token(&mut reads, call, &stop, secret).await?;
        let order = ReleaseOrder { leg, release: self.allocate(&actuator, reads.now)? };
        let action = match terms.service {
            Service::Goods { .. } => Action::ReleaseCompartment(order),
            Service::Fuel { .. } => Action::DispenseFuel(order),
        };
        let ask = Ask {
            evidence: token_evidence(&presented, &stop),
            leg: Some(leg),
            token: presented.facts,
            token_hash: presented.hash,
            actuator: Some(actuator.clone()),
            actuator_busy,
            ..Ask::default()
        };
        self.apply(call, &reads, &stop, action, ask, |batch| {
            let token = presented.row.ok_or(Failure::Internal("a release without a token"))?;
            batch.store(&command_record(&stop, &actuator, &order, &token))?;
            batch.store(&token.end(TokenEnd::Spent))?;
            let bytes = self.signed_command(&stop, &order, &reads)?;
            let command = order.release.command;
            batch.store(&SignedCommandRecord { command, bytes: bytes.clone() })?;
            batch.effects.push((fresh!(self, EventId), send(&stop, &actuator, &order, bytes)));
            batch.timers.push(silence_timer(&batch.partition, id, &order.release));
            let counter = order.release.counter;
            batch.store(&DeviceRecord { counter, serving: Some(id), ..actuator.clone() })?;
            Ok(())
        })
        .await
    }

    /// A release with its command id, the device's next counter and an expiry (standards §3).
    fn allocate(&self, actuator: &DeviceRecord, now: Timestamp) -> Result<Release, Failure> {
        let counter = actuator.counter.checked_add(1);
        Ok(Release {
            release: fresh!(self, ReleaseId),
            command: fresh!(self, CommandId),
            counter: counter.ok_or(Failure::Internal("a device without a counter to go on to"))?,
            expires_at: now.plus_ms(COMMAND_LIFETIME_MS),
        })
    }

    async fn presented_token(
        &self,
        reads: &mut Reads<'_>,
        call: &Call,
        stop: &Stop,
        secret: &str,
    ) -> Result<PresentedToken, Failure> {
        let found = self.live_row(reads, secret).await?;
        let here = |row: &TokenRow| {
            row.token.layer == TokenLayer::Action && row.token.session == stop.session.id
        };
        let Some(row) = found.filter(here) else { return Ok(PresentedToken::NONE) };
        let judged = self.judge_chain(reads, &row, &stop.session, call.key).await?;
        Ok(PresentedToken::judged(row, judged.err(), reads.now))
    }

    fn signed_command(
        &self,
        stop: &Stop,
        order: &ReleaseOrder,
        reads: &Reads<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let leg = stop.session.leg(order.leg).ok_or(Failure::NotFound)?;
        let action = match leg.terms.service {
            Service::Goods { compartment, .. } => {
                CommandAction::Open { compartment: compartment.wire_number() }
            }
            Service::Fuel { grade, limit_ml } => {
                CommandAction::Arm { max_ml: limit_ml, grade: grade.wire_number() }
            }
        };
        let command = Command {
            id: order.release.command,
            audience: leg.terms.device,
            action,
            session: stop.session.id,
            order: stop.session.order.digest,
            release: order.release.release,
            counter: order.release.counter,
            trust_epoch: stop.tenant.trust_epoch,
            issued_at: reads.now,
            expires_at: order.release.expires_at,
        };
        self.signed(reads, &command)
    }

    /// The signed bytes of a command, under the tenant's command key.
    pub(crate) fn signed(&self, reads: &Reads<'_>, command: &Command) -> Result<Vec<u8>, Failure> {
        let key = self
            .parts
            .keyring
            .command_key(self.suite(), &reads.partition.tenant)
            .map_err(|_| Failure::Internal("a command key that is none"))?;
        sign(self.suite(), &key, command)
            .map_err(|_| Failure::Internal("a command that cannot be signed"))
    }
}

/// Whether the device may still be acting for another stop. That stop's head is read with it, so whoever ends or begins
/// anything there makes this decision be made again.
async fn serves_another(
    reads: &mut Reads<'_>,
    actuator: &DeviceRecord,
    session: SessionId,
) -> Result<bool, Failure> {
    match actuator.serving.filter(|serving| *serving != session) {
        Some(other) => Ok(reads.session(other).await?.occupies(actuator.device, reads.now)),
        None => Ok(false),
    }
}

fn send(stop: &Stop, actuator: &DeviceRecord, order: &ReleaseOrder, bytes: Vec<u8>) -> Effect {
    Effect::SendCommand {
        device: actuator.device,
        session: stop.session.id,
        command: order.release.command,
        expires_at: order.release.expires_at,
        bytes,
    }
}

/// A token without a flaw is evidence; one with a flaw is only a fact for the policies to name.
fn token_evidence(
    presented: &PresentedToken,
    stop: &Stop,
) -> Vec<carhop_kernel::evidence::Evidence> {
    let sound = presented.facts.is_some_and(|facts| facts.flaw.is_none());
    let Some(row) = presented.row.as_ref().filter(|_| sound) else { return Vec::new() };
    let (Some(scope), Some(device)) = (row.token.scope, row.token.audience) else {
        return Vec::new();
    };
    let fact = Fact::ActionToken { token: row.token.id, scope, device };
    vec![crate::customer::evidence(fact, &stop.session, row.token.issued_at)]
}

fn command_record(
    stop: &Stop,
    actuator: &DeviceRecord,
    order: &ReleaseOrder,
    token: &TokenRow,
) -> CommandRecord {
    CommandRecord {
        command: order.release.command,
        device: actuator.device,
        session: stop.session.id,
        leg: order.leg,
        release: order.release.release,
        token: token.hash,
        asked: 0,
        asked_at: None,
        stop: StopOrder::None,
    }
}

/// When what a device has not answered by then is silence.
pub(crate) fn silence_timer(
    partition: &crate::record::Partition,
    session: SessionId,
    release: &Release,
) -> Timer {
    let subject = TimerSubject::Silence { session, command: release.command };
    Timer::new(partition.clone(), subject, release.expires_at.plus_ms(RECEIPT_GRACE_MS))
}

/// How long after a command's expiry its receipt may still be under way.
pub(crate) const RECEIPT_GRACE_MS: u64 = 5_000;
