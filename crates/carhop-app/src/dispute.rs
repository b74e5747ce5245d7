//! A dispute: a case beside a stop that has ended, with the customer's words, a deadline and an outcome (M-FLO-6).
//!
//! It is no state of the session; it moves nothing and permits nothing. Its evidence is the log.

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CustomerId, SessionId};
use carhop_kernel::limits;
use carhop_kernel::reason::{Reason, Refusal};
use carhop_kernel::session::Event;
use carhop_kernel::time::Timestamp;

use crate::app::App;
use crate::batch::{Body, DisputeEvent, DisputeOutcome, Grievance, Meta, Recorded, Stream};
use crate::call::Call;
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{DisputeRecord, StopRecord};

/// What a customer says.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// Of what.
    pub about: Grievance,
    /// In words, if any.
    pub words: Option<String>,
}

/// A dispute with the customer's words.
#[derive(Clone, Debug)]
pub struct DisputeView {
    /// The case.
    pub record: DisputeRecord,
    /// The words; `None` if there were none, or once they were erased.
    pub words: Option<String>,
}

impl App {
    /// Opens the dispute of a stop for whoever holds the key that the stop's link was redeemed with last: the token has
    /// ended with the window, and nothing is permitted here. Who asks again is given what there is.
    pub async fn open_dispute(
        &self,
        partition: &Partition,
        session: SessionId,
        key: KeyThumbprint,
        complaint: &Complaint,
    ) -> Result<DisputeView, Failure> {
        retry!(self.try_open_dispute(partition, session, key, complaint).await)
    }

    async fn try_open_dispute(
        &self,
        partition: &Partition,
        session: SessionId,
        key: KeyThumbprint,
        complaint: &Complaint,
    ) -> Result<DisputeView, Failure> {
        let mut reads = Reads::new(self, partition);
        reads.session(session).await?;
        let customer = self.customer_by_key(partition, session, key).await?;
        if let Some(record) = reads.find::<DisputeRecord>(session.to_string()).await? {
            return self.with_words(partition, record).await;
        }
        let meta = Meta { key: Some(key), ..Meta::of(Actor::Customer { customer }) };
        let ended_at = ended_at(&self.history_of(partition, session).await?);
        let is_in_time = ended_at.is_some_and(|at| reads.now < at.plus_ms(limits::DISPUTE_MS_MAX));
        if !is_in_time {
            let refusal = Refusal::from(Reason::NotPossibleNow);
            return Err(self.refuse(&reads, session, meta, OPEN, refusal, None).await);
        }
        let answer_by = reads.now.plus_ms(limits::DISPUTE_ANSWER_MS_MAX);
        let (about, opened_at) = (complaint.about, reads.now);
        let record =
            DisputeRecord { session, customer, about, opened_at, answer_by, decided: None };
        let sealing = self.sealing(&mut reads, customer).await?;
        let mut batch = reads.batch();
        if let Some(words) = &complaint.words {
            self.seal_field(&mut batch, &sealing, field(session), words.as_bytes())?;
        }
        batch.store(&record)?;
        let opened = Body::Dispute(DisputeEvent::Opened { about, answer_by });
        batch.record(self, Stream::Side(session), &meta, opened);
        self.append(batch, Some(session)).await?;
        Ok(DisputeView { record, words: complaint.words.clone() })
    }

    /// Decides a dispute, once.
    pub async fn decide_dispute(
        &self,
        call: &Call,
        session: SessionId,
        outcome: DisputeOutcome,
    ) -> Result<DisputeView, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let record = reads.load::<DisputeRecord>(session.to_string()).await?;
            if let Some((decided, _)) = record.decided {
                if decided == outcome {
                    return self.with_words(&call.partition, record).await;
                }
                let reason = Reason::NotPossibleNow;
                return Err(self.turn_away(call, &reads, session, DECIDE, reason).await);
            }
            let record = DisputeRecord { decided: Some((outcome, reads.now)), ..record };
            let mut batch = reads.batch();
            batch.store(&record)?;
            let decided = Body::Dispute(DisputeEvent::Decided { outcome });
            batch.record(self, Stream::Side(session), &Meta::by(call), decided);
            self.append_for(call, batch, Some(session)).await?;
            self.with_words(&call.partition, record).await
        })
    }

    /// The dispute of a stop, as its customer sees it.
    pub async fn view_own_dispute(
        &self,
        partition: &Partition,
        session: SessionId,
        key: KeyThumbprint,
    ) -> Result<DisputeView, Failure> {
        self.customer_by_key(partition, session, key).await?;
        self.view_dispute(partition, session).await
    }

    /// The dispute of a stop.
    pub async fn view_dispute(
        &self,
        partition: &Partition,
        session: SessionId,
    ) -> Result<DisputeView, Failure> {
        let found = self.peek::<DisputeRecord>(partition, session.to_string()).await?;
        self.with_words(partition, found.ok_or(Failure::NotFound)?).await
    }

    /// The disputes that wait for a decision.
    pub async fn undecided_disputes(
        &self,
        partition: &Partition,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<DisputeRecord>, Failure> {
        let (index, value) = DisputeRecord::UNDECIDED;
        self.list(partition, Some((index, value.to_owned())), after, limit).await
    }

    /// Whether the key is that of the stop's customer, whose token has ended.
    pub async fn is_customers_key(
        &self,
        partition: &Partition,
        session: SessionId,
        key: KeyThumbprint,
    ) -> Result<bool, Failure> {
        match self.customer_by_key(partition, session, key).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The customer whose key this is at a stop: of several that were bound to it only the last one is, and only as long as
    /// the order is for the same recipient.
    async fn customer_by_key(
        &self,
        partition: &Partition,
        session: SessionId,
        key: KeyThumbprint,
    ) -> Result<CustomerId, Failure> {
        let stop = self.peek::<StopRecord>(partition, session.to_string()).await?;
        let own = stop.filter(|stop| stop.bound.is_some_and(|bound| bound.key == key));
        own.map(|stop| stop.customer).ok_or(Failure::NotFound)
    }

    async fn with_words(
        &self,
        partition: &Partition,
        record: DisputeRecord,
    ) -> Result<DisputeView, Failure> {
        let plain = self.unsealed(partition, record.customer, &field(record.session)).await?;
        let words = plain.and_then(|plain| String::from_utf8(plain).ok());
        Ok(DisputeView { record, words })
    }
}

/// When a stop ended; `None` if it has not.
fn ended_at(history: &[Recorded]) -> Option<Timestamp> {
    let is_end = |recorded: &&Recorded| {
        matches!(
            recorded.body.of_session(),
            Some(
                Event::SessionCompleted { .. }
                    | Event::SessionRevoked { .. }
                    | Event::SessionExpired
            )
        )
    };
    history.iter().find(is_end).map(|recorded| recorded.at)
}

/// The name under which the words lie in the vault.
fn field(session: SessionId) -> String {
    format!("dispute of {session}")
}

/// Names of the requests in the log.
const OPEN: &str = "open_dispute";
const DECIDE: &str = "decide_dispute";
