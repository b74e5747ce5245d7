//! A batch happens as a whole or not at all (`design.md` §2.3), and within one partition (M-INT-3).

use carhop_app::batch::{Batch, LeasedEffect};
use carhop_app::ports::{AppendError, JournalError};
use carhop_app::record::{Kind, RecordKey};
use carhop_kernel::id::EventId;

use super::Open;
use super::fixture::{
    FOREVER, LATER, NOW, World, command_to, partition, sealed, sequenced, session, side, spend,
    window_end,
};

pub fn a_batch_that_goes_through_does_all_of_it(open: Open<'_>) {
    let world = World::new(open);
    let ground = Ground::lay(&world);
    let batch = ground.full_batch(&world);
    let (entries, effect) = (batch.entries.clone(), batch.effects[0].clone());
    let appended = world.append(batch).unwrap();
    assert_eq!(appended.events, [entries[0].id, entries[1].id]);
    assert_eq!(world.stream(session(1)).last().unwrap().id, entries[0].id);
    assert_eq!(world.stream(side(1)).last().unwrap().id, entries[1].id);
    assert_eq!(world.record("new").unwrap().body, b"body");
    assert_eq!(world.record("old"), None);
    let (effect_id, effect) = effect;
    let (id, partition) = (effect_id, world.partition.clone());
    assert_eq!(world.waiting_effects(), [LeasedEffect { id, partition, effect, tries: 0 }]);
    assert_eq!(world.due(FOREVER), [window_end(2)]);
    assert_eq!(world.vault("ada"), [sealed("ada", "name", b"sealed")]);
    assert_eq!(world.vault("bob"), []);
    assert_eq!(world.unsequenced(), [entries[0].id, entries[1].id]);
    let mut again = world.batch();
    again.spends.push(spend("otp", 1));
    assert_eq!(world.append(again), Err(AppendError::Spent));
}

pub fn a_batch_that_fails_does_nothing_of_it(open: Open<'_>) {
    let spoilers: [(&str, Spoiler); 7] = [
        ("a changed record", |world, batch| batch.preconditions.push((world.key("old"), 7))),
        ("a spent nonce", |_, batch| batch.spends.push(spend("otp", 9))),
        ("a repeated event", |_, batch| batch.entries.push(batch.entries[0].clone())),
        ("an appended event", |world, batch| {
            batch.entries[1].id = world.stream(session(1))[0].id;
        }),
        ("a repeated effect", |_, batch| batch.effects.push(batch.effects[0].clone())),
        ("a position out of turn", |_, batch| batch.sequenced[0].position = 1),
        ("its own event sequenced", |_, batch| {
            batch.sequenced.push(sequenced(batch.entries[0].id, 1));
        }),
    ];
    for (what, spoil) in spoilers {
        let world = World::new(open);
        let ground = Ground::lay(&world);
        let before = world.snapshot();
        let mut batch = ground.full_batch(&world);
        let good = batch.clone();
        spoil(&world, &mut batch);
        assert!(world.append(batch).is_err(), "{what}");
        assert_eq!(world.snapshot(), before, "{what}");
        assert!(world.append(good).is_ok(), "{what}: the same without it");
    }
}

pub fn a_batch_reaches_into_no_other_partition(open: Open<'_>) {
    let world = World::new(open);
    let foreign = RecordKey { partition: partition("other", "sunnyvale"), ..world.key("a") };
    let spoilers: [&dyn Fn(&mut Batch); 3] = [
        &|batch| batch.preconditions.push((foreign.clone(), 0)),
        &|batch| batch.writes[0].key = foreign.clone(),
        &|batch| batch.timers[0].partition = foreign.partition.clone(),
    ];
    for spoil in spoilers {
        let mut batch = world.batch();
        batch.writes.push(world.write("a", Some("body")));
        batch.timers.push(world.timer(window_end(1), NOW));
        spoil(&mut batch);
        let refused = world.append(batch);
        assert!(
            matches!(refused, Err(AppendError::Journal(JournalError::Corrupt(_)))),
            "{refused:?}"
        );
        assert_eq!(world.version("a"), 0);
    }
}

/// Makes a good batch fail.
type Spoiler = fn(&World, &mut Batch);

/// Something for every field of a batch to work on.
struct Ground {
    event: EventId,
    effect: EventId,
}

impl Ground {
    fn lay(world: &World) -> Self {
        let event = world.happen(session(1));
        let mut batch = world.batch();
        let effect = world.id();
        batch.effects.push((effect, command_to(1)));
        batch.timers.push(world.timer(window_end(1), LATER));
        batch.sealed.push(sealed("bob", "name", b"sealed"));
        batch.spends.push(spend("otp", 9));
        batch.writes.push(world.write("old", Some("body")));
        batch.writes[0].indexes.push(("state", "open".to_owned()));
        world.append(batch).unwrap();
        Self { event, effect }
    }

    /// A batch that uses every field.
    fn full_batch(&self, world: &World) -> Batch {
        let log = RecordKey { kind: Kind::Log, ..world.key("") };
        Batch {
            preconditions: vec![(world.key("old"), 1), (log, 0)],
            entries: vec![world.entry(session(1)), world.entry(side(1))],
            writes: vec![world.write("new", Some("body")), world.write("old", None)],
            spends: vec![spend("otp", 1)],
            effects: vec![(world.id(), command_to(1))],
            finished_effects: vec![self.effect],
            timers: vec![world.timer(window_end(2), LATER)],
            finished_timers: vec![window_end(1)],
            sealed: vec![sealed("ada", "name", b"sealed")],
            erased: vec!["bob".to_owned()],
            sequenced: vec![sequenced(self.event, 0)],
            ..world.batch()
        }
    }
}
