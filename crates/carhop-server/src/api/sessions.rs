//! Sessions: looked at by whoever takes part, steered by staff, frozen and ended by whoever may (M-FLO-3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_app::records::{ApiScope, SessionHead};
use carhop_app::{Call, Reply};
use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::id::{DriverId, SessionId};
use carhop_kernel::session::{Basis, Finding, LegIndex, PhaseKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::session_view::Shown;
use super::{Answer, Nothing, Page, Part, answered, tagged};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A session in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed {
    #[schema(value_type = String)]
    pub(crate) id: SessionId,
    /// Its state, such as `en_route`.
    pub(crate) state: &'static str,
    /// Whether it is frozen.
    pub(crate) held: bool,
    #[schema(value_type = Option<String>)]
    pub(crate) driver: Option<DriverId>,
}

impl From<SessionHead> for Listed {
    fn from(head: SessionHead) -> Self {
        Self { id: head.session, state: head.phase.name(), held: head.held, driver: head.driver }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state.
    state: Option<String>,
    /// At most so many, up to 100.
    limit: Option<usize>,
    /// Only what comes after this cursor.
    after: Option<String>,
}

/// A one-time secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Link {
    /// Shown once; the former one is burned.
    secret: String,
    /// The customer's page with the secret in its fragment, which no server and no preview of the link gets to see.
    url: String,
    expires_at: Time,
}

/// Who is to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignmentAsk {
    #[schema(value_type = String)]
    driver: DriverId,
}

/// Lists sessions in the order in which they were requested.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", params(Which),
    responses((status = 200, body = Page<Shown>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Answer<Page<Shown>> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let known = |state: &String| PhaseKind::ALL.iter().any(|phase| phase.name() == state);
    if which.state.as_ref().is_some_and(|state| !known(state)) {
        return Err(Problem::invalid("state", "no such state"));
    }
    let limit = Part { limit: which.limit, after: None }.limit();
    let state = which.state.as_deref();
    let found = server.app.list_sessions(&call.partition, state, which.after, limit + 1).await?;
    let mut listed = Vec::with_capacity(found.len());
    for head in found {
        listed.push(Shown::from(server.app.view_session(&call, head.session).await?));
    }
    Ok(Json(Page::of(listed, limit, |one: &Shown| one.id.to_string())))
}

/// Shows a session to staff, its store, its customer or its driver.
#[utoipa::path(get, path = "/v1/sessions/{session}", tag = "sessions",
    params(("session" = String, Path)), responses((status = 200, body = Shown)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
) -> Result<Response, Problem> {
    let call = caller.onlooker()?;
    shown(&server, &call, session).await
}

/// Makes the one-time link that binds the customer's device; the former one is burned. Used after the end of a stop that was
/// bound, it lets one more device look, and takes the stop and its dispute from nobody.
#[utoipa::path(post, path = "/v1/sessions/{session}/links", tag = "sessions",
    request_body = Nothing, params(("session" = String, Path)),
    responses((status = 201, body = Link)))]
pub(crate) async fn link(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<Link>), Problem> {
    let call = caller.any_key(&[ApiScope::Orders, ApiScope::Staff])?;
    let made = server.app.issue_link(&call, session).await?;
    let origin = server.origins.first().map_or("", String::as_str);
    let url = format!("{origin}/s#{}", made.secret);
    let link = Link { secret: made.secret, url, expires_at: made.expires_at.into() };
    Ok((StatusCode::CREATED, Json(link)))
}

/// Gives the stop to a driver.
#[utoipa::path(post, path = "/v1/sessions/{session}/assignments", tag = "sessions",
    request_body = AssignmentAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Shown)))]
pub(crate) async fn assign(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<AssignmentAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Staff)?, &ask)?;
    let reply = server.app.assign_driver(&call, session, ask.value.driver).await?;
    changed(&server, &call, session, &reply).await
}

/// Freezes every release of the session. Whatever else holds it, it stays frozen until this hold is lifted too.
#[utoipa::path(post, path = "/v1/sessions/{session}/holds", tag = "sessions",
    request_body = Nothing,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Shown)))]
pub(crate) async fn hold(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.party()?, &ask)?;
    let reply = server.app.hold(&call, session).await?;
    changed(&server, &call, session, &reply).await
}

/// Lifts the hold that is shown, the gravest; what else holds the session goes on.
#[utoipa::path(post, path = "/v1/sessions/{session}/resumptions", tag = "sessions",
    request_body = Nothing,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Shown)))]
pub(crate) async fn resume(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.party()?, &ask)?;
    let reply = server.app.resume(&call, session).await?;
    changed(&server, &call, session, &reply).await
}

/// Ends the stop; nothing new is released afterwards (M-TOK-3).
#[utoipa::path(post, path = "/v1/sessions/{session}/revocations", tag = "sessions",
    request_body = Nothing,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Shown)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.party()?, &ask)?;
    let reply = server.app.revoke(&call, session).await?;
    changed(&server, &call, session, &reply).await
}

/// What a person found out about a command.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolutionAsk {
    /// Whether it was carried out: `executed` or `not_executed`.
    #[schema(value_type = String)]
    outcome: Found,
    /// How that was found out: `inspected`, `camera`, `device_read` or `told`.
    #[schema(value_type = String)]
    basis: Basis,
    /// SHA-256 of a photo or report that the operator keeps, in hexadecimal digits.
    #[schema(value_type = Option<String>)]
    evidence: Option<EvidenceHash>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Found {
    Executed,
    NotExecuted,
}

/// Says what became of a command that nobody knows about; the staff's to say.
#[utoipa::path(post, path = "/v1/sessions/{session}/legs/{leg}/resolutions", tag = "sessions",
    request_body = ResolutionAsk,
    params(("session" = String, Path), ("leg" = u8, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Shown)))]
pub(crate) async fn resolve(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named((session, leg)): Named<(SessionId, u8)>,
    ask: Ask<ResolutionAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Staff)?, &ask)?;
    let ResolutionAsk { outcome, basis, evidence } = ask.value;
    let finding = Finding { executed: outcome == Found::Executed, basis, evidence };
    let reply = server.app.resolve_outcome(&call, session, LegIndex(leg), finding).await?;
    changed(&server, &call, session, &reply).await
}

/// The session as the caller sees it, with its version as `ETag`.
pub(crate) async fn shown(
    server: &Server,
    call: &Call,
    session: SessionId,
) -> Result<Response, Problem> {
    let view = server.app.view_session(call, session).await?;
    Ok(tagged(view.version, Json(Shown::from(view))))
}

/// The session after a change. A caller whom the change itself has taken away from it sees nothing more of it.
pub(crate) async fn changed(
    server: &Server,
    call: &Call,
    session: SessionId,
    reply: &Reply,
) -> Result<Response, Problem> {
    match shown(server, call, session).await {
        Ok(response) => Ok(answered(reply, response)),
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {
            Ok(answered(reply, Json(serde_json::json!({ "id": session }))))
        }
        Err(problem) => Err(problem),
    }
}
