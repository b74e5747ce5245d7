//! What a pump metered is settled once, exactly, and what cannot be so is told (M-ACT-3, M-FLO-5).

use alloc::vec::Vec;

use super::world::*;
use crate::limits;
use crate::session::{
    Event, Exception, LegFailure, LegState, MeterDoubt, Outcome, Phase, PhaseKind, Report,
    RequestKind, observe,
};

#[test]
fn a_pump_that_runs_after_revocation_is_told_once_and_settled_exactly() {
    let session = pump_commanded();
    let revoked = ask(&session, RequestKind::Revoke);
    for first in [armed(&session), metered(&session, 0, 500), ended(&session, 9_000)] {
        let events = observe(&revoked, &first, NOW);
        assert_eq!(exceptions(&events), [Exception::OpenedAfterEnd], "{first:?}");
        let running = after(&revoked, &events);
        let end = observe(&running, &ended(&session, 9_000), NOW);
        assert_eq!(exceptions(&end), []);
        let settled = after(&running, &end);
        assert_eq!(leg_state(&settled, FUEL), LegState::Settled { metered_ml: 9_000 });
        assert_eq!(phase(&settled), PhaseKind::Revoked);
    }
}

#[test]
fn what_a_taken_over_pump_gave_is_settled_once_when_it_is_told_at_last() {
    let silent = silent(&pump_commanded());
    let revoked = ask(&silent, RequestKind::Revoke);
    let running = hear(&silent, &armed(&silent));
    for session in [silent.clone(), revoked, running].map(|it| found_executed(&it, FUEL)) {
        let (phase, command) = (phase(&session), command(&silent));
        assert_ne!(phase, PhaseKind::InService);
        let told = |metered_ml| Report::DispensingEnded { device: PUMP, command, metered_ml };
        let running = Report::MeterAdvanced { device: PUMP, command, number: 0, metered_ml: 7 };
        let armed = Report::PumpArmed { command, receipt: RECEIPT };
        for known in [armed, running, told(0)] {
            assert_eq!(observe(&session, &known, NOW), [], "a person knows that: {known:?}");
        }
        let events = observe(&session, &told(9_000), NOW);
        assert_eq!(exceptions(&events), [Exception::SettledAfterTakeover]);
        let settled = after(&session, &events);
        assert_eq!(leg_state(&settled, FUEL), LegState::Settled { metered_ml: 9_000 });
        assert_eq!(super::world::phase(&settled), phase);
        assert_eq!(observe(&settled, &told(9_000), NOW), [], "settled twice");
        let other = Report::DispensingEnded { device: LOCK, command, metered_ml: 9_000 };
        let other = observe(&session, &other, NOW);
        assert_eq!(exceptions(&other), [Exception::FlowWithoutLeave], "another pump's");
    }
}

#[test]
fn another_pumps_readings_settle_nothing() {
    let session = hear(&pump_commanded(), &armed(&pump_commanded()));
    let command = command(&session);
    for device in [STRANGE_DEVICE, LOCK] {
        for report in [
            Report::MeterAdvanced { device, command, number: 0, metered_ml: 7 },
            Report::DispensingEnded { device, command, metered_ml: 7 },
        ] {
            let events = observe(&session, &report, NOW);
            assert_eq!(exceptions(&events), [Exception::FlowWithoutLeave], "{report:?}");
            assert_frozen_only(&session, &events);
        }
    }
}

#[test]
fn fuel_settles_exactly_once_at_what_was_metered() {
    for (readings, end, settled) in [
        (&[][..], 30_000, 30_000),
        (&[10_000, 30_000], 30_000, 30_000),
        (&[10_000], 30_000, 30_000),
        // A meter never runs backwards: the highest signed reading counts.
        (&[30_000], 29_999, 30_000),
        (&[30_000], 0, 30_000),
    ] {
        let mut session = hear(&pump_commanded(), &armed(&pump_commanded()));
        for (number, ml) in (0..).zip(readings) {
            session = hear(&session, &metered(&session, number, *ml));
        }
        let last = ended(&session, end);
        let events = observe(&session, &last, NOW);
        let sums: Vec<u32> = events
            .iter()
            .filter_map(|event| match event {
                Event::DispensingEnded { metered_ml, .. }
                | Event::FuelSettled { metered_ml, .. } => Some(*metered_ml),
                _ => None,
            })
            .collect();
        assert_eq!(sums, [settled, settled], "{readings:?} {end}");
        assert_eq!(observe(&after(&session, &events), &last, NOW), [], "settled twice");
    }
}

#[test]
fn a_meter_that_creeps_or_runs_wild_fills_no_history_and_is_settled_exactly() {
    for step_ml in [1, 7, 1_000, 1_000_000] {
        let mut session = hear(&pump_commanded(), &armed(&pump_commanded()));
        let (mut told, mut metered_ml) = (0, 0);
        for number in 0..45_000_u32 {
            metered_ml = number.saturating_add(1).saturating_mul(step_ml);
            let events = observe(&session, &metered(&session, number, metered_ml), NOW);
            told += events.len();
            session = after(&session, &events);
        }
        let most = usize::try_from(limits::METER_READINGS_MAX).unwrap() + 1;
        assert!((1..=most).contains(&told), "{told} at {step_ml}");
        let settled = hear(&session, &ended(&session, metered_ml));
        assert_eq!(leg_state(&settled, FUEL), LegState::Settled { metered_ml }, "{step_ml}");
    }
}

#[test]
fn a_doubtful_meter_is_told_and_holds_an_active_session_and_settles_nothing_by_itself() {
    let dispensing = hear(&pump_commanded(), &armed(&pump_commanded()));
    let over = ask(&dispensing, RequestKind::Revoke);
    for (doubt, raised) in [
        (MeterDoubt::Gap, Exception::MeterGap),
        (MeterDoubt::Backwards, Exception::MeterBackwards),
        (MeterDoubt::Faulty, Exception::MeterFaulty),
        (MeterDoubt::Unaccounted, Exception::UnaccountedFlow),
    ] {
        let report = Report::MeterDoubted { device: PUMP, doubt };
        let events = observe(&dispensing, &report, NOW);
        assert_eq!(exceptions(&events), [raised]);
        assert_frozen_only(&dispensing, &events);
        assert_eq!(observe(&over, &report, NOW).len(), 1, "no hold after the end");
    }
}

#[test]
fn a_pump_that_dispenses_nothing_fails_its_leg_and_the_stop_is_partly_done() {
    let session = hear(&pump_commanded(), &armed(&pump_commanded()));
    let heard = hear(&session, &ended(&session, 0));
    assert_eq!(leg_state(&heard, FUEL), LegState::Failed(LegFailure::NothingDispensed));
    assert_eq!(heard.phase, Phase::Completed(Outcome::Partial));
}

#[test]
fn more_than_the_limit_and_the_valves_overrun_is_an_exception() {
    let most = FUEL_LIMIT_ML + limits::FUEL_OVERRUN_ML_MAX;
    for (metered_ml, raised) in [
        (FUEL_LIMIT_ML, &[][..]),
        (most, &[]),
        (most + 1, &[Exception::OverDispensed]),
        (u32::MAX, &[Exception::OverDispensed]),
    ] {
        let session = hear(&pump_commanded(), &armed(&pump_commanded()));
        let events = observe(&session, &ended(&session, metered_ml), NOW);
        assert_eq!(exceptions(&events), raised, "{metered_ml}");
        let settled = LegState::Settled { metered_ml };
        assert_eq!(leg_state(&after(&session, &events), FUEL), settled);
    }
}
