//! A critical change starts all over, and touches nothing that has ended or is under way (M-ORD-2).

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::digest::OrderDigest;
use crate::order::{FuelGrade, LegTerms, OrderVersion, Service};
use crate::reason::Reason;
use crate::session::{
    Action, Event, LegStateKind, Outcome, PhaseKind, Report, RequestKind, Session,
};

#[test]
fn what_may_be_amended_when() {
    let unsent = ask(&ready(), RequestKind::ReleaseCompartment);
    let silent = hear(&commanded(), &Report::Silence { command: command(&commanded()) });
    let open = hear(&commanded(), &opened(&commanded()));
    let dispensing = hear(&pump_commanded(), &armed(&pump_commanded()));
    let revoked = ask(&ready(), RequestKind::Revoke);
    let same = || order(2, vec![goods(), fuel()]);
    let done = groceries_secured;
    let row = |name, session, order, reasons| Row { name, session, order, reasons };
    for Row { name, session, order, reasons } in vec![
        row("at the start", requested(), same(), &[][..]),
        row("at the car", ready(), same(), &[]),
        row("another first leg before it began", ready(), order(2, vec![diesel(), fuel()]), &[]),
        row("one leg less before it began", ready(), order(2, vec![fuel()]), &[]),
        row("the leg to come, after one ended", done(), order(2, vec![goods(), diesel()]), &[]),
        row("a leg more, after one ended", done(), order(2, vec![goods(), fuel(), goods()]), &[]),
        row("revoked", revoked, same(), &[Reason::SessionClosed]),
        row("released, unsent", unsent, same(), &[Reason::ReleaseUnderWay]),
        row("commanded", commanded(), same(), &[Reason::ReleaseUnderWay]),
        row("open", open, same(), &[Reason::ReleaseUnderWay]),
        row("dispensing", dispensing, same(), &[Reason::ReleaseUnderWay]),
        row("outcome unknown", silent, same(), &[Reason::OutcomeUnknown]),
        row(
            "an ended leg changed",
            done(),
            order(2, vec![diesel(), fuel()]),
            &[Reason::FinishedLegChanged],
        ),
        row(
            "an ended leg moved",
            done(),
            order(2, vec![fuel(), goods()]),
            &[Reason::FinishedLegChanged],
        ),
        row("an ended leg dropped", done(), order(2, vec![fuel()]), &[Reason::FinishedLegChanged]),
        row("a version skipped", ready(), order(3, vec![goods(), fuel()]), &[CONFLICT]),
        row("the version in force", ready(), order(1, vec![goods(), fuel()]), &[CONFLICT]),
        row(
            "a new version under the old digest",
            ready(),
            OrderVersion { digest: OrderDigest([1; 32]), ..same() },
            &[CONFLICT],
        ),
        row(
            "another order",
            ready(),
            OrderVersion { order: crate::id::OrderId::from_bytes([0; 16]), ..same() },
            &[CONFLICT],
        ),
    ] {
        assert_eq!(
            refusal(&session, &good(&session, Action::AmendOrder { order })),
            reasons,
            "{name}"
        );
    }
}

#[test]
fn an_amendment_voids_recipient_binding_assignment_and_presence_and_keeps_ended_legs() {
    let session = groceries_secured();
    let amended = amend(&session, order(2, vec![goods(), diesel()]));
    assert_eq!(phase(&amended), PhaseKind::Requested);
    assert_eq!((amended.recipient(), amended.bound()), (None, None));
    assert_eq!((amended.assignment(), amended.presence()), (None, None));
    assert_eq!(leg_kind(&amended, GROCERIES), LegStateKind::Secured);
    assert_eq!(leg_kind(&amended, FUEL), LegStateKind::Pending);
    assert_eq!(amended.leg(FUEL).unwrap().terms, diesel());
    assert_eq!(amended.order.version, 2);
}

#[test]
fn what_was_obtained_for_the_old_version_counts_no_more() {
    let session = requested();
    let old = good(&session, action(&session, RequestKind::VerifyRecipient));
    let amended = amend(&session, order(2, vec![goods(), fuel()]));
    assert_eq!(refusal(&amended, &old), [Reason::OrderChanged]);
}

#[test]
fn numbers_of_bindings_and_assignments_go_on_after_an_amendment() {
    let session = ready();
    let amended = amend(&session, order(2, vec![goods(), fuel()]));
    let again = [
        RequestKind::VerifyRecipient,
        RequestKind::ProposeBinding,
        RequestKind::ApproveIntent,
        RequestKind::AssignDriver,
    ]
    .into_iter()
    .fold(amended, |session, kind| ask(&session, kind));
    assert_eq!(session.ground().binding, Some(1));
    assert_eq!(again.ground().binding, Some(2));
    assert_eq!(again.ground().assignment, Some(2));
}

#[test]
fn a_hold_outlasts_an_amendment() {
    let held = ask(&ready(), RequestKind::Hold);
    assert_eq!(amend(&held, order(2, vec![goods(), fuel()])).holds, held.holds);
}

#[test]
fn dropping_the_legs_that_are_left_completes_the_stop() {
    let session = groceries_secured();
    let request = good(&session, Action::AmendOrder { order: order(2, vec![goods()]) });
    let events = answer(&session, &request).unwrap();
    assert!(matches!(
        events[..],
        [Event::OrderAmended { .. }, Event::SessionCompleted { outcome: Outcome::Full }]
    ));
}

#[test]
fn an_amendment_to_nothing_is_refused() {
    let session = ready();
    let request = good(&session, Action::AmendOrder { order: order(2, vec![]) });
    assert_eq!(refusal(&session, &request), [Reason::LegUnknown]);
}

struct Row {
    name: &'static str,
    session: Session,
    order: OrderVersion,
    reasons: &'static [Reason],
}

const CONFLICT: Reason = Reason::ConflictsWithEarlierRequest;

fn diesel() -> LegTerms {
    LegTerms { service: Service::Fuel { grade: FuelGrade::Diesel, limit_ml: 1 }, ..fuel() }
}

fn amend(session: &Session, order: OrderVersion) -> Session {
    let events: Vec<Event> = answer(session, &good(session, Action::AmendOrder { order })).unwrap();
    after(session, &events)
}
