//! Which exceptions of a session still wait for a person: raised, and neither answered by what happened since nor made
//! moot by it. Nobody says here that she has looked; that is read from what she did.

use super::event::{Event, Exception, HoldCause};
use super::leg::LegState;
use super::state::Session;

/// Keeps [`Session::waiting`] up after `event`.
pub(super) fn keep(session: &mut Session, event: &Event) {
    let mut waiting = core::mem::take(&mut session.waiting);
    waiting.retain(|exception| waits(session, *exception, event));
    if let Event::ExceptionRaised { exception, .. } = event {
        waiting.insert(*exception);
    }
    session.waiting = waiting;
}

/// Whether what was raised before still waits after `event`.
fn waits(session: &Session, exception: Exception, event: &Event) -> bool {
    let any = |is_so: fn(&LegState) -> bool| session.legs.iter().any(|leg| is_so(&leg.state));
    let ends = matches!(
        event,
        Event::SessionRevoked { .. } | Event::SessionExpired | Event::SessionCompleted { .. }
    );
    let lifts = |cause| *event == Event::HoldLifted || *event == Event::HoldEased { cause };
    match exception {
        // The stop was frozen until a person had looked.
        Exception::OpenedWithoutLeave | Exception::FlowWithoutLeave => {
            !ends && !lifts(HoldCause::Safety)
        }
        Exception::Tampered => !ends && !lifts(HoldCause::Tamper),
        Exception::VehicleMoved => !ends && !lifts(HoldCause::VehicleMoved),
        Exception::LeftOpen => any(LegState::stands_open),
        Exception::TransferUnconfirmed => !ends && any(is_unconfirmed),
        Exception::OutcomeUnknown => any(is_unclear),
        Exception::MeterSilent => any(|state| matches!(state, LegState::Dispensing { .. })),
        // They come when the stop, or its leg, is over; nothing that comes later answers them.
        Exception::OpenedAfterEnd | Exception::SettledAfterTakeover => true,
        Exception::OverDispensed
        | Exception::LockJammed
        | Exception::InterlockTripped
        | Exception::TemperatureOutOfRange
        | Exception::MeterGap
        | Exception::MeterBackwards
        | Exception::MeterFaulty
        | Exception::UnaccountedFlow
        | Exception::CommandAbandoned => !ends,
    }
}

const fn is_unconfirmed(state: &LegState) -> bool {
    matches!(state, LegState::Open { locked: true, .. })
}

const fn is_unclear(state: &LegState) -> bool {
    matches!(state, LegState::Indeterminate(_) | LegState::Dispensing { .. })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::session::tests::world::{
        FUEL, GROCERIES, LOCK, after, armed, ask, commanded, hear, opened, pump_commanded,
    };
    use crate::session::{LegIndex, Report, RequestKind};

    #[test]
    fn an_exception_waits_until_what_a_person_did_answers_it() {
        let open = hear(&commanded(), &opened(&commanded()));
        let locked = hear(&open, &Report::LockLocked { device: LOCK });
        let running = hear(&pump_commanded(), &armed(&pump_commanded()));
        let tampered = hear(&open, &Report::Tampered { device: LOCK });
        let eased = Event::HoldEased { cause: HoldCause::Tamper };
        let rows: [(Session, Exception, LegIndex, &[Event]); 5] = [
            (open, Exception::LeftOpen, GROCERIES, &[Event::CompartmentLocked { leg: GROCERIES }]),
            (
                locked,
                Exception::TransferUnconfirmed,
                GROCERIES,
                &[
                    Event::GoodsTransferred { leg: GROCERIES },
                    Event::CompartmentSecured { leg: GROCERIES },
                ],
            ),
            (running, Exception::MeterSilent, FUEL, &[Event::LegTakenOver { leg: FUEL }]),
            (tampered.clone(), Exception::Tampered, GROCERIES, &[Event::HoldLifted]),
            (tampered, Exception::Tampered, GROCERIES, &[eased]),
        ];
        for (session, exception, leg, answer) in rows {
            let raised = after(&session, &[told(exception, leg)]);
            assert!(raised.waiting.contains(&exception), "{exception:?} is raised");
            let lighter = Event::HoldEased { cause: HoldCause::Customer };
            let other = after(&raised, &[told(Exception::LockJammed, leg), lighter]);
            assert!(other.waiting.contains(&exception), "{exception:?} outlasts another");
            let answered = after(&other, answer);
            assert_eq!(waiting(&answered), [Exception::LockJammed], "{exception:?}");
        }
    }

    #[test]
    fn what_comes_after_the_end_waits_though_the_stop_is_over() {
        let jammed = after(&commanded(), &[told(Exception::LockJammed, GROCERIES)]);
        assert_eq!(waiting(&jammed), [Exception::LockJammed]);
        let revoked = ask(&jammed, RequestKind::Revoke);
        assert_eq!(waiting(&revoked), [], "an end is an answer to what came before");
        let late = hear(&revoked, &opened(&revoked));
        assert_eq!(waiting(&late), [Exception::OpenedAfterEnd]);
        let tampered = hear(&revoked, &Report::Tampered { device: LOCK });
        assert_eq!(waiting(&tampered), [Exception::Tampered]);
    }

    fn told(exception: Exception, leg: LegIndex) -> Event {
        Event::ExceptionRaised { exception, leg: Some(leg), device: None }
    }

    fn waiting(session: &Session) -> Vec<Exception> {
        session.waiting.iter().copied().collect()
    }
}
