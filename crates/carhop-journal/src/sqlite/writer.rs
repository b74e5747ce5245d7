//! The one thread that writes. Each turn it takes whatever batches wait, gives each its savepoint and all of them one
//! commit, and answers when that is durable (`design.md` §4).
//!
//! After a commit or a checkpoint that failed it stops for good: what the disk holds is known only after opening again,
//! and a second flush that succeeds says nothing of what the first one lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carhop_app::batch::Batch;
use carhop_app::ports::{AppendError, JournalError};
use carhop_app::record::{Partition, RecordKey, Versioned};
use carhop_kernel::id::EventId;
use carhop_kernel::time::Timestamp;
use rusqlite::Connection;

use super::append::{self, Applied, Failure};
use super::kept::Kept;
use super::queue::{Job, Lease, Queue, Turn, reply, reply_unavailable};
use super::reserve::Reserve;
use super::{is_full, read};

/// Owns the connection that writes.
pub(super) struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    kept: Arc<Kept>,
    /// Effects that somebody is at. They die with the process, as does whoever was at them.
    leases: BTreeMap<(Partition, EventId), Timestamp>,
    /// Erased data may still stand in the write-ahead log.
    erasure_is_open: bool,
    /// Batches in the write-ahead log since it was last copied into the file.
    uncopied: usize,
    /// Room for what must work on a full disk.
    reserve: Reserve,
    /// When the disk was found full last.
    full_since: Option<Timestamp>,
}

/// What a batch came to.
type Outcome = Result<Applied, AppendError>;

/// What the batches of one transaction came to.
struct Outcomes {
    /// Of each batch.
    each: Vec<Outcome>,
    /// The records that were dropped on this occasion.
    forgotten: Vec<RecordKey>,
}

/// The writer cannot go on.
#[derive(Debug)]
struct Stopped(String);

impl Writer {
    pub(super) fn new(
        connection: Connection,
        queue: Arc<Queue>,
        kept: Arc<Kept>,
        reserve: Reserve,
    ) -> Self {
        Self {
            connection,
            queue,
            kept,
            leases: BTreeMap::new(),
            erasure_is_open: false,
            uncopied: 0,
            reserve,
            full_since: None,
        }
    }

    /// Works until the queue is closed and empty, or a commit fails.
    pub(super) fn run(mut self) {
        let (queue, kept) = (Arc::clone(&self.queue), Arc::clone(&self.kept));
        let _guard = StopOnExit(&queue, &kept);
        while let Some(Turn { jobs, leases }) = queue.next() {
            let committed = self.commit(jobs).and_then(|()| self.checkpoint());
            if let Err(Stopped(why)) = committed {
                tracing::error!(why, "the journal has stopped");
                // What the disk holds is known only after opening again, so nothing is remembered of it either.
                kept.close();
                queue.stop(&why);
                for lease in leases {
                    let _ = lease.answer.send(Err(JournalError::Unavailable(why.clone())));
                }
                return;
            }
            for lease in leases {
                self.lease(lease);
            }
        }
    }

    /// One commit for all; on a full disk for those that take something away.
    fn commit(&mut self, jobs: Vec<Job>) -> Result<(), Stopped> {
        let jobs = self.admitted(jobs);
        let Some(left) = self.attempt(jobs)? else { return Ok(()) };
        if self.reserve.give_up() {
            tracing::error!("the disk is full: the journal takes revocations and holds only");
        }
        self.full_since = left.iter().map(|job| job.batch.at).max();
        self.queue.note_full(true);
        let urgent = self.admitted(left);
        if let Some(left) = self.attempt(urgent)? {
            reply(left, &JournalError::Full);
        }
        Ok(())
    }

    /// Those that may be written now; the others hear that there is no room. Looks for room now and then.
    fn admitted(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        let (Some(since), Some(now)) = (self.full_since, jobs.iter().map(|job| job.batch.at).max())
        else {
            return jobs;
        };
        if now.since_ms(since) >= LOOK_FOR_ROOM_MS {
            if self.reserve.take() {
                tracing::info!("there is room again: the journal takes everything");
                self.full_since = None;
                self.queue.note_full(false);
                return jobs;
            }
            self.full_since = Some(now);
        }
        let (urgent, others): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| job.batch.takes_away());
        reply(others, &JournalError::Full);
        urgent
    }

    /// One commit. Nobody hears of success before it. Returns the jobs if there was no room for them: nothing happened.
    fn attempt(&mut self, jobs: Vec<Job>) -> Result<Option<Vec<Job>>, Stopped> {
        if jobs.is_empty() {
            return Ok(None);
        }
        if let Err(error) = execute(&self.connection, "BEGIN IMMEDIATE") {
            if is_full(&error) {
                return Ok(Some(jobs));
            }
            reply_unavailable(jobs, &error.to_string());
            return Ok(None);
        }
        let outcomes = match self.apply_all(&jobs) {
            Ok(outcomes) => outcomes,
            Err(error) if is_full(&error) => return self.roll_back().map(|()| Some(jobs)),
            Err(error) => {
                // Nothing was committed, so nothing happened; but a connection in an unknown state is not used again.
                let why = error.to_string();
                reply_unavailable(jobs, &why);
                return Err(Stopped(why));
            }
        };
        match execute(&self.connection, "COMMIT") {
            Ok(()) => {}
            // The last frame, which makes a commit of all before it, did not get into the log.
            Err(error) if is_full(&error) => return self.roll_back().map(|()| Some(jobs)),
            Err(error) => {
                let why = error.to_string();
                reply(jobs, &JournalError::Unknown(why.clone()));
                return Err(Stopped(why));
            }
        }
        self.announce(jobs, outcomes);
        Ok(None)
    }

    /// Remembers what is durable now, and then says so.
    fn announce(&mut self, mut jobs: Vec<Job>, outcomes: Outcomes) {
        let mut records = Vec::new();
        for (job, outcome) in jobs.iter_mut().zip(&outcomes.each) {
            let Ok(Applied { versions, .. }) = outcome else { continue };
            for (write, version) in job.batch.writes.drain(..).zip(versions) {
                let record = write.body.map(|body| Versioned { version: *version, body });
                records.push((write.key, record));
            }
        }
        let forgotten = outcomes.forgotten.into_iter().map(|key| (key, None));
        self.kept.enter_committed(records.into_iter().chain(forgotten));
        for (job, outcome) in jobs.into_iter().zip(outcomes.each) {
            self.note(&job.batch, outcome.is_ok());
            // Whoever no longer waits needs no answer.
            let _ = job.answer.send(outcome.map(|applied| applied.appended));
        }
    }

    /// Ends the transaction, unless the database has done so itself.
    fn roll_back(&self) -> Result<(), Stopped> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        execute(&self.connection, "ROLLBACK").map_err(|error| Stopped(error.to_string()))
    }

    fn apply_all(&self, jobs: &[Job]) -> rusqlite::Result<Outcomes> {
        let each = jobs.iter().map(|job| isolated(&self.connection, &job.batch));
        let each = each.collect::<rusqlite::Result<_>>()?;
        if let Some(job) = jobs.iter().find(|job| !job.batch.spends.is_empty()) {
            append::forget_spent(&self.connection, job.batch.at)?;
        }
        let passing = |job: &Job| job.batch.writes.iter().filter(|one| one.until.is_some()).count();
        let added = jobs.iter().map(passing).sum::<usize>();
        let forgotten = match jobs.iter().map(|job| job.batch.at).max().filter(|_| added > 0) {
            Some(now) => {
                // Twice as many as are added, so that they grow fewer however busy it is.
                let limit = u32::try_from(2 * added).unwrap_or(u32::MAX);
                append::forget_records(&self.connection, now, limit)?
            }
            None => Vec::new(),
        };
        Ok(Outcomes { each, forgotten })
    }

    /// What must be remembered of a batch that is durable now.
    fn note(&mut self, batch: &Batch, is_appended: bool) {
        if is_appended {
            self.uncopied += 1;
            self.erasure_is_open |= !batch.erased.is_empty();
            for id in &batch.finished_effects {
                self.leases.remove(&(batch.partition.clone(), *id));
            }
        }
    }

    fn lease(&mut self, Lease { now, until, limit, answer }: Lease) {
        self.leases.retain(|_, leased_until| *leased_until > now);
        let is_free = |partition: &Partition, id: EventId| {
            !self.leases.contains_key(&(partition.clone(), id))
        };
        let found = read::oldest_effects(&self.connection, now, limit, is_free);
        let leased = found.as_deref().unwrap_or_default().iter();
        let taken: Vec<_> = leased.map(|one| (one.partition.clone(), one.id)).collect();
        if answer.send(found).is_ok() {
            self.leases.extend(taken.into_iter().map(|effect| (effect, until)));
        }
    }

    /// Copies the write-ahead log into the file now and then, and empties it after an erasure (M-PRV-2). A reader can be
    /// in the way; then the next turn tries again.
    fn checkpoint(&mut self) -> Result<(), Stopped> {
        let mode = match (self.erasure_is_open, self.uncopied >= UNCOPIED_MAX) {
            (true, _) => "TRUNCATE",
            (false, true) => "PASSIVE",
            (false, false) => return Ok(()),
        };
        match self.copy_log(mode) {
            Ok(is_held) => self.erasure_is_open &= is_held,
            // Everything stays in the log, which was flushed.
            Err(error) if is_full(&error) => {}
            Err(error) => return Err(Stopped(error.to_string())),
        }
        self.uncopied = 0;
        Ok(())
    }

    fn copy_log(&self, mode: &str) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let is_held = self.connection.query_row(&pragma, [], |row| row.get(0))?;
        self.connection.busy_timeout(super::open::BUSY_TIMEOUT)?;
        Ok(is_held)
    }
}

/// One batch, alone in its savepoint. `Err` only if the transaction as a whole is lost.
fn isolated(connection: &Connection, batch: &Batch) -> rusqlite::Result<Outcome> {
    execute(connection, "SAVEPOINT batch")?;
    let outcome = match append::apply(connection, batch) {
        Ok(applied) => Ok(applied),
        Err(Failure::Database(error)) if is_full(&error) => return Err(error),
        Err(failure) => {
            execute(connection, "ROLLBACK TO batch")?;
            Err(match failure {
                Failure::Refused(error) => error,
                Failure::Database(error) => read::journal_error(&error).into(),
            })
        }
    };
    execute(connection, "RELEASE batch")?;
    Ok(outcome)
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}

/// Whatever ends the thread, nobody waits for it in vain.
struct StopOnExit<'a>(&'a Queue, &'a Kept);

impl Drop for StopOnExit<'_> {
    fn drop(&mut self) {
        self.1.close();
        self.0.stop("the writer has ended");
    }
}

/// Batches after which the write-ahead log is copied into the file: about a thousand pages.
const UNCOPIED_MAX: usize = 128;

/// How often a full disk is looked at again, in the time of the batches.
const LOOK_FOR_ROOM_MS: u64 = 5_000;
