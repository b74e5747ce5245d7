//! Streams, refusals and the log (`design.md` §4; M-AUD-1).

use carhop_app::batch::{Batch, Standing, Stream};
use carhop_app::ports::{AppendError, JournalError};
use carhop_app::record::Kind;
use carhop_kernel::id::EventId;

use super::fixture::{
    LATER, NOW, World, command_to, device_stream, partition, sealed, sequenced, session, side,
    spend, window_end,
};
use super::{Open, block_on};
use crate::codec;

pub fn a_stream_counts_from_one_without_gaps(open: Open<'_>) {
    let world = World::new(open);
    let mut batch = world.batch();
    let streams = [session(1), session(2), session(1), session(1)];
    batch.entries.extend(streams.map(|stream| world.entry(stream)));
    world.append(batch).unwrap();
    world.happen(session(1));
    let mut failing = world.batch();
    failing.entries.push(world.entry(session(1)));
    failing.preconditions.push((world.key("a"), 1));
    world.append(failing).unwrap_err();
    world.happen(session(1));
    let numbers =
        |stream| world.stream(stream).into_iter().map(|event| event.sequence).collect::<Vec<_>>();
    assert_eq!(numbers(session(1)), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(session(2)), [1]);
}

pub fn streams_are_apart_and_an_unknown_one_is_empty(open: Open<'_>) {
    let world = World::new(open);
    let streams = [session(1), side(1), device_stream(1), Stream::Operator, session(2)];
    let ids = streams.map(|stream| world.happen(stream));
    for (stream, id) in streams.into_iter().zip(ids) {
        let events = world.stream(stream);
        let seen: Vec<_> = events.iter().map(|event| (event.id, event.stream)).collect();
        assert_eq!(seen, [(id, stream)]);
    }
    assert_eq!(world.stream(session(3)), []);
    assert_eq!(world.stream(side(2)), []);
}

pub fn stored_bytes_come_back_exactly_on_every_way(open: Open<'_>) {
    let world = World::new(open);
    let entry = world.entry(session(1));
    let mut batch = world.batch();
    batch.entries.push(entry.clone());
    world.append(batch).unwrap();
    let stored = codec::encode(&world.partition, 1, NOW, &entry).unwrap();
    let expected = codec::decode(&stored).unwrap();
    assert_eq!((expected.meta.clone(), expected.body.clone()), (entry.meta, entry.body));
    assert_eq!(expected.stored, stored);
    let expected = [expected];
    assert_eq!(world.stream(session(1)), expected);
    assert_eq!(block_on(world.journal.unsequenced(1)).unwrap(), expected);
    world.sequence(entry.id, 0).unwrap();
    let log = block_on(world.journal.log(world.partition.clone(), 0, 1)).unwrap();
    assert_eq!([log[0].recorded.clone()], expected);
}

pub fn a_refusal_is_one_write_with_what_it_stores_and_comes_up_for_sequencing(open: Open<'_>) {
    let world = World::new(open);
    let happened = world.happen(session(1));
    world.put("a", Some("body"));
    let mut refused = Vec::new();
    for stream in [side(1), device_stream(1), Stream::Operator] {
        let mut refusal = world.batch();
        refusal.entries.push(world.entry(stream));
        refusal.writes.push(world.write("refused", Some("why")));
        refused.extend(block_on(world.journal.refuse(refusal)).unwrap().events);
    }
    assert_eq!((world.version("a"), world.version("refused")), (1, 3));
    assert_eq!(world.stream(session(1)).len(), 1);
    assert_eq!(world.stream(side(1))[0].id, refused[0]);
    assert_eq!(world.unsequenced(), [&[happened], &refused[..]].concat());
}

pub fn a_refusal_of_what_has_changed_meanwhile_is_none(open: Open<'_>) {
    let world = World::new(open);
    world.put("a", Some("body"));
    let mut refusal = world.batch();
    refusal.entries.push(world.entry(side(1)));
    refusal.writes.push(world.write("refused", Some("why")));
    refusal.preconditions.push((world.key("a"), 1));
    world.put("a", Some("another body"));
    let before = world.snapshot();
    let refused = block_on(world.journal.refuse(refusal));
    assert_eq!(refused, Err(AppendError::Conflict(world.key("a"))));
    assert_eq!(world.snapshot(), before);
}

pub fn a_refusal_never_moves_a_session_and_never_causes_anything(open: Open<'_>) {
    let world = World::new(open);
    let before = world.snapshot();
    let spoil: [fn(&World, &mut Batch); 5] = [
        |world, batch| batch.entries.push(world.entry(session(1))),
        |world, batch| batch.effects.push((world.entry(side(1)).id, command_to(1))),
        |world, batch| batch.timers.push(world.timer(window_end(1), LATER)),
        |_, batch| batch.spends.push(spend("code", 1)),
        |_, batch| batch.sealed.push(sealed("ada", "plate", b"7ABC123")),
    ];
    for spoil in spoil {
        let mut refusal = world.batch();
        spoil(&world, &mut refusal);
        let refused = block_on(world.journal.refuse(refusal));
        let is_corrupt = matches!(refused, Err(AppendError::Journal(JournalError::Corrupt(_))));
        assert!(is_corrupt, "{refused:?}");
    }
    assert_eq!(world.snapshot(), before);
}

pub fn events_wait_for_their_position_in_the_order_of_appending(open: Open<'_>) {
    let world = World::new(open);
    let ids = [session(2), side(1), session(1), device_stream(1)].map(|s| world.happen(s));
    assert_eq!(world.unsequenced(), ids);
    let two = block_on(world.journal.unsequenced(2)).unwrap();
    assert_eq!(two.iter().map(|event| event.id).collect::<Vec<_>>(), ids[..2]);
    world.sequence(ids[1], 0).unwrap();
    assert_eq!(world.unsequenced(), [ids[0], ids[2], ids[3]]);
}

pub fn positions_are_given_in_turn_and_once(open: Open<'_>) {
    let world = World::new(open);
    let ids = [1, 2, 3].map(|number| world.happen(session(number)));
    let elsewhere = partition("other", "sunnyvale");
    let other = World::within(world.journal.clone(), elsewhere, 100);
    let foreign = other.happen(session(1));
    let unknown = EventId::from_bytes([9; 16]);
    let rows = [
        (ids[0], 1, false),
        (ids[0], 0, true),
        (ids[0], 1, false),
        (ids[1], 0, false),
        (ids[1], 2, false),
        (ids[1], u64::MAX, false),
        (unknown, 1, false),
        (foreign, 1, false),
        (ids[1], 1, true),
    ];
    for (event, position, is_fine) in rows {
        match world.sequence(event, position) {
            Ok(_) => assert!(is_fine, "{event} at {position}"),
            Err(AppendError::Conflict(key)) => {
                assert!(
                    !is_fine && key.kind == Kind::Log && key.key == "log",
                    "{event} at {position}"
                );
            }
            Err(error) => panic!("{event} at {position}: {error}"),
        }
    }
    let mut twice = world.batch();
    twice.sequenced.extend([sequenced(ids[2], 2), sequenced(ids[2], 3)]);
    assert!(world.append(twice).is_err());
    assert_eq!(world.unsequenced(), [ids[2], foreign]);
}

pub fn the_log_is_read_from_a_position_up_to_a_limit(open: Open<'_>) {
    let world = World::new(open);
    let ids = [1, 2, 3].map(|number| world.happen(session(number)));
    let mut batch = world.batch();
    batch.sequenced.extend((0..).zip([2, 0, 1]).map(|(at, index)| sequenced(ids[index], at)));
    world.append(batch).unwrap();
    let read = |from, limit| {
        let log = block_on(world.journal.log(world.partition.clone(), from, limit)).unwrap();
        assert!(log.iter().all(|entry| { entry.leaf == sequenced(entry.recorded.id, 0).leaf }));
        log.iter().map(|entry| (entry.position, entry.recorded.id)).collect::<Vec<_>>()
    };
    assert_eq!(read(0, usize::MAX), [(0, ids[2]), (1, ids[0]), (2, ids[1])]);
    assert_eq!(read(1, 1), [(1, ids[0])]);
    assert_eq!(read(3, 9), []);
    assert_eq!(read(u64::MAX, 9), []);
}

pub fn the_log_of_one_session_is_read_apart_from_all_others(open: Open<'_>) {
    let world = World::new(open);
    let streams = [session(1), session(2), device_stream(1), side(1), session(1), Stream::Operator];
    let ids = streams.map(|stream| world.happen(stream));
    let mut batch = world.batch();
    batch.sequenced.extend((0..).zip([3, 1, 0, 2, 4, 5]).map(|(at, it)| sequenced(ids[it], at)));
    world.append(batch).unwrap();
    world.happen(session(1));
    let read = |stream, from, limit| {
        let Stream::Session(id) = stream else { panic!("{stream:?}") };
        let log = world.journal.log_of(world.partition.clone(), id, from, limit);
        let log = block_on(log).unwrap();
        assert!(log.iter().all(|entry| entry.leaf == sequenced(entry.recorded.id, 0).leaf));
        log.iter().map(|entry| (entry.position, entry.recorded.id)).collect::<Vec<_>>()
    };
    assert_eq!(read(session(1), 0, 9), [(0, ids[3]), (2, ids[0]), (4, ids[4])]);
    assert_eq!(read(session(1), 1, 1), [(2, ids[0])]);
    assert_eq!(read(session(2), 0, 9), [(1, ids[1])]);
    assert_eq!(read(session(3), 0, 9), []);
    assert_eq!(read(session(1), u64::MAX, 9), []);
}

pub fn what_was_appended_is_listed_with_its_standing_in_the_log(open: Open<'_>) {
    let world = World::new(open);
    let first = world.happen(session(1));
    let other = World::within(world.journal.clone(), partition("other", "sunnyvale"), 100);
    other.happen(session(1));
    let rest = [side(1), session(1)].map(|stream| world.happen(stream));
    world.sequence(first, 0).unwrap();
    let read = |after, limit| {
        block_on(world.journal.appended(world.partition.clone(), after, limit)).unwrap()
    };
    let listed = read(None, usize::MAX);
    let seen: Vec<_> = listed.iter().map(|held| (held.recorded.id, held.standing)).collect();
    let waits = rest.map(|id| (id, Standing::Waiting));
    assert_eq!(seen, [&[(first, Standing::At(0))], &waits[..]].concat());
    assert!(listed.is_sorted_by(|one, next| one.number < next.number));
    assert_eq!(read(Some(listed[0].number), 1), listed[1..2]);
    assert_eq!(read(Some(listed[2].number), 9), []);
    assert_eq!(read(Some(u64::MAX), 9), []);
}
