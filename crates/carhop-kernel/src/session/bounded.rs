//! How much a session's own history takes of what comes from outside: of each kind of exception the first ones, and one
//! mark that more are counted only, so that no device can bloat it (M-THR). What is left out is not lost: every statement
//! stands in its device's history.

use alloc::vec::Vec;

use super::event::{Event, Exception};
use super::state::Session;
use crate::limits;

/// What a session's history takes of some events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// What it takes, in order.
    pub events: Vec<Event>,
    /// What is counted only.
    pub left_out: Vec<Exception>,
}

/// What the history of `session` takes of `events`.
pub fn bounded(session: &Session, events: &[Event]) -> Bounded {
    let mut raised = session.raised.clone();
    let mut bounded = Bounded { events: Vec::with_capacity(events.len()), left_out: Vec::new() };
    for event in events {
        let Event::ExceptionRaised { exception, .. } = event else {
            bounded.events.push(event.clone());
            continue;
        };
        let count = raised.entry(*exception).or_default();
        if *count < limits::EXCEPTIONS_PER_KIND_MAX {
            bounded.events.push(event.clone());
        } else {
            bounded.left_out.push(*exception);
            if *count == limits::EXCEPTIONS_PER_KIND_MAX {
                bounded.events.push(Event::ExceptionsCapped { exception: *exception });
            }
        }
        *count = count.saturating_add(1);
    }
    bounded
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::session::tests::world::{LOCK, PUMP, after, requested};

    fn raised(exception: Exception) -> Event {
        Event::ExceptionRaised { exception, leg: None, device: Some(LOCK) }
    }

    #[test]
    fn the_first_exceptions_of_a_kind_are_kept_and_one_mark_and_no_more_whatever_comes() {
        let most = usize::try_from(limits::EXCEPTIONS_PER_KIND_MAX).unwrap();
        let (mut session, mut kept, mut left_out) = (requested(), Vec::new(), 0);
        for _ in 0..10 * most {
            // Two at once, with something else between them.
            let held =
                Event::MeterAdvanced { leg: crate::session::LegIndex(0), number: 0, metered_ml: 1 };
            let told = [raised(Exception::Tampered), held.clone(), raised(Exception::Tampered)];
            let heard = bounded(&session, &told);
            assert!(heard.events.contains(&held), "nothing else is left out");
            session = after(&session, &heard.events);
            left_out += heard.left_out.len();
            kept.extend(heard.events.into_iter().filter(|event| *event != held));
        }
        let mut expected = vec![raised(Exception::Tampered); most];
        expected.push(Event::ExceptionsCapped { exception: Exception::Tampered });
        assert_eq!(kept, expected);
        assert_eq!(left_out, 20 * most - most);
        // Another kind has a share of its own.
        let other = Event::ExceptionRaised {
            exception: Exception::LeftOpen,
            leg: None,
            device: Some(PUMP),
        };
        let other = core::slice::from_ref(&other);
        assert_eq!(bounded(&session, other).events.as_slice(), other);
    }
}
