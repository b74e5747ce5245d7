//! What is read: queries on connections of their own, so that no read waits for the writer. Rows are checked against the
//! bytes they hold; what does not fit is corrupt, never guessed. Nothing is written here.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use carhop_app::batch::{Held, LeasedEffect, LogEntry, Recorded, Standing, Stream, Timer};
use carhop_app::ports::{Backlog, JournalError, Query};
use carhop_app::record::{Kind, Partition, RecordKey, Versioned};
use carhop_kernel::id::{EventId, SessionId};
use carhop_kernel::time::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, params};

use super::{millis, stream_parts};
use crate::codec;

/// Something to read.
pub(super) type Reading = Box<dyn FnOnce(&Connection) + Send>;

/// Where readings wait for a reader.
#[derive(Default)]
pub(super) struct Readings {
    waiting: Mutex<Waiting>,
    something: Condvar,
}

#[derive(Default)]
struct Waiting {
    readings: VecDeque<Reading>,
    is_closed: bool,
}

impl Readings {
    pub(super) fn push(&self, reading: Reading) -> Result<(), JournalError> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(JournalError::Unavailable("it is closed".into()));
        }
        if waiting.readings.len() >= READINGS_MAX {
            return Err(JournalError::Unavailable("too many readings are waiting".into()));
        }
        waiting.readings.push_back(reading);
        self.something.notify_one();
        Ok(())
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.something.notify_all();
    }

    /// Reads until closed and empty.
    pub(super) fn serve(&self, connection: &Connection) {
        while let Some(reading) = self.next() {
            reading(connection);
        }
    }

    fn next(&self) -> Option<Reading> {
        let mut waiting = self.lock();
        loop {
            let reading = waiting.readings.pop_front();
            if reading.is_some() || waiting.is_closed {
                return reading;
            }
            waiting = self.something.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn stream(
    connection: &Connection,
    partition: &Partition,
    stream: &Stream,
) -> Result<Vec<Recorded>, JournalError> {
    let (kind, subject) = stream_parts(stream);
    let events = rows(
        connection,
        "SELECT tenant, market, stream, subject, sequence, id, stored FROM events
         WHERE tenant = ?1 AND market = ?2 AND stream = ?3 AND subject = ?4 ORDER BY sequence",
        params![partition.tenant.as_str(), partition.market.as_str(), kind, subject],
        recorded,
    )?;
    let is_whole = (1..).zip(&events).all(|(sequence, event)| event.sequence == sequence);
    is_whole.then_some(events).ok_or_else(|| corrupt("a stream with a gap"))
}

pub(super) fn record(
    connection: &Connection,
    key: &RecordKey,
) -> Result<Option<Versioned>, JournalError> {
    let (tenant, market) = (key.partition.tenant.as_str(), key.partition.market.as_str());
    let sql = "SELECT version, body FROM records
               WHERE tenant = ?1 AND market = ?2 AND kind = ?3 AND key = ?4 AND body IS NOT NULL";
    let mut statement = connection.prepare_cached(sql).map_err(|error| journal_error(&error))?;
    statement
        .query_row(params![tenant, market, key.kind.name(), key.key], |row| {
            Ok(Versioned { version: row.get(0)?, body: row.get(1)? })
        })
        .optional()
        .map_err(|error| journal_error(&error))
}

pub(super) fn records(
    connection: &Connection,
    query: &Query,
) -> Result<Vec<(String, Versioned)>, JournalError> {
    let (tenant, market) = (query.partition.tenant.as_str(), query.partition.market.as_str());
    let kind = query.kind.name();
    // The next key after `k` in the order of bytes is `k` and a zero byte.
    let from = query.after.as_ref().map_or_else(String::new, |after| format!("{after}\0"));
    let limit = row_limit(query.limit);
    let found = |row: &Row<'_>| -> Result<(String, Versioned), JournalError> {
        Ok((get(row, 0)?, Versioned { version: get(row, 1)?, body: get(row, 2)? }))
    };
    match &query.index {
        None => rows(
            connection,
            "SELECT key, version, body FROM records
             WHERE tenant = ?1 AND market = ?2 AND kind = ?3 AND key >= ?4 AND body IS NOT NULL
             ORDER BY key LIMIT ?5",
            params![tenant, market, kind, from, limit],
            found,
        ),
        Some((name, value)) => rows(
            connection,
            "SELECT key, version, body FROM record_indexes JOIN records
                 USING (tenant, market, kind, key)
             WHERE tenant = ?1 AND market = ?2 AND kind = ?3 AND name = ?6 AND value = ?7
                 AND key >= ?4
             ORDER BY key LIMIT ?5",
            params![tenant, market, kind, from, limit, name, value],
            found,
        ),
    }
}

pub(super) fn sealed(
    connection: &Connection,
    partition: &Partition,
    subject: &str,
    field: &str,
) -> Result<Option<Vec<u8>>, JournalError> {
    let found = rows(
        connection,
        "SELECT sealed FROM vault
         WHERE tenant = ?1 AND market = ?2 AND subject = ?3 AND field = ?4",
        params![partition.tenant.as_str(), partition.market.as_str(), subject, field],
        |row| get(row, 0),
    )?;
    Ok(found.into_iter().next())
}

/// The oldest effect of each device, as far as it is due and free; a device whose oldest one is not has to wait.
pub(super) fn oldest_effects(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    is_free: impl Fn(&Partition, EventId) -> bool,
) -> Result<Vec<LeasedEffect>, JournalError> {
    let sql = "SELECT tenant, market, id, stored, tries FROM effects AS own
               WHERE due_ms <= ?1 AND NOT EXISTS (
                   SELECT 1 FROM effects AS older
                   WHERE older.tenant = own.tenant AND older.market = own.market
                       AND older.device = own.device AND older.number < own.number)
               ORDER BY number";
    let failed = |error| journal_error(&error);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut found = statement.query([millis(now)]).map_err(failed)?;
    let mut effects = Vec::new();
    while effects.len() < limit
        && let Some(row) = found.next().map_err(failed)?
    {
        let (id, partition) = (EventId::from_bytes(get(row, 2)?), partition(row)?);
        if is_free(&partition, id) {
            let stored: Vec<u8> = get(row, 3)?;
            let effect = codec::decode_effect(&stored)?;
            effects.push(LeasedEffect { id, partition, effect, tries: get(row, 4)? });
        }
    }
    Ok(effects)
}

pub(super) fn due_timers(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Timer>, JournalError> {
    rows(
        connection,
        "SELECT tenant, market, subject, due_ms, tries FROM timers WHERE due_ms <= ?1
         ORDER BY due_ms LIMIT ?2",
        params![millis(now), row_limit(limit)],
        |row| {
            let (subject, due_ms): (Vec<u8>, u64) = (get(row, 2)?, get(row, 3)?);
            Ok(Timer {
                partition: partition(row)?,
                subject: codec::decode_subject(&subject)?,
                due_at: Timestamp::from_unix_ms(due_ms),
                tries: get(row, 4)?,
            })
        },
    )
}

pub(super) fn backlog(connection: &Connection, now: Timestamp) -> Result<Backlog, JournalError> {
    let sql = "SELECT (SELECT count(*) FROM effects),
                   (SELECT at_ms FROM effects ORDER BY number LIMIT 1),
                   (SELECT count(*) FROM timers WHERE due_ms <= ?1),
                   (SELECT min(due_ms) FROM timers WHERE due_ms <= ?1),
                   (SELECT count(*) FROM unsequenced)";
    let read = |row: &Row<'_>| {
        let since = |column: usize| -> Result<Option<Timestamp>, JournalError> {
            Ok(get::<Option<u64>>(row, column)?.map(Timestamp::from_unix_ms))
        };
        Ok(Backlog {
            effects: get(row, 0)?,
            effects_since: since(1)?,
            timers: get(row, 2)?,
            timers_since: since(3)?,
            unsequenced: get(row, 4)?,
        })
    };
    let found = rows(connection, sql, [millis(now)], read)?;
    found.first().copied().ok_or_else(|| corrupt("no count"))
}

pub(super) fn unsequenced(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<Recorded>, JournalError> {
    rows(
        connection,
        "SELECT events.tenant, events.market, stream, subject, sequence, id, stored
         FROM unsequenced JOIN events USING (number) ORDER BY number LIMIT ?1",
        params![row_limit(limit)],
        recorded,
    )
}

pub(super) fn log(
    connection: &Connection,
    partition: &Partition,
    from: u64,
    limit: usize,
) -> Result<Vec<LogEntry>, JournalError> {
    let (tenant, market) = (partition.tenant.as_str(), partition.market.as_str());
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    rows(
        connection,
        "SELECT events.tenant, events.market, stream, subject, sequence, id, stored, position, leaf,
             events.number
         FROM log LEFT JOIN events USING (number)
         WHERE log.tenant = ?1 AND log.market = ?2 AND position >= ?3 ORDER BY position LIMIT ?4",
        params![tenant, market, from, row_limit(limit)],
        entry,
    )
}

/// The two streams are found by their own index, and the positions by the numbers of their events.
pub(super) fn log_of(
    connection: &Connection,
    partition: &Partition,
    session: SessionId,
    from: u64,
    limit: usize,
) -> Result<Vec<LogEntry>, JournalError> {
    let (tenant, market) = (partition.tenant.as_str(), partition.market.as_str());
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let (own, side) = (Stream::Session(session), Stream::Side(session));
    let ((stream, subject), (side, _)) = (stream_parts(&own), stream_parts(&side));
    rows(
        connection,
        "SELECT events.tenant, events.market, stream, subject, sequence, id, stored, position, leaf,
             events.number
         FROM events CROSS JOIN log USING (number)
         WHERE events.tenant = ?1 AND events.market = ?2 AND stream IN (?3, ?4) AND subject = ?5
             AND position >= ?6 ORDER BY position LIMIT ?7",
        params![tenant, market, stream, side, subject, from, row_limit(limit)],
        entry,
    )
}

fn entry(row: &Row<'_>) -> Result<LogEntry, JournalError> {
    let position: u64 = get(row, 7)?;
    if get::<Option<u64>>(row, 9)?.is_none() {
        return Err(corrupt(&format!("no event for position {position} of the log")));
    }
    let recorded = recorded(row)
        .map_err(|error| placed(error, format_args!("position {position} of the log")))?;
    Ok(LogEntry { position, leaf: get(row, 8)?, recorded })
}

pub(super) fn appended(
    connection: &Connection,
    partition: &Partition,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<Held>, JournalError> {
    let (tenant, market) = (partition.tenant.as_str(), partition.market.as_str());
    // Whoever puts rows in may number them from below zero, too.
    let after = after.map_or(i64::MIN, |after| i64::try_from(after).unwrap_or(i64::MAX));
    rows(
        connection,
        "SELECT events.tenant, events.market, stream, subject, sequence, id, stored, events.number,
             position, unsequenced.number
         FROM events
         LEFT JOIN log ON log.number = events.number
             AND log.tenant = events.tenant AND log.market = events.market
         LEFT JOIN unsequenced ON unsequenced.number = events.number
         WHERE events.tenant = ?1 AND events.market = ?2 AND events.number > ?3
         ORDER BY events.number LIMIT ?4",
        params![tenant, market, after, row_limit(limit)],
        |row| {
            let number: u64 = get(row, 7)?;
            let recorded = recorded(row)
                .map_err(|error| placed(error, format_args!("row {number} of the events")))?;
            let standing = match (get(row, 8)?, get::<Option<u64>>(row, 9)?) {
                (Some(position), None) => Standing::At(position),
                (None, Some(_)) => Standing::Waiting,
                (None, None) => Standing::Beside,
                (Some(position), Some(_)) => {
                    let both = "an event that has a position and waits for another";
                    return Err(corrupt(&format!("{both}, at position {position} of the log")));
                }
            };
            Ok(Held { number, standing, recorded })
        },
    )
}

/// Says where something unreadable stands.
fn placed(error: JournalError, place: std::fmt::Arguments<'_>) -> JournalError {
    match error {
        JournalError::Corrupt(what) => corrupt(&format!("{what}, at {place}")),
        JournalError::Unavailable(_) | JournalError::Full | JournalError::Unknown(_) => error,
    }
}

/// What a failure of the database means to the caller of a read or of a batch that was rolled back.
pub(super) fn journal_error(error: &rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            JournalError::Corrupt(error.to_string())
        }
        Some(_) => JournalError::Unavailable(error.to_string()),
        // Not from the database: a value that has another type than its column.
        None => JournalError::Corrupt(error.to_string()),
    }
}

/// An event from the first seven columns; what they say and what the stored bytes say must agree.
fn recorded(row: &Row<'_>) -> Result<Recorded, JournalError> {
    let (kind, subject): (String, Vec<u8>) = (get(row, 2)?, get(row, 3)?);
    let (sequence, id): (u64, [u8; 16]) = (get(row, 4)?, get(row, 5)?);
    let stored: Vec<u8> = get(row, 6)?;
    let recorded = codec::decode(&stored)?;
    let agrees = recorded.partition == partition(row)?
        && stream_parts(&recorded.stream) == (kind.as_str(), subject.as_slice())
        && recorded.sequence == sequence
        && recorded.id == EventId::from_bytes(id);
    agrees.then_some(recorded).ok_or_else(|| corrupt("an event under another's name"))
}

/// The place of a record: its partition, kind and key.
pub(super) fn record_key(row: &Row<'_>) -> rusqlite::Result<RecordKey> {
    let (kind, key): (String, String) = (row.get(2)?, row.get(3)?);
    let kind = Kind::ALL.iter().find(|known| known.name() == kind);
    match (partition(row), kind) {
        (Ok(partition), Some(&kind)) => Ok(RecordKey { partition, kind, key }),
        (Err(_), _) | (_, None) => Err(rusqlite::Error::InvalidQuery),
    }
}

/// The first two columns.
fn partition(row: &Row<'_>) -> Result<Partition, JournalError> {
    let (tenant, market): (String, String) = (get(row, 0)?, get(row, 1)?);
    match (tenant.parse(), market.parse()) {
        (Ok(tenant), Ok(market)) => Ok(Partition { tenant, market }),
        (Err(_), _) | (_, Err(_)) => Err(corrupt("a partition that is none")),
    }
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, JournalError>,
) -> Result<Vec<T>, JournalError> {
    let failed = |error| journal_error(&error);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut found = statement.query(params).map_err(failed)?;
    let mut values = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        values.push(read(row)?);
    }
    Ok(values)
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: usize) -> Result<T, JournalError> {
    row.get(column).map_err(|error| journal_error(&error))
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn corrupt(what: &str) -> JournalError {
    JournalError::Corrupt(what.to_owned())
}

/// Readings that may wait; beyond it the caller hears at once that there is no capacity.
const READINGS_MAX: usize = 4_096;
