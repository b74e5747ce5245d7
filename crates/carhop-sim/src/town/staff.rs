//! The staff of a stop: lifts holds once somebody has looked, finds out what nobody knows, mends and clears what is broken
//! or frozen. It sees metal as it is, which no server does.

use std::rc::Rc;

use carhop_app::batch::Clearance;
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{Basis, Exception, Finding, LegStateKind};
use carhop_kernel::time::Timestamp;

use crate::happening::Ask;
use crate::town::Town;
use crate::town::people::{named, step};
use crate::town::visit::{NextLeg, Visit};
use crate::world::metal::Actuator;

/// The staff of a stop: lifts holds once somebody has looked, finds out what nobody knows, clears what is frozen.
pub(crate) async fn staff(town: Rc<Town>, visit: Rc<Visit>) {
    let nudge = visit.joined(&town);
    let mut unknown_since: Option<Timestamp> = None;
    while !visit.is_over(&town) {
        let Some(session) = visit.session.get() else {
            town.heart.wait(&nudge, None).await;
            continue;
        };
        let held = visit.look(&town, |session| session.hold().is_some()).unwrap_or_default();
        if held {
            town.heart.sleep(town.heart.draw(10_000, 60_000)).await;
            mend(&town, &visit).await;
            let _ = step!(town, &visit.staff, Ask::Resume { session }, |app, call| {
                app.resume(&call, session).await
            });
        }
        let leg = visit.next_leg(&town);
        let is_silent =
            visit.look(&town, |it| it.raised.contains_key(&Exception::MeterSilent)) == Some(true);
        let unknown = leg.filter(|leg| {
            leg.state == LegStateKind::Indeterminate
                || leg.runs() && is_silent
                || is_a_lie(&town, &visit, *leg)
        });
        let now = town.heart.now();
        match (unknown, unknown_since) {
            (None, _) => unknown_since = None,
            (Some(_), None) => unknown_since = Some(now),
            (Some(leg), Some(since))
                if now >= since.plus_ms(INSPECT_AFTER_MS) && is_a_lie(&town, &visit, leg) =>
            {
                let _ = step!(town, &visit.staff, Ask::Revoke { session }, |app, call| {
                    app.revoke(&call, session).await
                });
            }
            (Some(leg), Some(since)) if now >= since.plus_ms(INSPECT_AFTER_MS) => {
                find_out(&town, &visit, session, leg).await;
            }
            (Some(_), Some(_)) => {}
        }
        let soon = held || unknown_since.is_some();
        let wait_ms = if soon { 30_000 } else { 300_000 };
        town.heart.wait(&nudge, Some(town.heart.now().plus_ms(wait_ms))).await;
    }
}

/// Whether a lock whose key somebody holds claims that its door stands open: nobody will ever hear that it is shut.
fn is_a_lie(town: &Town, visit: &Visit, leg: NextLeg) -> bool {
    matches!(leg.state, LegStateKind::Open | LegStateKind::Transferred)
        && town.taken.borrow().contains(&leg.device)
        && visit.look(town, |it| it.raised.contains_key(&Exception::LeftOpen)) == Some(true)
}

/// Somebody goes and looks.
async fn find_out(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId, leg: NextLeg) {
    let was_carried_out = visit
        .look(town, |it| it.leg(leg.index).and_then(|leg| leg.last_command))
        .flatten()
        .is_some_and(|command| town.was_carried_out(command));
    // A pump that runs has said so itself.
    let (index, executed) = (leg.index, was_carried_out || leg.runs());
    let finding = Finding { executed, basis: Basis::Inspected, evidence: None };
    let ask = Ask::Resolve { session, leg: index, executed };
    let _ = step!(town, &visit.staff, ask, |app, call| {
        app.resolve_outcome(&call, session, index, finding).await
    });
}

/// Somebody mends the metal of a stop, and says so where a device is frozen or was tampered with.
pub(crate) async fn mend(town: &Rc<Town>, visit: &Rc<Visit>) {
    for device in visit.devices() {
        device.touch(|actuator, _| {
            actuator.heal();
            if let Actuator::Pump(pump) = actuator {
                pump.check_meter();
            }
        });
        let (id, partition) = (device.id, town.partition(visit.tenant).clone());
        let Some(process) = town.some_server() else { continue };
        let Ok(record) = process.app.view_device(&partition, id).await else { continue };
        let is_frozen = record.frozen || record.distrusted.is_some();
        let clears = [(is_frozen, Clearance::Freeze), (record.tampered, Clearance::Tamper)];
        for (_, of) in clears.into_iter().filter(|(is, _)| *is) {
            let session = visit.session.get().unwrap_or(SessionId::from_bytes([0; 16]));
            let _ = step!(town, &visit.staff, named(session, "clear_device"), |app, call| {
                app.clear_device(&call, id, of, "somebody has looked").await
            });
        }
    }
}

/// How long staff waits for a device to answer before somebody goes and looks; longer than any command lives.
const INSPECT_AFTER_MS: u64 = 120_000;
