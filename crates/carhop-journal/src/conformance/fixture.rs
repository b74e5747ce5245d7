//! A journal with short ways to fill it and look into it. It judges nothing.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use carhop_app::batch::{
    Appended, Batch, Body, Effect, Entry, LeasedEffect, Meta, Recorded, Sealed, Sequenced, Spend,
    Stream, Timer, TimerSubject, Write,
};
use carhop_app::ports::{AppendError, Journal, Query};
use carhop_app::record::{Kind, Partition, RecordKey, Versioned};
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, DeviceId, EventId, SessionId, TokenId};
use carhop_kernel::time::Timestamp;

use super::{Open, block_on};

pub(super) const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
pub(super) const LATER: Timestamp = NOW.plus_ms(30_000);
pub(super) const FOREVER: Timestamp = Timestamp::from_unix_ms(u64::MAX);
/// Every field that a case seals, in order.
const FIELDS: [&str; 4] = ["address", "name", "phone", "plate"];

/// A journal under test and the ids that were used with it.
pub(super) struct World {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) partition: Partition,
    ids: AtomicU64,
}

impl World {
    pub(super) fn new(open: Open<'_>) -> Self {
        Self::within(open(), partition("acme", "sunnyvale"), 1)
    }

    /// A partition of a journal, with ids from a number on.
    pub(super) fn within(journal: Arc<dyn Journal>, partition: Partition, first_id: u64) -> Self {
        Self { journal, partition, ids: AtomicU64::new(first_id) }
    }

    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.partition.clone(), NOW)
    }

    pub(super) fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        block_on(self.journal.append(batch))
    }

    pub(super) fn id(&self) -> EventId {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        EventId::from_bytes(u128::from(number).to_be_bytes())
    }

    pub(super) fn entry(&self, stream: Stream) -> Entry {
        let id = self.id();
        let token = TokenId::from_bytes(*id.as_bytes());
        Entry { id, stream, meta: meta(), body: Body::TokenRevoked { token } }
    }

    /// Appends one event to the stream and returns its id.
    pub(super) fn happen(&self, stream: Stream) -> EventId {
        let mut batch = self.batch();
        batch.entries.push(self.entry(stream));
        self.append(batch).unwrap().events[0]
    }

    pub(super) fn key(&self, key: &str) -> RecordKey {
        RecordKey { partition: self.partition.clone(), kind: Kind::Token, key: key.to_owned() }
    }

    pub(super) fn write(&self, key: &str, body: Option<&str>) -> Write {
        let body = body.map(|text| text.as_bytes().to_vec());
        Write { key: self.key(key), body, indexes: Vec::new(), until: None }
    }

    /// Writes one record blindly.
    pub(super) fn put(&self, key: &str, body: Option<&str>) {
        let mut batch = self.batch();
        batch.writes.push(self.write(key, body));
        self.append(batch).unwrap();
    }

    pub(super) fn record(&self, key: &str) -> Option<Versioned> {
        block_on(self.journal.record(self.key(key))).unwrap()
    }

    pub(super) fn version(&self, key: &str) -> u64 {
        self.record(key).map_or(0, |record| record.version)
    }

    pub(super) fn stream(&self, stream: Stream) -> Vec<Recorded> {
        block_on(self.journal.stream(self.partition.clone(), stream)).unwrap()
    }

    pub(super) fn unsequenced(&self) -> Vec<EventId> {
        let waiting = block_on(self.journal.unsequenced(usize::MAX)).unwrap();
        waiting.into_iter().map(|event| event.id).collect()
    }

    /// Gives one event a position.
    pub(super) fn sequence(&self, event: EventId, position: u64) -> Result<Appended, AppendError> {
        let mut batch = self.batch();
        batch.sequenced.push(sequenced(event, position));
        self.append(batch)
    }

    pub(super) fn lease(&self, now: Timestamp, until: Timestamp) -> Vec<EventId> {
        let leased = block_on(self.journal.lease_effects(now, until, usize::MAX)).unwrap();
        leased.into_iter().map(|leased| leased.id).collect()
    }

    /// What could be leased, without taking it: a lease until now hides nothing.
    pub(super) fn waiting_effects(&self) -> Vec<LeasedEffect> {
        block_on(self.journal.lease_effects(NOW, NOW, usize::MAX)).unwrap()
    }

    pub(super) fn timer(&self, subject: TimerSubject, due_at: Timestamp) -> Timer {
        Timer::new(self.partition.clone(), subject, due_at)
    }

    pub(super) fn due(&self, now: Timestamp) -> Vec<TimerSubject> {
        let due = block_on(self.journal.due_timers(now, usize::MAX)).unwrap();
        due.into_iter().map(|timer| timer.subject).collect()
    }

    /// What is sealed for a subject of the fields that the cases use.
    pub(super) fn vault(&self, subject: &str) -> Vec<Sealed> {
        let found = FIELDS.into_iter().filter_map(|field| {
            let (partition, subject) = (self.partition.clone(), subject.to_owned());
            let read = self.journal.sealed(partition, subject.clone(), field.to_owned());
            Some(Sealed { subject, field: field.to_owned(), bytes: block_on(read).unwrap()? })
        });
        found.collect()
    }

    /// Everything that can be seen of the world's partition, to be compared.
    pub(super) fn snapshot(&self) -> String {
        let mut seen = String::new();
        for stream in [session(1), side(1), device_stream(1), Stream::Operator] {
            writeln!(seen, "{stream:?}: {:?}", self.stream(stream)).unwrap();
        }
        for &kind in Kind::ALL {
            let partition = self.partition.clone();
            for index in [None, Some(("state", "open".to_owned()))] {
                let (partition, after) = (partition.clone(), None);
                let query = Query { partition, kind, index, after, limit: usize::MAX };
                let records = block_on(self.journal.records(query)).unwrap();
                writeln!(seen, "{}: {records:?}", kind.name()).unwrap();
            }
        }
        let log = block_on(self.journal.log(self.partition.clone(), 0, usize::MAX)).unwrap();
        let vaults = ["ada", "bob"].map(|subject| self.vault(subject));
        writeln!(seen, "log: {log:?}\nvaults: {vaults:?}").unwrap();
        writeln!(seen, "unsequenced: {:?}", self.unsequenced()).unwrap();
        writeln!(seen, "effects: {:?}", self.waiting_effects()).unwrap();
        writeln!(seen, "timers: {:?}", self.due(FOREVER)).unwrap();
        seen
    }
}

pub(super) fn partition(tenant: &str, market: &str) -> Partition {
    Partition { tenant: tenant.parse().unwrap(), market: market.parse().unwrap() }
}

pub(super) fn meta() -> Meta {
    Meta {
        actor: Actor::System,
        decision: None,
        policy: None,
        key: None,
        token: None,
        device: None,
    }
}

pub(super) fn session(number: u8) -> Stream {
    Stream::Session(SessionId::from_bytes([number; 16]))
}

pub(super) fn side(number: u8) -> Stream {
    Stream::Side(SessionId::from_bytes([number; 16]))
}

pub(super) fn device_stream(number: u8) -> Stream {
    Stream::Device(DeviceId::from_bytes([number; 16]))
}

pub(super) fn command_to(device: u8) -> Effect {
    Effect::SendCommand {
        device: DeviceId::from_bytes([device; 16]),
        session: SessionId::from_bytes([1; 16]),
        command: CommandId::from_bytes([device; 16]),
        expires_at: LATER,
        bytes: vec![0, 1, 0xff],
    }
}

pub(super) fn window_end(number: u8) -> TimerSubject {
    TimerSubject::WindowEnd { session: SessionId::from_bytes([number; 16]) }
}

pub(super) fn sequenced(event: EventId, position: u64) -> Sequenced {
    Sequenced { event, position, leaf: format!("leaf of {event}").into_bytes() }
}

pub(super) fn spend(space: &'static str, nonce: u8) -> Spend {
    Spend { space, nonce: [nonce; 32], until: LATER }
}

pub(super) fn sealed(subject: &str, field: &str, bytes: &[u8]) -> Sealed {
    Sealed { subject: subject.to_owned(), field: field.to_owned(), bytes: bytes.to_vec() }
}
