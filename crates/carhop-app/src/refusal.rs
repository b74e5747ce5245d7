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
    /// [`REFUSALS_PER_STOP_MAX`] refusals are answered and counted only, which the stop's side stream says once
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
        let (request, reasons) = (request.to_owned(), refusal.reasons().to_vec());
        let body = Body::Refused(Refused { request, reasons });
        let named = meta.decision.zip(meta.policy);
        let named = named.map(|(named, policy)| Decided { decision: named.id, policy });
        match self.journal_refusal(reads, session, meta, body, decision).await {
            Ok(true) => Failure::Refused(refusal, named),
            Ok(false) => Failure::Refused(refusal, None),
            Err(failure) => failure,
        }
    }

    /// How often something was refused at a stop, journaled or not.
    pub async fn count_refusals(
        &self,
        partition: &Partition,
        session: SessionId,
    ) -> Result<u64, Failure> {
        self.version_of(partition, &RefusalsRecord { session, are_capped: false }).await
    }

    /// Whether the refusal itself was journaled, and not only counted.
    async fn journal_refusal(
        &self,
        reads: &Reads<'_>,
        session: SessionId,
        meta: Meta,
        body: Body,
        decision: Option<Write>,
    ) -> Result<bool, Failure> {
        let mut batch = reads.batch();
        // Its version is the count. No precondition guards it, so that refusals never get in each other's way; those that
        // are under way at the limit may pass it by as many as they are.
        let count = RefusalsRecord { session, are_capped: false };
        let capped = RefusalsRecord { are_capped: true, ..count };
        let journaled = self.count_refusals(&reads.partition, session).await?;
        batch.store(&count)?;
        let within = journaled < REFUSALS_PER_STOP_MAX;
        let entry = |meta, body| Entry {
            id: fresh!(self, EventId),
            stream: Stream::Side(session),
            meta,
            body,
        };
        if within {
            batch.entries.push(entry(meta, body));
            batch.writes.extend(decision);
        } else if self.version_of(&reads.partition, &capped).await? == 0 {
            batch.entries.push(entry(Meta::system(), Body::RefusalsCapped { journaled }));
            batch.preconditions.push((capped.place(&reads.partition), 0));
            batch.store(&capped)?;
        }
        self.parts.journal.refuse(batch).await?;
        self.parts.bell.ring(Some(session));
        Ok(within)
    }
}

/// How often something was refused at a stop: its version counts. A second one says that they are only counted by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefusalsRecord {
    session: SessionId,
    are_capped: bool,
}

impl Record for RefusalsRecord {
    const KIND: Kind = Kind::Refusals;

    fn key(&self) -> String {
        let Self { session, are_capped } = self;
        if *are_capped { format!("{session}/capped") } else { session.to_string() }
    }
}

/// Refusals of one stop that are journaled; an honest stop has a dozen, and whoever makes more can fill no disk.
pub const REFUSALS_PER_STOP_MAX: u64 = 256;
