//! Holds, resumptions and revocations: they ask little and work at once (M-FLO-3, M-TOK-3).

use carhop_kernel::actor::Actor;
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{
    Action, Finding, HoldCause, LegIndex, LegState, LegStateKind, RevocationCause, Session,
};

use crate::app::App;
use crate::batch::TimerSubject;
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::judge::{AROUND, Ask};
use crate::reads::{Reads, retry};
use crate::record::Kind;

impl App {
    /// Freezes releases. The customer pauses, the driver reports danger, the staff stops.
    pub async fn hold(&self, call: &Call, session: SessionId) -> Result<Reply, Failure> {
        let cause = match call.actor {
            Actor::Customer { .. } => HoldCause::Customer,
            Actor::Driver { .. } => HoldCause::Safety,
            Actor::Store { .. } | Actor::Staff { .. } | Actor::Device { .. } | Actor::System => {
                HoldCause::Staff
            }
        };
        retry!(self.steer(call, session, Action::Hold { cause }).await)
    }

    /// Lifts a hold.
    pub async fn resume(&self, call: &Call, session: SessionId) -> Result<Reply, Failure> {
        retry!(self.steer(call, session, Action::Resume).await)
    }

    /// Ends the stop. Commands that have not left never will; what may have left is cancelled and followed to its end.
    pub async fn revoke(&self, call: &Call, session: SessionId) -> Result<Reply, Failure> {
        let why = match call.actor {
            Actor::Customer { .. } => RevocationCause::CustomerStopped,
            Actor::Store { .. } => RevocationCause::StoreCancelled,
            Actor::Staff { .. } | Actor::Driver { .. } | Actor::Device { .. } | Actor::System => {
                RevocationCause::StaffEnded
            }
        };
        retry!(self.steer(call, session, Action::Revoke { why }).await)
    }

    /// Takes a person's word for what became of a command that nobody knows about, or for a pump that is known to run and is
    /// not heard any more (`design.md` §2.4).
    pub async fn resolve_outcome(
        &self,
        call: &Call,
        session: SessionId,
        leg: LegIndex,
        finding: Finding,
    ) -> Result<Reply, Failure> {
        retry!(self.steer(call, session, Action::ResolveOutcome { leg, finding }).await)
    }

    async fn steer(
        &self,
        call: &Call,
        session: SessionId,
        action: Action,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let asked = action.kind().name();
        let stop = self.stop_of_party(call, &mut reads, session, asked).await?;
        if asks_nothing_around(&action) {
            reads.judge_without(AROUND);
            reads.judge_without(&[Kind::Stop]);
        }
        let ends = matches!(action, Action::Revoke { .. });
        let stops = ends || takes_over_what_runs(&stop.session, &action);
        let cancel = if stops { self.cancel_of(&mut reads, &stop.session).await? } else { None };
        self.apply(call, &reads, &stop, action, Ask::default(), |batch| {
            for leg in stop.session.legs.iter().filter(|_| ends) {
                if let LegState::Released(release) | LegState::Authorised(release) = leg.state {
                    let command = release.command;
                    batch.finished_timers.push(TimerSubject::Silence { session, command });
                }
            }
            cancel.map_or(Ok(()), |cancel| cancel.give(batch, self))
        })
        .await
    }
}

/// Whether the session alone says if this may be done: no policy and no evidence asks where anybody is or on which handset, so
/// that neither may keep anybody from stopping something, however often it changes (decision 0019). Whose stop it is changes
/// with the session. A hold is lifted by policies of the operator's own, which may ask for anything.
const fn asks_nothing_around(action: &Action) -> bool {
    match action {
        Action::Hold { .. } | Action::Revoke { .. } | Action::ResolveOutcome { .. } => true,
        Action::VerifyRecipient
        | Action::ProposeBinding { .. }
        | Action::ApproveIntent
        | Action::AssignDriver { .. }
        | Action::Arrive
        | Action::ProvePresence
        | Action::ReleaseCompartment(_)
        | Action::DispenseFuel(_)
        | Action::SendCommand { .. }
        | Action::ConfirmTransfer { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Resume
        | Action::Expire => false,
    }
}

/// Whether a person takes over a leg whose pump runs as far as anybody has heard. It serves others then, so that whatever
/// it is doing has to end.
fn takes_over_what_runs(session: &Session, action: &Action) -> bool {
    let Action::ResolveOutcome { leg, .. } = action else { return false };
    session.leg(*leg).is_some_and(|leg| leg.state.kind() == LegStateKind::Dispensing)
}
