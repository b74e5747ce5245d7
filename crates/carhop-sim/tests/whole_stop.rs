//! One whole stop on the hand-rolled executor over the journal in memory (`design.md` §9.3).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_app::NewLeg;
use carhop_journal::MemoryJournal;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::invariants::Log;
use carhop_sim::stop::{Stop, play, scene};
use carhop_sim::world::World;

fn played(seed: u64, legs: impl FnOnce(&Cast) -> Vec<NewLeg>) -> Log {
    let world = World::new(seed, Arc::new(MemoryJournal::default())).unwrap();
    run(play(&world, legs)).unwrap().unwrap()
}

#[test]
fn goods_and_then_fuel_all_well() {
    let log = played(1, |cast| vec![goods(cast.lock), fuel(cast.pump)]);
    for (name, count) in [
        ("session.completed", 1),
        ("release.authorised", 2),
        ("command.sent", 2),
        ("lock.opened", 1),
        ("lock.secured", 1),
        ("fuel.authorized", 1),
        ("fuel.settled", 1),
        ("request.refused", 0),
        ("exception.raised", 0),
    ] {
        assert_eq!(log.count(name), count, "{name} in {:?}", log.names);
    }
}

#[test]
fn groceries_only() {
    played(2, |cast| vec![goods(cast.lock)]);
}

#[test]
fn fuel_only() {
    played(3, |cast| vec![fuel(cast.pump)]);
}

#[test]
fn the_same_seed_gives_the_same_log_bit_for_bit_and_another_gives_another() {
    let legs = |cast: &Cast| vec![goods(cast.lock), fuel(cast.pump)];
    assert_eq!(played(7, legs), played(7, legs));
    assert_ne!(played(7, legs).root, played(8, legs).root);
}

#[test]
fn who_had_a_stop_is_told_after_its_end() {
    scene(9, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.finish().await?;
        let seen = world.app.view_session(&cast.by_staff(world), stop.session).await?;
        assert!(!seen.session.is_active());
        assert_eq!(seen.driver.as_deref(), Some("Dana"));
        Ok(())
    })
    .unwrap();
}
