//! The journal in one SQLite file: one thread writes and commits in groups, a few read. Futures are answered from those
//! threads, so any executor can run them. For one process; many nodes need the adapter for PostgreSQL.
//!
//! Leases of effects live in memory: after a restart everything in the outbox is due again.

mod append;
mod backup;
mod kept;
mod open;
mod queue;
mod read;
mod reserve;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use carhop_app::batch::{Appended, Batch, Held, LeasedEffect, LogEntry, Recorded, Stream, Timer};
use carhop_app::ports::{AppendError, Backlog, Condition, Journal, JournalError, Pending, Query};
use carhop_app::record::{Partition, RecordKey, Versioned};
use carhop_kernel::id::SessionId;
use carhop_kernel::time::Timestamp;
use futures_channel::oneshot;
use rusqlite::{Connection, ErrorCode};

pub use backup::copy_journal;
use kept::{Found, Kept};
pub use open::OpenError;
use queue::{Job, Lease, Queue};
use read::Readings;
use reserve::Reserve;
use writer::Writer;

/// A journal in a file. Dropping it finishes what waits and joins its threads.
pub struct SqliteJournal {
    queue: Arc<Queue>,
    readings: Arc<Readings>,
    kept: Arc<Kept>,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteJournal {
    /// Opens or creates the file, brings its schema up to date and starts the threads. Blocks meanwhile.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let mut reserve = Reserve::beside(path);
        let connection = match open::open_writer(path) {
            // What stops revocations until somebody clears the disk must not be the opening itself.
            Err(OpenError::Database(error)) if is_full(&error) && reserve.give_up() => {
                open::open_writer(path)?
            }
            opened => opened?,
        };
        reserve.take();
        let (queue, readings) = (Arc::<Queue>::default(), Arc::<Readings>::default());
        let kept = Arc::new(Kept::open());
        let mut journal = Self { queue, readings, kept, threads: Vec::new() };
        let (queue, kept) = (Arc::clone(&journal.queue), Arc::clone(&journal.kept));
        let writer = Writer::new(connection, queue, kept, reserve);
        journal.start("journal-writer", move || writer.run())?;
        for _ in 0..READERS {
            let (reader, readings) = (open::open_reader(path)?, Arc::clone(&journal.readings));
            journal.start("journal-reader", move || readings.serve(&reader))?;
        }
        Ok(journal)
    }

    /// Opens a file to read what it holds at this moment, whoever goes on writing to it. Nothing can be appended.
    pub fn open_as_it_is(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let connection = open::open_as_it_is(path.as_ref())?;
        let (queue, readings) = (Arc::<Queue>::default(), Arc::<Readings>::default());
        queue.close();
        let kept = Arc::new(Kept::closed());
        let mut journal =
            Self { queue, readings: Arc::clone(&readings), kept, threads: Vec::new() };
        journal.start("journal-reader", move || readings.serve(&connection))?;
        Ok(journal)
    }

    /// How many refusals were given up since opening because too many waited.
    pub fn refusals_given_up(&self) -> u64 {
        self.queue.refusals_given_up()
    }

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }

    async fn write(&self, batch: Batch, way: Way) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let job = Job { batch, answer };
        match way {
            Way::Append => self.queue.append(job)?,
            Way::Refuse => self.queue.refuse(job)?,
        }
        match answered.await {
            Ok(outcome) => outcome,
            Err(oneshot::Canceled) => {
                Err(JournalError::Unknown("the writer has ended".to_owned()).into())
            }
        }
    }

    fn read<T: Send + 'static>(
        &self,
        reading: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Pending<'_, Result<T, JournalError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.readings.push(Box::new(move |connection| {
                // Whoever no longer waits needs no answer.
                let _ = answer.send(reading(connection));
            }))?;
            let ended = |oneshot::Canceled| JournalError::Unavailable("a reader has ended".into());
            answered.await.map_err(ended)?
        })
    }
}

/// Which queue a batch takes.
enum Way {
    Append,
    Refuse,
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.queue.close();
        self.readings.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the journal ended badly");
            }
        }
    }
}

impl Journal for SqliteJournal {
    fn append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(self.write(batch, Way::Append))
    }

    fn refuse(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            if !refusal.is_aside() {
                return Err(JournalError::Corrupt("a refusal that causes something".into()).into());
            }
            self.write(refusal, Way::Refuse).await
        })
    }

    fn stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.read(move |connection| read::stream(connection, &partition, &stream))
    }

    fn record(&self, key: RecordKey) -> Pending<'_, Result<Option<Versioned>, JournalError>> {
        Box::pin(async move {
            let since = match self.kept.find(&key) {
                Found::Here(record) => return Ok(record),
                Found::Elsewhere(since) => since,
            };
            let kept = Arc::clone(&self.kept);
            self.read(move |connection| {
                let record = read::record(connection, &key)?;
                kept.enter_read(since, key, record.clone());
                Ok(record)
            })
            .await
        })
    }

    fn records(&self, query: Query) -> Pending<'_, Result<Vec<(String, Versioned)>, JournalError>> {
        self.read(move |connection| read::records(connection, &query))
    }

    fn sealed(
        &self,
        partition: Partition,
        subject: String,
        field: String,
    ) -> Pending<'_, Result<Option<Vec<u8>>, JournalError>> {
        self.read(move |connection| read::sealed(connection, &partition, &subject, &field))
    }

    fn lease_effects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.queue.lease(Lease { now, until, limit, answer })?;
            let ended =
                |oneshot::Canceled| JournalError::Unavailable("the writer has ended".into());
            answered.await.map_err(ended)?
        })
    }

    fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Timer>, JournalError>> {
        self.read(move |connection| read::due_timers(connection, now, limit))
    }

    fn unsequenced(&self, limit: usize) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.read(move |connection| read::unsequenced(connection, limit))
    }

    fn log(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        self.read(move |connection| read::log(connection, &partition, from, limit))
    }

    fn log_of(
        &self,
        partition: Partition,
        session: SessionId,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        self.read(move |connection| read::log_of(connection, &partition, session, from, limit))
    }

    fn appended(
        &self,
        partition: Partition,
        after: Option<u64>,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Held>, JournalError>> {
        self.read(move |connection| read::appended(connection, &partition, after, limit))
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Result<Backlog, JournalError>> {
        self.read(move |connection| read::backlog(connection, now))
    }

    fn condition(&self) -> Condition {
        self.queue.condition()
    }
}

/// A stream as its kind and subject in the tables.
fn stream_parts(stream: &Stream) -> (&'static str, &[u8]) {
    match stream {
        Stream::Session(session) => ("session", session.as_bytes()),
        Stream::Side(session) => ("side", session.as_bytes()),
        Stream::Device(device) => ("device", device.as_bytes()),
        Stream::Operator => ("operator", &[]),
    }
}

/// Milliseconds as SQLite holds them. What lies beyond its integers is as far away as they go.
fn millis(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.unix_ms()).unwrap_or(i64::MAX)
}

/// Whether the disk had no room. A map of the write-ahead log that cannot grow looks like a failed write.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == SHARED_MEMORY_SIZE
    })
}

/// `SQLITE_IOERR_SHMSIZE`.
const SHARED_MEMORY_SIZE: i32 = 0x130a;

/// Threads that read, each with a connection of its own.
const READERS: usize = 4;
