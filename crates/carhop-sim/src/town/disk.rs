//! The disk that all servers of a town share, and each server's way to it: a journal in memory behind which it is known
//! what is durable, and in front of which everything goes wrong that can.
//!
//! As in the real journal, what comes while a flush takes its time waits and shares the next one; a flush that fails, or a
//! crash in it, loses any tail of what it was to make durable. A batch alone is never torn: it is one transaction, and one
//! whose last frame is missing is none.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use carhop_app::batch::{Appended, Batch, Body, LeasedEffect, Stream, TimerSubject};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Condition, Journal, JournalError, Pending};
use carhop_app::record::Partition;
use carhop_journal::MemoryJournal;
use carhop_kernel::id::{EventId, SessionId};
use carhop_kernel::session::{Session, evolve, open};
use carhop_kernel::time::Timestamp;
use futures_channel::oneshot;
use futures_util::FutureExt as _;

use crate::happening::{CrashPoint, Happening, ServerNumber, Written};
use crate::town::dice::Fault;
use crate::town::heart::{Heart, Nudge, never};

/// What is durable, and what is known of it without asking anybody.
pub(crate) struct Disk {
    first: MemoryJournal,
    /// Disks that a backup was brought back to, one after the other; what was before each is gone.
    later: [OnceLock<MemoryJournal>; RESTORES_MAX],
    heart: Heart,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    appends: u64,
    partitions: BTreeSet<Partition>,
    sessions: BTreeMap<SessionId, Session>,
    timers: BTreeMap<(Partition, TimerSubject), Timestamp>,
    effects: BTreeSet<(Partition, EventId)>,
    unsequenced: bool,
    /// Whoever waits for the next append of any server.
    servers: Vec<Nudge>,
    /// Whoever waits for something to happen to a session.
    readers: BTreeMap<SessionId, Vec<Nudge>>,
    full_until: Timestamp,
}

impl Disk {
    pub(crate) fn new(heart: &Heart) -> Self {
        let (first, later) = (MemoryJournal::default(), [const { OnceLock::new() }; RESTORES_MAX]);
        Self { first, later, heart: heart.clone(), known: Mutex::default() }
    }

    /// What is durable now.
    pub(crate) fn journal(&self) -> &MemoryJournal {
        self.later.iter().rev().find_map(OnceLock::get).unwrap_or(&self.first)
    }

    /// The disk is lost with everything on it, and a backup of it is on a new one.
    pub(crate) fn replace(&self) {
        let backup = self.journal().backup();
        if let Some(next) = self.later.iter().find(|disk| disk.get().is_none()) {
            let _ = next.set(backup);
        }
    }

    /// Every event that a process finds when it starts, read from the journal and not from what was told of it. Nothing of
    /// a partition that cannot be read.
    pub(crate) fn recovered(&self) -> Vec<EventId> {
        let partitions = self.known().partitions.clone();
        let read = |partition| self.journal().appended(partition, None, usize::MAX).now_or_never();
        let found = partitions.into_iter().filter_map(read).flatten().flatten();
        found.map(|held| held.recorded.id).collect()
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> u64 {
        self.known().appends
    }

    /// A session as its durable events tell it.
    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        self.known().sessions.get(&id).cloned()
    }

    /// Looks at a session without taking it along.
    pub(crate) fn look<T>(&self, id: SessionId, look: impl FnOnce(&Session) -> T) -> Option<T> {
        self.known().sessions.get(&id).map(look)
    }

    /// All sessions as they are.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        self.known().sessions.values().cloned().collect()
    }

    /// When the next timer is due; `None` if none is set.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.known().timers.values().min().copied()
    }

    /// Whether the outbox holds anything.
    pub(crate) fn has_effects(&self) -> bool {
        !self.known().effects.is_empty()
    }

    /// Whether anything may wait for its position in a log.
    pub(crate) fn is_unsequenced(&self) -> bool {
        self.known().unsequenced
    }

    /// Nudges this at every append.
    pub(crate) fn listen(&self, nudge: &Nudge) {
        self.known().servers.push(nudge.clone());
    }

    /// Nudges this when something happens to a session.
    pub(crate) fn follow(&self, session: SessionId, nudge: &Nudge) {
        self.known().readers.entry(session).or_default().push(nudge.clone());
    }

    /// There is no room left until then.
    pub(crate) fn fill_until(&self, until: Timestamp) {
        let mut known = self.known();
        known.full_until = known.full_until.max(until);
    }

    fn is_full(&self) -> bool {
        self.heart.now() < self.known().full_until && !self.heart.with_dice(|dice| dice.is_healed())
    }

    /// The number of the next append.
    pub(crate) fn number(&self) -> u64 {
        let mut known = self.known();
        known.appends += 1;
        known.appends
    }

    /// Makes a batch durable, or not.
    pub(crate) async fn keep(
        &self,
        server: ServerNumber,
        append: u64,
        batch: &Arc<Batch>,
    ) -> Result<Appended, AppendError> {
        let appended = self.journal().append(Batch::clone(batch)).await?;
        self.note(batch);
        let batch = Written(Arc::clone(batch));
        self.heart.tell(Happening::Appended { server, append, batch });
        Ok(appended)
    }

    fn note(&self, batch: &Batch) {
        let mut known = self.known();
        let known = &mut *known;
        let mut moved = BTreeSet::new();
        for entry in &batch.entries {
            known.unsequenced = true;
            if let (Stream::Session(id), Body::Session(event)) = (entry.stream, &entry.body) {
                moved.insert(id);
                let before = known.sessions.remove(&id);
                let after = before.map_or_else(|| open(event), |it| Some(evolve(it, event)));
                known.sessions.extend(after.map(|session| (id, session)));
            }
        }
        if !batch.sequenced.is_empty() {
            known.unsequenced = false;
        }
        let partition = &batch.partition;
        known.partitions.insert(partition.clone());
        known.effects.extend(batch.effects.iter().map(|(id, _)| (partition.clone(), *id)));
        for id in &batch.finished_effects {
            known.effects.remove(&(partition.clone(), *id));
        }
        for subject in &batch.finished_timers {
            known.timers.remove(&(partition.clone(), *subject));
        }
        for timer in &batch.timers {
            known.timers.insert((partition.clone(), timer.subject), timer.due_at);
        }
        let readers = moved.iter().filter_map(|id| known.readers.get(id)).flatten();
        known.servers.iter().chain(readers).for_each(Nudge::nudge);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process's way to the disk.
pub(crate) struct Storage {
    server: ServerNumber,
    disk: Arc<Disk>,
    heart: Heart,
    stopped: AtomicBool,
    /// What waits for the next flush while one is under way.
    waiting: Mutex<Option<Flush>>,
}

/// What shares one flush, in order, behind whoever leads it.
type Flush = VecDeque<Waiting>;

/// A batch that waits for the flush of another.
struct Waiting {
    append: u64,
    batch: Arc<Batch>,
    word: oneshot::Sender<Word>,
}

/// What somebody hears who waits.
enum Word {
    /// It was in the flush of another, and that is what came of it.
    Done(Result<Appended, AppendError>),
    /// It leads the next flush, for these as well.
    Lead(Flush),
}

impl Storage {
    pub(crate) fn new(server: ServerNumber, disk: &Arc<Disk>, heart: &Heart) -> Self {
        let (disk, heart) = (Arc::clone(disk), heart.clone());
        let (stopped, waiting) = (AtomicBool::new(false), Mutex::default());
        Self { server, disk, heart, stopped, waiting }
    }

    async fn crash_if(&self, fault: Fault, at: CrashPoint) {
        if self.heart.strikes(fault) {
            self.heart.die(self.server, at);
            never::<()>().await;
        }
    }

    async fn write(&self, batch: Batch) -> Result<Appended, AppendError> {
        let append = self.disk.number();
        let (server, batch) = (self.server, Arc::new(batch));
        let written = self.try_write(append, &batch).await;
        match &written {
            Ok(_) => {
                self.heart.tell(Happening::Acknowledged { server, append });
                self.crash_if(Fault::CrashAfterAppend, CrashPoint::AfterAppend).await;
            }
            Err(error) => {
                let error = error.clone();
                self.heart.tell(Happening::NotAppended { server, append, error });
            }
        }
        written
    }

    async fn try_write(&self, append: u64, batch: &Arc<Batch>) -> Result<Appended, AppendError> {
        let unavailable = |why: &str| Err(JournalError::Unavailable(why.to_owned()).into());
        self.heart.turn().await;
        if self.stopped.load(Ordering::Relaxed) {
            return unavailable("it has stopped");
        }
        self.crash_if(Fault::CrashBeforeAppend, CrashPoint::BeforeAppend).await;
        if self.heart.strikes(Fault::AppendFails) {
            return unavailable("it cannot be written");
        }
        if self.disk.is_full() && !batch.takes_away() {
            return Err(JournalError::Full.into());
        }
        let others = match self.queue(append, batch) {
            None => Flush::new(),
            Some(word) => match word.await {
                Ok(Word::Done(done)) => return done,
                Ok(Word::Lead(others)) => others,
                Err(_) => return unavailable("it has stopped"),
            },
        };
        let done = if self.stopped.load(Ordering::Relaxed) {
            for it in others {
                it.hear(unavailable("it has stopped"));
            }
            unavailable("it has stopped")
        } else {
            self.flush(append, batch, others).await
        };
        self.hand_over();
        done
    }

    /// A place in the next flush, if one is under way; otherwise the next one is whoever asks.
    fn queue(&self, append: u64, batch: &Arc<Batch>) -> Option<oneshot::Receiver<Word>> {
        let mut waiting = self.waiting();
        let Some(flush) = &mut *waiting else {
            *waiting = Some(Flush::new());
            return None;
        };
        let (word, heard) = oneshot::channel();
        flush.push_back(Waiting { append, batch: Arc::clone(batch), word });
        Some(heard)
    }

    /// The first of those that wait leads the next flush.
    fn hand_over(&self) {
        let mut waiting = self.waiting();
        let mut others = waiting.take().unwrap_or_default();
        while let Some(first) = others.pop_front() {
            match first.word.send(Word::Lead(others)) {
                Ok(()) => return *waiting = Some(Flush::new()),
                Err(Word::Lead(left)) => others = left,
                Err(Word::Done(_)) => return,
            }
        }
    }

    /// Makes a batch durable with these others, and with what comes until the flush begins.
    async fn flush(
        &self,
        append: u64,
        batch: &Arc<Batch>,
        mut others: Flush,
    ) -> Result<Appended, AppendError> {
        let slow = self.heart.strikes(Fault::FlushSlow);
        let before_ms = self.heart.span(Fault::FlushSlow, 0, FLUSH_MS_MAX);
        let is_lost = self.heart.strikes(Fault::CrashAppendLost);
        let fails = self.heart.strikes(Fault::FlushFails);
        if slow {
            self.heart.sleep(before_ms).await;
        } else if is_lost || fails {
            self.heart.sleep(GATHERS_MS).await;
        }
        others.extend(self.waiting().as_mut().map(std::mem::take).unwrap_or_default());
        if is_lost {
            // Of a flush for one nothing is left: a crash that leaves it has a name of its own.
            self.lose_tail(Fault::CrashAppendLost, others.len() as u64, append, batch, &others)
                .await;
            self.heart.die(self.server, CrashPoint::AppendLost);
            never::<()>().await;
        }
        if fails {
            let most = others.len() as u64 + 1;
            self.lose_tail(Fault::FlushFails, most, append, batch, &others).await;
            // Nobody knows what is durable, and nothing more is taken.
            self.stopped.store(true, Ordering::Relaxed);
            let unknown = || Err(JournalError::Unknown("the flush failed".to_owned()).into());
            for it in others {
                it.hear(unknown());
            }
            return unknown();
        }
        let appended = self.disk.keep(self.server, append, batch).await;
        let mut kept = Vec::new();
        for it in others {
            kept.push((self.disk.keep(self.server, it.append, &it.batch).await, it));
        }
        if slow {
            self.heart.sleep(FLUSH_MS_MAX - before_ms).await;
        }
        self.crash_if(Fault::CrashUnacknowledged, CrashPoint::AppendUnacknowledged).await;
        for (done, it) in kept {
            it.hear(done);
        }
        self.heart.turn().await;
        appended
    }

    /// Of a flush at most so many batches become durable, the first ones: any tail is lost.
    async fn lose_tail(
        &self,
        by: Fault,
        most: u64,
        append: u64,
        batch: &Arc<Batch>,
        others: &Flush,
    ) {
        let left = usize::try_from(self.heart.span(by, 0, most + 1)).unwrap_or_default();
        let others = others.iter().map(|it| (it.append, &it.batch));
        for (append, batch) in [(append, batch)].into_iter().chain(others).take(left) {
            // What contradicts what was appended before it is not durable in any case.
            let _ = self.disk.keep(self.server, append, batch).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Flush>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whoever waits hears what came of it, unless it has died meanwhile.
    fn hear(self, done: Result<Appended, AppendError>) {
        let _ = self.word.send(Word::Done(done));
    }
}

impl Forwarding for Storage {
    fn behind(&self) -> &dyn Journal {
        self.disk.journal()
    }

    /// A look at what is durable, after whoever goes first.
    fn pass<'a, T: Send + 'a>(
        &'a self,
        look: impl FnOnce(&'a dyn Journal) -> Pending<'a, T> + Send + 'a,
    ) -> Pending<'a, T> {
        Box::pin(async move {
            self.heart.turn().await;
            look(self.behind()).await
        })
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(self.write(batch))
    }

    fn pass_refusal(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            if !refusal.is_aside() {
                return Err(JournalError::Corrupt("a refusal that causes something".into()).into());
            }
            self.write(refusal).await
        })
    }

    fn pass_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>> {
        Box::pin(async move {
            let leased = self.disk.journal().lease_effects(now, until, limit).await?;
            if !leased.is_empty() {
                self.crash_if(Fault::CrashAtLease, CrashPoint::Lease).await;
            }
            Ok(leased)
        })
    }

    fn seen_condition(&self) -> Condition {
        if self.stopped.load(Ordering::Relaxed) {
            Condition::Stopped
        } else if self.disk.is_full() {
            Condition::Full
        } else {
            Condition::Well
        }
    }
}

/// How long a flush takes that is lost or fails.
const GATHERS_MS: u64 = 400;
/// How many new disks there are; after that a backup is brought back to where it was made.
const RESTORES_MAX: usize = 8;
/// How long a slow flush takes.
const FLUSH_MS_MAX: u64 = 30_000;
