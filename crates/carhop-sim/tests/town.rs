//! Towns: whole worlds from a seed. What must hold does in calm worlds, and the same seed gives the same world bit for bit
//! in wild ones (`design.md` §8).

#![expect(clippy::unwrap_used, reason = "a world that cannot be played is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::ports::{AppendError, JournalError};
use carhop_kernel::time::Timestamp;
use carhop_sim::happening::{
    Answer, Belonging, Broken, Clocked, Happening, Link, LinkState, PersonNumber, Witness,
};
use carhop_sim::model::Model;
use carhop_sim::plan::Plan;
use carhop_sim::town::{Ending, Run, play};

fn run(plan: &Plan) -> Run {
    play(plan, &mut [&mut Model::default()]).unwrap()
}

#[test]
fn in_calm_worlds_every_stop_is_completed() {
    for seed in 0..6 {
        let plan = Plan::from_seed(seed).calm();
        let run = run(&plan);
        assert_eq!(run.ending, Ending::Well, "{plan}");
        assert_eq!(run.ends.keys().copied().collect::<Vec<_>>(), ["completed"], "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_world_twice() {
    for seed in 0..6 {
        let plan = Plan::from_seed(seed);
        let [first, second] = [run(&plan), run(&plan)];
        assert_eq!((first.hash, first.ending), (second.hash, second.ending), "seed {seed}");
    }
}

/// Sees whether a world does what its faults promise.
struct Watch<F>(F);

impl<F: FnMut(Timestamp, &Happening)> Witness for Watch<F> {
    fn see(&mut self, at: Timestamp, happening: &Happening) -> Result<(), Broken> {
        (self.0)(at, happening);
        Ok(())
    }
}

/// Plays worlds of these lines in front of somebody, and has each of them end well.
fn watched(lines: impl Iterator<Item = String>, mut watch: impl FnMut(u64, Timestamp, &Happening)) {
    for (number, line) in (0..).zip(lines) {
        let plan: Plan = line.parse().unwrap();
        let mut watch = Watch(|at, happening: &Happening| watch(number, at, happening));
        let run = play(&plan, &mut [&mut Model::default(), &mut watch]).unwrap();
        assert_eq!(run.ending, Ending::Well, "cargo xtask sim --plan \"{plan}\"");
    }
}

#[test]
fn who_is_cut_off_one_way_hears_nothing_while_what_was_asked_is_done() {
    let lines = (0..4).map(|seed| format!("seed={seed} odds=person_silent:900000"));
    let mut cut: BTreeMap<(u64, PersonNumber), (LinkState, Timestamp)> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    let mut late = BTreeSet::new();
    watched(lines, |world, at, happening| {
        if let Happening::Partitioned { link: Link::Person(person), state } = happening {
            match state {
                LinkState::Up => cut.remove(&(world, *person)),
                LinkState::Deaf | LinkState::Mute | LinkState::Cut => {
                    cut.insert((world, *person), (*state, at))
                }
            };
        }
        if let Happening::Asked { person, question, .. } = happening
            && let Some((LinkState::Deaf, _)) = cut.get(&(world, *person))
        {
            asked.insert((world, *question));
        }
        let Happening::Answered { person, question, answer, .. } = happening else { return };
        if let Some((state, since)) = cut.get(&(world, *person)) {
            let may_hear = at.since_ms(*since) <= LATENCY_MS || *state == LinkState::Mute;
            assert!(may_hear, "{person:?} heard {answer:?} in world {world}");
        }
        if asked.contains(&(world, *question)) && matches!(answer, Answer::Done(_) | Answer::Given)
        {
            late.insert((world, *question));
        }
    });
    assert!(!late.is_empty(), "nothing was asked that nobody could be told of at first");
}

#[test]
fn a_flush_that_fails_loses_any_tail_of_what_waited_for_it() {
    let odds = "odds=flush_fails:40000,ask_repeated:400000";
    let lines = (0..12).map(|seed| format!("seed={seed} restless=300000 {odds}"));
    let mut durable = BTreeSet::new();
    let mut failed: BTreeMap<_, Vec<bool>> = BTreeMap::new();
    watched(lines, |world, at, happening| {
        if let Happening::Appended { append, .. } = happening {
            durable.insert((world, *append));
        }
        if let Happening::NotAppended { server, append, error } = happening
            && matches!(error, AppendError::Journal(JournalError::Unknown(_)))
        {
            let is_durable = durable.contains(&(world, *append));
            failed.entry((world, *server, at)).or_default().push(is_durable);
        }
    });
    let kinds: BTreeSet<_> = failed
        .values()
        .filter(|flush| flush.len() > 1)
        .map(|flush| (flush.contains(&true), flush.contains(&false)))
        .collect();
    assert!(kinds.contains(&(true, true)), "none was torn: {failed:?}");
}

#[test]
fn clocks_of_servers_are_minutes_off_both_ways() {
    let odds = "odds=clock_strays:900000,clock_drifts:900000";
    let lines = (0..4).map(|seed| format!("seed={seed} servers=2 {odds}"));
    let (mut least, mut most) = (0, 0);
    watched(lines, |_, _, happening| {
        if let Happening::ClockSet { clock: Clocked::Server(_), ahead_ms } = happening {
            (least, most) = (least.min(*ahead_ms), most.max(*ahead_ms));
        }
    });
    assert!(least < -120_000 && most > 120_000, "{least} {most}");
}

#[test]
fn people_of_one_tenant_reach_for_what_is_anothers_and_are_given_their_own() {
    let lines = (0..24).filter(|seed| Plan::from_seed(*seed).tenants == 2);
    let lines = lines.take(4).map(|seed| format!("seed={seed} odds=pried:1000000"));
    let (mut events, mut stops, mut devices) = (0, 0, 0);
    watched(lines, |_, _, happening| {
        if let Happening::Reached { given, .. } = happening {
            for given in given {
                match given {
                    Belonging::Event(_) => events += 1,
                    Belonging::Session(_) => stops += 1,
                    Belonging::Device(_) => devices += 1,
                }
            }
        }
    });
    assert!(events > 100 && stops > 0 && devices > 0, "{events} {stops} {devices}");
}

/// Longest that an answer travels which nothing holds up.
const LATENCY_MS: u64 = 60;
