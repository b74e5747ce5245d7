//! A journal in front of another: everything passes on, unless the one in front has something to say about it. What that
//! is, to measure or to doubt or to wait, is not known here.

use carhop_kernel::id::SessionId;
use carhop_kernel::time::Timestamp;

use crate::batch::{Appended, Batch, Held, LeasedEffect, LogEntry, Recorded, Stream, Timer};
use crate::ports::{AppendError, Backlog, Condition, Journal, JournalError, Pending, Query};
use crate::record::{Partition, RecordKey, Versioned};

/// A journal in front of another. Whoever implements it is a [`Journal`].
pub trait Forwarding: Send + Sync {
    /// The journal behind.
    fn behind(&self) -> &dyn Journal;

    /// The way of every call to the journal behind.
    fn pass<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a dyn Journal) -> Pending<'a, T> + Send + 'a,
    ) -> Pending<'a, T> {
        call(self.behind())
    }

    /// The way of an append.
    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        self.pass(move |journal| journal.append(batch))
    }

    /// The way of a refusal.
    fn pass_refusal(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        self.pass(move |journal| journal.refuse(refusal))
    }

    /// The way of a lease.
    fn pass_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        self.pass(move |journal| journal.lease_effects(now, until, limit))
    }

    /// How it is from here.
    fn seen_condition(&self) -> Condition {
        self.behind().condition()
    }
}

impl<F: Forwarding> Journal for F {
    fn append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        self.pass_append(batch)
    }

    fn refuse(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        self.pass_refusal(refusal)
    }

    fn stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.pass(move |journal| journal.stream(partition, stream))
    }

    fn record(&self, key: RecordKey) -> Pending<'_, Result<Option<Versioned>, JournalError>> {
        self.pass(move |journal| journal.record(key))
    }

    fn records(&self, query: Query) -> Pending<'_, Result<Vec<(String, Versioned)>, JournalError>> {
        self.pass(move |journal| journal.records(query))
    }

    fn sealed(
        &self,
        partition: Partition,
        subject: String,
        field: String,
    ) -> Pending<'_, Result<Option<Vec<u8>>, JournalError>> {
        self.pass(move |journal| journal.sealed(partition, subject, field))
    }

    fn lease_effects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        self.pass_lease(now, until, limit)
    }

    fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Timer>, JournalError>> {
        self.pass(move |journal| journal.due_timers(now, limit))
    }

    fn unsequenced(&self, limit: usize) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.pass(move |journal| journal.unsequenced(limit))
    }

    fn log(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        self.pass(move |journal| journal.log(partition, from, limit))
    }

    fn log_of(
        &self,
        partition: Partition,
        session: SessionId,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        self.pass(move |journal| journal.log_of(partition, session, from, limit))
    }

    fn appended(
        &self,
        partition: Partition,
        after: Option<u64>,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Held>, JournalError>> {
        self.pass(move |journal| journal.appended(partition, after, limit))
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Result<Backlog, JournalError>> {
        self.pass(move |journal| journal.backlog(now))
    }

    fn condition(&self) -> Condition {
        self.seen_condition()
    }
}
