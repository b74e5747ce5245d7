//! Records, their versions and preconditions, and spent nonces (`design.md` §2.3, §4).

use std::sync::Barrier;
use std::thread;

use carhop_app::batch::{Batch, Spend, Write};
use carhop_app::ports::{AppendError, Query};
use carhop_app::record::Kind;
use carhop_kernel::time::Timestamp;

use super::fixture::{FOREVER, LATER, NOW, World, spend};
use super::{Open, block_on};

pub fn a_precondition_on_what_is_absent_is_version_zero(open: Open<'_>) {
    let world = World::new(open);
    let with = |version: u64| {
        let mut batch = world.batch();
        batch.preconditions.push((world.key("a"), version));
        world.append(batch)
    };
    assert!(with(0).is_ok());
    for wrong in [1, 2, u64::MAX] {
        assert_eq!(with(wrong), Err(AppendError::Conflict(world.key("a"))), "{wrong}");
    }
    world.put("a", Some("body"));
    assert!(with(1).is_ok());
    assert_eq!(with(0), Err(AppendError::Conflict(world.key("a"))));
}

pub fn every_write_raises_the_version_by_one(open: Open<'_>) {
    let world = World::new(open);
    assert_eq!(world.record("a"), None);
    for (version, body) in [(1, "first"), (2, "second"), (3, "second")] {
        world.put("a", Some(body));
        let record = world.record("a").unwrap();
        assert_eq!((record.version, record.body.as_slice()), (version, body.as_bytes()));
    }
    let mut batch = world.batch();
    batch.writes.extend([world.write("a", Some("x")), world.write("a", Some("y"))]);
    world.append(batch).unwrap();
    let record = world.record("a").unwrap();
    assert_eq!((record.version, record.body.as_slice()), (5, b"y".as_slice()));
}

pub fn a_conflict_names_the_record_that_changed_and_leaves_nothing_behind(open: Open<'_>) {
    let world = World::new(open);
    world.put("steady", Some("1"));
    world.put("moved", Some("1"));
    world.put("moved", Some("2"));
    let before = world.snapshot();
    let mut batch = world.batch();
    batch.preconditions.extend([(world.key("steady"), 1), (world.key("moved"), 1)]);
    batch.writes.push(world.write("steady", Some("2")));
    assert_eq!(world.append(batch), Err(AppendError::Conflict(world.key("moved"))));
    assert_eq!(world.snapshot(), before);
}

pub fn a_deleted_record_comes_back_with_a_version_never_seen_before(open: Open<'_>) {
    let world = World::new(open);
    world.put("a", Some("judged"));
    world.put("a", None);
    assert_eq!(world.record("a"), None);
    let mut batch = world.batch();
    batch.preconditions.push((world.key("a"), 0));
    batch.writes.push(world.write("a", Some("another")));
    world.append(batch).unwrap();
    let mut late = world.batch();
    late.preconditions.push((world.key("a"), 1));
    assert_eq!(world.append(late), Err(AppendError::Conflict(world.key("a"))));
    assert_eq!(world.version("a"), 3);
}

pub fn deleting_what_is_absent_changes_nothing(open: Open<'_>) {
    let world = World::new(open);
    world.put("a", None);
    world.put("a", Some("body"));
    assert_eq!(world.version("a"), 1);
}

pub fn a_record_is_forgotten_after_its_time_and_never_before(open: Open<'_>) {
    let world = World::new(open);
    let end = NOW.plus_ms(10);
    let put_as = |state: &str, key: &str, at: Timestamp, until: Option<Timestamp>| {
        let mut batch = Batch::new(world.partition.clone(), at);
        let indexes = vec![("state", state.to_owned())];
        batch.writes.push(Write { indexes, until, ..world.write(key, Some("body")) });
        world.append(batch).unwrap();
    };
    let put = |key, at, until| put_as("open", key, at, until);
    for (key, until) in [("kept", None), ("passing", Some(end)), ("renewed", Some(end))] {
        put(key, NOW, until);
    }
    put("renewed", NOW, Some(LATER));
    let others = ["a", "b", "c", "d", "e", "f"];
    let (early, late) = others.split_at(3);
    for key in early {
        put(key, end.minus_ms(1), Some(FOREVER));
    }
    assert_eq!(world.version("passing"), 1);
    for key in late {
        put(key, end, Some(FOREVER));
    }
    assert_eq!(["kept", "passing", "renewed"].map(|key| world.version(key)), [1, 0, 2]);
    let open = || {
        let query = Query {
            partition: world.partition.clone(),
            kind: Kind::Token,
            index: Some(("state", "open".to_owned())),
            after: None,
            limit: usize::MAX,
        };
        let found = block_on(world.journal.records(query)).unwrap().into_iter();
        found.map(|(key, _)| key).collect::<Vec<_>>()
    };
    let left = [&others[..], &["kept", "renewed"]].concat();
    assert_eq!(open(), left);
    // It comes back as if it had never been, and is not found by what it was.
    put_as("shut", "passing", end, Some(LATER));
    assert_eq!(world.version("passing"), 1);
    assert_eq!(open(), left);
}

pub fn of_many_racing_batches_exactly_one_wins(open: Open<'_>) {
    let world = World::new(open);
    for round in 0..ROUNDS {
        let won = race(&world, |world| {
            let mut batch = world.batch();
            batch.preconditions.push((world.key("a"), round));
            batch.writes.push(world.write("a", Some("mine")));
            batch
        });
        assert_eq!(won.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let conflict = Err(AppendError::Conflict(world.key("a")));
        assert!(won.iter().all(|outcome| outcome.is_ok() || *outcome == conflict));
        assert_eq!(world.version("a"), round + 1);
    }
}

pub fn of_many_racing_spends_exactly_one_wins(open: Open<'_>) {
    let world = World::new(open);
    let won = race(&world, |world| {
        let mut batch = world.batch();
        batch.spends.push(spend("otp", 1));
        batch.entries.push(world.entry(super::fixture::session(1)));
        batch
    });
    assert_eq!(won.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(won.iter().all(|outcome| outcome.is_ok() || *outcome == Err(AppendError::Spent)));
    assert_eq!(world.stream(super::fixture::session(1)).len(), 1);
}

pub fn a_nonce_is_spent_once_in_its_space(open: Open<'_>) {
    let world = World::new(open);
    let with = |spends: &[Spend]| {
        let mut batch = world.batch();
        batch.spends.extend_from_slice(spends);
        world.append(batch).map(|_| ())
    };
    assert_eq!(with(&[spend("otp", 1)]), Ok(()));
    assert_eq!(with(&[spend("otp", 1)]), Err(AppendError::Spent));
    assert_eq!(with(&[spend("otp", 2), spend("scan", 1)]), Ok(()));
    assert_eq!(with(&[spend("otp", 3), spend("otp", 3)]), Err(AppendError::Spent));
    assert_eq!(with(&[spend("otp", 3)]), Ok(()));
}

pub fn a_nonce_may_be_spent_again_once_it_may_be_forgotten(open: Open<'_>) {
    let world = World::new(open);
    let at = |now| {
        let mut batch = Batch::new(world.partition.clone(), now);
        batch.spends.push(Spend { until: now.plus_ms(30_000), ..spend("otp", 1) });
        world.append(batch).map(|_| ())
    };
    assert_eq!(at(NOW), Ok(()));
    assert_eq!(at(LATER.minus_ms(1)), Err(AppendError::Spent));
    assert_eq!(at(LATER), Ok(()));
    assert_eq!(at(LATER.plus_ms(1)), Err(AppendError::Spent));
}

pub fn records_come_in_key_order_after_a_key_up_to_a_limit(open: Open<'_>) {
    let world = World::new(open);
    for key in ["b", "a", "c", "a\0", "", "B", "\u{e9}", "gone"] {
        world.put(key, Some(key));
    }
    world.put("gone", None);
    let list = |after: Option<&str>, limit| {
        let after = after.map(str::to_owned);
        let partition = world.partition.clone();
        let query = Query { partition, kind: Kind::Token, index: None, after, limit };
        let found = block_on(world.journal.records(query)).unwrap();
        assert!(found.iter().all(|(key, record)| record.body == key.as_bytes()));
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(list(None, usize::MAX), ["", "B", "a", "a\0", "b", "c", "\u{e9}"]);
    assert_eq!(list(None, 2), ["", "B"]);
    assert_eq!(list(Some(""), 2), ["B", "a"]);
    assert_eq!(list(Some("a"), 2), ["a\0", "b"]);
    assert_eq!(list(Some("aa"), 1), ["b"]);
    assert_eq!(list(Some("\u{e9}"), 9), [""; 0]);
    assert_eq!(list(None, 0), [""; 0]);
}

pub fn records_are_found_by_the_index_values_of_their_last_write(open: Open<'_>) {
    let world = World::new(open);
    let put = |key: &str, body: Option<&str>, indexes: &[(&'static str, &str)]| {
        let mut write = world.write(key, body);
        write.indexes = indexes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut batch = world.batch();
        batch.writes.push(write);
        world.append(batch).unwrap();
    };
    let list = |name, value: &str, after: Option<&str>| {
        let (index, after) = (Some((name, value.to_owned())), after.map(str::to_owned));
        let partition = world.partition.clone();
        let query = Query { partition, kind: Kind::Token, index, after, limit: 2 };
        let found = block_on(world.journal.records(query)).unwrap();
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    put("a", Some("1"), &[("state", "open"), ("driver", "d1")]);
    put("b", Some("1"), &[("state", "open"), ("state", "open")]);
    put("c", Some("1"), &[("state", "open")]);
    assert_eq!(list("state", "open", None), ["a", "b"]);
    assert_eq!(list("state", "open", Some("b")), ["c"]);
    assert_eq!(list("driver", "d1", None), ["a"]);
    assert_eq!(list("driver", "open", None), [""; 0]);
    put("a", Some("2"), &[("state", "closed"), ("driver", "d1")]);
    put("b", None, &[("state", "open")]);
    assert_eq!(list("state", "open", None), ["c"]);
    assert_eq!(list("state", "closed", None), ["a"]);
    assert_eq!(list("driver", "d1", None), ["a"]);
    put("b", Some("3"), &[("state", "closed")]);
    assert_eq!(list("state", "closed", None), ["a", "b"]);
}

/// Appends one batch from each of many threads at once.
fn race(
    world: &World,
    batch: impl Fn(&World) -> Batch + Sync,
) -> Vec<Result<carhop_app::batch::Appended, AppendError>> {
    let start = Barrier::new(RACERS);
    thread::scope(|scope| {
        let run = || {
            let batch = batch(world);
            start.wait();
            world.append(batch)
        };
        let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(run)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}

const RACERS: usize = 64;
const ROUNDS: u64 = 5;
