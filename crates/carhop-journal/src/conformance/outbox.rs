//! Effects: in order per device, hidden while leased, gone when finished (`design.md` §2.5, §9.1).

use std::sync::Arc;

use carhop_app::batch::{LeasedEffect, PutOff};
use carhop_kernel::id::EventId;
use carhop_kernel::time::Timestamp;

use super::fixture::{LATER, NOW, World, command_to, partition};
use super::{Open, block_on};

pub fn effects_leave_in_order_and_one_per_device(open: Open<'_>) {
    let world = World::new(open);
    let [first, _, third, fourth] = [2, 2, 1, 3].map(|device| queue(&world, device));
    let two = block_on(world.journal.lease_effects(NOW, NOW, 2)).unwrap();
    let expected = [(first, 2), (third, 1)].map(|(id, device)| LeasedEffect {
        id,
        partition: world.partition.clone(),
        effect: command_to(device),
        tries: 0,
    });
    assert_eq!(two, expected);
    assert_eq!(world.lease(NOW, LATER), [first, third, fourth]);
}

pub fn a_leased_effect_is_hidden_until_the_lease_ends_and_nothing_overtakes_it(open: Open<'_>) {
    let world = World::new(open);
    let [first, second] = [1, 1].map(|device| queue(&world, device));
    assert_eq!(world.lease(NOW, LATER), [first]);
    assert_eq!(world.lease(NOW, LATER), []);
    assert_eq!(world.lease(LATER.minus_ms(1), LATER), []);
    assert_eq!(world.lease(LATER, LATER.plus_ms(1)), [first]);
    finish(&world, first);
    assert_eq!(world.lease(LATER, LATER.plus_ms(1)), [second]);
}

pub fn a_finished_effect_never_comes_back(open: Open<'_>) {
    let world = World::new(open);
    let [leased, unleased] = [1, 2].map(|device| queue(&world, device));
    assert_eq!(block_on(world.journal.lease_effects(NOW, LATER, 1)).unwrap()[0].id, leased);
    finish(&world, leased);
    finish(&world, unleased);
    finish(&world, unleased);
    assert_eq!(world.lease(NOW, LATER), []);
    assert_eq!(world.lease(LATER.plus_ms(1), LATER.plus_ms(2)), []);
}

pub fn an_effect_called_off_in_its_own_batch_never_leaves(open: Open<'_>) {
    let world = World::new(open);
    let mut batch = world.batch();
    let effect = world.id();
    batch.effects.push((effect, command_to(1)));
    batch.finished_effects.push(effect);
    world.append(batch).unwrap();
    assert_eq!(world.waiting_effects(), []);
}

pub fn an_effect_that_is_put_off_waits_for_its_time_and_nothing_overtakes_it(open: Open<'_>) {
    let world = World::new(open);
    let [first, second, other] = [1, 1, 2].map(|device| queue(&world, device));
    put_off(&world, first, LATER, 3);
    assert_eq!(world.lease(NOW, NOW), [other]);
    assert_eq!(world.lease(LATER.minus_ms(1), NOW), [other]);
    let leased = block_on(world.journal.lease_effects(LATER, NOW, usize::MAX)).unwrap();
    let found: Vec<_> = leased.iter().map(|leased| (leased.id, leased.tries)).collect();
    assert_eq!(found, [(first, 3), (other, 0)]);
    finish(&world, first);
    assert_eq!(world.lease(NOW, NOW), [second, other]);
    // What is gone cannot be put off, and another's effect neither.
    put_off(&world, first, LATER, 4);
    let elsewhere = World::within(Arc::clone(&world.journal), partition("acme", "palo-alto"), 100);
    put_off(&elsewhere, second, LATER, 4);
    assert_eq!(world.lease(NOW, NOW), [second, other]);
}

fn put_off(world: &World, effect: EventId, due_at: Timestamp, tries: u32) {
    let mut batch = world.batch();
    batch.put_off.push(PutOff { effect, due_at, tries });
    world.append(batch).unwrap();
}

fn queue(world: &World, device: u8) -> EventId {
    let mut batch = world.batch();
    let effect = world.id();
    batch.effects.push((effect, command_to(device)));
    world.append(batch).unwrap();
    effect
}

fn finish(world: &World, effect: EventId) {
    let mut batch = world.batch();
    batch.finished_effects.push(effect);
    world.append(batch).unwrap();
}
