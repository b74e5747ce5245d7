//! The journal in memory: deterministic, every future ready at once. For simulations and tests.
//!
//! It is as atomic as the durable adapters and forgets everything when it is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use carhop_app::batch::{
    Appended, Batch, Effect, Entry, Held, LeasedEffect, LogEntry, Recorded, Sealed, Sequenced,
    Spend, Standing, Stream, Timer, TimerSubject, Write,
};
use carhop_app::ports::{AppendError, Backlog, Condition, Journal, JournalError, Pending, Query};
use carhop_app::record::{Kind, Partition, RecordKey, Versioned};
use carhop_kernel::id::{DeviceId, EventId, SessionId};
use carhop_kernel::time::Timestamp;

use crate::codec;

/// A journal that lives as long as the value does.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

impl MemoryJournal {
    /// A backup: another journal with everything that this one holds now.
    pub fn backup(&self) -> Self {
        Self { state: Mutex::new(self.state().clone()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move { self.state().append(batch) })
    }

    fn refuse(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            if !refusal.is_aside() {
                return Err(JournalError::Corrupt("a refusal that causes something".into()).into());
            }
            self.state().append(refusal)
        })
    }

    fn stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        Box::pin(async move { Ok(self.state().stream(partition, stream)) })
    }

    fn record(&self, key: RecordKey) -> Pending<'_, Result<Option<Versioned>, JournalError>> {
        Box::pin(async move { Ok(self.state().records.get(&key).and_then(Row::versioned)) })
    }

    fn records(&self, query: Query) -> Pending<'_, Result<Vec<(String, Versioned)>, JournalError>> {
        Box::pin(async move { Ok(self.state().records(&query)) })
    }

    fn sealed(
        &self,
        partition: Partition,
        subject: String,
        field: String,
    ) -> Pending<'_, Result<Option<Vec<u8>>, JournalError>> {
        Box::pin(async move {
            let state = self.state();
            let fields = state.vault.get(&(partition, subject));
            Ok(fields.and_then(|fields| fields.get(&field)).cloned())
        })
    }

    fn lease_effects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        Box::pin(async move { Ok(self.state().lease(now, until, limit)) })
    }

    fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Timer>, JournalError>> {
        Box::pin(async move { Ok(self.state().due_timers(now, limit)) })
    }

    fn unsequenced(&self, limit: usize) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        Box::pin(async move {
            let state = self.state();
            let numbers = state.unsequenced.iter().take(limit);
            Ok(numbers.map(|&number| state.events[number].clone()).collect())
        })
    }

    fn log(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        Box::pin(async move { Ok(self.state().log(&partition, from, limit)) })
    }

    fn log_of(
        &self,
        partition: Partition,
        session: SessionId,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        Box::pin(async move { Ok(self.state().log_of(&partition, session, from, limit)) })
    }

    fn appended(
        &self,
        partition: Partition,
        after: Option<u64>,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Held>, JournalError>> {
        Box::pin(async move { Ok(self.state().appended(&partition, after, limit)) })
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Result<Backlog, JournalError>> {
        Box::pin(async move { Ok(self.state().backlog(now)) })
    }

    fn condition(&self) -> Condition {
        Condition::Well
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    /// In the order of their appending.
    events: Vec<Recorded>,
    numbers: BTreeMap<(Partition, EventId), usize>,
    streams: BTreeMap<(Partition, Stream), Vec<usize>>,
    unsequenced: BTreeSet<usize>,
    logs: BTreeMap<Partition, Vec<(usize, Vec<u8>)>>,
    records: BTreeMap<RecordKey, Row>,
    /// Records that may be forgotten, by when.
    passing: BTreeSet<(Timestamp, RecordKey)>,
    spent: BTreeMap<(Partition, &'static str, [u8; 32]), Timestamp>,
    /// In the order of their appending.
    outbox: Vec<Waiting>,
    timers: BTreeMap<(Partition, TimerSubject), Timer>,
    vault: BTreeMap<(Partition, String), BTreeMap<String, Vec<u8>>>,
}

/// A record; a deleted one keeps its version, so that it never comes back with one that was judged before.
#[derive(Clone, Debug, Default)]
struct Row {
    version: u64,
    body: Option<Vec<u8>>,
    indexes: Vec<(&'static str, String)>,
    until: Option<Timestamp>,
}

impl Row {
    fn versioned(&self) -> Option<Versioned> {
        self.body.clone().map(|body| Versioned { version: self.version, body })
    }
}

#[derive(Clone, Debug)]
struct Waiting {
    id: EventId,
    partition: Partition,
    effect: Effect,
    queued_at: Timestamp,
    /// When it is due, and how often it has failed.
    due_at: Timestamp,
    tries: u32,
    leased_until: Option<Timestamp>,
}

impl State {
    /// Checks everything first and only then changes anything.
    fn append(&mut self, batch: Batch) -> Result<Appended, AppendError> {
        self.check(&batch)?;
        let recorded = self.number(&batch.partition, batch.at, batch.entries)?;
        let events = recorded.iter().map(|event| event.id).collect();
        let Batch { partition, .. } = batch;
        for sequenced in batch.sequenced {
            self.sequence(&partition, sequenced);
        }
        for event in recorded {
            self.record_event(event);
        }
        for write in batch.writes {
            self.write(write);
        }
        for Spend { space, nonce, until } in batch.spends {
            self.spent.insert((partition.clone(), space, nonce), until);
        }
        for (id, effect) in batch.effects {
            let (partition, at) = (partition.clone(), batch.at);
            let (queued_at, due_at, tries, leased_until) = (at, Timestamp::default(), 0, None);
            self.outbox.push(Waiting {
                id,
                partition,
                effect,
                queued_at,
                due_at,
                tries,
                leased_until,
            });
        }
        for put_off in batch.put_off {
            let same = |it: &&mut Waiting| it.id == put_off.effect && it.partition == partition;
            if let Some(waiting) = self.outbox.iter_mut().find(same) {
                (waiting.due_at, waiting.tries) = (put_off.due_at, put_off.tries);
            }
        }
        for id in batch.finished_effects {
            self.outbox.retain(|waiting| waiting.id != id || waiting.partition != partition);
        }
        for subject in batch.finished_timers {
            self.timers.remove(&(partition.clone(), subject));
        }
        for timer in batch.timers {
            self.timers.insert((timer.partition.clone(), timer.subject), timer);
        }
        for Sealed { subject, field, bytes } in batch.sealed {
            self.vault.entry((partition.clone(), subject)).or_default().insert(field, bytes);
        }
        for subject in batch.erased {
            self.vault.remove(&(partition.clone(), subject));
        }
        self.forget(batch.at);
        Ok(Appended { events })
    }

    fn check(&self, batch: &Batch) -> Result<(), AppendError> {
        let mut named = (batch.preconditions.iter().map(|(key, _)| &key.partition))
            .chain(batch.writes.iter().map(|write| &write.key.partition))
            .chain(batch.timers.iter().map(|timer| &timer.partition));
        if named.any(|partition| *partition != batch.partition) {
            let crossing = "a batch that reaches into another partition".to_owned();
            return Err(JournalError::Corrupt(crossing).into());
        }
        for (key, version) in &batch.preconditions {
            if self.records.get(key).and_then(Row::versioned).map_or(0, |row| row.version)
                != *version
            {
                return Err(AppendError::Conflict(key.clone()));
            }
        }
        self.check_positions(&batch.partition, &batch.sequenced)?;
        let mut burned = BTreeMap::new();
        for Spend { space, nonce, until } in &batch.spends {
            let place = (batch.partition.clone(), *space, *nonce);
            let earlier = burned.get(&place).or_else(|| self.spent.get(&place));
            if earlier.is_some_and(|until| *until > batch.at) {
                return Err(AppendError::Spent);
            }
            burned.insert(place, *until);
        }
        self.check_new(batch.entries.iter().map(|entry| &entry.id), &batch.partition)?;
        let mut effects: BTreeSet<_> = self
            .outbox
            .iter()
            .filter(|waiting| waiting.partition == batch.partition)
            .map(|waiting| waiting.id)
            .collect();
        match batch.effects.iter().find(|(id, _)| !effects.insert(*id)) {
            Some((id, _)) => Err(appended_before(*id).into()),
            None => Ok(()),
        }
    }

    fn check_positions(
        &self,
        partition: &Partition,
        sequenced: &[Sequenced],
    ) -> Result<(), AppendError> {
        let end = self.logs.get(partition).map_or(0, Vec::len) as u64;
        let mut placed = BTreeSet::new();
        for (next, Sequenced { event, position, .. }) in (end..).zip(sequenced) {
            let number = self.numbers.get(&(partition.clone(), *event));
            let waits = number.is_some_and(|number| self.unsequenced.contains(number));
            if *position != next || !waits || !placed.insert(*event) {
                let (partition, key) = (partition.clone(), "log".to_owned());
                return Err(AppendError::Conflict(RecordKey { partition, kind: Kind::Log, key }));
            }
        }
        Ok(())
    }

    fn check_new<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a EventId>,
        partition: &Partition,
    ) -> Result<(), JournalError> {
        let mut fresh = BTreeSet::new();
        for id in ids {
            if self.numbers.contains_key(&(partition.clone(), *id)) || !fresh.insert(*id) {
                return Err(appended_before(*id));
            }
        }
        Ok(())
    }

    /// Gives each entry its number in its stream and its stored form, without keeping it yet.
    fn number(
        &self,
        partition: &Partition,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let mut lengths = BTreeMap::new();
        let mut recorded = Vec::with_capacity(entries.len());
        for entry in entries {
            let sequence = lengths.entry(entry.stream).or_insert_with(|| {
                let place = (partition.clone(), entry.stream);
                self.streams.get(&place).map_or(0, Vec::len) as u64
            });
            *sequence += 1;
            let stored = codec::encode(partition, *sequence, at, &entry)?;
            recorded.push(Recorded {
                id: entry.id,
                partition: partition.clone(),
                stream: entry.stream,
                sequence: *sequence,
                at,
                meta: entry.meta,
                body: entry.body,
                stored,
            });
        }
        Ok(recorded)
    }

    fn record_event(&mut self, event: Recorded) {
        let number = self.events.len();
        let partition = event.partition.clone();
        self.numbers.insert((partition.clone(), event.id), number);
        self.streams.entry((partition, event.stream)).or_default().push(number);
        self.unsequenced.insert(number);
        self.events.push(event);
    }

    fn sequence(&mut self, partition: &Partition, Sequenced { event, leaf, .. }: Sequenced) {
        if let Some(&number) = self.numbers.get(&(partition.clone(), event)) {
            self.unsequenced.remove(&number);
            self.logs.entry(partition.clone()).or_default().push((number, leaf));
        }
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((until, _)) = self.passing.first()
            && *until <= now
            && let Some((_, key)) = self.passing.pop_first()
        {
            self.records.remove(&key);
        }
    }

    fn write(&mut self, Write { key, body, indexes, until }: Write) {
        if body.is_none() && !self.records.contains_key(&key) {
            return;
        }
        let row = self.records.entry(key.clone()).or_default();
        if let Some(former) = std::mem::replace(&mut row.until, until) {
            self.passing.remove(&(former, key.clone()));
        }
        self.passing.extend(until.map(|until| (until, key)));
        row.version += 1;
        row.indexes = if body.is_some() { indexes } else { Vec::new() };
        row.body = body;
    }

    fn stream(&self, partition: Partition, stream: Stream) -> Vec<Recorded> {
        let numbers = self.streams.get(&(partition, stream)).into_iter().flatten();
        numbers.map(|&number| self.events[number].clone()).collect()
    }

    fn records(&self, query: &Query) -> Vec<(String, Versioned)> {
        let start = RecordKey {
            partition: query.partition.clone(),
            kind: query.kind,
            key: query.after.clone().unwrap_or_default(),
        };
        self.records
            .range(start..)
            .take_while(|(key, _)| key.partition == query.partition && key.kind == query.kind)
            .filter(|(key, _)| query.after.as_ref().is_none_or(|after| key.key > *after))
            .filter(|(_, row)| query.index.as_ref().is_none_or(|index| row.indexes.contains(index)))
            .filter_map(|(key, row)| Some((key.key.clone(), row.versioned()?)))
            .take(query.limit)
            .collect()
    }

    fn lease(&mut self, now: Timestamp, until: Timestamp, limit: usize) -> Vec<LeasedEffect> {
        let mut devices: BTreeSet<(Partition, DeviceId)> = BTreeSet::new();
        let mut leased = Vec::new();
        for waiting in &mut self.outbox {
            let device = waiting.effect.device();
            let is_oldest = devices.insert((waiting.partition.clone(), device));
            let is_hidden = waiting.leased_until.is_some_and(|until| until > now);
            if leased.len() < limit && is_oldest && !is_hidden && waiting.due_at <= now {
                waiting.leased_until = Some(until);
                leased.push(LeasedEffect {
                    id: waiting.id,
                    partition: waiting.partition.clone(),
                    effect: waiting.effect.clone(),
                    tries: waiting.tries,
                });
            }
        }
        leased
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> Vec<Timer> {
        let mut due: Vec<_> =
            self.timers.values().filter(|timer| timer.due_at <= now).cloned().collect();
        due.sort_by_key(|timer| timer.due_at);
        due.truncate(limit);
        due
    }

    fn backlog(&self, now: Timestamp) -> Backlog {
        let due = self.due_timers(now, usize::MAX);
        Backlog {
            effects: self.outbox.len() as u64,
            effects_since: self.outbox.first().map(|waiting| waiting.queued_at),
            timers: due.len() as u64,
            timers_since: due.first().map(|timer| timer.due_at),
            unsequenced: self.unsequenced.len() as u64,
        }
    }

    fn log(&self, partition: &Partition, from: u64, limit: usize) -> Vec<LogEntry> {
        self.entries(partition, from).take(limit).collect()
    }

    fn log_of(
        &self,
        partition: &Partition,
        session: SessionId,
        from: u64,
        limit: usize,
    ) -> Vec<LogEntry> {
        let streams = [Stream::Session(session), Stream::Side(session)];
        let entries = self.entries(partition, from);
        entries.filter(|entry| streams.contains(&entry.recorded.stream)).take(limit).collect()
    }

    fn entries(&self, partition: &Partition, from: u64) -> impl Iterator<Item = LogEntry> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let entries = self.logs.get(partition).into_iter().flatten().enumerate();
        entries.skip(from).map(|(position, (number, leaf))| LogEntry {
            position: position as u64,
            leaf: leaf.clone(),
            recorded: self.events[*number].clone(),
        })
    }

    fn appended(&self, partition: &Partition, after: Option<u64>, limit: usize) -> Vec<Held> {
        let log = self.logs.get(partition).into_iter().flatten();
        let positions: BTreeMap<_, _> =
            (0..).zip(log).map(|(position, (index, _))| (*index, position)).collect();
        let standing = |index: usize| match positions.get(&index) {
            Some(&position) => Standing::At(position),
            None if self.unsequenced.contains(&index) => Standing::Waiting,
            None => Standing::Beside,
        };
        let events = (1..).zip(self.events.iter().enumerate());
        let own = events.filter(|(number, (_, event))| {
            after.is_none_or(|after| *number > after) && event.partition == *partition
        });
        own.take(limit)
            .map(|(number, (index, event))| Held {
                number,
                standing: standing(index),
                recorded: event.clone(),
            })
            .collect()
    }
}

fn appended_before(id: EventId) -> JournalError {
    JournalError::Corrupt(format!("`{id}` was appended before"))
}
