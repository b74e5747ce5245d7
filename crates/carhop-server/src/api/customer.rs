//! The customer's part: redeem the link, be verified, state the car, approve, show a code (M-IDN-1, M-ORD-3, M-OTP-1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_kernel::digest::IntentDigest;
use carhop_kernel::id::{ProofId, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orders::TimeWindow;
use super::sessions::changed;
use super::{Answer, Nothing, code_of};
use crate::http::auth::{Anyone, Caller};
use crate::http::body::{Ask, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A link's secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedemptionAsk {
    secret: String,
}

/// A session token for the key that was proven.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionToken {
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
    /// Shown once.
    token: String,
    /// Always `DPoP`.
    token_type: &'static str,
    expires_at: Time,
}

/// Car and place, in the customer's words.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingAsk {
    plate: String,
    #[expect(dead_code, reason = "accepted from the customer; the order's own bay counts")]
    bay: Option<String>,
}

/// The delivery intent to approve.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntentView {
    /// What is approved, as hexadecimal digits.
    #[schema(value_type = String)]
    intent: IntentDigest,
    /// The number of the binding.
    binding: u32,
    venue: String,
    window: TimeWindow,
    /// `unattended`, `attended`, `customer_pickup` or `front_door`.
    handoff: String,
}

/// Either the intent to approve, or presence at the car.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalAsk {
    #[schema(value_type = Option<String>)]
    intent: Option<IntentDigest>,
    #[serde(default)]
    presence: bool,
}

/// A code, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeView {
    #[schema(value_type = String)]
    proof: ProofId,
    /// Six digits.
    code: String,
    /// The same, to be scanned.
    scan: String,
    expires_at: Time,
    /// How many more codes this stop may have.
    issues_left: u8,
}

/// The live code as it is to be scanned from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanView {
    /// Good for 45 seconds.
    scan: String,
}

/// Where the car stands now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelocationAsk {
    #[expect(dead_code, reason = "the new place is stated with the next binding")]
    bay: Option<String>,
}

/// Redeems a link: binds the proven key and gives its session token. Works once.
#[utoipa::path(post, path = "/v1/links/redemptions", tag = "customer",
    request_body = RedemptionAsk, params(("DPoP" = String, Header)),
    responses((status = 201, body = SessionToken)))]
pub(crate) async fn redeem(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    ask: Ask<RedemptionAsk>,
) -> Result<(StatusCode, Json<SessionToken>), Problem> {
    let key = caller.unknown_key()?;
    let made = server.app.redeem_link(&caller.partition, &ask.value.secret, key).await?;
    let token = SessionToken {
        session: made.session,
        token: made.secret,
        token_type: "DPoP",
        expires_at: made.expires_at.into(),
    };
    Ok((StatusCode::CREATED, Json(token)))
}

/// Verifies the recipient by the bound device.
#[utoipa::path(post, path = "/v1/sessions/{session}/recipient", tag = "customer",
    request_body = Nothing,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn verify(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.customer()?, &ask)?;
    let reply = server.app.verify_recipient(&call, session).await?;
    changed(&server, &call, session, &reply).await
}

/// States the car and proposes the delivery intent.
#[utoipa::path(post, path = "/v1/sessions/{session}/bindings", tag = "customer",
    request_body = BindingAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = IntentView)))]
pub(crate) async fn bind(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<BindingAsk>,
) -> Answer<IntentView> {
    let call = caller.once(caller.customer()?, &ask)?;
    let proposed = server.app.propose_binding(&call, session, &ask.value.plate).await?;
    let view = server.app.view_session(&call, session).await?;
    let terms = &view.session.order.terms;
    Ok(Json(IntentView {
        intent: proposed.intent,
        binding: view.session.bindings,
        venue: terms.venue.to_string(),
        window: terms.window.into(),
        handoff: code_of(&terms.handoff),
    }))
}

/// Approves the proposed intent or, at the car, the customer's presence.
#[utoipa::path(post, path = "/v1/sessions/{session}/approvals", tag = "customer",
    request_body = ApprovalAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn approve(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<ApprovalAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.customer()?, &ask)?;
    let reply = match (ask.value.intent, ask.value.presence) {
        (Some(intent), false) => server.app.approve_intent(&call, session, intent).await?,
        (None, true) => server.app.approve_presence(&call, session).await?,
        (Some(_), true) | (None, false) => {
            return Err(Problem::invalid("intent", "either `intent` or `presence`"));
        }
    };
    changed(&server, &call, session, &reply).await
}

/// Makes a code to show at the car; the former one is burned.
#[utoipa::path(post, path = "/v1/sessions/{session}/codes", tag = "customer",
    request_body = Nothing, params(("session" = String, Path)),
    responses((status = 201, body = CodeView)))]
pub(crate) async fn code(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<CodeView>), Problem> {
    let call = caller.customer()?;
    let made = server.app.issue_code(&call, session).await?;
    let code = CodeView {
        proof: made.proof,
        code: made.digits,
        scan: made.scan,
        expires_at: made.expires_at.into(),
        issues_left: made.issues_left,
    };
    Ok((StatusCode::CREATED, Json(code)))
}

/// Signs the live code anew for a screen that keeps showing it; its digits stay as they are.
#[utoipa::path(post, path = "/v1/sessions/{session}/scans", tag = "customer",
    request_body = Nothing, params(("session" = String, Path)),
    responses((status = 201, body = ScanView)))]
pub(crate) async fn scan(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<ScanView>), Problem> {
    let call = caller.customer()?;
    let scan = server.app.refresh_scan(&call, session).await?;
    Ok((StatusCode::CREATED, Json(ScanView { scan })))
}

/// Says that the car stands elsewhere; the binding is void.
#[utoipa::path(post, path = "/v1/sessions/{session}/relocations", tag = "customer",
    request_body = RelocationAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn relocate(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<RelocationAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.customer()?, &ask)?;
    let reply = server.app.relocate(&call, session).await?;
    changed(&server, &call, session, &reply).await
}
