//! Tokens: derived one layer at a time, looked up by hash, judged against the session they point to, revoked at once
//! (M-TOK-1 to 4, standards §2).

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::{KeyThumbprint, SecretHash};
use carhop_kernel::id::{CustomerId, DeviceId, SessionId, TokenId};
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::Session;
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::{TokenEnd, TokenLayer, TokenRecord};
use carhop_policy::TokenFacts;
use carhop_proofs::token::Token;

use crate::app::{App, fresh};
use crate::batch::{Body, Meta, Stream};
use crate::call::Call;
use crate::customer::Secret;
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::TokenRow;

/// What an action token is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What it may do.
    pub scope: Scope,
    /// At which lock or pump.
    pub audience: DeviceId,
}

/// What the holder of a live token may be told about it (RFC 7662).
#[derive(Clone, Debug)]
pub struct Introspection {
    /// The token's record.
    pub token: TokenRecord,
    /// The customer it serves, if it is a session token.
    pub customer: Option<CustomerId>,
}

impl TokenRow {
    pub(crate) fn issued(&self) -> Body {
        Body::TokenIssued {
            token: self.token.id,
            layer: self.token.layer,
            hash: self.hash,
            expires_at: self.token.expires_at,
        }
    }
}

impl App {
    /// The customer and session of a session token that is alive and whose key the caller has proven. One for an earlier
    /// version of the order is dead (M-TOK-3). That a known token was shown by another key, or after its end, is
    /// journaled beside its stop (M-THR).
    pub async fn authenticate_customer(
        &self,
        partition: &Partition,
        secret: &str,
        key: KeyThumbprint,
    ) -> Result<(CustomerId, SessionId), Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let row = self.live_row(&mut reads, secret).await?.ok_or(Failure::Unauthenticated)?;
            let customer = row.customer.ok_or(Failure::Unauthenticated)?;
            let token = &row.token;
            let order = reads.session(token.session).await?.order.digest;
            let flaws = [
                (token.key != key, Reason::TokenBinding),
                (token.ended.is_some(), Reason::TokenRevoked),
                (reads.now >= token.expires_at, Reason::TokenExpired),
                (token.order != order, Reason::OrderChanged),
            ];
            let Some((_, reason)) = flaws.into_iter().find(|(applies, _)| *applies) else {
                return Ok((customer, token.session));
            };
            let actor = Actor::Customer { customer };
            let meta = Meta { key: Some(key), token: Some(row.hash), ..Meta::of(actor) };
            self.note_stranger(&reads, token.session, meta, "authenticate", reason).await?;
            Err(Failure::Unauthenticated)
        })
    }

    /// Derives the assigned driver's vehicle token from the customer's session token, so that a dead phone strands
    /// nobody (`design.md` §5). An earlier one is burned.
    pub async fn issue_vehicle_token(
        &self,
        call: &Call,
        session: SessionId,
    ) -> Result<Secret, Failure> {
        retry!(self.try_issue_vehicle_token(call, session).await)
    }

    async fn try_issue_vehicle_token(&self, call: &Call, id: SessionId) -> Result<Secret, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let stop = self.stop_of_driver(call, &mut reads, id, ISSUE_VEHICLE_TOKEN).await?;
        let session = &stop.session;
        let now = reads.now;
        let alive =
            |row: &TokenRow| row.token.judge(&session.ground(), &row.token.key, now).is_ok();
        let known = self.tokens_of(&mut reads, id, TokenLayer::Session).await?;
        let Some(parent) = known.into_iter().find(alive) else {
            let reason = Reason::TokenMissing;
            return Err(self.turn_away(call, &reads, id, ISSUE_VEHICLE_TOKEN, reason).await);
        };
        let earlier = self.tokens_of(&mut reads, id, TokenLayer::Vehicle).await?;
        let assignment = session.assignment().ok_or(Failure::NotFound)?;
        let ends = reads.now.plus_ms(TokenLayer::Vehicle.life_ms_max());
        let record = TokenRecord {
            id: fresh!(self, TokenId),
            layer: TokenLayer::Vehicle,
            parent: Some(parent.token.id),
            binding: session.bound().map(|bound| bound.binding.number),
            assignment: Some(assignment.number),
            driver: Some(assignment.driver),
            key: assignment.key,
            issued_at: reads.now,
            expires_at: ends.min(parent.token.expires_at),
            ..parent.token.clone()
        };
        self.issue(call, &reads, &parent, record, earlier).await
    }

    /// Exchanges a vehicle token for an action token: one scope, one device, one use (RFC 8693).
    pub async fn exchange_token(
        &self,
        call: &Call,
        secret: &str,
        wanted: Wanted,
    ) -> Result<Secret, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let parent = self
                .live_row(&mut reads, secret)
                .await?
                .filter(|row| row.token.layer == TokenLayer::Vehicle)
                .ok_or(Failure::refused(Reason::TokenMissing))?;
            let id = parent.token.session;
            let stop = self.stop_of_driver(call, &mut reads, id, EXCHANGE_TOKEN).await?;
            let judged = self.judge_chain(&mut reads, &parent, &stop.session, call.key).await?;
            if let Err(reason) = judged {
                return Err(self.turn_away(call, &reads, id, EXCHANGE_TOKEN, reason).await);
            }
            let leg = stop.session.legs.iter().find(|leg| {
                leg.terms.device == wanted.audience && leg.terms.service.scope() == wanted.scope
            });
            if leg.is_none() {
                return Err(self
                    .turn_away(call, &reads, id, EXCHANGE_TOKEN, Reason::TokenScope)
                    .await);
            }
            let ends = reads.now.plus_ms(TokenLayer::Action.life_ms_max());
            let record = TokenRecord {
                id: fresh!(self, TokenId),
                layer: TokenLayer::Action,
                parent: Some(parent.token.id),
                scope: Some(wanted.scope),
                audience: Some(wanted.audience),
                issued_at: reads.now,
                expires_at: ends.min(parent.token.expires_at),
                ..parent.token.clone()
            };
            self.issue(call, &reads, &parent, record, Vec::new()).await
        })
    }

    /// What a live token stands for; `None` for everything else, without saying why (RFC 7662 §2.2).
    pub async fn introspect_token(
        &self,
        call: &Call,
        secret: &str,
    ) -> Result<Option<Introspection>, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let Some(row) = self.live_row(&mut reads, secret).await? else { return Ok(None) };
        let session = reads.session(row.token.session).await?;
        let key = Some(row.token.key);
        let alive = self.judge_chain(&mut reads, &row, &session, key).await?.is_ok()
            && self.holder_is_trusted(&mut reads, &row, &session).await?;
        Ok(alive.then_some(Introspection { token: row.token, customer: row.customer }))
    }

    /// Revokes a token, and with it everything derived from it. Unknown tokens are revoked already (RFC 7009 §2.2).
    pub async fn revoke_token(&self, call: &Call, secret: &str) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let Some(row) = self.live_row(&mut reads, secret).await? else { return Ok(()) };
            let holder = call.key == Some(row.token.key);
            let staff = matches!(call.actor, Actor::Staff { .. });
            if row.token.ended == Some(TokenEnd::Revoked) || !(holder || staff) {
                return Ok(());
            }
            let session = row.token.session;
            let mut batch = reads.batch();
            let body = Body::TokenRevoked { token: row.token.id };
            batch.record(self, Stream::Side(session), &Meta::by(call), body);
            batch.store(&row.end(TokenEnd::Revoked))?;
            self.append_for(call, batch, Some(session)).await?;
            Ok(())
        })
    }

    /// Whether the device that holds a driver's token has lost nothing since; a customer's device is in no inventory.
    async fn holder_is_trusted(
        &self,
        reads: &mut Reads<'_>,
        row: &TokenRow,
        session: &Session,
    ) -> Result<bool, Failure> {
        if row.token.layer == TokenLayer::Session {
            return Ok(true);
        }
        let Some(assignment) = session.assignment() else { return Ok(false) };
        let now = reads.now;
        let handset = reads.device(assignment.device).await?;
        Ok(handset.is_some_and(|handset| handset.is_trusted(now)))
    }

    /// The row of a token's text, if the text is one and the row exists.
    pub(crate) async fn live_row(
        &self,
        reads: &mut Reads<'_>,
        secret: &str,
    ) -> Result<Option<TokenRow>, Failure> {
        let Ok(token) = Token::parse(secret) else { return Ok(None) };
        let hash = token.hash(self.suite(), &self.pepper(&reads.partition));
        reads.find::<TokenRow>(hash.to_string()).await
    }

    /// Judges a token and that nothing above it has been revoked: revoking a parent kills its children.
    pub(crate) async fn judge_chain(
        &self,
        reads: &mut Reads<'_>,
        row: &TokenRow,
        session: &Session,
        key: Option<KeyThumbprint>,
    ) -> Result<Result<(), Reason>, Failure> {
        let Some(key) = key else { return Ok(Err(Reason::TokenBinding)) };
        if let Err(reason) = row.token.judge(&session.ground(), &key, reads.now) {
            return Ok(Err(reason));
        }
        let is_revoked = self.is_revoked(reads, row).await?;
        Ok(if is_revoked { Err(Reason::TokenRevoked) } else { Ok(()) })
    }

    /// Whether a token, or one that it was derived from, was revoked.
    pub(crate) async fn is_revoked(
        &self,
        reads: &mut Reads<'_>,
        row: &TokenRow,
    ) -> Result<bool, Failure> {
        let (mut ended, mut above) = (row.token.ended, row.parent);
        while ended != Some(TokenEnd::Revoked) {
            let Some(hash) = above else { return Ok(false) };
            // No parent is forgotten before its child has expired.
            let Some(parent) = reads.find::<TokenRow>(hash.to_string()).await? else {
                return Ok(true);
            };
            (ended, above) = (parent.token.ended, parent.parent);
        }
        Ok(true)
    }

    async fn issue(
        &self,
        call: &Call,
        reads: &Reads<'_>,
        parent: &TokenRow,
        record: TokenRecord,
        burned: Vec<TokenRow>,
    ) -> Result<Secret, Failure> {
        record.check_derivation(&parent.token).map_err(Failure::refused)?;
        let token = Token::mint(record.layer, &self.random());
        let (session, expires_at) = (record.session, record.expires_at);
        let row = TokenRow {
            hash: token.hash(self.suite(), &self.pepper(&reads.partition)),
            parent: Some(parent.hash),
            customer: None,
            token: record,
        };
        let mut batch = reads.batch();
        if row.token.layer == TokenLayer::Vehicle {
            // Unchanged, but with a new version: of two that are issued at once, the second burns the first.
            batch.store(parent)?;
        }
        for earlier in burned {
            let body = Body::TokenRevoked { token: earlier.token.id };
            batch.record(self, Stream::Side(session), &Meta::by(call), body);
            batch.store(&earlier.end(TokenEnd::Revoked))?;
        }
        batch.record(self, Stream::Side(session), &Meta::by(call), row.issued());
        batch.store(&row)?;
        self.append_for(call, batch, Some(session)).await?;
        Ok(Secret { secret: token.expose().to_owned(), expires_at, session: Some(session) })
    }

    /// The session's tokens of a layer that have not ended, each in the version that is noted.
    pub(crate) async fn tokens_of(
        &self,
        reads: &mut Reads<'_>,
        session: SessionId,
        layer: TokenLayer,
    ) -> Result<Vec<TokenRow>, Failure> {
        let index = Some((TokenRow::index_of(layer), session.to_string()));
        let listed =
            self.list::<TokenRow>(&reads.partition, index, None, TOKENS_PER_LAYER_MAX).await?;
        let mut tokens = Vec::with_capacity(listed.len());
        for row in listed {
            let row = reads.load::<TokenRow>(row.hash.to_string()).await?;
            tokens.extend(row.token.ended.is_none().then_some(row));
        }
        Ok(tokens)
    }
}

/// A presented action token, judged for one release.
pub(crate) struct PresentedToken {
    pub(crate) row: Option<TokenRow>,
    pub(crate) facts: Option<TokenFacts>,
    pub(crate) hash: Option<SecretHash>,
}

impl PresentedToken {
    pub(crate) const NONE: Self = Self { row: None, facts: None, hash: None };

    pub(crate) fn judged(row: TokenRow, flaw: Option<Reason>, now: Timestamp) -> Self {
        let facts = TokenFacts { flaw, age_ms: now.since_ms(row.token.issued_at) };
        Self { hash: Some(row.hash), facts: Some(facts), row: Some(row) }
    }
}

impl TokenRow {
    pub(crate) fn end(self, how: TokenEnd) -> Self {
        let token = TokenRecord { ended: Some(how), ..self.token };
        Self { token, ..self }
    }
}

/// The stable names of the requests for a vehicle token and for an action token.
const ISSUE_VEHICLE_TOKEN: &str = "issue_vehicle_token";
const EXCHANGE_TOKEN: &str = "exchange_token";
/// Tokens of one layer that one session is looked through for.
const TOKENS_PER_LAYER_MAX: usize = 100;
