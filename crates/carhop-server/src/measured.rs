//! A journal that measures how long its appends take. It changes nothing of what it passes on.

use std::sync::Arc;

use carhop_app::batch::{
    Appended, Batch, Body, Entry, Held, LeasedEffect, LogEntry, Recorded, Sealed, Stream, Timer,
};
use carhop_app::ports::{AppendError, Backlog, Condition, Journal, JournalError, Pending, Query};
use carhop_app::record::{Partition, RecordKey, Versioned};
use carhop_kernel::session::Event;
use carhop_kernel::time::Timestamp;

use crate::clock::Stopwatch;
use crate::metrics::Metrics;

/// The measured journal.
pub(crate) struct Measured<J> {
    inner: J,
    metrics: Arc<Metrics>,
}

impl<J: Journal> Measured<J> {
    pub(crate) const fn new(inner: J, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

impl<J: Journal> Journal for Measured<J> {
    fn append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        let outcomes: Vec<_> = batch.entries.iter().filter_map(outcome).collect();
        Box::pin(async move {
            let watch = Stopwatch::start();
            let appended = self.inner.append(batch).await;
            self.metrics.appended(watch.seconds());
            if appended.is_ok() {
                for name in outcomes {
                    self.metrics.release(name);
                }
            }
            appended
        })
    }

    fn refuse(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        self.inner.refuse(refusal)
    }

    fn stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.inner.stream(partition, stream)
    }

    fn record(&self, key: RecordKey) -> Pending<'_, Result<Option<Versioned>, JournalError>> {
        self.inner.record(key)
    }

    fn records(&self, query: Query) -> Pending<'_, Result<Vec<(String, Versioned)>, JournalError>> {
        self.inner.records(query)
    }

    fn vault(
        &self,
        partition: Partition,
        subject: String,
    ) -> Pending<'_, Result<Vec<Sealed>, JournalError>> {
        self.inner.vault(partition, subject)
    }

    fn lease_effects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        self.inner.lease_effects(now, until, limit)
    }

    fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Timer>, JournalError>> {
        self.inner.due_timers(now, limit)
    }

    fn unsequenced(&self, limit: usize) -> Pending<'_, Result<Vec<Recorded>, JournalError>> {
        self.inner.unsequenced(limit)
    }

    fn log(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>> {
        self.inner.log(partition, from, limit)
    }

    fn appended(
        &self,
        partition: Partition,
        after: Option<u64>,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Held>, JournalError>> {
        self.inner.appended(partition, after, limit)
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Result<Backlog, JournalError>> {
        self.inner.backlog(now)
    }

    fn condition(&self) -> Condition {
        self.inner.condition()
    }
}

/// The name of what a release came to, if the entry says so.
fn outcome(entry: &Entry) -> Option<&'static str> {
    let Body::Session(event) = &entry.body else { return None };
    let told = matches!(
        **event,
        Event::ReleaseAuthorised { .. }
            | Event::CompartmentOpened { .. }
            | Event::PumpArmed { .. }
            | Event::ReleaseNotExecuted { .. }
            | Event::ReleaseUnconfirmed { .. }
            | Event::LegFailed { .. }
    );
    told.then(|| event.name())
}
