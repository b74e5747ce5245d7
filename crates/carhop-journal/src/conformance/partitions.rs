//! Tenants and markets have nothing in common but the file (M-INT-3).

use carhop_app::ports::Query;
use carhop_app::record::Kind;

use super::fixture::{
    FOREVER, NOW, World, command_to, partition, sealed, sequenced, session, spend, window_end,
};
use super::{Open, block_on};

/// The same ids, keys, nonces and subjects, everywhere, and each partition sees its own alone.
pub fn partitions_never_see_each_other(open: Open<'_>) {
    let journal = open();
    let places = [("acme", "sunnyvale"), ("acme", "cupertino"), ("other", "sunnyvale")];
    let worlds =
        places.map(|(tenant, market)| World::within(journal.clone(), partition(tenant, market), 1));
    for (world, number) in worlds.iter().zip(1_u8..) {
        fill(world, number);
    }
    for (world, number) in worlds.iter().zip(1_u8..) {
        let others_are_absent = |partitions: Vec<_>| partitions == [world.partition.clone()];
        let events = world.stream(session(1));
        assert!(others_are_absent(events.iter().map(|e| e.partition.clone()).collect()));
        assert_eq!((events[0].sequence, world.version("a")), (1, u64::from(number)));
        let (kind, index) = (Kind::Token, Some(("state", "open".to_owned())));
        let partition = world.partition.clone();
        let query = Query { partition, kind, index, after: None, limit: 9 };
        assert_eq!(block_on(journal.records(query)).unwrap().len(), 1);
        let log = block_on(journal.log(world.partition.clone(), 0, 9)).unwrap();
        assert!(others_are_absent(log.iter().map(|e| e.recorded.partition.clone()).collect()));
        assert_eq!(world.vault("ada"), [sealed("ada", "name", &[number])]);
    }
    let world = &worlds[0];
    let mut batch = world.batch();
    batch.finished_effects.extend(world.waiting_effects().iter().map(|waiting| waiting.id));
    batch.finished_timers.push(window_end(1));
    batch.erased.push("ada".to_owned());
    world.append(batch).unwrap();
    let rest = [worlds[1].partition.clone(), worlds[2].partition.clone()];
    let effects = world.waiting_effects().into_iter().map(|waiting| waiting.partition);
    assert_eq!(effects.collect::<Vec<_>>(), rest);
    let timers = block_on(journal.due_timers(FOREVER, 9)).unwrap();
    assert_eq!(timers.len(), 2);
    assert!(timers.iter().all(|timer| rest.contains(&timer.partition) && timer.due_at == NOW));
    assert!(worlds[1..].iter().all(|world| world.vault("ada").len() == 1));
}

fn fill(world: &World, number: u8) {
    let event = world.happen(session(1));
    let mut batch = world.batch();
    batch.preconditions.push((world.key("a"), 0));
    batch.spends.push(spend("otp", 1));
    batch.effects.push((world.id(), command_to(1)));
    batch.timers.push(world.timer(window_end(1), NOW));
    batch.sealed.push(sealed("ada", "name", &[number]));
    batch.sequenced.push(sequenced(event, 0));
    for _ in 0..number {
        let mut write = world.write("a", Some("body"));
        write.indexes.push(("state", "open".to_owned()));
        batch.writes.push(write);
    }
    world.append(batch).unwrap();
}
