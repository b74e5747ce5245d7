//! Towns: whole worlds from a seed. What must hold does in calm worlds, and the same seed gives the same world bit for bit
//! in wild ones (`design.md` §8).

#![expect(clippy::unwrap_used, reason = "a world that cannot be played is a failed test")]

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
