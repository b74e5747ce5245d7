//! Every pair of leg state and report has an answer, and no report is lost (M-ACT-2, M-ACT-3, M-FLO-5).

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::actor::ActorKind;
use crate::id::DeviceId;
use crate::reason::Reason;
use crate::session::table::{ALARMS, LEG_REPORTS};
use crate::session::{
    Action, Basis, Event, Exception, Finding, HoldCause, InterlockKind, LegIndex, LegKind,
    LegState, LegStateKind, NotExecuted, Outcome, Phase, PhaseKind, Report, Request, RequestKind,
    RevocationCause, Session, decide, observe,
};

#[test]
fn every_pair_of_leg_state_and_report_does_what_the_tables_say() {
    let mut seen = 0;
    for (kind, states) in [(LegKind::Goods, goods_states()), (LegKind::Fuel, fuel_states())] {
        let leg = if kind == LegKind::Goods { GROCERIES } else { FUEL };
        for session in states {
            for (name, report) in leg_reports(&session, leg) {
                seen += 1;
                assert_as_tabled(&session, leg, kind, name, &report);
            }
        }
    }
    assert_eq!(seen, (9 + 9) * 14, "a state is missing");
}

fn assert_as_tabled(session: &Session, leg: LegIndex, kind: LegKind, name: &str, report: &Report) {
    let from = leg_kind(session, leg);
    let told = alloc::format!("{name} while {kind:?} leg {}", from.name());
    let events = observe(session, report, NOW);
    let heard = after(session, &events);
    let row = LEG_REPORTS
        .iter()
        .find(|row| row.report == name && row.legs.contains(&kind) && row.from.contains(&from));
    assert_eq!(leg_kind(&heard, leg), row.map_or(from, |row| row.to), "{told}");
    for (other, _) in session.legs().filter(|(other, _)| *other != leg) {
        assert_eq!(leg_state(&heard, other), leg_state(session, other), "{told}: another leg");
    }
    let alarm = ALARMS
        .iter()
        .find(|row| row.report == name && row.legs.contains(&kind) && row.from.contains(&from));
    let raised: Vec<_> = exceptions(&events);
    assert_eq!(raised, alarm.iter().map(|row| row.raises).collect::<Vec<_>>(), "{told}");
    if row.is_none() {
        let holds = alarm.is_some_and(|row| row.holds);
        assert_eq!(
            heard.hold().map(|hold| hold.cause),
            holds.then_some(HoldCause::Safety),
            "{told}"
        );
        let told_only = raised.len() + usize::from(holds);
        assert_eq!(events.len(), told_only, "{told}: nothing but exception and hold");
        assert_eq!(as_told_of_before(heard, session), *session, "{told}");
    }
}

#[test]
fn no_repeated_report_changes_anything_in_any_state() {
    for (leg, session) in goods_states()
        .into_iter()
        .map(|session| (GROCERIES, session))
        .chain(fuel_states().into_iter().map(|session| (FUEL, session)))
    {
        for (name, report) in leg_reports(&session, leg) {
            let once = hear(&session, &report);
            let again = observe(&once, &report, NOW);
            let twice = after(&once, &again);
            assert_eq!(Session { raised: once.raised.clone(), ..twice }, once, "{name} twice");
            if observe(&session, &report, NOW).iter().any(moves_a_leg) {
                assert_eq!(exceptions(&again), [], "{name} twice raises an alarm");
            }
        }
    }
}

#[test]
fn a_repeated_report_about_a_leg_that_has_ended_well_is_no_alarm() {
    let receipt = opened(&commanded());
    assert_eq!(observe(&groceries_secured(), &receipt, NOW), []);
    let dispensing = hear(&pump_commanded(), &armed(&pump_commanded()));
    let settled = hear(&dispensing, &ended(&dispensing, 30_000));
    for late in [
        armed(&dispensing),
        metered(&dispensing, 3, 12_000),
        metered(&dispensing, 9, 30_000),
        ended(&dispensing, 30_000),
    ] {
        assert_eq!(observe(&settled, &late, NOW), [], "{late:?}");
    }
    for more in [metered(&dispensing, 10, 30_001), ended(&dispensing, 30_001)] {
        let events = observe(&settled, &more, NOW);
        assert_eq!(exceptions(&events), [Exception::FlowWithoutLeave], "{more:?}");
    }
}

#[test]
fn reordered_reports_never_move_a_leg_backwards() {
    let session = pump_commanded();
    let [first, second, end] =
        [metered(&session, 0, 10_000), metered(&session, 1, 20_000), ended(&session, 25_000)];
    let start = armed(&session);
    for order in [
        [start, second, first, end],
        [second, start, first, end],
        [end, start, first, second],
        [first, end, second, start],
        [second, first, end, start],
    ] {
        let mut highest = 0;
        let heard = order.iter().fold(session.clone(), |session, report| {
            let heard = hear(&session, report);
            let shown = shown_ml(&heard);
            assert!(shown >= highest, "{order:?}");
            highest = shown;
            heard
        });
        assert_eq!(leg_state(&heard, FUEL), LegState::Settled { metered_ml: 25_000 }, "{order:?}");
        assert!(matches!(heard.phase, Phase::Completed(Outcome::Full)));
    }
}

#[test]
fn a_late_opening_after_revocation_is_never_lost() {
    for before in [commanded(), silent(&commanded())] {
        let revoked = ask(&before, RequestKind::Revoke);
        let events = observe(&revoked, &opened(&before), NOW);
        assert!(matches!(events[0], Event::CompartmentOpened { leg: GROCERIES, .. }));
        assert_eq!(exceptions(&events), [Exception::OpenedAfterEnd]);
        let opened_late = after(&revoked, &events);
        assert_eq!(leg_kind(&opened_late, GROCERIES), LegStateKind::Open);
        assert_eq!(phase(&opened_late), PhaseKind::Revoked);
    }
}

#[test]
fn an_unsent_command_dies_with_the_session_and_an_opening_under_it_is_unexplained() {
    let unsent = ask(&ready(), RequestKind::ReleaseCompartment);
    let late = opened(&unsent);
    let revoked = ask(&unsent, RequestKind::Revoke);
    assert_eq!(leg_kind(&revoked, GROCERIES), LegStateKind::Pending);
    assert_eq!(exceptions(&observe(&revoked, &late, NOW)), [Exception::OpenedWithoutLeave]);
}

#[test]
fn silence_blocks_a_second_command_until_an_opening_resolves_it() {
    let silent = silent(&commanded());
    let second = good(&silent, action(&silent, RequestKind::ReleaseCompartment));
    assert_eq!(refusal(&silent, &second), [crate::reason::Reason::OutcomeUnknown]);
    assert_eq!(leg_kind(&hear(&silent, &opened(&silent)), GROCERIES), LegStateKind::Open);
}

#[test]
fn silence_is_resolved_by_proof_of_not_executed_and_the_leg_may_be_released_again() {
    for (why, resolved) in [
        (NotExecuted::Cancelled, true),
        (NotExecuted::RefusedByDevice, true),
        // What may have left is not unsent.
        (NotExecuted::Unsent, false),
    ] {
        let silent = silent(&commanded());
        let heard = hear(&silent, &Report::NotExecuted { command: command(&silent), why });
        let again = good(&heard, action(&heard, RequestKind::ReleaseCompartment));
        assert_eq!(refusal(&heard, &again).is_empty(), resolved, "{why:?}");
    }
}

#[test]
fn a_person_resolves_what_nobody_knows_either_way_and_nobody_else_does() {
    for (executed, leads_to) in [(false, LegState::Pending), (true, LegState::TakenOver)] {
        let silent = silent(&commanded());
        let finding = Finding { executed, basis: Basis::Camera, evidence: Some(RECEIPT) };
        let request = good(&silent, Action::ResolveOutcome { leg: GROCERIES, finding });
        let resolved = after(&silent, &decide(&silent, &request, NOW).unwrap());
        assert_eq!(leg_state(&resolved, GROCERIES), leads_to);
        // What is known needs no finding, and no finding undoes it.
        assert!(decide(&resolved, &request, NOW).is_err());
    }
    let finding = Finding { executed: false, basis: Basis::Told, evidence: None };
    let early = good(&commanded(), Action::ResolveOutcome { leg: GROCERIES, finding });
    assert_eq!(refusal(&commanded(), &early), [crate::reason::Reason::NotPossibleNow]);
}

#[test]
fn a_person_resolves_what_nobody_knows_also_after_the_stop_was_revoked_and_nothing_comes_of_it() {
    for (executed, leads_to) in [(false, LegState::Pending), (true, LegState::TakenOver)] {
        let revoked = ask(&silent(&commanded()), RequestKind::Revoke);
        let finding = Finding { executed, basis: Basis::Inspected, evidence: None };
        let request = good(&revoked, Action::ResolveOutcome { leg: GROCERIES, finding });
        let resolved = after(&revoked, &decide(&revoked, &request, NOW).unwrap());
        assert_eq!(leg_state(&resolved, GROCERIES), leads_to);
        assert_eq!(resolved.phase, revoked.phase);
        let again = good(&resolved, action(&resolved, RequestKind::ReleaseCompartment));
        assert_eq!(refusal(&resolved, &again), [crate::reason::Reason::SessionClosed]);
    }
}

#[test]
fn a_pump_that_runs_and_is_not_heard_any_more_is_taken_over_by_a_person_and_never_found_idle() {
    let running = hear(&pump_commanded(), &armed(&pump_commanded()));
    for session in [running.clone(), ask(&running, RequestKind::Revoke)] {
        let finding = |executed| Finding { executed, basis: Basis::Inspected, evidence: None };
        let resolve = |executed| Action::ResolveOutcome { leg: FUEL, finding: finding(executed) };
        let idle = good(&session, resolve(false));
        assert_eq!(refusal(&session, &idle), [crate::reason::Reason::NotPossibleNow]);
        assert!(session.occupies(PUMP, NOW));
        let found = found_executed(&session, FUEL);
        assert_eq!(leg_state(&found, FUEL), LegState::TakenOver);
        assert!(!found.occupies(PUMP, NOW), "it may serve others again");
    }
}

#[test]
fn not_executed_after_an_opening_is_ignored() {
    let open = hear(&commanded(), &opened(&commanded()));
    for why in [NotExecuted::Unsent, NotExecuted::RefusedByDevice, NotExecuted::Cancelled] {
        let report = Report::NotExecuted { command: command(&open), why };
        assert_eq!(observe(&open, &report, NOW), [], "{why:?}");
    }
}

#[test]
fn a_lock_that_says_another_lock_opened_explains_nothing() {
    let session = commanded();
    for (device, command) in [
        (STRANGE_DEVICE, Some(command(&session))),
        (PUMP, Some(command(&session))),
        (LOCK, None),
        (LOCK, Some(crate::id::CommandId::from_bytes([0xee; 16]))),
    ] {
        let report = Report::LockOpened { device, command, receipt: RECEIPT };
        let events = observe(&session, &report, NOW);
        assert_eq!(exceptions(&events), [Exception::OpenedWithoutLeave], "{device} {command:?}");
        assert_frozen_only(&session, &events);
    }
}

#[test]
fn a_stop_of_which_nothing_was_done_is_revoked() {
    let jammed = hear(&commanded(), &Report::LockJammed { command: command(&commanded()) });
    assert_eq!(phase(&jammed), PhaseKind::InService);
    let pump = ask(&ask(&jammed, RequestKind::DispenseFuel), RequestKind::SendCommand);
    let heard = hear(&pump, &ended(&pump, 0));
    assert_eq!(heard.phase, Phase::Revoked(RevocationCause::NothingDelivered));
}

#[test]
fn a_compartment_is_secured_by_confirmation_and_lock_in_either_order() {
    let open = hear(&commanded(), &opened(&commanded()));
    let locked = Report::LockLocked { device: LOCK };
    let confirmed_first = hear(&ask(&open, RequestKind::ConfirmTransfer), &locked);
    let locked_first = ask(&hear(&open, &locked), RequestKind::ConfirmTransfer);
    assert_eq!(confirmed_first, locked_first);
    assert_eq!(leg_kind(&locked_first, GROCERIES), LegStateKind::Secured);
    assert_eq!(phase(&locked_first), PhaseKind::InService);
}

#[test]
fn goods_that_were_locked_in_without_a_word_call_a_person_whose_word_counts() {
    let open = hear(&commanded(), &opened(&commanded()));
    let locked = hear(&open, &Report::LockLocked { device: LOCK });
    let events = observe(&locked, &Report::Overdue { command: command(&locked) }, NOW);
    assert_eq!(exceptions(&events), [Exception::TransferUnconfirmed]);
    assert_eq!(events.len(), 1, "nobody is held up");
    let ended = ask(&locked, RequestKind::Revoke);
    assert_eq!(observe(&ended, &Report::Overdue { command: command(&locked) }, NOW), []);
    for by in [ActorKind::Driver, ActorKind::Staff] {
        let request = good(&locked, Action::ConfirmTransfer { leg: GROCERIES });
        let request = Request { actor: actor(by), ..request };
        let confirmed = after(&locked, &answer(&locked, &request).unwrap());
        assert_eq!(leg_kind(&confirmed, GROCERIES), LegStateKind::Secured, "{by:?}");
    }
}

#[test]
fn presence_is_shown_anew_at_the_car_and_another_driver_comes_to_it_anew() {
    let served = groceries_secured();
    let shown = ask(&served, RequestKind::ProvePresence);
    assert_eq!(phase(&shown), PhaseKind::InService);
    assert_eq!(phase(&ask(&ready(), RequestKind::ProvePresence)), PhaseKind::HandoffReady);
    let again = ask(&shown, RequestKind::AssignDriver);
    assert_eq!((phase(&again), again.presence()), (PhaseKind::EnRoute, None));
    assert_eq!(leg_kind(&again, GROCERIES), LegStateKind::Secured, "what is done stays done");
    let at_car = ask(&ask(&again, RequestKind::Arrive), RequestKind::ProvePresence);
    assert_eq!(phase(&ask(&at_car, RequestKind::DispenseFuel)), PhaseKind::InService);
    // Not while something is under way.
    let request = good(&commanded(), action(&commanded(), RequestKind::AssignDriver));
    assert_eq!(refusal(&commanded(), &request), [Reason::ReleaseUnderWay]);
}

#[test]
fn alarms_of_devices_are_told_in_every_phase_and_name_their_leg() {
    let ended = ask(&commanded(), RequestKind::Revoke);
    for session in [requested(), ready(), commanded(), ended] {
        for (report, raised, leg) in [
            (Report::Tampered { device: LOCK }, Exception::Tampered, Some(GROCERIES)),
            (Report::Tampered { device: STRANGE_DEVICE }, Exception::Tampered, None),
            (
                Report::InterlockTripped { device: PUMP, kind: InterlockKind::Spill },
                Exception::InterlockTripped,
                Some(FUEL),
            ),
            (
                Report::TemperatureOutOfRange { device: LOCK },
                Exception::TemperatureOutOfRange,
                Some(GROCERIES),
            ),
        ] {
            let events = observe(&session, &report, NOW);
            assert!(
                matches!(&events[0], Event::ExceptionRaised { exception, leg: of, .. }
                    if *exception == raised && *of == leg),
                "{report:?}: {events:?}"
            );
        }
    }
}

/// A stop in each state of its goods leg.
fn goods_states() -> Vec<Session> {
    let open = hear(&commanded(), &opened(&commanded()));
    let pending = again_pending(&commanded());
    let jammed = hear(&commanded(), &Report::LockJammed { command: command(&commanded()) });
    vec![
        pending,
        ask(&ready(), RequestKind::ReleaseCompartment),
        commanded(),
        silent(&commanded()),
        open.clone(),
        ask(&open, RequestKind::ConfirmTransfer),
        groceries_secured(),
        jammed,
        found_executed(&silent(&commanded()), GROCERIES),
    ]
}

/// A stop in each state of its fuel leg. A third leg keeps it from completing.
fn fuel_states() -> Vec<Session> {
    let dispensing = hear(&long_pump_commanded(), &armed(&long_pump_commanded()));
    let stopped = Event::DispensingEnded { leg: FUEL, metered_ml: METERED_ML };
    let dispensed = after(&dispensing, &[stopped]);
    vec![
        again_pending(&long_pump_commanded()),
        ask(&long_groceries_secured(), RequestKind::DispenseFuel),
        long_pump_commanded(),
        silent(&long_pump_commanded()),
        dispensing.clone(),
        dispensed,
        hear(&dispensing, &ended(&dispensing, METERED_ML)),
        hear(&dispensing, &ended(&dispensing, 0)),
        found_executed(&silent(&long_pump_commanded()), FUEL),
    ]
}

fn long_groceries_secured() -> Session {
    let session = groceries_secured();
    let longer = order(2, vec![goods(), fuel(), goods()]);
    let request = good(&session, crate::session::Action::AmendOrder { order: longer });
    let amended = after(&session, &answer(&session, &request).unwrap());
    to_the_car(amended)
}

fn long_pump_commanded() -> Session {
    ask(&ask(&long_groceries_secured(), RequestKind::DispenseFuel), RequestKind::SendCommand)
}

fn again_pending(session: &Session) -> Session {
    let why = NotExecuted::RefusedByDevice;
    hear(session, &Report::NotExecuted { command: command(session), why })
}

/// Every report about a leg, by the name that the tables give it, under the leg's last command.
fn leg_reports(session: &Session, leg: LegIndex) -> Vec<(&'static str, Report)> {
    let device = session.leg(leg).unwrap().terms.device;
    let command = session.leg(leg).unwrap().last_command.unwrap();
    let not_executed = |why| Report::NotExecuted { command, why };
    vec![
        ("lock_opened", Report::LockOpened { device, command: Some(command), receipt: RECEIPT }),
        ("lock_locked", Report::LockLocked { device }),
        ("lock_jammed", Report::LockJammed { command }),
        ("pump_armed", Report::PumpArmed { command, receipt: RECEIPT }),
        ("meter_advanced", reading(device, command)),
        ("dispensing_ended", Report::DispensingEnded { device, command, metered_ml: METERED_ML }),
        ("nothing_dispensed", Report::DispensingEnded { device, command, metered_ml: 0 }),
        ("not_sent", not_executed(NotExecuted::Unsent)),
        ("not_executed", not_executed(NotExecuted::RefusedByDevice)),
        ("not_executed", not_executed(NotExecuted::Cancelled)),
        ("abandoned", Report::Abandoned { command }),
        ("silence", Report::Silence { command }),
        ("given_up", Report::GivenUp { command }),
        ("overdue", Report::Overdue { command }),
    ]
}

const fn reading(device: DeviceId, command: crate::id::CommandId) -> Report {
    Report::MeterAdvanced { device, command, number: 1, metered_ml: METERED_ML }
}

const METERED_ML: u32 = 20_000;

fn moves_a_leg(event: &Event) -> bool {
    !matches!(event, Event::ExceptionRaised { .. } | Event::SessionHeld { .. })
}

fn shown_ml(session: &Session) -> u32 {
    match leg_state(session, FUEL) {
        LegState::Dispensing { metered_ml, .. }
        | LegState::Dispensed { metered_ml, .. }
        | LegState::Settled { metered_ml } => metered_ml,
        _ => 0,
    }
}

#[test]
fn names_of_states_and_exceptions_are_those_on_the_wire() {
    for state in LegStateKind::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
    for state in PhaseKind::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
    for row in ALARMS {
        assert_eq!(serde_json::to_value(row.raises).unwrap(), row.raises.name());
    }
}
