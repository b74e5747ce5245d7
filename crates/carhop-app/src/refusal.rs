//! Refusals: each is journaled beside the stop's own stream, with the decision behind it, in one write that holds only if
//! nothing that was judged has changed. Nothing is judged here.

use carhop_kernel::id::{EventId, SessionId};
use carhop_kernel::reason::{Reason, Refusal};
use serde::{Deserialize, Serialize};

use crate::app::{App, fresh};
use crate::batch::{Body, Entry, Meta, Refused, Stream, Write};
use crate::call::Call;
use crate::failure::{Decided, Failure};
use crate::reads::Reads;
use crate::record::{Kind, Partition, Record};

impl App {
    /// Turns a caller away where there is nothing for policies to decide. It is journaled like any other refusal.
    pub(crate) async fn turn_away(
        &self,
        call: &Call,
        reads: &Reads<'_>,
        session: SessionId,
        request: &str,
        reason: Reason,
    ) -> Failure {
        let refusal = Refusal::from(reason);
        self.refuse(reads, session, Meta::by(call), request, refusal, None).await
    }

    /// Journals a refusal with the record of its decision, if one was made, and answers with it. Beyond
    /// [`Asker::journaled_max`] refusals are answered and counted only, which the stop's side stream says once
    /// (M-POL-3).
    pub(crate) async fn refuse(
        &self,
        reads: &Reads<'_>,
        session: SessionId,
        meta: Meta,
        request: &str,
        refusal: Refusal,
        decision: Option<Write>,
    ) -> Failure {
        let body = refused(request, &refusal);
        let named = meta.decision.zip(meta.policy);
        let named = named.map(|(named, policy)| Decided { decision: named.id, policy });
        let count = RefusalsRecord { session, by: Asker::Party, are_capped: false };
        match self.journal_refusal(reads, count, meta, body, decision).await {
            Ok(true) => Failure::Refused(refusal, named),
            Ok(false) => Failure::Refused(refusal, None),
            Err(failure) => failure,
        }
    }

    /// Journals that somebody known asked about a stop that is not theirs: [`STRANGER_SHARE`] times for each of them and
    /// each reason, so that nobody's asking keeps another's out of the log. Who asks on is answered and no more.
    pub(crate) async fn note_stranger(
        &self,
        reads: &Reads<'_>,
        session: SessionId,
        meta: Meta,
        request: &str,
        reason: Reason,
    ) -> Result<(), Failure> {
        let asker = serde_json::to_string(&meta.actor);
        let asker = asker.map_err(|_| Failure::Internal("an actor without a text"))?;
        let share = StrangerRecord { session, asker, reason };
        if self.version_of(&reads.partition, &share).await? >= STRANGER_SHARE {
            return Ok(());
        }
        let body = refused(request, &Refusal::from(reason));
        let count = RefusalsRecord { session, by: Asker::Stranger, are_capped: false };
        let share = share.write(&reads.partition)?;
        self.journal_refusal(reads, count, meta, body, Some(share)).await.map(|_| ())
    }

    /// How often something was refused at a stop, journaled or not; of strangers, as far as each has a share.
    pub async fn count_refusals(
        &self,
        partition: &Partition,
        session: SessionId,
        by: Asker,
    ) -> Result<u64, Failure> {
        self.version_of(partition, &RefusalsRecord { session, by, are_capped: false }).await
    }

    /// Whether the refusal itself was journaled, and not only counted.
    async fn journal_refusal(
        &self,
        reads: &Reads<'_>,
        count: RefusalsRecord,
        meta: Meta,
        body: Body,
        stored_with_it: Option<Write>,
    ) -> Result<bool, Failure> {
        let RefusalsRecord { session, by, .. } = count;
        let mut batch = reads.batch();
        // Its version is the count. No precondition guards it, so that refusals never get in each other's way; those that
        // are under way at the limit may pass it by as many as they are.
        let capped = RefusalsRecord { are_capped: true, ..count };
        let journaled = self.version_of(&reads.partition, &count).await?;
        batch.store(&count)?;
        let within = journaled < by.journaled_max();
        let entry = |meta, body| Entry {
            id: fresh!(self, EventId),
            stream: Stream::Side(session),
            meta,
            body,
        };
        if within {
            batch.entries.push(entry(meta, body));
            batch.writes.extend(stored_with_it);
        } else if self.version_of(&reads.partition, &capped).await? == 0 {
            batch.entries.push(entry(Meta::system(), Body::RefusalsCapped { by, journaled }));
            batch.preconditions.push((capped.place(&reads.partition), 0));
            batch.store(&capped)?;
        }
        self.parts.journal.refuse(batch).await?;
        self.parts.bell.ring(Some(session));
        Ok(within)
    }
}

/// Whose refusals are counted together: strangers cannot use up what is kept of those who take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// Whoever takes part in the stop.
    Party,
    /// Somebody known whose stop it is not.
    Stranger,
}

impl Asker {
    /// Refusals of one stop that are journaled; an honest stop has a dozen of its own, and whoever makes more can fill
    /// no disk.
    pub const fn journaled_max(self) -> u64 {
        match self {
            Self::Party | Self::Stranger => 256,
        }
    }
}

fn refused(request: &str, refusal: &Refusal) -> Body {
    let (request, reasons) = (request.to_owned(), refusal.reasons().to_vec());
    Body::Refused(Refused { request, reasons })
}

/// How often something was refused at a stop: its version counts. A second one says that they are only counted by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefusalsRecord {
    session: SessionId,
    by: Asker,
    are_capped: bool,
}

impl Record for RefusalsRecord {
    const KIND: Kind = Kind::Refusals;

    fn key(&self) -> String {
        let Self { session, by, are_capped } = self;
        let by = match by {
            Asker::Party => "parties",
            Asker::Stranger => "strangers",
        };
        if *are_capped { format!("{session}/{by}/capped") } else { format!("{session}/{by}") }
    }
}

/// How often one stranger asked about a stop for one reason: its version counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StrangerRecord {
    session: SessionId,
    /// Who asked, as the log tells it.
    asker: String,
    reason: Reason,
}

impl Record for StrangerRecord {
    const KIND: Kind = Kind::Refusals;

    fn key(&self) -> String {
        let Self { session, asker, reason } = self;
        format!("{session}/stranger/{reason}/{asker}")
    }
}

/// Questions of one stranger about one stop, for one reason, that are journaled.
pub const STRANGER_SHARE: u64 = 8;
