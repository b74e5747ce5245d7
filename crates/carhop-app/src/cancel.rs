//! Cancels: a signed order never to carry out a command, and to stop what has begun under it. Its signed answer is the only
//! proof that nothing happened (`design.md` §9.1). A cancel can only stop something, so nothing is judged before it is made.
//!
//! Each is a command of its own and dies in seconds like any other. What lasts is the order: it is remembered with the
//! command it stops, and `timers` makes another cancel of it until the device has answered.

use carhop_kernel::id::{CommandId, DeviceId, EventId, SessionId};
use carhop_kernel::limits;
use carhop_kernel::session::{Leg, LegKind, Release, Session};
use carhop_kernel::time::Timestamp;
use carhop_proofs::command::{COMMAND_LIFETIME_MS, COMMAND_SKEW_MS, Command, CommandAction};

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, DeviceEvent, Effect, Meta, Stream, TimerSubject};
use crate::failure::Failure;
use crate::reads::Reads;
use crate::records::{CommandRecord, DeviceRecord, SignedCommandRecord, StopOrder};
use crate::release::RECEIPT_GRACE_MS;

/// A signed cancel that waits for its append.
pub(crate) struct Cancel {
    session: SessionId,
    release: Release,
    actuator: DeviceRecord,
    command: CommandRecord,
    id: CommandId,
    expires_at: Timestamp,
    bytes: Vec<u8>,
}

impl App {
    /// A cancel of what is under way at a lock or pump and can still be stopped, if there is such a thing.
    pub(crate) async fn cancel_of(
        &self,
        reads: &mut Reads<'_>,
        session: &Session,
    ) -> Result<Option<Cancel>, Failure> {
        let stoppable = session.legs.iter().filter(|leg| leg.state.kind().may_act());
        let mut stoppable = stoppable.filter_map(|leg| leg.state.release().zip(Some(leg)));
        let Some((release, leg)) = stoppable.next() else { return Ok(None) };
        let device = leg.terms.device;
        let actuator = reads.load::<DeviceRecord>(device.to_string()).await?;
        let command = reads.load::<CommandRecord>(release.command.to_string()).await?;
        let tenant = reads.tenant().await?;
        let expires_at = reads.now.plus_ms(COMMAND_LIFETIME_MS);
        let counter = actuator.counter + 1;
        let id = fresh!(self, CommandId);
        let bytes = self.signed(
            reads,
            &Command {
                id,
                audience: device,
                action: CommandAction::Cancel { command: release.command },
                session: session.id,
                order: session.order.digest,
                release: release.release,
                counter,
                trust_epoch: tenant.trust_epoch,
                issued_at: reads.now,
                expires_at,
            },
        )?;
        Ok(Some(Cancel {
            session: session.id,
            release: *release,
            actuator: DeviceRecord { counter, ..actuator },
            command,
            id,
            expires_at,
            bytes,
        }))
    }
}

impl Cancel {
    /// Whom it tells to stop.
    pub(crate) const fn device(&self) -> DeviceId {
        self.actuator.device
    }

    /// The same to a device that is frozen with it.
    pub(crate) fn of_frozen(self) -> Self {
        Self { actuator: DeviceRecord { frozen: true, ..self.actuator }, ..self }
    }

    /// Whether the order was given before.
    pub(crate) fn is_repeated(&self) -> bool {
        self.command.stop != StopOrder::None
    }

    /// Gives the order: the cancel leaves once the batch is durable, and others follow it until the device answers.
    pub(crate) fn give(self, batch: &mut Batch, app: &App) -> Result<(), Failure> {
        let (session, command) = (self.session, self.release.command);
        // A command that has only just left may still be answered as it was meant to be.
        let due_at = self.release.expires_at.max(batch.at).plus_ms(RECEIPT_GRACE_MS);
        batch.set_timer(TimerSubject::Silence { session, command }, due_at);
        self.add_to(batch, app, StopOrder::Given)
    }

    /// Has the cancel leave once the batch is durable, and remembers how far the order has come.
    pub(crate) fn add_to(
        self,
        batch: &mut Batch,
        app: &App,
        stop: StopOrder,
    ) -> Result<(), Failure> {
        let Self { actuator, command, id, expires_at, bytes, .. } = self;
        let device = actuator.device;
        let event = DeviceEvent::CancelMade { device, cancel: id, command: command.command };
        batch.record(app, Stream::Device(device), &Meta::system(), Body::Device(event));
        batch.store(&actuator)?;
        batch.store(&CommandRecord { stop, ..command })?;
        batch.store(&SignedCommandRecord { command: id, bytes: bytes.clone() })?;
        let effect = Effect::SendCancel { device, expires_at, bytes };
        batch.effects.push((fresh!(app, EventId), effect));
        Ok(())
    }
}

/// First instant at which nothing can happen any more under a release, whatever its device hears: a lock refuses the
/// command, a pump has stopped by itself. `None` for a leg without a release.
pub(crate) fn quiet_at(leg: &Leg) -> Option<Timestamp> {
    let dead_at = leg.state.release()?.expires_at.plus_ms(COMMAND_SKEW_MS);
    Some(match leg.kind() {
        LegKind::Goods => dead_at,
        LegKind::Fuel => dead_at.plus_ms(limits::DISPENSING_MS_MAX + RECEIPT_GRACE_MS),
    })
}
