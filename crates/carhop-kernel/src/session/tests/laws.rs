//! Laws that hold over any sequence of requests, good or bad, and reports, in any order (M-FLO-5, M-TOK-3, M-ORD-2).

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};

use super::world::*;
use crate::actor::ActorKind;
use crate::id::{CommandId, DeviceId};
use crate::session::table::TRANSITIONS;
use crate::session::{
    Action, Event, HoldCause, InterlockKind, Leg, LegIndex, LegKind, LegState, MeterDoubt,
    NotExecuted, Phase, Report, Request, RequestKind, Session, decide, evolve, observe, open,
};
use crate::time::Timestamp;

/// One step of a random history.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The stop goes on: by the report that is awaited, by the last of the requests that are granted, or by another.
    GoOn { choice: u8 },
    /// Some request with some flaw.
    Ask { kind: u8, flaw: u8, leg: u8, late: bool },
    /// Some report about some command that ever was.
    Tell { report: u8, command: u8, device: u8, metered_ml: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => any::<u8>().prop_map(|choice| Step::GoOn { choice }),
        1 => (any::<u8>(), any::<u8>(), 0..4_u8, prop::bool::weighted(0.1))
            .prop_map(|(kind, flaw, leg, late)| Step::Ask { kind, flaw, leg, late }),
        2 => (any::<u8>(), any::<u8>(), 0..9_u8, 0..60_000_u32).prop_map(
            |(report, command, device, metered_ml)| Step::Tell { report, command, device, metered_ml }
        ),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(0x0ca2_4095),
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    })]

    #[test]
    fn every_history_keeps_the_laws(steps in steps()) {
        let history = History::run(&steps);
        history.an_end_is_never_left()?;
        history.at_most_one_leg_is_under_way()?;
        history.a_command_follows_only_on_proof_that_the_last_was_not_executed()?;
        history.nothing_is_released_or_sent_after_the_end()?;
        history.nothing_begins_that_was_not_sent()?;
        history.fuel_settles_once_at_what_was_metered()?;
        history.numbers_only_grow()?;
        history.an_amendment_starts_all_over()?;
        history.nothing_is_released_on_hold()?;
        history.folding_gives_the_live_state()?;
    }

    #[test]
    fn no_event_whatever_leaves_an_end(
        steps in steps(),
        others in prop::collection::vec(steps(), 1..4),
    ) {
        let mut session = History::run(&steps).live;
        let foreign = others.iter().flat_map(|other| History::run(other).events);
        for event in foreign {
            let after = evolve(session.clone(), &event);
            prop_assert!(session.is_active() || after.phase == session.phase, "{event:?}");
            if !matches!(event, Event::OrderAmended { .. }) {
                for (before, after) in session.legs.iter().zip(&after.legs) {
                    let stays = !before.state.kind().is_end() || before.state == after.state;
                    prop_assert!(stays || is_settled_at_last(before, &event), "{event:?}");
                }
            }
            session = after;
        }
    }
}

#[test]
fn random_histories_reach_every_event_so_that_the_laws_are_not_empty() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for _ in 0..1_000 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        for event in History::run(&steps).events {
            *seen.entry(event.name()).or_insert(0) += 1;
        }
    }
    for elsewhere in ["outcome.stated", "leg.taken_over", "exceptions.capped"] {
        seen.remove(elsewhere);
    }
    assert_eq!(seen.len(), EVENTS, "{seen:?}");
}

/// All but those of a person, who comes only after all else, which `reports` plays, and the mark of `bounded`.
const EVENTS: usize = 29;

/// A random history and what the session was after each of its events.
struct History {
    events: Vec<Event>,
    sessions: Vec<Session>,
    live: Session,
    commands: Vec<(DeviceId, CommandId)>,
}

impl History {
    fn run(steps: &[Step]) -> Self {
        let live = requested();
        let first = Event::SessionRequested {
            session: live.id,
            tenant: live.tenant.clone(),
            market: live.market.clone(),
            order: live.order.clone(),
        };
        let mut history = Self {
            events: vec![first],
            sessions: vec![live.clone()],
            live,
            commands: vec![(STRANGE_DEVICE, CommandId::from_bytes([0xee; 16]))],
        };
        for step in steps {
            let events = history.step(*step);
            history.record(events);
        }
        history
    }

    fn step(&self, step: Step) -> Vec<Event> {
        match step {
            Step::GoOn { choice } => self.go_on(choice),
            Step::Ask { kind, flaw, leg, late } => {
                let kind = TRANSITIONS[usize::from(kind) % TRANSITIONS.len()].request;
                let request = self.request(kind, LegIndex(leg));
                let now = if late { END } else { NOW };
                decide(&self.live, &flawed(request, flaw), now).unwrap_or_default()
            }
            Step::Tell { report, command, device, metered_ml } => {
                let newest_first = self.commands.iter().rev();
                let (device_of, command) =
                    *newest_first.cycle().nth(usize::from(command / 64)).unwrap();
                let device =
                    *[LOCK, PUMP, STRANGE_DEVICE].get(usize::from(device)).unwrap_or(&device_of);
                observe(&self.live, &tell(report, command, device, metered_ml), NOW)
            }
        }
    }

    fn go_on(&self, choice: u8) -> Vec<Event> {
        let awaited = self.live.legs.iter().find_map(|leg| awaited(leg, choice));
        if let Some(report) = awaited {
            return observe(&self.live, &report, NOW);
        }
        let mut granted: Vec<_> = TRANSITIONS
            .iter()
            .filter(|row| row.every_leg.is_none() && !DETOURS.contains(&row.request))
            .map(|row| good(&self.live, action(&self.live, row.request)))
            .filter_map(|request| answer(&self.live, &request).ok())
            .filter(|events| !events.is_empty())
            .collect();
        if granted.is_empty() {
            return Vec::new();
        }
        let another = usize::from(choice) % granted.len();
        let last = granted.len() - 1;
        granted.swap_remove(if choice < 200 { last } else { another })
    }

    fn request(&self, kind: RequestKind, leg: LegIndex) -> Request {
        let mut action = action(&self.live, kind);
        match &mut action {
            Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
                *order = release(&self.live, leg);
            }
            Action::ConfirmTransfer { leg: of } => *of = leg,
            Action::ResolveOutcome { finding, .. } if leg.0 > 0 => finding.executed = true,
            Action::Hold { cause } if leg.0 > 0 => *cause = HoldCause::VehicleMoved,
            Action::AmendOrder { order } if leg.0 > 0 => order.terms.legs.push(goods()),
            _ => {}
        }
        good(&self.live, action)
    }

    fn record(&mut self, events: Vec<Event>) {
        for event in events {
            self.live = evolve(self.live.clone(), &event);
            if let Event::ReleaseAuthorised { release, device, .. } = &event {
                self.commands.push((*device, release.command));
            }
            self.events.push(event);
            self.sessions.push(self.live.clone());
        }
    }

    /// Each event with the session before and after it.
    fn moves(&self) -> impl Iterator<Item = (&Session, &Event, &Session)> {
        let pairs = self.sessions.windows(2).zip(&self.events[1..]);
        pairs.map(|(pair, event)| (&pair[0], event, &pair[1]))
    }

    fn an_end_is_never_left(&self) -> Result<(), TestCaseError> {
        for (before, event, after) in self.moves() {
            prop_assert!(before.is_active() || after.phase == before.phase, "{event:?}");
            if matches!(event, Event::OrderAmended { .. }) {
                continue;
            }
            for (before, after) in before.legs.iter().zip(&after.legs) {
                let stays = !before.state.kind().is_end() || after == before;
                prop_assert!(stays || is_settled_at_last(before, event), "{event:?}");
            }
        }
        Ok(())
    }

    fn at_most_one_leg_is_under_way(&self) -> Result<(), TestCaseError> {
        for session in &self.sessions {
            let under_way = session.legs.iter().filter(|leg| leg.state.kind().is_under_way());
            prop_assert!(under_way.count() <= 1, "{:?}", session.legs);
        }
        Ok(())
    }

    fn a_command_follows_only_on_proof_that_the_last_was_not_executed(
        &self,
    ) -> Result<(), TestCaseError> {
        let mut sent: BTreeMap<LegIndex, CommandId> = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::CommandSent { leg, command } => {
                    prop_assert_eq!(sent.insert(*leg, *command), None, "a second command");
                }
                Event::ReleaseNotExecuted { leg, command, .. } => {
                    let of_leg = sent.remove(leg);
                    prop_assert!(of_leg.is_none_or(|sent| sent == *command), "of another command");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn nothing_is_released_or_sent_after_the_end(&self) -> Result<(), TestCaseError> {
        let ended = self.events.iter().skip_while(|event| !ends(event));
        for event in ended {
            let begins =
                matches!(event, Event::ReleaseAuthorised { .. } | Event::CommandSent { .. });
            prop_assert!(!begins, "{event:?}");
        }
        Ok(())
    }

    fn nothing_begins_that_was_not_sent(&self) -> Result<(), TestCaseError> {
        let mut sent = Vec::new();
        let mut begun = Vec::new();
        for event in &self.events {
            match event {
                Event::CommandSent { command, .. } => sent.push(*command),
                Event::CompartmentOpened { command, .. } | Event::PumpArmed { command, .. } => {
                    prop_assert!(sent.contains(command), "{command} was not sent");
                    prop_assert!(!begun.contains(command), "{command} began twice");
                    begun.push(*command);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fuel_settles_once_at_what_was_metered(&self) -> Result<(), TestCaseError> {
        let mut settled = Vec::new();
        for (before, event, _) in self.moves() {
            if let Event::FuelSettled { leg, metered_ml } = event {
                prop_assert!(!settled.contains(leg), "{leg:?} settled twice");
                settled.push(*leg);
                match before.leg(*leg).map(|leg| leg.state) {
                    Some(LegState::Dispensed { metered_ml: metered, .. }) => {
                        prop_assert_eq!(*metered_ml, metered);
                    }
                    Some(LegState::TakenOver) => {}
                    _ => return Err(TestCaseError::fail("settled before it had stopped")),
                }
            }
            if let Event::MeterAdvanced { leg, metered_ml, .. }
            | Event::DispensingEnded { leg, metered_ml } = event
                && let Some(LegState::Dispensing { metered_ml: known, .. }) =
                    before.leg(*leg).map(|leg| leg.state)
            {
                prop_assert!(*metered_ml >= known, "the meter ran backwards");
            }
        }
        Ok(())
    }

    fn numbers_only_grow(&self) -> Result<(), TestCaseError> {
        let (mut bindings, mut assignments) = (0, 0);
        for event in &self.events {
            match event {
                Event::BindingProposed { binding, .. } => {
                    prop_assert!(*binding > bindings);
                    bindings = *binding;
                }
                Event::DriverAssigned { assignment, .. } => {
                    prop_assert!(*assignment > assignments);
                    assignments = *assignment;
                }
                _ => {}
            }
        }
        prop_assert_eq!((self.live.bindings, self.live.assignments), (bindings, assignments));
        Ok(())
    }

    fn an_amendment_starts_all_over(&self) -> Result<(), TestCaseError> {
        for (before, event, after) in self.moves() {
            let Event::OrderAmended { order } = event else { continue };
            prop_assert_eq!(&after.phase, &Phase::Requested);
            prop_assert_eq!(after.ground().binding.or(after.ground().assignment), None);
            prop_assert_eq!(&after.order, order);
            for (index, leg) in after.legs.iter().enumerate() {
                let old = before.legs.get(index).map(|old| old.state);
                let kept = old.filter(|old| old.kind().is_end()).unwrap_or(LegState::Pending);
                prop_assert_eq!(leg.state, kept);
            }
        }
        Ok(())
    }

    fn nothing_is_released_on_hold(&self) -> Result<(), TestCaseError> {
        for (before, event, _) in self.moves() {
            let begins =
                matches!(event, Event::ReleaseAuthorised { .. } | Event::CommandSent { .. });
            prop_assert!(!begins || before.hold().is_none(), "{event:?}");
        }
        Ok(())
    }

    fn folding_gives_the_live_state(&self) -> Result<(), TestCaseError> {
        let opened = open(&self.events[0]).unwrap();
        let folded = self.events[1..].iter().fold(opened, evolve);
        prop_assert_eq!(&folded, &self.live);
        Ok(())
    }
}

/// Requests that lead away from the end of the stop.
const DETOURS: &[RequestKind] =
    &[RequestKind::AmendOrder, RequestKind::Relocate, RequestKind::Hold];

/// Whether the end that is left is that of a leg that a person took over, whose fuel is known at last.
fn is_settled_at_last(before: &Leg, event: &Event) -> bool {
    before.state == LegState::TakenOver && matches!(event, Event::FuelSettled { .. })
}

fn ends(event: &Event) -> bool {
    matches!(
        event,
        Event::SessionRevoked { .. } | Event::SessionExpired | Event::SessionCompleted { .. }
    )
}

/// The request with one thing wrong, or nothing.
fn flawed(mut request: Request, flaw: u8) -> Request {
    match flaw % 8 {
        0 => request.actor = actor(ActorKind::Device),
        1 => request.verdict = None,
        2 => drop(request.evidence.pop()),
        3 => request.evidence.iter_mut().for_each(|evidence| evidence.at = Timestamp::default()),
        _ => {}
    }
    request
}

/// The report that this leg waits for.
fn awaited(leg: &Leg, choice: u8) -> Option<Report> {
    let (device, command) = (leg.terms.device, leg.last_command?);
    match (leg.state, leg.kind()) {
        (LegState::Commanded(_) | LegState::Indeterminate(_), LegKind::Goods) => {
            Some(Report::LockOpened { device, command: Some(command), receipt: RECEIPT })
        }
        (LegState::Transferred { .. }, LegKind::Goods) => Some(Report::LockLocked { device }),
        (LegState::Commanded(_) | LegState::Indeterminate(_), LegKind::Fuel) => {
            Some(Report::PumpArmed { command, receipt: RECEIPT })
        }
        (LegState::Dispensing { metered_ml, .. }, LegKind::Fuel) => {
            let metered_ml = metered_ml.saturating_add(choice.into());
            Some(if choice.is_multiple_of(2) {
                Report::DispensingEnded { device, command, metered_ml }
            } else {
                Report::MeterAdvanced { device, command, number: 0, metered_ml }
            })
        }
        _ => None,
    }
}

fn tell(report: u8, command: CommandId, device: DeviceId, metered_ml: u32) -> Report {
    let not_executed = |why| Report::NotExecuted { command, why };
    match report % 18 {
        0 | 1 => Report::LockOpened { device, command: Some(command), receipt: RECEIPT },
        2 => Report::LockOpened { device, command: None, receipt: RECEIPT },
        3 => Report::LockLocked { device },
        4 => Report::LockJammed { command },
        5 => Report::PumpArmed { command, receipt: RECEIPT },
        6 => Report::MeterAdvanced { device, command, number: 0, metered_ml },
        7 => Report::DispensingEnded { device, command, metered_ml },
        8 => Report::DispensingEnded { device, command, metered_ml: 0 },
        9 => not_executed(NotExecuted::Unsent),
        10 => not_executed(NotExecuted::RefusedByDevice),
        11 => not_executed(NotExecuted::Cancelled),
        12 => Report::Silence { command },
        13 => Report::VehicleMoved,
        14 => Report::Tampered { device },
        15 => Report::Overdue { command },
        16 => Report::MeterDoubted { device, doubt: MeterDoubt::Backwards },
        _ => Report::InterlockTripped { device, kind: InterlockKind::Nozzle },
    }
}
