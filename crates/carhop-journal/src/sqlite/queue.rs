//! Where batches wait for the writer: appends first come first served, refusals apart and only as many as there is
//! room for. It knows neither the database nor what a batch means.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use carhop_app::batch::{Appended, Batch, LeasedEffect};
use carhop_app::ports::{AppendError, Condition, JournalError};
use carhop_kernel::time::Timestamp;
use futures_channel::oneshot;

/// A batch and who waits for its answer.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// A request for effects and who waits for them.
pub(super) struct Lease {
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
    pub(super) limit: usize,
    pub(super) answer: oneshot::Sender<Result<Vec<LeasedEffect>, JournalError>>,
}

/// What the writer does in one go.
pub(super) struct Turn {
    /// Batches for one commit, refusals last.
    pub(super) jobs: Vec<Job>,
    /// Requests for effects, to be answered after it.
    pub(super) leases: Vec<Lease>,
}

/// The writer's queues.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    something: Condvar,
}

#[derive(Default)]
struct Waiting {
    appends: VecDeque<Job>,
    refusals: VecDeque<Job>,
    leases: VecDeque<Lease>,
    refusals_given_up: u64,
    /// Whether only what takes something away is written.
    is_full: bool,
    /// Why nothing is taken any more.
    closed: Option<String>,
}

impl Queue {
    pub(super) fn append(&self, job: Job) -> Result<(), JournalError> {
        let mut waiting = self.open()?;
        if waiting.appends.len() >= APPENDS_MAX {
            return Err(JournalError::Unavailable("too many batches are waiting".into()));
        }
        waiting.appends.push_back(job);
        self.something.notify_one();
        Ok(())
    }

    /// Never full: the oldest refusal makes room.
    pub(super) fn refuse(&self, job: Job) -> Result<(), JournalError> {
        let mut waiting = self.open()?;
        if waiting.refusals.len() >= REFUSALS_MAX
            && let Some(oldest) = waiting.refusals.pop_front()
        {
            waiting.refusals_given_up += 1;
            reply_unavailable([oldest], "too many refusals are waiting");
        }
        waiting.refusals.push_back(job);
        self.something.notify_one();
        Ok(())
    }

    pub(super) fn lease(&self, lease: Lease) -> Result<(), JournalError> {
        let mut waiting = self.open()?;
        if waiting.leases.len() >= LEASES_MAX {
            return Err(JournalError::Unavailable("too many leases are waiting".into()));
        }
        waiting.leases.push_back(lease);
        self.something.notify_one();
        Ok(())
    }

    pub(super) fn refusals_given_up(&self) -> u64 {
        self.lock().refusals_given_up
    }

    pub(super) fn condition(&self) -> Condition {
        let waiting = self.lock();
        match (&waiting.closed, waiting.is_full) {
            (Some(_), _) => Condition::Stopped,
            (None, true) => Condition::Full,
            (None, false) => Condition::Well,
        }
    }

    pub(super) fn note_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// Waits for work; `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Turn> {
        let mut waiting = self.lock();
        loop {
            let turn = waiting.take_turn();
            if turn.is_some() || waiting.closed.is_some() {
                return turn;
            }
            waiting = self.something.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes nothing more; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed.get_or_insert_with(|| "it is closed".into());
        self.something.notify_all();
    }

    /// Takes nothing more and does nothing more: everything that waits is answered at once.
    pub(super) fn stop(&self, why: &str) {
        let Waiting { appends, refusals, leases, .. } = {
            let mut waiting = self.lock();
            let left = Waiting {
                refusals_given_up: waiting.refusals_given_up,
                closed: Some(format!("it has stopped: {why}")),
                ..Waiting::default()
            };
            std::mem::replace(&mut *waiting, left)
        };
        reply_unavailable(appends.into_iter().chain(refusals), why);
        for lease in leases {
            let _ = lease.answer.send(Err(JournalError::Unavailable(why.to_owned())));
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, Waiting>, JournalError> {
        let waiting = self.lock();
        match &waiting.closed {
            None => Ok(waiting),
            Some(why) => Err(JournalError::Unavailable(why.clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take_turn(&mut self) -> Option<Turn> {
        let appends = self.appends.len().min(APPENDS_PER_TURN);
        let refusals = self.refusals.len().min(REFUSALS_PER_TURN);
        let jobs = self.appends.drain(..appends).chain(self.refusals.drain(..refusals)).collect();
        let turn = Turn { jobs, leases: self.leases.drain(..).collect() };
        (!turn.jobs.is_empty() || !turn.leases.is_empty()).then_some(turn)
    }
}

/// Tells everyone that nothing happened.
pub(super) fn reply_unavailable(jobs: impl IntoIterator<Item = Job>, why: &str) {
    reply(jobs, &JournalError::Unavailable(why.to_owned()));
}

/// Tells everyone what went wrong. Whoever no longer waits needs no answer.
pub(super) fn reply(jobs: impl IntoIterator<Item = Job>, error: &JournalError) {
    for job in jobs {
        let _ = job.answer.send(Err(error.clone().into()));
    }
}

/// Batches in one commit: at 64 producers a larger group gains nothing.
const APPENDS_PER_TURN: usize = 128;

/// Refusals that ride along in each commit; few, so that a flood of them costs the appends next to nothing.
const REFUSALS_PER_TURN: usize = 16;

/// Batches that may wait; beyond it the caller hears at once that there is no capacity.
const APPENDS_MAX: usize = 4_096;

/// Refusals that may wait; beyond it the oldest is given up.
const REFUSALS_MAX: usize = 1_024;

/// Requests for effects that may wait.
const LEASES_MAX: usize = 64;
