//! One batch as statements inside an open transaction, in the order in which its fields are judged and applied.
//! Commits, threads and answers are not its business.

use carhop_app::batch::{
    Appended, Batch, Effect, Entry, PutOff, Sealed, Sequenced, Spend, Stream, Timer, TimerSubject,
    Write,
};
use carhop_app::ports::{AppendError, JournalError};
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_kernel::id::EventId;
use carhop_kernel::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{millis, read, stream_parts};
use crate::codec::{self, CodecError};

/// Why a batch did not go through.
pub(super) enum Failure {
    /// The batch is wrong or too late; the database is well.
    Refused(AppendError),
    /// The database is not.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        Self::Refused(error)
    }
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Self::Refused(JournalError::from(error).into())
    }
}

/// What a batch came to.
pub(super) struct Applied {
    /// What its caller hears.
    pub(super) appended: Appended,
    /// The version of each record that it wrote, in the order of its writes; zero where there was nothing to delete.
    pub(super) versions: Vec<u64>,
}

/// Applies a batch. After an error the caller must roll back to before it.
pub(super) fn apply(connection: &Connection, batch: &Batch) -> Result<Applied, Failure> {
    let target = Target {
        connection,
        partition: &batch.partition,
        tenant: batch.partition.tenant.as_str(),
        market: batch.partition.market.as_str(),
        at: batch.at,
    };
    check_partition(batch)?;
    batch.preconditions.iter().try_for_each(|(key, version)| target.check(key, *version))?;
    batch.sequenced.iter().try_for_each(|sequenced| target.sequence(sequenced))?;
    batch.spends.iter().try_for_each(|spend| target.spend(spend))?;
    batch.entries.iter().try_for_each(|entry| target.record(entry))?;
    batch.effects.iter().try_for_each(|(id, effect)| target.queue(*id, effect))?;
    batch.put_off.iter().try_for_each(|put_off| target.put_off(put_off))?;
    batch.finished_effects.iter().try_for_each(|id| target.finish_effect(*id))?;
    let versions = batch.writes.iter().map(|write| target.write(write));
    let versions = versions.collect::<Result<_, _>>()?;
    batch.finished_timers.iter().try_for_each(|subject| target.finish_timer(subject))?;
    batch.timers.iter().try_for_each(|timer| target.set_timer(timer))?;
    batch.sealed.iter().try_for_each(|sealed| target.seal(sealed))?;
    batch.erased.iter().try_for_each(|subject| target.erase(subject))?;
    let appended = Appended { events: batch.entries.iter().map(|entry| entry.id).collect() };
    Ok(Applied { appended, versions })
}

/// Drops a few nonces that have been forgettable for a while. The grace keeps a batch that was judged a little earlier
/// from finding its nonce unspent.
pub(super) fn forget_spent(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let mut forget = connection.prepare_cached(
        "DELETE FROM spent WHERE (tenant, market, space, nonce) IN (
             SELECT tenant, market, space, nonce FROM spent WHERE until_ms <= ?1
             ORDER BY until_ms LIMIT ?2)",
    )?;
    forget.execute(params![millis(now.minus_ms(SPENT_GRACE_MS)), SPENT_FORGOTTEN_MAX])?;
    Ok(())
}

/// Drops up to so many records that nobody needs any more, those longest unneeded first, with all that finds them. Says
/// which.
pub(super) fn forget_records(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<RecordKey>> {
    let mut unneeded = connection.prepare_cached(
        "SELECT rowid FROM records WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2",
    )?;
    let found = unneeded.query_map(params![millis(now), limit], |row| row.get(0))?;
    let found: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
    let mut forgotten = Vec::new();
    for row in found {
        connection
            .prepare_cached(
                "DELETE FROM record_indexes WHERE (tenant, market, kind, name, value, key) IN (
                     SELECT tenant, market, kind, entry.value ->> 0, entry.value ->> 1, records.key
                     FROM records, json_each(records.indexes) AS entry
                     WHERE records.rowid = ?1)",
            )?
            .execute([row])?;
        forgotten.push(
            connection
                .prepare_cached(
                    "DELETE FROM records WHERE rowid = ?1 RETURNING tenant, market, kind, key",
                )?
                .query_row([row], read::record_key)?,
        );
    }
    Ok(forgotten)
}

/// A batch lives in one partition, so that no transaction ever spans two (`design.md` §4).
fn check_partition(batch: &Batch) -> Result<(), AppendError> {
    let records = batch.preconditions.iter().map(|(key, _)| key);
    let records = records.chain(batch.writes.iter().map(|write| &write.key));
    let timers = batch.timers.iter().map(|timer| &timer.partition);
    if records.map(|key| &key.partition).chain(timers).all(|named| *named == batch.partition) {
        Ok(())
    } else {
        Err(JournalError::Corrupt("a batch that reaches into another partition".into()).into())
    }
}

/// Where a batch goes.
struct Target<'a> {
    connection: &'a Connection,
    partition: &'a Partition,
    tenant: &'a str,
    market: &'a str,
    at: Timestamp,
}

impl Target<'_> {
    fn check(&self, key: &RecordKey, expected: u64) -> Result<(), Failure> {
        let mut select = self.connection.prepare_cached(
            "SELECT version FROM records
             WHERE tenant = ?1 AND market = ?2 AND kind = ?3 AND key = ?4 AND body IS NOT NULL",
        )?;
        let found: Option<u64> = select
            .query_row(params![self.tenant, self.market, key.kind.name(), key.key], |row| {
                row.get(0)
            })
            .optional()?;
        if found.unwrap_or(0) == expected {
            Ok(())
        } else {
            Err(AppendError::Conflict(key.clone()).into())
        }
    }

    fn sequence(&self, Sequenced { event, position, leaf }: &Sequenced) -> Result<(), Failure> {
        let next: u64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce(max(position) + 1, 0) FROM log WHERE tenant = ?1 AND market = ?2",
            )?
            .query_row(params![self.tenant, self.market], |row| row.get(0))?;
        let number: Option<i64> = self
            .connection
            .prepare_cached(
                "DELETE FROM unsequenced WHERE number = (
                     SELECT number FROM events WHERE tenant = ?1 AND market = ?2 AND id = ?3)
                 RETURNING number",
            )?
            .query_row(params![self.tenant, self.market, event.as_bytes()], |row| row.get(0))
            .optional()?;
        match number {
            Some(number) if *position == next => {
                let mut insert = self.connection.prepare_cached(
                    "INSERT INTO log (tenant, market, position, number, leaf)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                insert.execute(params![self.tenant, self.market, next, number, leaf])?;
                Ok(())
            }
            Some(_) | None => {
                let (partition, key) = (self.partition.clone(), "log".to_owned());
                Err(AppendError::Conflict(RecordKey { partition, kind: Kind::Log, key }).into())
            }
        }
    }

    fn spend(&self, Spend { space, nonce, until }: &Spend) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO spent (tenant, market, space, nonce, until_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms WHERE until_ms <= ?6",
        )?;
        let (until, at) = (millis(*until), millis(self.at));
        match insert.execute(params![self.tenant, self.market, space, nonce, until, at])? {
            0 => Err(AppendError::Spent.into()),
            _ => Ok(()),
        }
    }

    fn record(&self, entry: &Entry) -> Result<(), Failure> {
        let (stream, subject) = stream_parts(&entry.stream);
        let sequence = self.next_sequence(&entry.stream)?;
        let stored = codec::encode(self.partition, sequence, self.at, entry)?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (tenant, market, stream, subject, sequence, id, stored)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant, market, id) DO NOTHING",
        )?;
        let id = entry.id.as_bytes();
        let (tenant, market) = (self.tenant, self.market);
        if insert.execute(params![tenant, market, stream, subject, sequence, id, stored])? == 0 {
            return Err(appended_before(entry.id).into());
        }
        let number = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached("INSERT INTO unsequenced (number, tenant, market) VALUES (?1, ?2, ?3)")?
            .execute(params![number, tenant, market])?;
        Ok(())
    }

    fn next_sequence(&self, stream: &Stream) -> Result<u64, Failure> {
        let (stream, subject) = stream_parts(stream);
        let mut last = self.connection.prepare_cached(
            "SELECT coalesce(max(sequence), 0) + 1 FROM events
             WHERE tenant = ?1 AND market = ?2 AND stream = ?3 AND subject = ?4",
        )?;
        Ok(last.query_row(params![self.tenant, self.market, stream, subject], |row| row.get(0))?)
    }

    fn queue(&self, id: EventId, effect: &Effect) -> Result<(), Failure> {
        let device = effect.device();
        let stored = codec::encode_effect(effect)?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO effects (tenant, market, id, device, stored, at_ms, due_ms, tries)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)
             ON CONFLICT (tenant, market, id) DO NOTHING",
        )?;
        let (id_bytes, device, at) = (id.as_bytes(), device.as_bytes(), millis(self.at));
        match insert.execute(params![self.tenant, self.market, id_bytes, device, stored, at])? {
            0 => Err(appended_before(id).into()),
            _ => Ok(()),
        }
    }

    fn put_off(&self, PutOff { effect, due_at, tries }: &PutOff) -> Result<(), Failure> {
        let mut update = self.connection.prepare_cached(
            "UPDATE effects SET due_ms = ?4, tries = ?5
             WHERE tenant = ?1 AND market = ?2 AND id = ?3",
        )?;
        let (id, due) = (effect.as_bytes(), millis(*due_at));
        update.execute(params![self.tenant, self.market, id, due, tries])?;
        Ok(())
    }

    fn finish_effect(&self, id: EventId) -> Result<(), Failure> {
        self.connection
            .prepare_cached("DELETE FROM effects WHERE tenant = ?1 AND market = ?2 AND id = ?3")?
            .execute(params![self.tenant, self.market, id.as_bytes()])?;
        Ok(())
    }

    /// Says which version it has now.
    fn write(&self, Write { key, body, indexes, until }: &Write) -> Result<u64, Failure> {
        let (tenant, market, kind) = (self.tenant, self.market, key.kind.name());
        let old: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT indexes FROM records
                 WHERE tenant = ?1 AND market = ?2 AND kind = ?3 AND key = ?4",
            )?
            .query_row(params![tenant, market, kind, key.key], |row| row.get(0))
            .optional()?;
        if body.is_none() && old.is_none() {
            return Ok(0);
        }
        let new = if body.is_some() { indexes.as_slice() } else { &[] };
        let new_text = index_text(new)?;
        let until = until.map(millis);
        let version = self
            .connection
            .prepare_cached(
                "INSERT INTO records (tenant, market, kind, key, version, body, indexes, until_ms)
                 VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body,
                     indexes = excluded.indexes, until_ms = excluded.until_ms
                 RETURNING version",
            )?
            .query_row(params![tenant, market, kind, key.key, body, new_text, until], |row| {
                row.get(0)
            })?;
        if old.as_ref() != Some(&new_text) {
            self.reindex(key, old.as_deref(), new)?;
        }
        Ok(version)
    }

    fn reindex(
        &self,
        key: &RecordKey,
        old: Option<&str>,
        new: &[(&'static str, String)],
    ) -> Result<(), Failure> {
        let (tenant, market, kind) = (self.tenant, self.market, key.kind.name());
        let old: Vec<(String, String)> = match old {
            Some(text) => serde_json::from_str(text).map_err(|error| unreadable_indexes(&error))?,
            None => Vec::new(),
        };
        let mut delete = self.connection.prepare_cached(
            "DELETE FROM record_indexes WHERE tenant = ?1 AND market = ?2 AND kind = ?3
                 AND name = ?4 AND value = ?5 AND key = ?6",
        )?;
        for (name, value) in &old {
            delete.execute(params![tenant, market, kind, name, value, key.key])?;
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO record_indexes (tenant, market, kind, name, value, key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (name, value) in new {
            insert.execute(params![tenant, market, kind, name, value, key.key])?;
        }
        Ok(())
    }

    fn finish_timer(&self, subject: &TimerSubject) -> Result<(), Failure> {
        let subject = codec::encode_subject(subject)?;
        self.connection
            .prepare_cached(
                "DELETE FROM timers WHERE tenant = ?1 AND market = ?2 AND subject = ?3",
            )?
            .execute(params![self.tenant, self.market, subject])?;
        Ok(())
    }

    fn set_timer(&self, Timer { subject, due_at, tries, .. }: &Timer) -> Result<(), Failure> {
        let subject = codec::encode_subject(subject)?;
        self.connection
            .prepare_cached(
                "INSERT INTO timers (tenant, market, subject, due_ms, tries)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET due_ms = excluded.due_ms, tries = excluded.tries",
            )?
            .execute(params![self.tenant, self.market, subject, millis(*due_at), tries])?;
        Ok(())
    }

    fn seal(&self, Sealed { subject, field, bytes }: &Sealed) -> Result<(), Failure> {
        self.connection
            .prepare_cached(
                "INSERT INTO vault (tenant, market, subject, field, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
            )?
            .execute(params![self.tenant, self.market, subject, field, bytes])?;
        Ok(())
    }

    fn erase(&self, subject: &str) -> Result<(), Failure> {
        self.connection
            .prepare_cached("DELETE FROM vault WHERE tenant = ?1 AND market = ?2 AND subject = ?3")?
            .execute(params![self.tenant, self.market, subject])?;
        Ok(())
    }
}

fn index_text(indexes: &[(&'static str, String)]) -> Result<String, Failure> {
    serde_json::to_string(indexes).map_err(|error| unreadable_indexes(&error))
}

fn unreadable_indexes(error: &serde_json::Error) -> Failure {
    Failure::Refused(JournalError::Corrupt(format!("indexes of a record: {error}")).into())
}

fn appended_before(id: EventId) -> AppendError {
    JournalError::Corrupt(format!("`{id}` was appended before")).into()
}

/// How long a nonce is kept after it may be forgotten, in milliseconds.
const SPENT_GRACE_MS: u64 = 3_600_000;

/// How many nonces are dropped in one go.
const SPENT_FORGOTTEN_MAX: u32 = 256;
