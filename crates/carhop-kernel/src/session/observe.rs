//! Takes a report from the physical world; may not refuse it. Every pair of state and report has an answer: what fits
//! moves its leg, what repeats changes nothing, and what nothing explains becomes an exception that is never lost.

use alloc::vec;
use alloc::vec::Vec;

use super::consequences::held;
use super::decide::concluded;
use super::event::{BindingEnd, Event, Exception, HoldCause, NotExecuted};
use super::leg::{Leg, LegFailure, LegIndex, LegKind, LegState};
use super::report::{MeterDoubt, Report};
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
            lock_opened(session, device, command, receipt, now)
        }
        Report::LockLocked { device } => lock_locked(session, device),
        Report::LockJammed { command } => lock_jammed(session, command),
        Report::PumpArmed { command, receipt } => pump_armed(session, command, receipt),
        Report::MeterAdvanced { device, command, number, metered_ml } => {
            meter_advanced(session, device, command, (number, metered_ml), now)
        }
        Report::DispensingEnded { device, command, metered_ml } => {
            dispensing_ended(session, device, command, metered_ml, now)
        }
        Report::MeterDoubted { device, doubt } => frozen(session, doubted(doubt), device, now),
        Report::NotExecuted { command, why } => not_executed(session, command, why),
        Report::Abandoned { command } => abandoned(session, command),
        Report::Silence { command } => silence(session, command),
        Report::GivenUp { command } => given_up(session, command),
        Report::Overdue { command } => overdue(session, command, now),
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
    now: Timestamp,
) -> Vec<Event> {
    let explained = command
        .and_then(|command| Some((command, leg_under(session, command, LegKind::Goods)?)))
        .filter(|(_, (_, leg))| leg.terms.device == device);
    let Some((command, (index, leg))) = explained else {
        return frozen(session, Exception::OpenedWithoutLeave, device, now);
    };
    match leg.state {
        LegState::Commanded(_) | LegState::Indeterminate(_) => begun(
            session,
            Event::CompartmentOpened { leg: index, command, receipt },
            exception(Exception::OpenedAfterEnd, Some(index), device),
        ),
        LegState::Open { .. }
        | LegState::Transferred { .. }
        | LegState::Secured
        | LegState::TakenOver => Vec::new(),
        LegState::Pending
        | LegState::Released(_)
        | LegState::Authorised(_)
        | LegState::Dispensing { .. }
        | LegState::Dispensed { .. }
        | LegState::Settled { .. }
        | LegState::Failed(_) => frozen(session, Exception::OpenedWithoutLeave, device, now),
    }
}

fn lock_locked(session: &Session, device: DeviceId) -> Vec<Event> {
    for (leg, of_device) in session.legs().filter(|(_, leg)| leg.terms.device == device) {
        let locked = Event::CompartmentLocked { leg };
        if matches!(of_device.state, LegState::Open { locked: false, .. }) {
            return vec![locked];
        }
        if matches!(of_device.state, LegState::Transferred { .. }) {
            return vec![locked, Event::CompartmentSecured { leg }];
        }
    }
    Vec::new()
}

fn lock_jammed(session: &Session, command: CommandId) -> Vec<Event> {
    let Some((leg, jammed)) = leg_under(session, command, LegKind::Goods) else {
        return Vec::new();
    };
    let raised = exception(Exception::LockJammed, Some(leg), jammed.terms.device);
    if is_awaited(jammed) {
        return vec![Event::LegFailed { leg, why: LegFailure::Jammed }, raised];
    }
    // It jammed in closing: the goods cannot be secured, but the leg has not failed.
    let is_open = matches!(jammed.state, LegState::Open { .. } | LegState::Transferred { .. });
    if is_open { vec![raised] } else { Vec::new() }
}

fn pump_armed(session: &Session, command: CommandId, receipt: EvidenceHash) -> Vec<Event> {
    match leg_under(session, command, LegKind::Fuel) {
        Some((leg, pump)) if is_awaited(pump) => begun(
            session,
            Event::PumpArmed { leg, command, receipt },
            exception(Exception::OpenedAfterEnd, Some(leg), pump.terms.device),
        ),
        Some(_) | None => Vec::new(),
    }
}

fn meter_advanced(
    session: &Session,
    device: DeviceId,
    command: CommandId,
    (number, metered_ml): (u32, u32),
    now: Timestamp,
) -> Vec<Event> {
    let leg = match flow(session, device, command, metered_ml) {
        Flow::Begins { leg } => leg,
        Flow::Continues { leg, metered_ml: before }
            if tells_more(before, metered_ml, limit_ml(session, leg)) =>
        {
            leg
        }
        Flow::Continues { .. } | Flow::TakenOver { .. } | Flow::Known => return Vec::new(),
        Flow::Unexplained => return frozen(session, Exception::FlowWithoutLeave, device, now),
    };
    begun_flow(session, leg, device, Event::MeterAdvanced { leg, number, metered_ml })
}

fn dispensing_ended(
    session: &Session,
    device: DeviceId,
    command: CommandId,
    metered_ml: u32,
    now: Timestamp,
) -> Vec<Event> {
    // A meter never runs backwards: the highest signed reading counts.
    let (leg, metered_ml) = match flow(session, device, command, metered_ml) {
        Flow::Begins { leg } => (leg, metered_ml),
        Flow::Continues { leg, metered_ml: before } => (leg, metered_ml.max(before)),
        Flow::TakenOver { leg } if metered_ml > 0 => (leg, metered_ml),
        Flow::TakenOver { .. } | Flow::Known => return Vec::new(),
        Flow::Unexplained => return frozen(session, Exception::FlowWithoutLeave, device, now),
    };
    let ended = Event::DispensingEnded { leg, metered_ml };
    if metered_ml == 0 {
        return vec![ended, Event::LegFailed { leg, why: LegFailure::NothingDispensed }];
    }
    let mut events = begun_flow(session, leg, device, ended);
    events.push(Event::FuelSettled { leg, metered_ml });
    if session.leg(leg).is_some_and(|leg| leg.state == LegState::TakenOver) {
        events.push(exception(Exception::SettledAfterTakeover, Some(leg), device));
    }
    if metered_ml > limit_ml(session, leg).saturating_add(limits::FUEL_OVERRUN_ML_MAX) {
        events.push(exception(Exception::OverDispensed, Some(leg), device));
    }
    events
}

/// What a reading of a pump's meter comes to.
enum Flow {
    /// The first sign of life under a command, whose arming was not reported.
    Begins { leg: LegIndex },
    /// The pump is known to run, with this much on its meter.
    Continues { leg: LegIndex, metered_ml: u32 },
    /// A person has taken the leg over and does not know how much flowed.
    TakenOver { leg: LegIndex },
    /// It repeats what is settled, or says that nothing flowed.
    Known,
    /// No release explains it.
    Unexplained,
}

fn flow(session: &Session, device: DeviceId, command: CommandId, metered_ml: u32) -> Flow {
    let explained = leg_under(session, command, LegKind::Fuel)
        .filter(|(_, pump)| pump.terms.device == device)
        .map(|(leg, pump)| (leg, pump.state));
    match explained {
        Some((leg, LegState::Commanded(_) | LegState::Indeterminate(_))) => Flow::Begins { leg },
        Some((leg, LegState::Dispensing { metered_ml, .. })) => Flow::Continues { leg, metered_ml },
        Some((leg, LegState::TakenOver)) => Flow::TakenOver { leg },
        Some((
            _,
            LegState::Dispensed { metered_ml: known, .. } | LegState::Settled { metered_ml: known },
        )) if metered_ml <= known => Flow::Known,
        Some(_) | None if metered_ml == 0 => Flow::Known,
        Some(_) | None => Flow::Unexplained,
    }
}

fn begun_flow(session: &Session, leg: LegIndex, device: DeviceId, event: Event) -> Vec<Event> {
    if session.leg(leg).is_some_and(is_awaited) {
        begun(session, event, exception(Exception::OpenedAfterEnd, Some(leg), device))
    } else {
        vec![event]
    }
}

/// Whether a meter has come so far since the last reading that the session's history tells of it. A meter that creeps is
/// told of no more often than one that runs, and one far above its limit no more at all: its end says what it gave.
const fn tells_more(before_ml: u32, metered_ml: u32, limit_ml: u32) -> bool {
    let most_ml = limit_ml.saturating_add(limits::FUEL_OVERRUN_ML_MAX);
    metered_ml > before_ml
        && before_ml <= most_ml
        && metered_ml - before_ml >= limit_ml / limits::METER_READINGS_MAX
}

/// What began under a command, with the exception for a session that had ended by then.
fn begun(session: &Session, event: Event, after_end: Event) -> Vec<Event> {
    if session.is_active() { vec![event] } else { vec![event, after_end] }
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
    let believable = session
        .leg(leg)
        .is_some_and(|leg| unsent(leg.state) || is_awaited(leg) && why != NotExecuted::Unsent);
    if believable { vec![Event::ReleaseNotExecuted { leg, command, why }] } else { Vec::new() }
}

fn abandoned(session: &Session, command: CommandId) -> Vec<Event> {
    let mut events = not_executed(session, command, NotExecuted::Unsent);
    if let [Event::ReleaseNotExecuted { leg: index, .. }] = events[..]
        && let Some(leg) = session.leg(index)
    {
        events.push(exception(Exception::CommandAbandoned, Some(index), leg.terms.device));
    }
    events
}

fn silence(session: &Session, command: CommandId) -> Vec<Event> {
    let Some(leg) = session.leg_of_command(command) else { return Vec::new() };
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Commanded(_)) => vec![Event::ReleaseUnconfirmed { leg, command }],
        Some(_) | None => Vec::new(),
    }
}

fn given_up(session: &Session, command: CommandId) -> Vec<Event> {
    let Some(index) = session.leg_of_command(command) else { return Vec::new() };
    match session.leg(index) {
        Some(leg)
            if matches!(leg.state, LegState::Indeterminate(_) | LegState::Dispensing { .. }) =>
        {
            vec![exception(Exception::OutcomeUnknown, Some(index), leg.terms.device)]
        }
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

/// What has begun under a command and has not come to its end in time.
fn overdue(session: &Session, command: CommandId, now: Timestamp) -> Vec<Event> {
    let begun = session.legs().find(|(_, leg)| leg.last_command == Some(command));
    let Some((index, leg)) = begun else { return Vec::new() };
    let Some(deadline) = leg.state.deadline() else { return Vec::new() };
    // In a stop that has ended there is nothing left to confirm.
    if deadline.raises == Exception::TransferUnconfirmed && !session.is_active() {
        return Vec::new();
    }
    let raised = exception(deadline.raises, Some(index), leg.terms.device);
    let hold = if deadline.holds { safety_hold(session, now) } else { None };
    [raised].into_iter().chain(hold).collect()
}

const fn doubted(doubt: MeterDoubt) -> Exception {
    match doubt {
        MeterDoubt::Gap => Exception::MeterGap,
        MeterDoubt::Backwards => Exception::MeterBackwards,
        MeterDoubt::Faulty => Exception::MeterFaulty,
        MeterDoubt::Unaccounted => Exception::UnaccountedFlow,
    }
}

/// Raises what nothing explains. Nothing more is released in an active session before somebody has looked.
fn frozen(session: &Session, what: Exception, device: DeviceId, now: Timestamp) -> Vec<Event> {
    let raised = exception(what, leg_of_device(session, device), device);
    [raised].into_iter().chain(safety_hold(session, now)).collect()
}

fn safety_hold(session: &Session, now: Timestamp) -> Option<Event> {
    session.is_active().then(|| held(session, HoldCause::Safety, now)).flatten()
}

/// The leg of this kind that was last released under `command`, whatever became of it.
fn leg_under(session: &Session, command: CommandId, kind: LegKind) -> Option<(LegIndex, &Leg)> {
    session.legs().find(|(_, leg)| leg.last_command == Some(command) && leg.kind() == kind)
}

/// Whether its command may have left and nothing is known about it.
const fn is_awaited(leg: &Leg) -> bool {
    leg.state.kind().is_awaited()
}

fn leg_of_device(session: &Session, device: DeviceId) -> Option<LegIndex> {
    session.legs().find(|(_, leg)| leg.terms.device == device).map(|(index, _)| index)
}

const fn exception(what: Exception, leg: Option<LegIndex>, device: DeviceId) -> Event {
    Event::ExceptionRaised { exception: what, leg, device: Some(device) }
}
