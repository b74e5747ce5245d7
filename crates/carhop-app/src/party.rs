//! Whose stop it is: the opening of every use case in which somebody takes part. A stranger sees no stop, and that one has
//! asked is journaled beside the stop's own stream (`design.md` §2). What a party may do is judged elsewhere.

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CustomerId, SessionId};
use carhop_kernel::reason::Reason;
use carhop_kernel::token::TokenLayer;

use crate::app::App;
use crate::batch::Meta;
use crate::call::Call;
use crate::failure::Failure;
use crate::judge::Stop;
use crate::reads::Reads;
use crate::records::TokenRow;

impl App {
    /// The stop, for the assigned driver with the assigned device's key; after its end for the last one.
    pub(crate) async fn stop_of_driver(
        &self,
        call: &Call,
        reads: &mut Reads<'_>,
        session: SessionId,
        request: &str,
    ) -> Result<Stop, Failure> {
        let stop = self.read_stop(reads, session).await?;
        if is_assigned(call, &stop) {
            return Ok(stop);
        }
        Err(self.turn_stranger_away(call, reads, session, request).await)
    }

    /// The same, but only until it ends: what a driver tells of a stop counts, and is kept, no longer.
    pub(crate) async fn open_stop_of_driver(
        &self,
        call: &Call,
        reads: &mut Reads<'_>,
        session: SessionId,
        request: &str,
    ) -> Result<Stop, Failure> {
        let stop = self.stop_of_driver(call, reads, session, request).await?;
        if stop.session.is_active() {
            return Ok(stop);
        }
        Err(self.turn_away(call, reads, session, request, Reason::SessionClosed).await)
    }

    /// The stop, for its customer while a session token for this very stop, and for the order as it is now, is alive under
    /// the caller's key (M-TOK-3). The token's version is noted: revoked before the append, it counts no more.
    pub(crate) async fn stop_of_customer(
        &self,
        call: &Call,
        reads: &mut Reads<'_>,
        session: SessionId,
        request: &str,
    ) -> Result<(Stop, CustomerId, KeyThumbprint), Failure> {
        let stop = self.read_stop(reads, session).await?;
        match self.calling_customer(call, reads, &stop).await? {
            Some((customer, key)) => Ok((stop, customer, key)),
            None => Err(self.turn_stranger_away(call, reads, session, request).await),
        }
    }

    /// The stop, for whoever takes part in it; staff and stores see all of their partition.
    pub(crate) async fn stop_of_party(
        &self,
        call: &Call,
        reads: &mut Reads<'_>,
        session: SessionId,
        request: &str,
    ) -> Result<Stop, Failure> {
        let stop = self.read_stop(reads, session).await?;
        let takes_part = match call.actor {
            Actor::Customer { .. } => self.calling_customer(call, reads, &stop).await?.is_some(),
            Actor::Driver { .. } => is_assigned(call, &stop),
            Actor::Store { .. } | Actor::Staff { .. } | Actor::System => true,
            Actor::Device { .. } => false,
        };
        if takes_part {
            return Ok(stop);
        }
        Err(self.turn_stranger_away(call, reads, session, request).await)
    }

    /// Answers somebody known as if there were no such stop, and journals that it was asked for.
    pub(crate) async fn turn_stranger_away(
        &self,
        call: &Call,
        reads: &Reads<'_>,
        session: SessionId,
        request: &str,
    ) -> Failure {
        let reason = match call.actor {
            Actor::Driver { .. } => Reason::DriverNotAssigned,
            Actor::Customer { .. }
            | Actor::Store { .. }
            | Actor::Staff { .. }
            | Actor::Device { .. }
            | Actor::System => Reason::ActorNotAllowed,
        };
        match self.note_stranger(reads, session, Meta::by(call), request, reason).await {
            Ok(()) => Failure::NotFound,
            Err(failure) => failure,
        }
    }

    /// The calling customer, if the stop is theirs and a session token for it is alive under their key.
    async fn calling_customer(
        &self,
        call: &Call,
        reads: &mut Reads<'_>,
        stop: &Stop,
    ) -> Result<Option<(CustomerId, KeyThumbprint)>, Failure> {
        let (Actor::Customer { customer }, Some(key)) = (call.actor, call.key) else {
            return Ok(None);
        };
        let id = stop.session.id;
        let is_theirs = customer == stop.record.customer && call.stop.is_none_or(|own| own == id);
        if !is_theirs {
            return Ok(None);
        }
        let tokens = self.tokens_of(reads, id, TokenLayer::Session).await?;
        let order = stop.session.order.digest;
        let holds = |row: &TokenRow| {
            let token = &row.token;
            token.key == key && token.order == order && reads.now < token.expires_at
        };
        Ok(tokens.iter().any(holds).then_some((customer, key)))
    }
}

fn is_assigned(call: &Call, stop: &Stop) -> bool {
    let Actor::Driver { driver, device } = call.actor else { return false };
    stop.session.last_assignment().is_some_and(|assigned| {
        assigned.driver == driver && assigned.device == device && Some(assigned.key) == call.key
    })
}
