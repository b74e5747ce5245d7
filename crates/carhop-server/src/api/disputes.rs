//! Disputes: what a customer complains of after a stop has ended, and what the staff decides (M-FLO-6).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use carhop_app::batch::{DisputeOutcome, Grievance};
use carhop_app::records::{ApiScope, DisputeRecord};
use carhop_app::{Complaint, DisputeView, is_plain};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::SessionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Page, Part, code_of};
use crate::http::auth::{Anyone, Caller};
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// What a customer complains of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeAsk {
    /// `missing`, `wrong_goods`, `damaged`, `fuel`, `opening` or `other`.
    #[schema(value_type = String)]
    about: Grievance,
    /// In the customer's words, at most 2,000 bytes.
    words: Option<String>,
}

/// How the staff decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeDecisionAsk {
    /// `upheld` or `rejected`.
    #[schema(value_type = String)]
    outcome: DisputeOutcome,
}

/// A dispute.
#[derive(Serialize, ToSchema)]
#[schema(as = Dispute)]
pub(crate) struct DisputeShown {
    #[schema(value_type = String)]
    session: SessionId,
    /// What the customer complains of.
    about: String,
    /// In the customer's words; in lists never.
    words: Option<String>,
    opened_at: Time,
    /// When an answer is due.
    answer_by: Time,
    /// `upheld` or `rejected`, once it is decided.
    outcome: Option<String>,
    decided_at: Option<Time>,
}

/// Opens the dispute of a stop that has ended at most 48 hours ago, with the key that its link was redeemed with: the session
/// token is not needed, for it ends with the window. Asked again, it answers with the dispute that there is.
#[utoipa::path(post, path = "/v1/sessions/{session}/dispute", tag = "customer",
    request_body = DisputeAsk, params(("session" = String, Path)),
    responses((status = 201, body = DisputeShown)))]
pub(crate) async fn open(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    Named(session): Named<SessionId>,
    ask: Ask<DisputeAsk>,
) -> Result<(StatusCode, Json<DisputeShown>), Problem> {
    let key = caller.holder()?;
    let DisputeAsk { about, words } = ask.value;
    let is_good = |words: &String| words.len() <= WORDS_BYTES_MAX && is_plain(words);
    if !words.iter().all(is_good) {
        return Err(Problem::invalid("words", "at most 2,000 bytes without control characters"));
    }
    let words = words.filter(|words| !words.trim().is_empty());
    let complaint = Complaint { about, words };
    spend(&server, &caller, session, key).await?;
    let made = server.app.open_dispute(&caller.partition, session, key, &complaint).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Shows the dispute of a stop to the staff, and to whoever holds the key that the stop's link was redeemed with.
#[utoipa::path(get, path = "/v1/sessions/{session}/dispute", tag = "sessions",
    params(("session" = String, Path)), responses((status = 200, body = DisputeShown)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    Named(session): Named<SessionId>,
) -> Answer<DisputeShown> {
    let found = if let Ok(key) = caller.holder() {
        spend(&server, &caller, session, key).await?;
        server.app.view_own_dispute(&caller.partition, session, key).await?
    } else {
        let call = caller.key(ApiScope::Staff)?;
        server.app.view_dispute(&call.partition, session).await?
    };
    Ok(Json(found.into()))
}

/// Takes the proof of a customer whose token has ended, once: of whoever is nobody here none is remembered.
async fn spend(
    server: &Server,
    caller: &Caller,
    session: SessionId,
    key: KeyThumbprint,
) -> Result<(), Problem> {
    if server.app.is_customers_key(&caller.partition, session, key).await? {
        caller.spend_proof(server)?;
    }
    Ok(())
}

/// Decides a dispute, once.
#[utoipa::path(post, path = "/v1/sessions/{session}/dispute/decisions", tag = "sessions",
    request_body = DisputeDecisionAsk, params(("session" = String, Path)),
    responses((status = 200, body = DisputeShown)))]
pub(crate) async fn decide(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<DisputeDecisionAsk>,
) -> Answer<DisputeShown> {
    let call = caller.key(ApiScope::Staff)?;
    Ok(Json(server.app.decide_dispute(&call, session, ask.value.outcome).await?.into()))
}

/// Lists the disputes that wait for a decision.
#[utoipa::path(get, path = "/v1/disputes", tag = "sessions", params(Part),
    responses((status = 200, body = Page<DisputeShown>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<DisputeShown>> {
    let call = caller.key(ApiScope::Staff)?;
    let limit = part.limit();
    let found = server.app.undecided_disputes(&call.partition, part.after, limit + 1).await?;
    let listed = found.into_iter().map(DisputeShown::from).collect();
    Ok(Json(Page::of(listed, limit, |one: &DisputeShown| one.session.to_string())))
}

impl From<DisputeRecord> for DisputeShown {
    fn from(record: DisputeRecord) -> Self {
        Self {
            session: record.session,
            about: code_of(&record.about),
            words: None,
            opened_at: record.opened_at.into(),
            answer_by: record.answer_by.into(),
            outcome: record.decided.map(|(outcome, _)| code_of(&outcome)),
            decided_at: record.decided.map(|(_, at)| at.into()),
        }
    }
}

impl From<DisputeView> for DisputeShown {
    fn from(view: DisputeView) -> Self {
        Self { words: view.words, ..view.record.into() }
    }
}

/// What somebody writes to complain.
const WORDS_BYTES_MAX: usize = 2_000;
