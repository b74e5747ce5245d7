//! Reading everything a decision needs while noting every version that was read, so that the append which follows is
//! conditional on all of it without anybody having to remember (`design.md` §2.2, §4).

use carhop_kernel::id::{EventId, SessionId};
use carhop_kernel::session::{Bounded, Event, Session, Watch, bounded, evolve, open};
use carhop_kernel::time::Timestamp;

use crate::app::{App, fresh};
use crate::batch::{Appended, Batch, Body, Entry, Meta, Stream, Timer, TimerSubject};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::ports::{AppendError, JournalError, Query};
use crate::record::{Kind, Partition, Record, RecordKey, Versioned};
use crate::records::{LeftOutRecord, ReplyRecord, SessionHead, TenantRecord};

/// What was read so far, and in which versions.
pub(crate) struct Reads<'a> {
    app: &'a App,
    pub(crate) partition: Partition,
    pub(crate) now: Timestamp,
    seen: Vec<(RecordKey, u64)>,
}

impl<'a> Reads<'a> {
    pub(crate) fn new(app: &'a App, partition: &Partition) -> Self {
        Self { app, partition: partition.clone(), now: app.now(), seen: Vec::new() }
    }

    /// A record, or `None` if there is none; either way its version is noted.
    pub(crate) async fn find<R: Record>(&mut self, key: String) -> Result<Option<R>, Failure> {
        let place = RecordKey { partition: self.partition.clone(), kind: R::KIND, key };
        let found = self.app.parts.journal.record(place.clone()).await?;
        self.note(place, found.as_ref().map_or(0, |versioned| versioned.version));
        found.map(|versioned| parse(&versioned)).transpose()
    }

    /// A record that must be there.
    pub(crate) async fn load<R: Record>(&mut self, key: String) -> Result<R, Failure> {
        self.find(key).await?.ok_or(Failure::NotFound)
    }

    /// What holds for the whole partition.
    pub(crate) async fn tenant(&mut self) -> Result<TenantRecord, Failure> {
        Ok(self.find(TenantRecord::KEY.to_owned()).await?.unwrap_or_default())
    }

    /// A session as its events tell it, with the version of its head.
    pub(crate) async fn session(&mut self, id: SessionId) -> Result<Session, Failure> {
        // The head is read before the events: an event that comes between makes the append conflict, not the fold lie.
        self.load::<SessionHead>(id.to_string()).await?;
        let version = self.version_of(id);
        if let Some(folded) = self.app.folded.find(&self.partition, id, version) {
            return Ok(folded);
        }
        let folded = self.fold(id).await?;
        self.app.folded.keep(&self.partition, id, version, &folded);
        Ok(folded)
    }

    /// The version of a session's head when it was read first; whatever else was read of the session is as new or newer.
    pub(crate) fn version_of(&self, id: SessionId) -> u64 {
        let key = id.to_string();
        let mut seen = self.seen.iter();
        let head = seen.find(|(place, _)| place.kind == SessionHead::KIND && place.key == key);
        head.map_or(0, |(_, version)| *version)
    }

    async fn fold(&self, id: SessionId) -> Result<Session, Failure> {
        let events =
            self.app.parts.journal.stream(self.partition.clone(), Stream::Session(id)).await?;
        let mut bodies = events.iter().filter_map(|recorded| recorded.body.of_session());
        let first =
            bodies.next().and_then(open).ok_or(Failure::Internal("a session without a start"))?;
        Ok(bodies.fold(first, evolve))
    }

    /// A batch that holds only if nothing that was read has changed.
    pub(crate) fn batch(&self) -> Batch {
        let mut batch = Batch::new(self.partition.clone(), self.now);
        batch.preconditions.clone_from(&self.seen);
        batch
    }

    /// Every version that was noted.
    pub(crate) fn seen(&self) -> Vec<(RecordKey, u64)> {
        self.seen.clone()
    }

    /// Lets what was read of these kinds change before the append: it is told with the decision, and nothing is judged by it.
    pub(crate) fn judge_without(&mut self, kinds: &[Kind]) {
        self.seen.retain(|(place, _)| !kinds.contains(&place.kind));
    }

    fn note(&mut self, place: RecordKey, version: u64) {
        if !self.seen.iter().any(|(seen, _)| *seen == place) {
            self.seen.push((place, version));
        }
    }
}

impl Batch {
    /// Adds something that happened.
    pub(crate) fn record(&mut self, app: &App, stream: Stream, meta: &Meta, body: Body) {
        let id = fresh!(app, EventId);
        self.entries.push(Entry { id, stream, meta: meta.clone(), body });
    }

    /// Stores a record.
    pub(crate) fn store<R: Record>(&mut self, record: &R) -> Result<(), JournalError> {
        let write = record.write(&self.partition)?;
        self.writes.push(write);
        Ok(())
    }

    /// Sets a timer, or sets it anew.
    pub(crate) fn set_timer(&mut self, subject: TimerSubject, due_at: Timestamp) {
        self.timers.push(Timer { partition: self.partition.clone(), subject, due_at, tries: 0 });
    }

    /// Adds what happened to a session, brings its head up to date and sets what is now due of it.
    pub(crate) fn advance(
        &mut self,
        app: &App,
        session: &Session,
        meta: &Meta,
        events: &[Event],
    ) -> Result<Session, JournalError> {
        let Bounded { events, left_out } = bounded(session, events);
        for exception in left_out {
            self.store(&LeftOutRecord { session: session.id, exception })?;
        }
        if events.is_empty() {
            // The head stays as it is: what is only counted keeps nobody from going on.
            return Ok(session.clone());
        }
        for event in &events {
            let body = Body::Session(Box::new(event.clone()));
            self.record(app, Stream::Session(session.id), meta, body);
        }
        let after = events.iter().fold(session.clone(), evolve);
        self.store(&SessionHead::of(&after, self.at))?;
        self.watch(session, &after);
        Ok(after)
    }

    /// Sets and calls off the deadlines of a session that comes from one state to another.
    fn watch(&mut self, before: &Session, after: &Session) {
        let session = after.id;
        for (was, is) in before.legs.iter().zip(&after.legs) {
            let Some(command) = is.last_command else { continue };
            let subject = TimerSubject::Overdue { session, command };
            match Watch::of(&was.state, &is.state) {
                Watch::Begins { span_ms } => self.set_timer(subject, self.at.plus_ms(span_ms)),
                Watch::Ends => self.finished_timers.push(subject),
                Watch::Stays => {}
            }
        }
        let subject = TimerSubject::WindowEnd { session };
        if !after.is_active() {
            self.finished_timers.push(subject);
        } else if before.is_under_way() && !after.is_under_way() {
            // A window that could not end meanwhile is waiting for this.
            self.set_timer(subject, after.order.terms.window.end.max(self.at));
        }
    }
}

impl App {
    /// The reply to an earlier call with the same idempotency key, if there was one.
    pub(crate) async fn earlier_reply(
        &self,
        reads: &mut Reads<'_>,
        call: &Call,
    ) -> Result<Option<Reply>, Failure> {
        let Some(idempotency) = &call.idempotency else { return Ok(None) };
        let earlier = reads.find::<ReplyRecord>(idempotency.slot.clone()).await?;
        // One that only has not been forgotten yet is none.
        match earlier.filter(|earlier| earlier.is_kept(reads.now)) {
            Some(earlier) if earlier.fingerprint == idempotency.fingerprint => {
                Ok(Some(Reply { replayed: true, ..earlier.reply }))
            }
            Some(_) => Err(Failure::ConflictingReplay),
            None => Ok(None),
        }
    }

    /// Appends the batch together with the reply that a repetition of the call will get. A call that finds nothing to do
    /// comes through here as well: carried out late, its repetition would undo what happened in between.
    pub(crate) async fn commit(
        &self,
        call: &Call,
        mut batch: Batch,
        reply: &Reply,
    ) -> Result<Appended, Failure> {
        if let Some(idempotency) = &call.idempotency {
            batch.store(&ReplyRecord {
                slot: idempotency.slot.clone(),
                fingerprint: idempotency.fingerprint,
                reply: reply.clone(),
                at: batch.at,
            })?;
        }
        self.append_for(call, batch, reply.session).await
    }

    /// [`App::commit`] for a call that takes something away. If it found that done, a full disk, which keeps nothing, is no
    /// reason to say no: carried out late, the repetition of such a call takes away once more, which never opens anything.
    /// What there is to be told or sent all the same is not done as long as it is not kept.
    pub(crate) async fn commit_taking_away(
        &self,
        call: &Call,
        batch: Batch,
        reply: Reply,
    ) -> Result<Reply, Failure> {
        let is_nothing = batch.entries.is_empty() && batch.effects.is_empty();
        match self.commit(call, batch, &reply).await {
            Err(Failure::Journal(JournalError::Full)) if is_nothing => Ok(reply),
            done => done.map(|_| reply),
        }
    }

    /// Appends what somebody asked for, while their right to ask stands. Once it does not they are nobody, however often
    /// they try.
    pub(crate) async fn append_for(
        &self,
        call: &Call,
        mut batch: Batch,
        session: Option<SessionId>,
    ) -> Result<Appended, Failure> {
        let rests_on =
            call.standing.as_ref().map_or(&[][..], |standing| standing.records.as_slice());
        batch.preconditions.extend_from_slice(rests_on);
        match self.append(batch, session).await {
            Err(AppendError::Conflict(changed))
                if rests_on.iter().any(|(place, _)| *place == changed) =>
            {
                Err(Failure::Unauthenticated)
            }
            appended => Ok(appended?),
        }
    }

    /// Appends what nobody asked for, or nobody with a right that can end, and tells whoever waits.
    pub(crate) async fn append(
        &self,
        batch: Batch,
        session: Option<SessionId>,
    ) -> Result<Appended, AppendError> {
        let appended = self.parts.journal.append(batch).await?;
        self.parts.bell.ring(session);
        Ok(appended)
    }

    /// Records of one kind under an index value, oldest key first.
    pub(crate) async fn list<R: Record>(
        &self,
        partition: &Partition,
        index: Option<(&'static str, String)>,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<R>, Failure> {
        let query = Query { partition: partition.clone(), kind: R::KIND, index, after, limit };
        let found = self.parts.journal.records(query).await?;
        found.iter().map(|(_, versioned)| parse(versioned)).collect()
    }

    /// The version of a record outside of any decision; zero if there is none.
    pub(crate) async fn version_of<R: Record>(
        &self,
        partition: &Partition,
        record: &R,
    ) -> Result<u64, Failure> {
        let found = self.parts.journal.record(record.place(partition)).await?;
        Ok(found.map_or(0, |versioned| versioned.version))
    }

    /// One record outside of any decision.
    pub(crate) async fn peek<R: Record>(
        &self,
        partition: &Partition,
        key: String,
    ) -> Result<Option<R>, Failure> {
        let place = RecordKey { partition: partition.clone(), kind: R::KIND, key };
        self.parts.journal.record(place).await?.map(|versioned| parse(&versioned)).transpose()
    }
}

pub(crate) fn parse<R: Record>(versioned: &Versioned) -> Result<R, Failure> {
    serde_json::from_slice(&versioned.body).map_err(|error| {
        JournalError::Corrupt(format!("{:?}: {error}", Kind::name(R::KIND))).into()
    })
}

/// Makes an attempt again as long as others keep changing what it read, up to [`APPEND_ATTEMPTS`] times.
macro_rules! retry {
    ($attempt:expr) => {{
        for _ in 1..$crate::reads::APPEND_ATTEMPTS {
            match async { $attempt }.await {
                Err($crate::failure::Failure::Contended) => {}
                settled => return settled,
            }
        }
        $attempt
    }};
}
pub(crate) use retry;

/// How often a decision is made again before the caller is asked to come back.
pub(crate) const APPEND_ATTEMPTS: usize = 8;
