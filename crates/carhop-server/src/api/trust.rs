//! Trust: what relies on a device, a class or a firmware, its revocation with its two moments, and what a person clears
//! (M-DEV-1, M-DEV-3, `design.md` §9.2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use carhop_app::batch::Clearance;
use carhop_app::record::Partition;
use carhop_app::records::{ApiScope, RevocationRecord, SessionHead, TrustSubject};
use carhop_kernel::id::{DeviceId, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::{DeviceView, shown};
use super::{Answer, Page, Part, answered, name_of};
use crate::gateway;
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// What is revoked, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalAsk {
    /// `device:dev_…`, `class:lock` or `firmware:` and 64 hexadecimal digits.
    subject: String,
    cause: String,
}

/// What a device is cleared of, and what was found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearanceAsk {
    /// `freeze` or `tamper`.
    #[schema(value_type = String)]
    of: Clearance,
    cause: String,
}

/// A revocation.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevocationView {
    /// What was revoked.
    #[schema(value_type = String)]
    subject: TrustSubject,
    cause: String,
    /// From here on nothing new is released and nothing unsent leaves.
    revoked_at: Time,
    /// From here on nothing that was commanded before can happen any more; null while that is not so.
    settled_at: Option<Time>,
    /// Devices concerned, as far as they were looked at.
    devices: u64,
    /// Stops that relied on them and were put on hold.
    sessions: u64,
    /// Commands that had left and were not answered when they were looked at.
    awaited: usize,
}

/// What relies on a device, a class or a firmware.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrustView {
    #[schema(value_type = String)]
    subject: TrustSubject,
    /// The devices concerned, the first thousand of them.
    #[schema(value_type = Vec<String>)]
    devices: Vec<DeviceId>,
    /// Whether there are more devices than are shown.
    more_devices: bool,
    /// The stops that its revocation would put on hold.
    sessions: Vec<RelyingView>,
    /// The revocation, if it was revoked.
    revocation: Option<RevocationView>,
}

/// A stop that relies on a device.
#[derive(Serialize, ToSchema)]
pub(crate) struct RelyingView {
    #[schema(value_type = String)]
    session: SessionId,
    phase: &'static str,
    held: bool,
    /// Whether a device has something to say yet of what it was commanded for it.
    awaits: bool,
}

/// Revokes a device, a class or a firmware in one action.
#[utoipa::path(post, path = "/v1/revocations", tag = "fleet", request_body = WithdrawalAsk,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = RevocationView)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<WithdrawalAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Fleet)?, &ask)?;
    let subject = ask
        .value
        .subject
        .parse()
        .map_err(|_| Problem::invalid("subject", "not device:…, class:… or firmware:…"))?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.withdraw_trust(&call, subject, &ask.value.cause).await?;
    if let TrustSubject::Device(device) = subject {
        gateway::dismiss(&server, &call.partition, device).await?;
    }
    Ok(answered(&reply, Json(revocation(&server, &call.partition, subject).await?)))
}

/// Lists what was revoked.
#[utoipa::path(get, path = "/v1/revocations", tag = "fleet", params(Part),
    responses((status = 200, body = Page<RevocationView>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<RevocationView>> {
    let call = caller.any_key(&[ApiScope::Fleet, ApiScope::Staff, ApiScope::Audit])?;
    let limit = part.limit();
    let found = server.app.list_revocations(&call.partition, part.after, limit + 1).await?;
    let found = found.into_iter().map(RevocationView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &RevocationView| one.subject.to_string())))
}

/// Shows what relies on a device, a class or a firmware, and its revocation if it was revoked.
#[utoipa::path(get, path = "/v1/trust/{subject}", tag = "fleet",
    params(("subject" = String, Path)), responses((status = 200, body = TrustView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(subject): Named<TrustSubject>,
) -> Answer<TrustView> {
    let call = caller.any_key(&[ApiScope::Fleet, ApiScope::Staff, ApiScope::Audit])?;
    if let TrustSubject::Device(device) = subject {
        server.app.view_device(&call.partition, device).await?;
    }
    let found = server.app.reliance(&call.partition, subject).await?;
    Ok(Json(TrustView {
        subject,
        devices: found.devices,
        more_devices: found.more,
        sessions: found.sessions.into_iter().map(RelyingView::from).collect(),
        revocation: found.revocation.map(RevocationView::from),
    }))
}

/// Clears a frozen or tampered device once a person has looked at it; it has to attest itself afresh.
#[utoipa::path(post, path = "/v1/devices/{device}/clearances", tag = "fleet",
    request_body = ClearanceAsk,
    params(("device" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DeviceView)))]
pub(crate) async fn clear(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(device): Named<DeviceId>,
    ask: Ask<ClearanceAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.any_key(&[ApiScope::Staff, ApiScope::Fleet])?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.clear_device(&call, device, ask.value.of, &ask.value.cause).await?;
    let record = server.app.view_device(&call.partition, device).await?;
    Ok(answered(&reply, Json(shown(&server, &call.partition, record).await?)))
}

/// A revocation as it stands.
pub(crate) async fn revocation(
    server: &Server,
    partition: &Partition,
    subject: TrustSubject,
) -> Result<RevocationView, Problem> {
    let found = server.app.reliance(partition, subject).await?.revocation;
    found.map(RevocationView::from).ok_or_else(Problem::not_found)
}

impl From<RevocationRecord> for RevocationView {
    fn from(record: RevocationRecord) -> Self {
        Self {
            subject: record.subject,
            cause: record.cause,
            revoked_at: record.revoked_at.into(),
            settled_at: record.settled_at.map(Time::from),
            devices: record.devices,
            sessions: record.sessions,
            awaited: record.awaited.len(),
        }
    }
}

impl From<SessionHead> for RelyingView {
    fn from(head: SessionHead) -> Self {
        Self {
            session: head.session,
            phase: head.phase.name(),
            held: head.held,
            awaits: !head.awaited.is_empty(),
        }
    }
}
