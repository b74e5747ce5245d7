//! Why the authority decided as it did, and what devices signed (M-POL-3, M-POL-4, M-AUD-1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carhop_app::Failure;
use carhop_app::record::Record;
use carhop_app::records::{ApiScope, DecisionRecord, ReceiptRecord};
use carhop_kernel::id::{DecisionId, DeviceId, SessionId};
use carhop_policy::PolicyReport;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Page, Part, code_of, text_of};
use crate::http::auth::Caller;
use crate::http::body::{Asked, Named};
use crate::http::problem::{Problem, WrittenReason};
use crate::http::time::Time;
use crate::server::Server;

/// One decision with everything that is needed to make it again.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionView {
    #[schema(value_type = String)]
    id: DecisionId,
    #[schema(value_type = String)]
    session: SessionId,
    at: Time,
    /// What was asked.
    request: String,
    /// Whether it was granted.
    granted: bool,
    /// Every reason against it.
    reasons: Vec<WrittenReason>,
    /// The policies that determined the answer.
    policies: Vec<String>,
    /// The policies in force, by the hash of their contents.
    policy_version: String,
    /// What the policies were asked about.
    inputs: serde_json::Value,
}

/// One decision, with what is needed to check it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainedDecision {
    #[serde(flatten)]
    decision: DecisionView,
    /// Its record exactly as it is stored. SHA-256 of it stands in the events that the decision led to (`meta.decision.digest` of
    /// the stored entry).
    record: String,
    /// The rung of the ladder that was asked for, where policies were asked.
    rung: Option<String>,
    /// Every policy that can apply, and what it said; empty where policies were not asked.
    requirements: Vec<RequirementView>,
}

/// What one policy said.
#[derive(Serialize, ToSchema)]
struct RequirementView {
    /// Its `@id`.
    id: String,
    /// `permit` or `forbid`.
    effect: String,
    /// The reason it gives where it forbids.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<WrittenReason>,
    /// Of a requirement (`forbid`): `silent` if it is met, `determining` if it is not, `failed` if it could not be evaluated.
    outcome: String,
}

/// What a device signed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    /// What about, such as `receipt.opened`.
    what: String,
    #[schema(value_type = String)]
    device: DeviceId,
    /// When it came, by our clock.
    at: Time,
    /// When it was made, by the device's clock.
    device_time: Time,
    boot_epoch: u32,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    metered_ml: Option<u32>,
    /// The signed bytes, base64url.
    bytes: String,
    #[serde(skip)]
    key: String,
}

/// The decisions about a session, oldest first.
#[utoipa::path(get, path = "/v1/sessions/{session}/decisions", tag = "audit",
    params(("session" = String, Path), Part), responses((status = 200, body = Page<DecisionView>)))]
pub(crate) async fn of_session(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    Asked(part): Asked<Part>,
) -> Answer<Page<DecisionView>> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    server.app.view_session(&call, session).await?;
    let limit = part.limit();
    let found = server.app.decisions_of(&call.partition, session, part.after, limit + 1).await?;
    let found = found.into_iter().map(DecisionView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &DecisionView| one.id.to_string())))
}

/// One decision, with what each requirement of the policies said.
#[utoipa::path(get, path = "/v1/decisions/{decision}", tag = "audit",
    params(("decision" = String, Path)), responses((status = 200, body = ExplainedDecision)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(decision): Named<DecisionId>,
) -> Answer<ExplainedDecision> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let record = server.app.view_decision(&call.partition, decision).await?;
    let explained = server.app.explain_decision(&call.partition, &record).await?;
    let written = record.write(&call.partition).map_err(Failure::from)?;
    let text = String::from_utf8(written.body.unwrap_or_default());
    let rung = explained.as_ref().map(|explained| code_of(&explained.verdict.rung));
    let policies = explained.map(|explained| explained.policies).unwrap_or_default();
    Ok(Json(ExplainedDecision {
        decision: record.into(),
        record: text.map_err(|_| Problem::internal())?,
        rung,
        requirements: policies.into_iter().map(RequirementView::from).collect(),
    }))
}

/// What devices signed about a session, by device and in their order.
#[utoipa::path(get, path = "/v1/sessions/{session}/receipts", tag = "audit",
    params(("session" = String, Path), Part), responses((status = 200, body = Page<ReceiptView>)))]
pub(crate) async fn receipts(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    Asked(part): Asked<Part>,
) -> Answer<Page<ReceiptView>> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    server.app.view_session(&call, session).await?;
    let limit = part.limit();
    let found = server.app.receipts_of(&call.partition, session, part.after, limit + 1).await?;
    let found = found.into_iter().map(ReceiptView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &ReceiptView| one.key.clone())))
}

impl From<PolicyReport> for RequirementView {
    fn from(report: PolicyReport) -> Self {
        Self {
            effect: code_of(&report.effect),
            outcome: code_of(&report.outcome),
            reason: report.reason.map(WrittenReason::from),
            id: report.id,
        }
    }
}

impl From<DecisionRecord> for DecisionView {
    fn from(record: DecisionRecord) -> Self {
        Self {
            id: record.decision,
            session: record.session,
            at: record.at.into(),
            request: record.request,
            granted: record.reasons.is_empty(),
            reasons: record.reasons.into_iter().map(WrittenReason::from).collect(),
            policies: record.policies,
            policy_version: record.policy.to_string(),
            inputs: serde_json::to_value(record.facts).unwrap_or_default(),
        }
    }
}

impl From<ReceiptRecord> for ReceiptView {
    fn from(record: ReceiptRecord) -> Self {
        Self {
            key: record.key(),
            what: record.what,
            device: record.device,
            at: record.received_at.into(),
            device_time: record.device_time.into(),
            boot_epoch: record.boot_epoch,
            sequence: record.sequence,
            metered_ml: record.metered_ml,
            bytes: text_of(&record.bytes),
        }
    }
}
