//! Takes a report from the physical world; may not refuse it. Every pair of state and report has an answer: what fits
//! moves its leg, what repeats changes nothing, and what nothing explains becomes an exception that is never lost.

use alloc::vec;
use alloc::vec::Vec;

use super::consequences::held;
use super::decide::concluded;
use super::event::{BindingEnd, Event, Exception, HoldCause, NotExecuted};
use super::leg::{LegFailure, LegIndex, LegState};
use super::report::Report;
use super::state::Session;
use crate::digest::EvidenceHash;
use crate::id::{CommandId, DeviceId};
use crate::limits;
use crate::order::Service;
use crate::time::Timestamp;

/// What a report comes to at `now`.
pub fn observe(session: &Session, report: &Report, now: Timestamp) -> Vec<Event> {
    let events = match *report {
        Report::LockOpened { device, command, receipt } => {
            lock_opened(session, device, command, receipt)
        }
        Report::LockLocked { device } => lock_locked(session, device),
        Report::LockJammed { command } => lock_jammed(session, command),
        Report::PumpArmed { command, receipt } => pump_armed(session, command, receipt),
        Report::MeterAdvanced { device, command, number, metered_ml } => {
            meter_advanced(session, device, command, number, metered_ml)
        }
        Report::DispensingEnded { device, command, metered_ml } => {
            dispensing_ended(session, device, command, metered_ml)
        }
        Report::NotExecuted { command, why } => not_executed(session, command, why),
        Report::Silence { command } => silence(session, command),
        Report::VehicleMoved => vehicle_moved(session, now),
        Report::Tampered { device } => tampered(session, device, now),
        Report::InterlockTripped { device, .. } => {
            vec![exception(Exception::InterlockTripped, leg_of_device(session, device), device)]
        }
        Report::TemperatureOutOfRange { device } => {
            vec![exception(
                Exception::TemperatureOutOfRange,
                leg_of_device(session, device),
                device,
            )]
        }
    };
    concluded(session, events)
}

fn lock_opened(
    session: &Session,
    device: DeviceId,
    command: Option<CommandId>,
    receipt: EvidenceHash,
) -> Vec<Event> {
    let explained = command.and_then(|command| {
        let leg = session.leg_of_command(command)?;
        (session.leg(leg)?.terms.device == device).then_some((leg, command))
    });
    let Some((leg, command)) = explained else {
        return unexplained(session, Exception::OpenedWithoutLeave, device);
    };
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Commanded(_) | LegState::Indeterminate(_)) => {
            let mut events = vec![Event::CompartmentOpened { leg, command, receipt }];
            if !session.is_active() {
                events.push(exception(Exception::OpenedAfterEnd, Some(leg), device));
            }
            events
        }
        Some(LegState::Open { .. } | LegState::Transferred { .. }) => Vec::new(),
        Some(_) | None => unexplained(session, Exception::OpenedWithoutLeave, device),
    }
}

fn lock_locked(session: &Session, device: DeviceId) -> Vec<Event> {
    let open = session.legs().find(|(_, leg)| {
        leg.terms.device == device
            && matches!(
                leg.state,
                LegState::Open { locked: false, .. } | LegState::Transferred { .. }
            )
    });
    match open {
        Some((leg, open)) if matches!(open.state, LegState::Transferred { .. }) => {
            vec![Event::CompartmentLocked { leg }, Event::CompartmentSecured { leg }]
        }
        Some((leg, _)) => vec![Event::CompartmentLocked { leg }],
        None => Vec::new(),
    }
}

fn lock_jammed(session: &Session, command: CommandId) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else { return Vec::new() };
    match session.leg(leg) {
        Some(jammed)
            if matches!(jammed.state, LegState::Commanded(_) | LegState::Indeterminate(_)) =>
        {
            vec![
                Event::LegFailed { leg, why: LegFailure::Jammed },
                exception(Exception::LockJammed, Some(leg), jammed.terms.device),
            ]
        }
        Some(_) | None => Vec::new(),
    }
}

fn pump_armed(session: &Session, command: CommandId, receipt: EvidenceHash) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else { return Vec::new() };
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Commanded(_) | LegState::Indeterminate(_)) => {
            vec![Event::PumpArmed { leg, command, receipt }]
        }
        Some(_) | None => Vec::new(),
    }
}

fn meter_advanced(
    session: &Session,
    device: DeviceId,
    command: CommandId,
    number: u32,
    metered_ml: u32,
) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else {
        return unexplained_flow(session, device, metered_ml);
    };
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Dispensing { metered_ml: before, .. }) if metered_ml >= before => {
            vec![Event::MeterAdvanced { leg, number, metered_ml }]
        }
        Some(_) | None => Vec::new(),
    }
}

fn dispensing_ended(
    session: &Session,
    device: DeviceId,
    command: CommandId,
    metered_ml: u32,
) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else {
        return unexplained_flow(session, device, metered_ml);
    };
    let Some(LegState::Dispensing { .. }) = session.leg(leg).map(|leg| leg.state) else {
        return Vec::new();
    };
    let ended = Event::DispensingEnded { leg, metered_ml };
    if metered_ml == 0 {
        return vec![ended, Event::LegFailed { leg, why: LegFailure::NothingDispensed }];
    }
    let mut events = vec![ended, Event::FuelSettled { leg, metered_ml }];
    if metered_ml > limit_ml(session, leg).saturating_add(limits::FUEL_OVERRUN_ML_MAX) {
        events.push(exception(Exception::OverDispensed, Some(leg), device));
    }
    events
}

fn limit_ml(session: &Session, leg: LegIndex) -> u32 {
    match session.leg(leg).map(|leg| &leg.terms.service) {
        Some(Service::Fuel { limit_ml, .. }) => *limit_ml,
        Some(Service::Goods { .. }) | None => 0,
    }
}

fn not_executed(session: &Session, command: CommandId, why: NotExecuted) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else { return Vec::new() };
    // What may have left is not unsent, and what was executed cannot be unexecuted.
    let unsent = |state| matches!(state, LegState::Released(_) | LegState::Authorised(_));
    let awaited = |state| matches!(state, LegState::Commanded(_) | LegState::Indeterminate(_));
    let believable = session
        .leg(leg)
        .map(|leg| leg.state)
        .is_some_and(|state| unsent(state) || awaited(state) && why != NotExecuted::Unsent);
    if believable { vec![Event::ReleaseNotExecuted { leg, command, why }] } else { Vec::new() }
}

fn silence(session: &Session, command: CommandId) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else { return Vec::new() };
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Commanded(_)) => vec![Event::ReleaseUnconfirmed { leg, command }],
        Some(_) | None => Vec::new(),
    }
}

/// A moving car ends the binding; if something is under way, the session is frozen, somebody looks, and the binding
/// ends when the hold is lifted (M-VEH-2, M-VEH-4).
fn vehicle_moved(session: &Session, now: Timestamp) -> Vec<Event> {
    if session.bound().is_none() {
        return Vec::new();
    }
    let Some((leg, state)) = session.legs().find(|(_, leg)| leg.state.kind().is_under_way()) else {
        return vec![Event::BindingVoided { why: BindingEnd::Moved }];
    };
    let Some(held) = held(session, HoldCause::VehicleMoved, now) else { return Vec::new() };
    vec![exception(Exception::VehicleMoved, Some(leg), state.terms.device), held]
}

fn tampered(session: &Session, device: DeviceId, now: Timestamp) -> Vec<Event> {
    let mut events = vec![exception(Exception::Tampered, leg_of_device(session, device), device)];
    if session.is_active() {
        events.extend(held(session, HoldCause::Tamper, now));
    }
    events
}

fn unexplained(session: &Session, what: Exception, device: DeviceId) -> Vec<Event> {
    vec![exception(what, leg_of_device(session, device), device)]
}

fn unexplained_flow(session: &Session, device: DeviceId, metered_ml: u32) -> Vec<Event> {
    let settled = session
        .legs
        .iter()
        .any(|leg| leg.terms.device == device && leg.state == LegState::Settled { metered_ml });
    if metered_ml == 0 || settled {
        return Vec::new();
    }
    unexplained(session, Exception::FlowWithoutLeave, device)
}

fn leg_of_device(session: &Session, device: DeviceId) -> Option<LegIndex> {
    session.legs().find(|(_, leg)| leg.terms.device == device).map(|(index, _)| index)
}

const fn exception(what: Exception, leg: Option<LegIndex>, device: DeviceId) -> Event {
    Event::ExceptionRaised { exception: what, leg, device: Some(device) }
}
