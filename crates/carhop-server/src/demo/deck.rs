//! Which stop comes next: of those that were asked for, or one after the other without end.
//!
//! It plays none of them.

use std::collections::VecDeque;

use super::plan::Plan;

/// Stops that wait to be played.
pub(crate) struct Deck {
    waiting: VecDeque<Plan>,
    /// Where a deck without end has its next round from.
    endless: Option<Round>,
}

struct Round {
    seed: u64,
    first: usize,
}

impl Deck {
    /// These stops; those that take long go first.
    pub(crate) fn of(mut plans: Vec<Plan>) -> Self {
        plans.sort_by_key(|plan| !plan.scenario.takes_long());
        Self { waiting: plans.into(), endless: None }
    }

    /// Stops without end, of which some go well and one of each mishap follows after the other.
    pub(crate) const fn endless(seed: u64) -> Self {
        Self { waiting: VecDeque::new(), endless: Some(Round { seed, first: 1 }) }
    }

    /// Whether there is always one more.
    pub(crate) const fn is_endless(&self) -> bool {
        self.endless.is_some()
    }

    /// The next one.
    pub(crate) fn draw(&mut self) -> Option<Plan> {
        if let (true, Some(round)) = (self.waiting.is_empty(), &mut self.endless) {
            self.waiting = Plan::deal(round.first, ROUND_STOPS, round.seed).into();
            round.first += ROUND_STOPS;
            round.seed = round.seed.wrapping_add(1);
        }
        self.waiting.pop_front()
    }
}

/// Enough for every scenario to come once.
const ROUND_STOPS: usize = 40;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_deck_without_end_gives_every_scenario_and_no_number_twice() {
        let mut deck = Deck::endless(1);
        let drawn: Vec<Plan> = (0..90).filter_map(|_| deck.draw()).collect();
        assert!(deck.is_endless());
        assert!((1..=90).eq(drawn.iter().map(|plan| plan.number)));
        let rounds: Vec<BTreeSet<_>> = drawn
            .chunks(ROUND_STOPS)
            .map(|round| round.iter().map(|plan| plan.scenario.name).collect())
            .collect();
        assert_eq!(rounds[0], rounds[1]);
        assert_ne!(drawn[0].plate, drawn[ROUND_STOPS].plate, "the same stops again");
    }

    #[test]
    fn a_deck_that_was_asked_for_ends_and_begins_with_what_takes_long() {
        let mut deck = Deck::of(Plan::deal(1, 40, 3));
        let drawn: Vec<bool> =
            std::iter::from_fn(|| deck.draw()).map(|plan| plan.scenario.takes_long()).collect();
        assert_eq!(drawn.len(), 40);
        assert!(drawn[0] && drawn.is_sorted_by(|a, b| a >= b));
    }
}
