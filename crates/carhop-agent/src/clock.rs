//! The bounded clock: what time it can be, from a signed answer to the device's own question and the
//! monotonic time since (design §9.7; standards §8).
//!
//! It verifies nothing and reads no clock; without a recent answer it says so rather than guess.

use carhop_kernel::time::Timestamp;
use carhop_proofs::statement::ClockState;

use crate::agent::limits;

/// The last answer and the open question.
#[derive(Debug, Default)]
pub(crate) struct BoundedClock {
    question: Option<Question>,
    /// Nothing is asked again before this, whatever came of the last question.
    again_at_ms: u64,
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    nonce: [u8; 16],
    asked_at_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    server_time: Timestamp,
    asked_at_ms: u64,
    answered_at_ms: u64,
}

impl BoundedClock {
    /// Notes a question; only its answer counts from here on.
    pub(crate) fn ask(&mut self, nonce: [u8; 16], now_ms: u64) {
        self.question = Some(Question { nonce, asked_at_ms: now_ms });
        self.again_at_ms = now_ms + limits::CLOCK_RETRY_MS;
    }

    /// The nonce of the open question.
    pub(crate) fn nonce(&self) -> Option<[u8; 16]> {
        self.question.map(|question| question.nonce)
    }

    /// Takes the answer to the open question. One that took too long bounds nothing, and one that
    /// lies before what is known already would turn time back; both are left aside.
    pub(crate) fn answer(&mut self, server_time: Timestamp, now_ms: u64) {
        let Some(question) = self.question.take() else { return };
        let asked_at_ms = question.asked_at_ms;
        let answer = Answer { server_time, asked_at_ms, answered_at_ms: now_ms };
        let is_slow = now_ms.saturating_sub(asked_at_ms) > limits::CLOCK_ROUND_TRIP_MS_MAX;
        let turns_back = self.is_bounded(now_ms) && answer.latest(now_ms) < self.earliest(now_ms);
        if !is_slow && !turns_back {
            self.answer = Some(answer);
        }
    }

    /// The latest it can be; `None` without a bound.
    pub(crate) fn latest(&self, now_ms: u64) -> Option<Timestamp> {
        let answer = self.answer.filter(|answer| answer.is_fresh(now_ms))?;
        Some(answer.latest(now_ms))
    }

    /// What a statement says about the time, and how far that may be believed.
    pub(crate) fn told(&self, now_ms: u64) -> (Timestamp, ClockState) {
        let state = match self.answer {
            None => ClockState::Unsynchronised,
            Some(answer) if answer.is_fresh(now_ms) => ClockState::Synchronised,
            Some(_) => ClockState::Relative,
        };
        (self.earliest(now_ms), state)
    }

    /// When to ask again.
    pub(crate) fn ask_at_ms(&self, now_ms: u64) -> u64 {
        if self.question.is_some() {
            return self.again_at_ms;
        }
        let answer = self.answer.filter(|answer| answer.is_fresh(now_ms));
        let due_at_ms =
            answer.map_or(now_ms, |answer| answer.answered_at_ms + limits::CLOCK_REFRESH_MS);
        due_at_ms.max(self.again_at_ms)
    }

    fn is_bounded(&self, now_ms: u64) -> bool {
        self.answer.is_some_and(|answer| answer.is_fresh(now_ms))
    }

    /// The earliest it can be; before the first answer, the time since the start.
    fn earliest(&self, now_ms: u64) -> Timestamp {
        match self.answer {
            Some(answer) => answer.earliest(now_ms),
            None => Timestamp::from_unix_ms(now_ms),
        }
    }
}

impl Answer {
    fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.answered_at_ms) < limits::CLOCK_BOUND_MS_MAX
    }

    fn earliest(&self, now_ms: u64) -> Timestamp {
        let elapsed_ms = now_ms.saturating_sub(self.answered_at_ms);
        self.server_time.plus_ms(elapsed_ms).minus_ms(drift_ms(elapsed_ms))
    }

    /// The server may have answered at once, and all of the round trip passed since.
    fn latest(&self, now_ms: u64) -> Timestamp {
        let elapsed_ms = now_ms.saturating_sub(self.asked_at_ms);
        self.server_time.plus_ms(elapsed_ms).plus_ms(drift_ms(elapsed_ms))
    }
}

fn drift_ms(elapsed_ms: u64) -> u64 {
    elapsed_ms.saturating_mul(limits::CLOCK_DRIFT_PPM_MAX).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

    fn answered(asked_at_ms: u64, answered_at_ms: u64) -> BoundedClock {
        let mut clock = BoundedClock::default();
        clock.ask([1; 16], asked_at_ms);
        clock.answer(SERVER, answered_at_ms);
        clock
    }

    #[test]
    fn the_latest_time_counts_from_the_question_and_grows_with_the_drift() {
        let clock = answered(100, 300);
        assert_eq!(clock.latest(300), Some(SERVER.plus_ms(201)));
        let later = clock.latest(300 + 100_000);
        assert_eq!(later, Some(SERVER.plus_ms(100_200 + 21)));
        assert_eq!(clock.told(300), (SERVER, ClockState::Synchronised));
        assert_eq!(clock.told(100_300).0, SERVER.plus_ms(100_000 - 20));
    }

    #[test]
    fn a_clock_is_bounded_only_by_a_prompt_and_recent_answer() {
        assert_eq!(BoundedClock::default().latest(5), None);
        assert_eq!(BoundedClock::default().told(5).1, ClockState::Unsynchronised);
        assert!(answered(0, limits::CLOCK_ROUND_TRIP_MS_MAX).latest(10_000).is_some());
        assert_eq!(answered(0, limits::CLOCK_ROUND_TRIP_MS_MAX + 1).latest(10_000), None);
        let clock = answered(0, 0);
        assert!(clock.latest(limits::CLOCK_BOUND_MS_MAX - 1).is_some());
        assert_eq!(clock.latest(limits::CLOCK_BOUND_MS_MAX), None);
        assert_eq!(clock.told(limits::CLOCK_BOUND_MS_MAX).1, ClockState::Relative);
    }

    #[test]
    fn an_answer_without_a_question_or_from_the_past_changes_nothing() {
        let mut clock = answered(0, 0);
        let before = clock.latest(1000);
        clock.answer(SERVER.plus_ms(900_000), 1000);
        assert_eq!(clock.latest(1000), before);
        clock.ask([2; 16], 1000);
        clock.answer(SERVER.minus_ms(5000), 1010);
        assert_eq!(clock.latest(1000), before);
        clock.ask([3; 16], 1000);
        clock.answer(SERVER.plus_ms(1000), 1010);
        assert_eq!(clock.latest(1010), Some(SERVER.plus_ms(1011)));
    }

    #[test]
    fn the_question_is_repeated_until_answered_and_then_refreshed() {
        let mut clock = BoundedClock::default();
        assert_eq!(clock.ask_at_ms(7), 7);
        clock.ask([1; 16], 7);
        assert_eq!(clock.ask_at_ms(8), 7 + limits::CLOCK_RETRY_MS);
        clock.answer(SERVER, 9);
        assert_eq!(clock.ask_at_ms(10), 9 + limits::CLOCK_REFRESH_MS);
    }

    #[test]
    fn what_was_left_aside_of_an_answer_is_not_asked_for_again_at_once() {
        let slow = answered(0, limits::CLOCK_ROUND_TRIP_MS_MAX + 1);
        let asked_ms = limits::CLOCK_ROUND_TRIP_MS_MAX + 1;
        assert_eq!(slow.ask_at_ms(asked_ms), limits::CLOCK_RETRY_MS.max(asked_ms));
        let mut turned_back = answered(0, 0);
        let asked_ms = limits::CLOCK_REFRESH_MS;
        turned_back.ask([2; 16], asked_ms);
        turned_back.answer(SERVER, asked_ms + 10);
        assert_eq!(turned_back.ask_at_ms(asked_ms + 10), asked_ms + limits::CLOCK_RETRY_MS);
    }
}
