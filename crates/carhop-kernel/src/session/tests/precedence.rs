//! Refusals come in the order of the list of reasons: each row of a table breaks one more rule, a graver one, and its
//! reason is the one that is named first (M-POL-1).

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::actor::{Actor, ActorKind};
use crate::digest::{Commitment, OrderDigest};
use crate::evidence::FactKind;
use crate::id::CommandId;
use crate::limits;
use crate::reason::Reason;
use crate::session::{
    Action, HoldCause, LegFailure, LegIndex, LegState, Outcome, Phase, ReleaseOrder, Request,
    RequestKind, Session, decide,
};
use crate::time::Timestamp;

#[test]
fn each_graver_fault_takes_precedence_over_all_lighter_ones() {
    for (name, case, rows) in tables() {
        check(name, case, &rows);
    }
}

#[test]
fn all_missing_evidence_and_all_reasons_of_the_policies_are_told_together() {
    let mut case = dispense();
    case.request.evidence.clear();
    let verdict = case.request.verdict.as_mut().unwrap();
    verdict.reasons = [Reason::RungTooLow, Reason::VehicleMoving].to_vec();
    let refusal = decide(&case.session, &case.request, case.now).unwrap_err();
    assert_eq!(
        refusal.reasons(),
        [
            Reason::VehicleMoving,
            Reason::TokenMissing,
            Reason::DeviceNotAttested,
            Reason::ActuatorIntegrityUnknown,
            Reason::RungTooLow,
        ]
    );
}

#[test]
fn a_command_expires_at_its_very_instant_and_lives_thirty_seconds_at_most() {
    for (life_ms, reasons) in [
        (0, &[Reason::TokenExpired][..]),
        (1, &[]),
        (limits::COMMAND_MS_MAX, &[]),
        (limits::COMMAND_MS_MAX + 1, &[Reason::TokenTooWide]),
    ] {
        let mut case = dispense();
        released(&mut case).release.expires_at = NOW.plus_ms(life_ms);
        assert_eq!(refusal(&case.session, &case.request), reasons, "{life_ms}");
    }
    let session = ask(&ready(), RequestKind::ReleaseCompartment);
    let request = good(&session, action(&session, RequestKind::SendCommand));
    for (age_ms, sent) in [(COMMAND_MS - 1, true), (COMMAND_MS, false)] {
        let answer = decide(&session, &request, NOW.plus_ms(age_ms));
        assert_eq!(answer.is_ok(), sent, "{age_ms}");
    }
}

#[test]
fn the_window_is_open_from_its_start_to_just_before_its_end() {
    for (now, reason) in [
        (START.minus_ms(1), Some(Reason::WindowNotOpen)),
        (START, None),
        (END.minus_ms(1), None),
        (END, Some(Reason::WindowClosed)),
    ] {
        let mut case = dispense();
        released(&mut case).release.expires_at = now.plus_ms(COMMAND_MS);
        case.request.evidence.iter_mut().for_each(|evidence| evidence.at = now);
        let refused = decide(&case.session, &case.request, now).err();
        assert_eq!(refused.map(|refusal| refusal.first()), reason, "{now}");
    }
}

#[test]
fn a_leg_is_released_five_times_and_no_more() {
    let mut session = ready();
    for _ in 0..limits::RELEASES_PER_LEG_MAX {
        session = ask(&session, RequestKind::ReleaseCompartment);
        let why = crate::session::NotExecuted::Unsent;
        let command = command(&session);
        session = hear(&session, &crate::session::Report::NotExecuted { command, why });
    }
    let sixth = good(&session, action(&session, RequestKind::ReleaseCompartment));
    assert_eq!(refusal(&session, &sixth), [Reason::ReleasesExhausted]);
}

/// Every reason that the tables name.
pub fn given() -> Vec<Reason> {
    let rows = tables().into_iter().flat_map(|(_, _, rows)| rows);
    rows.map(|(reason, _)| reason).collect()
}

struct Case {
    session: Session,
    request: Request,
    now: Timestamp,
}

type Row = (Reason, fn(&mut Case));

fn check(name: &str, mut case: Case, rows: &[Row]) {
    assert!(decide(&case.session, &case.request, case.now).is_ok(), "{name}");
    assert!(rows.is_sorted_by(|lighter, graver| lighter.0 > graver.0), "{name}");
    for (reason, spoil) in rows {
        spoil(&mut case);
        let refusal = decide(&case.session, &case.request, case.now).unwrap_err();
        assert_eq!(refusal.first(), *reason, "{name}");
    }
}

fn tables() -> Vec<(&'static str, Case, Vec<Row>)> {
    let released = ask(&ready(), RequestKind::ReleaseCompartment);
    let open = hear(&commanded(), &opened(&commanded()));
    let verified = ask(&requested(), RequestKind::VerifyRecipient);
    let proposed = ask(&verified, RequestKind::ProposeBinding);
    vec![
        ("dispense", dispense(), dispense_rows()),
        (
            "dispense early",
            dispense(),
            vec![(Reason::WindowNotOpen, |case| case.now = Timestamp::default())],
        ),
        ("send", case(released, RequestKind::SendCommand), send_rows()),
        ("confirm", case(open, RequestKind::ConfirmTransfer), confirm_rows()),
        ("propose", case(verified, RequestKind::ProposeBinding), propose_rows()),
        ("approve", case(proposed, RequestKind::ApproveIntent), approve_rows()),
        ("amend", case(groceries_secured(), RequestKind::AmendOrder), amend_rows()),
        ("expire", case(ready(), RequestKind::Expire), expire_rows()),
    ]
}

fn dispense_rows() -> Vec<Row> {
    vec![
        (Reason::PolicyDefaultDeny, deny),
        (Reason::TokenTooWide, |case| {
            released(case).release.expires_at = NOW.plus_ms(limits::COMMAND_MS_MAX + 1);
        }),
        (Reason::TokenScope, |case| {
            case.request.action = Action::ReleaseCompartment(*released(case));
        }),
        (Reason::TokenExpired, |case| released(case).release.expires_at = NOW),
        (Reason::DriverNotAssigned, strange_driver),
        (Reason::WindowClosed, |case| case.now = END),
        (Reason::ReleasesExhausted, |case| {
            case.session.legs[1].releases = limits::RELEASES_PER_LEG_MAX;
        }),
        (Reason::LegOutOfOrder, |case| case.session.legs[0].state = LegState::Pending),
        (Reason::OutcomeUnknown, |case| {
            let release = release(&case.session, GROCERIES).release;
            case.session.legs[0].state = LegState::Indeterminate(release);
        }),
        (Reason::ReleaseUnderWay, |case| {
            let release = release(&case.session, GROCERIES).release;
            case.session.legs[0].state = LegState::Commanded(release);
        }),
        (Reason::LegFinished, |case| {
            case.session.legs[1].state = LegState::Failed(LegFailure::NothingDispensed);
        }),
        (Reason::LegUnknown, |case| released(case).leg = LegIndex(2)),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| case.session.phase = Phase::Requested),
        (Reason::OrderChanged, old_evidence),
        (Reason::ManualHold, hold),
        (Reason::SessionClosed, close),
    ]
}

fn send_rows() -> Vec<Row> {
    vec![
        (Reason::TokenExpired, |case| case.now = NOW.plus_ms(COMMAND_MS)),
        (Reason::WindowClosed, |case| case.now = END),
        (Reason::LegUnknown, |case| {
            let command = CommandId::from_bytes([0xee; 16]);
            case.request.action = Action::SendCommand { command };
        }),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| {
            case.session = commanded();
            let command = command(&case.session);
            case.request.action = Action::SendCommand { command };
        }),
        (Reason::OrderChanged, old_evidence),
        (Reason::ManualHold, hold),
        (Reason::SessionClosed, close),
    ]
}

fn confirm_rows() -> Vec<Row> {
    vec![
        (Reason::PolicyDefaultDeny, deny),
        (Reason::DriverNotAssigned, strange_driver),
        (Reason::LegFinished, |case| case.session.legs[0].state = LegState::Secured),
        (Reason::LegUnknown, |case| {
            case.request.action = Action::ConfirmTransfer { leg: LegIndex(2) };
        }),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| {
            case.request.action = Action::ConfirmTransfer { leg: FUEL };
        }),
        (Reason::OrderChanged, old_evidence),
        (Reason::SessionClosed, close),
    ]
}

fn propose_rows() -> Vec<Row> {
    vec![
        (Reason::PolicyDefaultDeny, deny),
        (Reason::VehicleMismatch, |case| {
            let Action::ProposeBinding { vehicle, .. } = &mut case.request.action else { return };
            *vehicle = Commitment([99; 32]);
        }),
        (Reason::RecipientNotVerified, strange_customer),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| case.session.phase = Phase::Requested),
        (Reason::OrderChanged, old_evidence),
        (Reason::SessionClosed, close),
    ]
}

fn approve_rows() -> Vec<Row> {
    vec![
        (Reason::PolicyDefaultDeny, deny),
        (Reason::IntentNotApproved, |case| case.request.evidence.clear()),
        (Reason::RecipientNotVerified, strange_customer),
        (Reason::IntentNotProposed, |case| {
            let Phase::Verified { proposal, .. } = &mut case.session.phase else { return };
            *proposal = None;
        }),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| case.session.phase = Phase::Requested),
        (Reason::OrderChanged, old_evidence),
        (Reason::SessionClosed, close),
    ]
}

fn amend_rows() -> Vec<Row> {
    vec![
        (Reason::PolicyDefaultDeny, deny),
        (Reason::ConflictsWithEarlierRequest, |case| {
            let order = order(3, vec![goods(), fuel()]);
            case.request.action = Action::AmendOrder { order };
        }),
        (Reason::FinishedLegChanged, |case| {
            let order = order(3, vec![fuel()]);
            case.request.action = Action::AmendOrder { order };
        }),
        (Reason::OutcomeUnknown, |case| {
            let release = release(&case.session, FUEL).release;
            case.session.legs[1].state = LegState::Indeterminate(release);
        }),
        (Reason::ReleaseUnderWay, |case| {
            let release = release(&case.session, FUEL).release;
            case.session.legs[1].state = LegState::Authorised(release);
        }),
        (Reason::LegUnknown, |case| {
            case.request.action = Action::AmendOrder { order: order(3, vec![]) };
        }),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::OrderChanged, old_evidence),
        (Reason::SessionClosed, close),
    ]
}

fn expire_rows() -> Vec<Row> {
    vec![
        (Reason::ReleaseUnderWay, |case| case.session = commanded()),
        (Reason::ActorNotAllowed, strange_actor),
        (Reason::NotPossibleNow, |case| case.now = END.minus_ms(1)),
        (Reason::OrderChanged, old_evidence),
        (Reason::SessionClosed, |case| case.session.phase = Phase::Completed(Outcome::Full)),
    ]
}

fn case(session: Session, kind: RequestKind) -> Case {
    let request = good(&session, action(&session, kind));
    Case { session, request, now: moment(kind) }
}

fn dispense() -> Case {
    case(groceries_secured(), RequestKind::DispenseFuel)
}

fn released(case: &mut Case) -> &mut ReleaseOrder {
    let (Action::ReleaseCompartment(order) | Action::DispenseFuel(order)) =
        &mut case.request.action
    else {
        panic!("not a release")
    };
    order
}

fn deny(case: &mut Case) {
    case.request.verdict = None;
}

fn strange_driver(case: &mut Case) {
    case.request.actor = Actor::Driver { driver: DRIVER, device: STRANGE_DEVICE };
}

fn strange_customer(case: &mut Case) {
    case.request.actor = Actor::Customer { customer: STRANGER };
}

fn strange_actor(case: &mut Case) {
    case.request.actor = actor(ActorKind::Device);
}

fn old_evidence(case: &mut Case) {
    let mut old = proof(&case.session, &case.request.action, FactKind::Vehicle);
    old.order = OrderDigest([99; 32]);
    case.request.evidence.push(old);
}

fn hold(case: &mut Case) {
    case.session.holds.insert(HoldCause::Staff, START);
}

fn close(case: &mut Case) {
    case.session.phase = Phase::Expired;
}
