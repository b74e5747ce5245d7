//! The driver's part up to the car and at it (M-GEO-0, M-VEH-4, M-OTP-1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use carhop_app::Presented;
use carhop_app::ports::Clock;
use carhop_app::records::ApiScope;
use carhop_kernel::actor::Actor;
use carhop_kernel::device::TrustTier;
use carhop_kernel::geofence::{
    Accuracy, Confidence, FenceResult, Fix, FixError, FixSource, Position, Speed,
};
use carhop_kernel::id::{DeviceId, DriverId, SessionId};
use carhop_kernel::session::LegIndex;
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::{Listed, changed};
use super::{Answer, Nothing, Page, code_of};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// Positions of one device, oldest first.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PositionsAsk {
    /// One to a hundred.
    fixes: Vec<FixAsk>,
}

/// One position.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FixAsk {
    /// Degrees, WGS 84.
    latitude: f64,
    /// Degrees, WGS 84.
    longitude: f64,
    /// Radius of the accuracy circle in metres.
    accuracy_m: f64,
    /// Probability that the circle holds the true point; 0.68 if absent.
    accuracy_confidence: Option<f64>,
    /// When it was taken, by the device's clock.
    fixed_at: Time,
    /// Metres per second.
    speed_mps: Option<f64>,
    /// `gnss`, `fused` or `network` from a phone or handset; `telematics` from the car, by a key for telematics alone.
    #[schema(value_type = String)]
    source: FixSource,
    /// Whether the platform says it is simulated.
    #[serde(default)]
    mock: bool,
}

/// What the positions come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceView {
    /// `inside`, `outside` or `uncertain`.
    answer: String,
    /// Probability of being where the service is permitted.
    probability: f64,
    /// Why the answer is not, or not quite, *inside*.
    why: Vec<String>,
    /// How long the stay has lasted.
    dwell_ms: u64,
    /// To the edge of the nearest permitting zone, negative inside.
    distance_m: Option<f64>,
    fix_age_ms: Option<u64>,
}

/// The code on a tag at the venue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagAsk {
    code: String,
}

/// A plate that was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlateAsk {
    plate: String,
}

/// Whether it is the car of the order.
#[derive(Serialize, ToSchema)]
pub(crate) struct MatchView {
    matches: bool,
}

/// What the customer showed: digits or a scan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofAsk {
    code: Option<String>,
    scan: Option<String>,
}

/// Who drives, on what.
#[derive(Serialize, ToSchema)]
pub(crate) struct SelfView {
    #[schema(value_type = String)]
    driver: DriverId,
    /// The name that customers see.
    name: String,
    #[schema(value_type = String)]
    device: DeviceId,
    /// How far the device is trusted for what it asks in this way: `none`, `self_reported`, `certified` or `attested`.
    tier: String,
    /// First instant at which its certificate is dead.
    certified_until: Option<Time>,
}

/// Says who is signed in on the calling device.
#[utoipa::path(get, path = "/v1/driver", tag = "driver",
    responses((status = 200, body = SelfView)))]
pub(crate) async fn myself(State(server): State<Arc<Server>>, caller: Caller) -> Answer<SelfView> {
    let call = caller.driver()?;
    let Actor::Driver { driver, device } = call.actor else { return Err(Problem::forbidden()) };
    let record = server.app.view_device(&call.partition, device).await?;
    let tier = record.tier(server.clock.now());
    let tier = if call.mutual_tls { tier } else { tier.min(TrustTier::Certified) };
    Ok(Json(SelfView {
        driver,
        name: server.app.view_driver(&call.partition, driver).await?.name,
        device,
        tier: code_of(&tier),
        certified_until: record.certified_until.map(Time::from),
    }))
}

/// The stops assigned to the calling driver.
#[utoipa::path(get, path = "/v1/driver/stops", tag = "driver",
    responses((status = 200, body = Page<Listed>)))]
pub(crate) async fn stops(
    State(server): State<Arc<Server>>,
    caller: Caller,
) -> Answer<Page<Listed>> {
    let call = caller.driver()?;
    let Actor::Driver { driver, .. } = call.actor else { return Err(Problem::forbidden()) };
    let found = server.app.stops_of_driver(&call.partition, driver).await?;
    let data = found.into_iter().map(Listed::from).collect();
    Ok(Json(Page { data, has_more: false, next_cursor: None }))
}

/// Takes positions and says what they come to.
#[utoipa::path(post, path = "/v1/sessions/{session}/positions", tag = "driver",
    request_body = PositionsAsk, params(("session" = String, Path)),
    responses((status = 200, body = PlaceView)))]
pub(crate) async fn positions(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<PositionsAsk>,
) -> Answer<PlaceView> {
    let call = caller.driver()?;
    let fixes = ask.value.read(server.clock.now())?;
    Ok(Json(server.app.report_positions(&call, session, &fixes).await?.into()))
}

/// Takes the code of a tag that hangs at the venue.
#[utoipa::path(post, path = "/v1/sessions/{session}/tags", tag = "driver",
    request_body = TagAsk, params(("session" = String, Path)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn tag(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<TagAsk>,
) -> Result<Response, Problem> {
    let call = caller.driver()?;
    server.app.scan_tag(&call, session, &ask.value.code).await?;
    super::sessions::shown(&server, &call, session).await
}

/// Compares a plate with the order's.
#[utoipa::path(post, path = "/v1/sessions/{session}/vehicle-matches", tag = "driver",
    request_body = PlateAsk, params(("session" = String, Path)),
    responses((status = 200, body = MatchView)))]
pub(crate) async fn vehicle(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<PlateAsk>,
) -> Answer<MatchView> {
    let call = caller.driver()?;
    let matches = server.app.match_vehicle(&call, session, &ask.value.plate).await?;
    Ok(Json(MatchView { matches }))
}

/// Reports arrival at the car.
#[utoipa::path(post, path = "/v1/sessions/{session}/arrivals", tag = "driver",
    request_body = Nothing,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn arrive(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.driver()?, &ask)?;
    let reply = server.app.arrive(&call, session).await?;
    changed(&server, &call, session, &reply).await
}

/// Presents the customer's code or scan.
#[utoipa::path(post, path = "/v1/sessions/{session}/proofs", tag = "driver",
    request_body = ProofAsk,
    params(("session" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn prove(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<ProofAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.driver()?, &ask)?;
    let presented = match (&ask.value.code, &ask.value.scan) {
        (Some(digits), None) => Presented::Digits(digits),
        (None, Some(text)) => Presented::Scan(text),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("code", "either `code` or `scan`"));
        }
    };
    let reply = server.app.present_proof(&call, session, presented).await?;
    changed(&server, &call, session, &reply).await
}

/// Confirms that the goods are inside: the driver, or the staff where the driver does not.
#[utoipa::path(post, path = "/v1/sessions/{session}/legs/{leg}/transfers", tag = "driver",
    request_body = Nothing,
    params(("session" = String, Path), ("leg" = u8, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = super::session_view::Shown)))]
pub(crate) async fn transfer(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named((session, leg)): Named<(SessionId, u8)>,
    ask: Ask<Nothing>,
) -> Result<Response, Problem> {
    let by = caller.key(ApiScope::Staff).or_else(|_| caller.driver())?;
    let call = caller.once(by, &ask)?;
    let reply = server.app.confirm_transfer(&call, session, LegIndex(leg)).await?;
    changed(&server, &call, session, &reply).await
}

impl PositionsAsk {
    /// The fixes, as they were received at this moment.
    pub(crate) fn read(&self, received_at: Timestamp) -> Result<Vec<Fix>, Problem> {
        if self.fixes.is_empty() || self.fixes.len() > FIXES_MAX {
            return Err(Problem::invalid("fixes", "one to 100"));
        }
        let fixes: Result<_, FixError> =
            self.fixes.iter().map(|fix| fix.read(received_at)).collect();
        fixes.map_err(|error| Problem::invalid("fixes", error.to_string()))
    }
}

impl FixAsk {
    fn read(&self, received_at: Timestamp) -> Result<Fix, FixError> {
        let confidence =
            self.accuracy_confidence.map_or(Ok(Confidence::UNKNOWN), Confidence::new)?;
        Ok(Fix {
            position: Position::new(self.latitude, self.longitude)?,
            accuracy: Accuracy::new(self.accuracy_m, confidence)?,
            fixed_at: self.fixed_at.0,
            received_at,
            speed: self.speed_mps.map(Speed::from_mps).transpose()?,
            source: self.source,
            mock: self.mock,
        })
    }
}

impl From<FenceResult> for PlaceView {
    fn from(result: FenceResult) -> Self {
        Self {
            answer: code_of(&result.answer),
            probability: result.probability,
            why: result.why.iter().map(code_of).collect(),
            dwell_ms: result.dwell_ms,
            distance_m: result.distance_m,
            fix_age_ms: result.fix_age_ms,
        }
    }
}

/// Positions of one report.
const FIXES_MAX: usize = 100;
