//! Releases: the permission for one action at one lock or pump, and what it came to (M-ACT-1, M-FLO-5).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use carhop_app::Call;
use carhop_app::batch::{Body, Recorded};
use carhop_app::ports::Clock;
use carhop_kernel::id::{DecisionId, DeviceId, ReleaseId, SessionId};
use carhop_kernel::session::{Event, LegIndex, Release};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, answered};
use crate::bell::told;
use crate::http::auth::Caller;
use crate::http::body::{Ask, Named};
use crate::http::problem::Problem;
use crate::server::Server;
use crate::timers::within;

/// Which leg.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseAsk {
    leg: u8,
}

/// A release that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Released {
    action: ActionView,
    /// The decision behind it.
    #[schema(value_type = Option<String>)]
    decision: Option<DecisionId>,
}

/// A release and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ActionView {
    #[schema(value_type = String)]
    id: ReleaseId,
    leg: u8,
    #[schema(value_type = String)]
    device: DeviceId,
    /// `pending`, `done`, `not_done` or `indeterminate`.
    status: &'static str,
    /// Millilitres so far, where fuel flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    metered_ml: Option<u32>,
}

/// Releases one leg; the command follows from the outbox.
#[utoipa::path(post, path = "/v1/sessions/{session}/releases", tag = "releases",
    request_body = ReleaseAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header),
        ("Carhop-Token" = Option<String>, Header)),
    responses((status = 202, body = Released)))]
pub(crate) async fn release(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<ReleaseAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.driver()?, &ask)?;
    let token = caller.token.as_deref().unwrap_or_default();
    let leg = LegIndex(ask.value.leg);
    let reply = server.app.release(&call, session, leg, token).await?;
    let id = reply.release.ok_or_else(Problem::internal)?;
    let action = action(&server, &call, session, id).await?;
    let released = Released { action, decision: reply.decision };
    Ok(answered(&reply, (StatusCode::ACCEPTED, Json(released))))
}

/// Says what a release came to; with `Prefer: wait=10` it waits up to ten seconds for that.
#[utoipa::path(get, path = "/v1/sessions/{session}/releases/{release}", tag = "releases",
    params(("session" = String, Path), ("release" = String, Path),
        ("Prefer" = Option<String>, Header)),
    responses((status = 200, body = ActionView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named((session, release)): Named<(SessionId, ReleaseId)>,
    headers: HeaderMap,
) -> Answer<ActionView> {
    let call = caller.onlooker()?;
    server.app.view_session(&call, session).await?;
    let until = server.clock.now().plus_ms(wait_ms(&headers));
    let (mut bell, mut stop) = (server.bell.appended(), server.stopping.clone());
    loop {
        let found = action(&server, &call, session, release).await?;
        let left_ms = until.since_ms(server.clock.now());
        if found.status != PENDING || left_ms == 0 || *stop.borrow() {
            return Ok(Json(found));
        }
        // Whether it rang or the time is over, the state is looked at again.
        tokio::select! {
            _ = within(Duration::from_millis(left_ms), bell.changed()) => {}
            () = told(&mut stop) => {}
        }
    }
}

async fn action(
    server: &Server,
    call: &Call,
    session: SessionId,
    release: ReleaseId,
) -> Result<ActionView, Problem> {
    let history = server.app.history_of(&call.partition, session).await?;
    outcome(&history, release).ok_or_else(Problem::not_found)
}

/// Reads from a session's history what a release came to.
fn outcome(history: &[Recorded], wanted: ReleaseId) -> Option<ActionView> {
    let mut events = history.iter().filter_map(|recorded| {
        if let Body::Session(event) = &recorded.body { Some(&**event) } else { None }
    });
    let (index, device, release) = events.by_ref().find_map(|event| {
        let Event::ReleaseAuthorised { leg, device, release } = event else { return None };
        (release.release == wanted).then_some((*leg, *device, *release))
    })?;
    let mut view =
        ActionView { id: wanted, leg: index.0, device, status: PENDING, metered_ml: None };
    // A later release of the same leg has a story of its own.
    let next =
        |event: &&Event| matches!(event, Event::ReleaseAuthorised { leg, .. } if *leg == index);
    for event in events.take_while(|event| !next(event)) {
        view.follow(event, index, &release);
    }
    Some(view)
}

impl ActionView {
    fn follow(&mut self, event: &Event, index: LegIndex, release: &Release) {
        if let Event::CompartmentOpened { command, .. }
        | Event::PumpArmed { command, .. }
        | Event::ReleaseNotExecuted { command, .. }
        | Event::ReleaseUnconfirmed { command, .. } = event
            && *command == release.command
        {
            self.status = match event.name() {
                "release.not_executed" => NOT_DONE,
                "release.unconfirmed" => "indeterminate",
                _ => DONE,
            };
        }
        if let Event::MeterAdvanced { leg, metered_ml, .. }
        | Event::DispensingEnded { leg, metered_ml }
        | Event::FuelSettled { leg, metered_ml } = event
            && *leg == index
        {
            self.metered_ml = Some(*metered_ml);
        }
        if let Event::OutcomeStated { command, executed: true, .. } = event
            && *command == release.command
        {
            self.status = DONE;
        }
        if let Event::LegFailed { leg, .. } = event
            && *leg == index
            && self.status != DONE
        {
            self.status = NOT_DONE;
        }
    }
}

/// `Prefer: wait=seconds` (RFC 7240 §4.3), bounded.
fn wait_ms(headers: &HeaderMap) -> u64 {
    let said = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wait = said.split([',', ';']).find_map(|part| part.trim().strip_prefix("wait="));
    let seconds = wait.and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    u64::min(seconds, WAIT_S_MAX) * 1000
}

const PENDING: &str = "pending";
const DONE: &str = "done";
const NOT_DONE: &str = "not_done";
/// Longest wait for an outcome, in seconds.
const WAIT_S_MAX: u64 = 30;

#[cfg(test)]
mod tests {
    use carhop_kernel::id::CommandId;
    use carhop_kernel::session::LegFailure;
    use carhop_kernel::time::Timestamp;

    use super::*;

    #[test]
    fn a_release_is_not_done_when_its_lock_jammed_whatever_was_known_before() {
        let (leg, command) = (LegIndex(0), CommandId::from_bytes([2; 16]));
        let wanted = ReleaseId::from_bytes([1; 16]);
        let release = Release {
            release: wanted,
            command,
            counter: 1,
            expires_at: Timestamp::from_unix_s(1_800_000_000),
        };
        let device = DeviceId::from_bytes([3; 16]);
        let jammed = Event::LegFailed { leg, why: LegFailure::Jammed };
        let silent = Event::ReleaseUnconfirmed { leg, command };
        for events in [&[jammed.clone()][..], &[silent, jammed]] {
            let mut view =
                ActionView { id: wanted, leg: leg.0, device, status: PENDING, metered_ml: None };
            for event in events {
                view.follow(event, leg, &release);
            }
            assert_eq!(view.status, NOT_DONE, "{events:?}");
        }
    }
}
