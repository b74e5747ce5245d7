//! A hold freezes releases for as long as anything holds, and the gravest is lifted first (M-FLO-3, M-VEH-2, M-POL-3).

use super::world::*;
use crate::actor::{Actor, ActorKind};
use crate::reason::Reason;
use crate::session::{
    Action, BindingEnd, Event, Exception, HoldCause, LegStateKind, PhaseKind, Report, RequestKind,
    Session,
};

const LIGHTEST_FIRST: [HoldCause; 5] = [
    HoldCause::Customer,
    HoldCause::Staff,
    HoldCause::Safety,
    HoldCause::Tamper,
    HoldCause::VehicleMoved,
];

#[test]
fn of_two_holds_the_gravest_is_shown_and_lifted_first_and_the_other_goes_on() {
    for (gravity, first) in LIGHTEST_FIRST.into_iter().enumerate() {
        for (other_gravity, second) in LIGHTEST_FIRST.into_iter().enumerate() {
            let held = hold(&hold(&ready(), first), second);
            let expected = LIGHTEST_FIRST[gravity.max(other_gravity)];
            assert_eq!(held.hold().unwrap().cause, expected, "{first:?} then {second:?}");
            let events = answer(&held, &resume(&held)).unwrap();
            let left = after(&held, &events).hold().map(|hold| hold.cause);
            let (eased, lighter) =
                (Event::HoldEased { cause: expected }, gravity.min(other_gravity));
            let wanted = if first == second {
                (Some(&Event::HoldLifted), None)
            } else {
                (Some(&eased), Some(LIGHTEST_FIRST[lighter]))
            };
            assert_eq!((events.first(), left), wanted, "{first:?} then {second:?}");
        }
    }
}

#[test]
fn a_tamper_report_during_the_customers_own_pause_is_not_lifted_as_that_pause() {
    let paused = hold(&commanded(), HoldCause::Customer);
    let tampered = hear(&paused, &Report::Tampered { device: LOCK });
    assert_eq!(tampered.hold().unwrap().cause, HoldCause::Tamper);
}

#[test]
fn histories_of_before_several_could_hold_fold_to_the_same() {
    let at = NOW;
    let [customer, tamper] =
        [HoldCause::Customer, HoldCause::Tamper].map(|cause| Event::SessionHeld { cause, at });
    let held = after(&ready(), &[customer, tamper]);
    assert_eq!(held.hold().unwrap().cause, HoldCause::Tamper);
    let lifted = after(&held, &[Event::HoldLifted]);
    assert_eq!(lifted.hold(), None, "one lifting lifted everything, and there was nothing else");
}

#[test]
fn a_hold_freezes_releases_and_unsent_commands_and_lifting_it_frees_them() {
    for (session, kind) in [
        (ready(), RequestKind::ReleaseCompartment),
        (ask(&ready(), RequestKind::ReleaseCompartment), RequestKind::SendCommand),
        (groceries_secured(), RequestKind::DispenseFuel),
    ] {
        let held = hold(&session, HoldCause::Customer);
        assert_eq!(refusal(&held, &good(&held, action(&held, kind))), [Reason::ManualHold]);
        let resumed = ask(&held, RequestKind::Resume);
        assert_eq!(refusal(&resumed, &good(&resumed, action(&resumed, kind))), []);
    }
}

#[test]
fn a_car_that_moves_between_legs_loses_its_binding_at_once() {
    let moved = hear(&groceries_secured(), &Report::VehicleMoved);
    assert_eq!(phase(&moved), PhaseKind::Verified);
    assert_eq!(moved.ground().binding, None);
}

#[test]
fn a_car_that_moves_while_something_is_under_way_loses_its_binding_before_the_next_release() {
    let open = hear(&commanded(), &opened(&commanded()));
    let moved = hear(&open, &Report::VehicleMoved);
    assert_eq!(phase(&moved), PhaseKind::InService);
    assert_eq!(refusal(&moved, &resume(&moved)), [Reason::ReleaseUnderWay]);

    let secured = hear(&ask(&moved, RequestKind::ConfirmTransfer), &LOCKED);
    assert_eq!(leg_kind(&secured, GROCERIES), LegStateKind::Secured);
    let events = answer(&secured, &resume(&secured)).unwrap();
    assert_eq!(events, [Event::HoldLifted, Event::BindingVoided { why: BindingEnd::Moved }]);
    let resumed = after(&secured, &events);
    assert_eq!((phase(&resumed), resumed.hold()), (PhaseKind::Verified, None));
}

#[test]
fn a_binding_that_was_approved_after_the_car_moved_outlasts_the_hold() {
    let open = hear(&commanded(), &opened(&commanded()));
    let moved = hear(&hear(&open, &LOCKED), &Report::VehicleMoved);
    let secured = ask(&moved, RequestKind::ConfirmTransfer);
    let proposed = ask(&ask(&secured, RequestKind::Relocate), RequestKind::ProposeBinding);
    let mut approval = good(&proposed, Action::ApproveIntent);
    let later = NOW.plus_ms(1);
    approval.evidence[0].at = later;
    let bound = after(&proposed, &crate::session::decide(&proposed, &approval, later).unwrap());
    let resumed = ask(&bound, RequestKind::Resume);
    assert_eq!((phase(&resumed), resumed.ground().binding), (PhaseKind::VehicleBound, Some(2)));
}

#[test]
fn a_car_that_moves_again_raises_no_second_exception() {
    let events = crate::session::observe(&commanded(), &Report::VehicleMoved, NOW);
    assert!(matches!(
        events[..],
        [
            Event::ExceptionRaised { exception: Exception::VehicleMoved, leg: Some(GROCERIES), .. },
            Event::SessionHeld { cause: HoldCause::VehicleMoved, .. }
        ]
    ));
    let moved = after(&commanded(), &events);
    assert_eq!(crate::session::observe(&moved, &Report::VehicleMoved, NOW), []);
}

#[test]
fn tampering_after_the_end_is_told_but_freezes_nothing() {
    let revoked = ask(&commanded(), RequestKind::Revoke);
    let tampered = hear(&revoked, &Report::Tampered { device: LOCK });
    assert_eq!(tampered.hold(), None);
    assert_eq!(crate::session::observe(&revoked, &Report::Tampered { device: LOCK }, NOW).len(), 1);
}

#[test]
fn an_empty_success_is_not_given_to_those_who_may_not_ask() {
    let revoked = ask(&ready(), RequestKind::Revoke);
    let mut again = good(&revoked, action(&revoked, RequestKind::Revoke));
    assert_eq!(refusal(&revoked, &again), []);
    again.actor = actor(ActorKind::Driver);
    assert_eq!(refusal(&revoked, &again), [Reason::SessionClosed]);

    let mut idle = good(&ready(), Action::Resume);
    idle.actor = Actor::Device { device: LOCK };
    assert_eq!(refusal(&ready(), &idle), [Reason::ActorNotAllowed]);
}

const LOCKED: Report = Report::LockLocked { device: LOCK };

fn hold(session: &Session, cause: HoldCause) -> Session {
    after(session, &answer(session, &good(session, Action::Hold { cause })).unwrap())
}

fn resume(session: &Session) -> crate::session::Request {
    good(session, Action::Resume)
}
