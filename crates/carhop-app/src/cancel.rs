//! Cancels: a signed order never to carry out a command, whose signed answer is the only proof that it was not (`design.md`
//! §9.1). A cancel can only stop something, so nothing is judged before it is made.

use carhop_kernel::id::{CommandId, EventId};
use carhop_kernel::session::{LegState, Session};
use carhop_proofs::command::{COMMAND_LIFETIME_MS, Command, CommandAction};

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, DeviceEvent, Effect, Meta, Stream};
use crate::failure::Failure;
use crate::reads::Reads;
use crate::records::DeviceRecord;

/// A signed cancel that waits for its append.
pub(crate) struct Cancel {
    actuator: DeviceRecord,
    command: CommandId,
    id: CommandId,
    effect: Effect,
}

impl App {
    /// A cancel of what is under way at a lock or pump and can still be stopped, if there is such a thing.
    pub(crate) async fn cancel_of(
        &self,
        reads: &mut Reads<'_>,
        session: &Session,
    ) -> Result<Option<Cancel>, Failure> {
        let stoppable = session.legs.iter().find_map(|leg| match leg.state {
            LegState::Commanded(release)
            | LegState::Indeterminate(release)
            | LegState::Dispensing { release, .. } => Some((leg.terms.device, release)),
            LegState::Pending
            | LegState::Released(_)
            | LegState::Authorised(_)
            | LegState::Open { .. }
            | LegState::Transferred { .. }
            | LegState::Secured
            | LegState::Dispensed { .. }
            | LegState::Settled { .. }
            | LegState::Failed(_) => None,
        });
        let Some((device, release)) = stoppable else { return Ok(None) };
        let actuator = reads.load::<DeviceRecord>(device.to_string()).await?;
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
            actuator: DeviceRecord { counter, ..actuator },
            command: release.command,
            id,
            effect: Effect::SendCancel { device, expires_at, bytes },
        }))
    }
}

impl Cancel {
    /// Has the cancel leave once the batch is durable.
    pub(crate) fn add_to(self, batch: &mut Batch, app: &App) -> Result<(), Failure> {
        let Self { actuator, command, id, effect } = self;
        let device = actuator.device;
        let event = DeviceEvent::CancelMade { device, cancel: id, command };
        batch.record(app, Stream::Device(device), &Meta::system(), Body::Device(event));
        batch.store(&actuator)?;
        batch.effects.push((fresh!(app, EventId), effect));
        Ok(())
    }
}
