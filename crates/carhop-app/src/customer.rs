//! The customer's part: a one-time link binds a device key; with it the customer is verified, states car and place,
//! approves the intent (M-IDN-1, M-ORD-3, M-VEH-1). Where the car goes from there stands in `vehicle`.

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::{IntentDigest, KeyThumbprint};
use carhop_kernel::evidence::{Assurance, Evidence, Fact, VehicleMatch};
use carhop_kernel::id::{CustomerId, SessionId, TicketId, TokenId};
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Action, RequestKind, Session};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::{TokenEnd, TokenLayer, TokenRecord};
use carhop_proofs::commitment::{canonical, commit};
use carhop_proofs::suite::same_secret;
use carhop_proofs::token::{Ticket, Token};
use serde::Serialize;

use crate::app::{App, fresh};
use crate::batch::{Body, Meta, Stream};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::judge::Ask;
use crate::order::{normal_plate, vehicle_bytes};
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{BoundKey, Purpose, StopRecord, TicketRecord, TokenRow, VehicleSeen};

/// A secret that is shown once.
#[derive(Debug)]
pub struct Secret {
    /// The secret's text.
    pub secret: String,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
    /// The session it belongs to, if to one.
    pub session: Option<SessionId>,
}

/// An intent that waits for the customer's approval.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What is to be approved.
    pub intent: IntentDigest,
    /// The session.
    pub session: SessionId,
}

impl App {
    /// Makes the one-time link that binds a customer's device; an earlier one is burned.
    pub async fn issue_link(&self, call: &Call, session: SessionId) -> Result<Secret, Failure> {
        retry!(self.try_issue_link(call, session).await)
    }

    async fn try_issue_link(&self, call: &Call, id: SessionId) -> Result<Secret, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let session = reads.session(id).await?;
        let stop = reads.load::<StopRecord>(id.to_string()).await?;
        if !matches!(call.actor, Actor::Store { .. } | Actor::Staff { .. }) {
            return Err(Failure::NotFound);
        }
        let secret = Ticket::mint(&self.random());
        let hash = secret.hash(self.suite(), &self.pepper(&call.partition));
        let index = Some(("link", id.to_string()));
        let mut earlier = self.list::<TicketRecord>(&call.partition, index, None, 8).await?;
        for link in &mut earlier {
            *link = reads.load(link.hash.to_string()).await?;
        }
        let mut batch = reads.batch();
        // With a new version in any case: of two links that are made at once, the second burns the first.
        batch.store(&StopRecord { stated_misses: 0, ..stop.clone() })?;
        // One may have been used since the list was made.
        for link in earlier.into_iter().filter(|link| !link.used) {
            batch.store(&TicketRecord { used: true, ..link })?;
        }
        let expires_at = session.order.terms.window.end;
        let ticket = fresh!(self, TicketId);
        let issued = Body::LinkIssued { ticket, expires_at };
        batch.record(self, Stream::Side(id), &Meta::by(call), issued);
        batch.store(&TicketRecord {
            hash,
            id: ticket,
            purpose: Purpose::CustomerLink { session: id, customer: stop.customer },
            expires_at,
            used: false,
        })?;
        self.append_for(call, batch, Some(id)).await?;
        Ok(Secret { secret: secret.expose().to_owned(), expires_at, session: Some(id) })
    }

    /// Uses a link: binds the caller's key and gives the session token for it. Works once. The token of the device that was
    /// bound before ends; but whoever a stop was bound to at its end stays it, whose the dispute is, and a later link lets
    /// one more device look.
    pub async fn redeem_link(
        &self,
        partition: &Partition,
        secret: &str,
        key: KeyThumbprint,
    ) -> Result<Secret, Failure> {
        retry!(self.try_redeem_link(partition, secret, key).await)
    }

    async fn try_redeem_link(
        &self,
        partition: &Partition,
        secret: &str,
        key: KeyThumbprint,
    ) -> Result<Secret, Failure> {
        let ticket = Ticket::parse(secret).map_err(|_| Failure::Unauthenticated)?;
        let hash = ticket.hash(self.suite(), &self.pepper(partition));
        let mut reads = Reads::new(self, partition);
        let link = reads
            .find::<TicketRecord>(hash.to_string())
            .await?
            .filter(|link| !link.used && reads_now_before(&reads, link.expires_at))
            .ok_or(Failure::Unauthenticated)?;
        let Purpose::CustomerLink { session: id, customer } = link.purpose else {
            return Err(Failure::Unauthenticated);
        };
        // After an amendment the stop may be somebody else's.
        let stop = reads.load::<StopRecord>(id.to_string()).await?;
        if stop.customer != customer {
            return Err(Failure::Unauthenticated);
        }
        let session = reads.session(id).await?;
        let earlier = self.tokens_of(&mut reads, id, TokenLayer::Session).await?;
        let token = Token::mint(TokenLayer::Session, &self.random());
        let row = self.session_token(&reads, &session, customer, key, &token);
        let expires_at = row.token.expires_at;
        let actor = Actor::Customer { customer };
        let meta = Meta { key: Some(key), ..Meta::of(actor) };
        let mut batch = reads.batch();
        batch.store(&TicketRecord { used: true, ..link })?;
        let keeper = stop.bound.filter(|bound| !session.is_active() && bound.key != key);
        // The new device takes the place of the earlier one, and of what was derived from its token.
        let stays = |row: &TokenRow| keeper.is_some_and(|bound| bound.key == row.token.key);
        for row in earlier.into_iter().filter(|row| !stays(row)) {
            let body = Body::TokenRevoked { token: row.token.id };
            batch.record(self, Stream::Side(id), &meta, body);
            batch.store(&row.end(TokenEnd::Revoked))?;
        }
        if keeper.is_none() {
            let before = session.presence().map(|presence| presence.proof);
            batch.store(&StopRecord { bound: Some(BoundKey { key, before }), ..stop })?;
            batch.record(self, Stream::Side(id), &meta, Body::CustomerBound { customer, key });
        }
        batch.record(self, Stream::Side(id), &meta, row.issued());
        batch.store(&row)?;
        self.append(batch, Some(id)).await?;
        Ok(Secret { secret: token.expose().to_owned(), expires_at, session: Some(id) })
    }

    /// Verifies the recipient by the device that the link was bound to.
    pub async fn verify_recipient(
        &self,
        call: &Call,
        session: SessionId,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::VerifyRecipient.name();
            let (stop, customer, key) =
                self.stop_of_customer(call, &mut reads, session, asked).await?;
            let assurance = Assurance::BoundDevice;
            let fact = Fact::Recipient { customer, key, assurance };
            let evidence = evidence(fact, &stop.session, reads.now);
            let ask =
                Ask { evidence: vec![evidence], recipient: Some(assurance), ..Ask::default() };
            self.apply(call, &reads, &stop, Action::VerifyRecipient, ask, |_| Ok(())).await
        })
    }

    /// Takes the customer's word for car and place and proposes the intent. After a few plates that are not the car's no more
    /// are compared until a fresh link is made: who found a link must not find out the plate.
    pub async fn propose_binding(
        &self,
        call: &Call,
        session: SessionId,
        plate: &str,
    ) -> Result<Proposal, Failure> {
        let plate = normal_plate(plate).ok_or_else(|| Failure::invalid("plate", "not a plate"))?;
        retry!(self.try_propose_binding(call, session, &plate).await)
    }

    async fn try_propose_binding(
        &self,
        call: &Call,
        session: SessionId,
        plate: &str,
    ) -> Result<Proposal, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if self.earlier_reply(&mut reads, call).await?.is_some() {
            let stop = reads.load::<StopRecord>(session.to_string()).await?;
            let intent = stop.intent.ok_or(Failure::Contended)?;
            return Ok(Proposal { intent, session });
        }
        let asked = RequestKind::ProposeBinding.name();
        let (stop, ..) = self.stop_of_customer(call, &mut reads, session, asked).await?;
        if stop.record.stated_misses >= limits::PLATE_MISSES_PER_STOP_MAX {
            let reason = Reason::PlateAttemptsExhausted;
            return Err(self.turn_away(call, &reads, session, asked, reason).await);
        }
        let order = &stop.session.order;
        let mut personal = self
            .personal(&call.partition, stop.record.customer, order.order)
            .await?
            .ok_or(Failure::NotFound)?;
        if !same_secret(plate.as_bytes(), personal.plate.as_bytes()) {
            let stated_misses = stop.record.stated_misses + 1;
            let mut batch = reads.batch();
            batch.store(&StopRecord { stated_misses, ..stop.record.clone() })?;
            self.append_for(call, batch, None).await?;
            let reason = Reason::VehicleMismatch;
            let reads = Reads::new(self, &call.partition);
            return Err(self.turn_away(call, &reads, session, asked, reason).await);
        }
        let salt = personal.salt;
        personal.plate = plate.to_owned();
        let vehicle = commit(self.suite(), &salt, &vehicle_bytes(&personal));
        let intent = self.intent_of(&stop.session, &salt)?;
        let method = VehicleMatch::Statement;
        let action = Action::ProposeBinding { vehicle, method, intent };
        let (now, version) = (reads.now, order.version);
        let record = StopRecord {
            intent: Some(intent),
            stated_at: Some(now),
            vehicle: Some(VehicleSeen { matches: true, method, at: now, order_version: version }),
            plate_misses: 0,
            tag_misses: 0,
            ..stop.record.clone()
        };
        self.apply(call, &reads, &stop, action, Ask::default(), |batch| Ok(batch.store(&record)?))
            .await?;
        Ok(Proposal { intent, session })
    }

    /// Approves exactly the proposed intent.
    pub async fn approve_intent(
        &self,
        call: &Call,
        session: SessionId,
        intent: IntentDigest,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::ApproveIntent.name();
            let (stop, _, key) = self.stop_of_customer(call, &mut reads, session, asked).await?;
            let evidence = evidence(Fact::Intent { intent, key }, &stop.session, reads.now);
            let ask = Ask { evidence: vec![evidence], ..Ask::default() };
            self.apply(call, &reads, &stop, Action::ApproveIntent, ask, |_| Ok(())).await
        })
    }

    pub(crate) fn pepper(&self, partition: &Partition) -> [u8; 32] {
        self.parts.keyring.pepper(self.suite(), &partition.tenant)
    }

    fn session_token(
        &self,
        reads: &Reads<'_>,
        session: &Session,
        customer: CustomerId,
        key: KeyThumbprint,
        token: &Token,
    ) -> TokenRow {
        let longest = reads.now.plus_ms(limits::SESSION_TOKEN_MS_MAX);
        TokenRow {
            hash: token.hash(self.suite(), &self.pepper(&reads.partition)),
            parent: None,
            customer: Some(customer),
            token: TokenRecord {
                id: fresh!(self, TokenId),
                layer: TokenLayer::Session,
                parent: None,
                session: session.id,
                order: session.order.digest,
                binding: None,
                assignment: None,
                driver: None,
                scope: None,
                audience: None,
                key,
                issued_at: reads.now,
                expires_at: longest.min(session.order.terms.window.end),
                ended: None,
            },
        }
    }

    fn intent_of(&self, session: &Session, salt: &[u8; 32]) -> Result<IntentDigest, Failure> {
        let terms = &session.order.terms;
        let intent = Intent {
            binding: session.bindings + 1,
            handoff: terms.handoff,
            order: session.order.digest,
            place: &terms.venue,
            place_kind: terms.place_kind,
            session: session.id,
            window: terms.window,
        };
        canonical(self.suite(), "carhop.intent.v1", salt, &intent)
            .map(IntentDigest)
            .map_err(|_| Failure::Internal("an intent without a canonical form"))
    }
}

/// The delivery intent that the customer approves (M-ORD-3).
#[derive(Serialize)]
struct Intent<'a> {
    binding: u32,
    handoff: carhop_kernel::order::HandoffType,
    order: carhop_kernel::digest::OrderDigest,
    place: &'a carhop_kernel::id::VenueId,
    place_kind: carhop_kernel::order::PlaceKind,
    session: SessionId,
    window: carhop_kernel::time::Window,
}

pub(crate) fn evidence(fact: Fact, session: &Session, at: Timestamp) -> Evidence {
    Evidence { fact, at, order: session.order.digest }
}

fn reads_now_before(reads: &Reads<'_>, end: Timestamp) -> bool {
    reads.now < end
}
