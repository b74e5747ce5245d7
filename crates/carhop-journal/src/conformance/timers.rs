//! Durable deadlines: one per subject (`design.md` §9.3).

use carhop_app::batch::{Timer, TimerSubject};
use carhop_app::ports::Backlog;
use carhop_kernel::id::{CommandId, SessionId};
use carhop_kernel::time::Timestamp;

use super::fixture::{FOREVER, LATER, NOW, World, command_to, session, window_end};
use super::{Open, block_on};

pub fn timers_come_due_longest_overdue_first(open: Open<'_>) {
    let world = World::new(open);
    set(&world, window_end(1), NOW.plus_ms(2));
    set(&world, silence(1), NOW);
    set(&world, window_end(2), NOW.plus_ms(1));
    set(&world, window_end(3), FOREVER);
    assert_eq!(world.due(NOW.minus_ms(1)), []);
    assert_eq!(world.due(NOW), [silence(1)]);
    assert_eq!(world.due(LATER), [silence(1), window_end(2), window_end(1)]);
    let two = block_on(world.journal.due_timers(LATER, 2)).unwrap();
    let expected = [(silence(1), NOW), (window_end(2), NOW.plus_ms(1))];
    assert_eq!(two, expected.map(|(subject, due_at)| world.timer(subject, due_at)));
}

pub fn a_timer_of_the_same_subject_replaces_the_earlier_one(open: Open<'_>) {
    let world = World::new(open);
    set(&world, window_end(1), NOW);
    set(&world, window_end(1), LATER);
    assert_eq!(world.due(NOW), []);
    assert_eq!(world.due(LATER), [window_end(1)]);
}

pub fn a_timer_remembers_how_often_it_has_run(open: Open<'_>) {
    let world = World::new(open);
    for tries in [0, 3, u32::MAX] {
        let timer = Timer { tries, ..world.timer(silence(1), NOW) };
        let mut batch = world.batch();
        batch.timers.push(timer.clone());
        world.append(batch).unwrap();
        assert_eq!(block_on(world.journal.due_timers(NOW, 2)).unwrap(), [timer]);
    }
}

pub fn a_finished_timer_is_gone_unless_its_batch_sets_it_anew(open: Open<'_>) {
    let world = World::new(open);
    set(&world, window_end(1), NOW);
    set(&world, window_end(2), NOW);
    let mut batch = world.batch();
    batch.finished_timers.extend([window_end(1), window_end(2), window_end(3)]);
    batch.timers.push(world.timer(window_end(2), LATER));
    world.append(batch).unwrap();
    assert_eq!(world.due(FOREVER), [window_end(2)]);
    assert_eq!(world.due(NOW), []);
}

pub fn what_waits_is_counted_with_its_age(open: Open<'_>) {
    let world = World::new(open);
    let backlog = |now| block_on(world.journal.backlog(now)).unwrap();
    assert_eq!(backlog(FOREVER), Backlog::default());
    let mut batch = world.batch();
    let effect = world.id();
    batch.effects.extend([(effect, command_to(1)), (world.id(), command_to(1))]);
    batch.entries.push(world.entry(session(1)));
    world.append(batch).unwrap();
    set(&world, window_end(1), LATER);
    set(&world, window_end(2), NOW.plus_ms(1));
    set(&world, window_end(3), FOREVER);
    let waiting =
        Backlog { effects: 2, effects_since: Some(NOW), unsequenced: 1, ..Backlog::default() };
    assert_eq!(backlog(NOW), waiting);
    let due = Backlog { timers: 2, timers_since: Some(NOW.plus_ms(1)), ..waiting };
    assert_eq!(backlog(LATER), due);
    let mut batch = world.batch();
    batch.finished_effects.push(effect);
    world.append(batch).unwrap();
    assert_eq!(backlog(LATER).effects, 1);
}

fn set(world: &World, subject: TimerSubject, due_at: Timestamp) {
    let mut batch = world.batch();
    batch.timers.push(world.timer(subject, due_at));
    world.append(batch).unwrap();
}

fn silence(number: u8) -> TimerSubject {
    let session = SessionId::from_bytes([number; 16]);
    TimerSubject::Silence { session, command: CommandId::from_bytes([number; 16]) }
}
