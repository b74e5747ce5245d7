//! Devices: ticketed, enrolled, renewed, listed, revoked (M-DEV-1 to 3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_app::ports::{Carrier, Certified, Clock};
use carhop_app::record::Partition;
use carhop_app::records::{ApiScope, DeviceRecord, LastHeard, TrustSubject};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{DeviceId, DriverId, TenantId};
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::pages::command_keys;
use super::trust::{RevocationView, revocation};
use super::{Answer, Page, Part, answered, bytes_of, code_of, name_of, text_of};
use crate::gateway;
use crate::http::auth::{Anyone, Caller};
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A device to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketAsk {
    /// `handset`, `console`, `vehicle_module`, `lock`, `pump`, `relay` or `till`.
    #[schema(value_type = String)]
    class: DeviceClass,
    /// Its name for people.
    name: String,
    /// Whether it is a driver's browser: a handset that nothing vouches for, good for low-risk groceries alone.
    #[serde(default)]
    browser: bool,
}

/// A ticket that the device enrols with, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketView {
    #[schema(value_type = String)]
    device: DeviceId,
    /// Shown once.
    ticket: String,
    /// For a browser: the driver's page with the ticket in its fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    expires_at: Time,
}

/// A ticket and a signing request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolmentAsk {
    ticket: String,
    /// PKCS #10, DER, base64url.
    csr: String,
}

/// A signing request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenewalAsk {
    /// PKCS #10, DER, base64url.
    csr: String,
}

/// A certificate, and what else the device needs to trust.
#[derive(Serialize, ToSchema)]
pub(crate) struct Enrolled {
    #[schema(value_type = String)]
    device: DeviceId,
    /// DER, base64url, leaf first.
    certificate_chain: Vec<String>,
    /// DER, base64url.
    roots: Vec<String>,
    /// The keys that sign commands, as a JWK set.
    command_keys: Value,
    /// First instant at which the certificate is dead.
    expires_at: Time,
    /// When to renew it: at half its life.
    renew_at: Time,
}

/// Why a device is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationAsk {
    cause: String,
}

/// A device of the inventory.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that people look for")]
pub(crate) struct DeviceView {
    #[schema(value_type = String)]
    id: DeviceId,
    name: String,
    class: &'static str,
    enrolled: bool,
    connected: bool,
    /// How far it is trusted now.
    tier: String,
    /// What runs on it.
    firmware: Vec<String>,
    tampered: bool,
    /// Whether two live connections claimed to be it and nobody has looked yet.
    frozen: bool,
    /// Why it was revoked, or the class or firmware that was.
    revoked: Option<String>,
    certified_until: Option<Time>,
    enrolled_at: Option<Time>,
    /// When its integrity was vouched for last.
    attested_at: Option<Time>,
    /// Whether everything that was vouched for may run on its class; none while nothing was.
    firmware_allowed: Option<bool>,
    /// When its last signed statement came.
    heard_at: Option<Time>,
    /// How far its clock was ahead of ours in that statement, less the way it came: behind, if it is negative.
    clock_offset_ms: Option<i64>,
    #[schema(value_type = Option<String>)]
    driver: Option<DriverId>,
}

/// Names a device and makes its enrolment ticket.
#[utoipa::path(post, path = "/v1/devices/tickets", tag = "fleet", request_body = TicketAsk,
    responses((status = 201, body = TicketView)))]
pub(crate) async fn ticket(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<TicketAsk>,
) -> Result<(StatusCode, Json<TicketView>), Problem> {
    let call = caller.key(ApiScope::Fleet)?;
    name_of("name", &ask.value.name)?;
    let TicketAsk { class, name, browser } = ask.value;
    if browser && class != DeviceClass::Handset {
        return Err(Problem::invalid("browser", "only a handset can be one"));
    }
    let (device, made) = if browser {
        server.app.ticket_browser(&call, &name).await?
    } else {
        server.app.ticket_device(&call, class, &name).await?
    };
    let origin = server.origins.first().map_or("", String::as_str);
    let url = browser.then(|| format!("{origin}/d#{}", made.secret));
    let expires_at = made.expires_at.into();
    let ticket = TicketView { device, ticket: made.secret, url, expires_at };
    Ok((StatusCode::CREATED, Json(ticket)))
}

/// Enrols a device with its ticket, once.
#[utoipa::path(post, path = "/v1/devices/enrolments", tag = "devices",
    request_body = EnrolmentAsk, responses((status = 201, body = Enrolled)))]
pub(crate) async fn enrol(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
    ask: Ask<EnrolmentAsk>,
) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    let csr = bytes_of("csr", &ask.value.csr)?;
    let (device, certified) =
        server.app.enrol_device(&caller.partition, &ask.value.ticket, &csr).await?;
    let enrolled = enrolled(&server, &caller.partition.tenant, device, &certified)?;
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// Renews the calling device's certificate.
#[utoipa::path(post, path = "/v1/devices/renewals", tag = "devices",
    request_body = RenewalAsk, responses((status = 200, body = Enrolled)))]
pub(crate) async fn renew(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<RenewalAsk>,
) -> Answer<Enrolled> {
    let (call, device) = caller.renewing()?;
    server.budgets.spend_renewal(device)?;
    let csr = bytes_of("csr", &ask.value.csr)?;
    let certified = server.app.renew_device(&call, &csr).await?;
    Ok(Json(enrolled(&server, &call.partition.tenant, device, &certified)?))
}

/// Lists the inventory.
#[utoipa::path(get, path = "/v1/devices", tag = "fleet", params(Part),
    responses((status = 200, body = Page<DeviceView>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<DeviceView>> {
    let call = caller.any_key(&[ApiScope::Fleet, ApiScope::Staff, ApiScope::Audit])?;
    let limit = part.limit();
    let found = server.app.list_devices(&call.partition, part.after, limit + 1).await?;
    let mut views = Vec::with_capacity(found.len());
    for record in found {
        views.push(shown(&server, &call.partition, record).await?);
    }
    Ok(Json(Page::of(views, limit, |one: &DeviceView| one.id.to_string())))
}

/// Shows a device.
#[utoipa::path(get, path = "/v1/devices/{device}", tag = "fleet",
    params(("device" = String, Path)), responses((status = 200, body = DeviceView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(device): Named<DeviceId>,
) -> Answer<DeviceView> {
    let call = caller.any_key(&[ApiScope::Fleet, ApiScope::Staff, ApiScope::Audit])?;
    let record = server.app.view_device(&call.partition, device).await?;
    Ok(Json(shown(&server, &call.partition, record).await?))
}

/// Takes a device out of service at once.
#[utoipa::path(post, path = "/v1/devices/{device}/revocations", tag = "fleet",
    request_body = RevocationAsk,
    params(("device" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = RevocationView)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(device): Named<DeviceId>,
    ask: Ask<RevocationAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Fleet)?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let subject = TrustSubject::Device(device);
    let reply = server.app.withdraw_trust(&call, subject, &ask.value.cause).await?;
    gateway::dismiss(&server, &call.partition, device).await?;
    Ok(answered(&reply, Json(revocation(&server, &call.partition, subject).await?)))
}

fn enrolled(
    server: &Server,
    tenant: &TenantId,
    device: DeviceId,
    certified: &Certified,
) -> Result<Enrolled, Problem> {
    let now = server.clock.now();
    Ok(Enrolled {
        device,
        certificate_chain: certified.chain.iter().map(|one| text_of(one)).collect(),
        roots: certified.roots.iter().map(|one| text_of(one)).collect(),
        command_keys: command_keys(server, tenant)?,
        expires_at: certified.not_after.into(),
        renew_at: now.plus_ms(certified.not_after.since_ms(now) / 2).into(),
    })
}

pub(super) async fn shown(
    server: &Server,
    partition: &Partition,
    record: DeviceRecord,
) -> Result<DeviceView, Problem> {
    let heard = server.app.last_heard(partition, record.device).await?;
    let now: Timestamp = server.clock.now();
    let allowed = &server.app.settings().firmware;
    let may_run = |part| allowed.contains(&(record.class, part));
    let all_may_run = || record.firmware().iter().copied().all(may_run);
    Ok(DeviceView {
        heard_at: heard.map(|heard| heard.at.into()),
        clock_offset_ms: heard.map(|LastHeard { at, device_time }| ahead_ms(device_time, at)),
        firmware_allowed: record.attested.as_ref().map(|_| all_may_run()),
        attested_at: record.attested.as_ref().map(|attested| attested.at.into()),
        enrolled_at: record.enrolled_at.map(Time::from),
        id: record.device,
        class: record.class.name(),
        enrolled: record.key.is_some(),
        connected: server.registry.is_connected(record.device),
        tier: code_of(&record.tier(now)),
        firmware: record.firmware().iter().map(ToString::to_string).collect(),
        tampered: record.tampered,
        certified_until: record.certified_until.map(Time::from),
        driver: record.driver,
        revoked: record.revoked.or(record.ruled_out.map(|subject| subject.to_string())),
        frozen: record.frozen,
        name: record.name,
    })
}

/// How far one moment is after another; negative if it is before.
fn ahead_ms(one: Timestamp, other: Timestamp) -> i64 {
    let ahead = i64::try_from(one.since_ms(other)).unwrap_or(i64::MAX);
    ahead.saturating_sub(i64::try_from(other.since_ms(one)).unwrap_or(i64::MAX))
}
