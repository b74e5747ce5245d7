//! Orders: a store's till places and amends them (M-ORD-1, M-ORD-2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use carhop_app::records::ApiScope;
use carhop_app::{Call, NewLeg, NewOrder};
use carhop_kernel::id::{DeviceId, OrderId, SessionId, VenueId};
use carhop_kernel::order::{
    ColdChain, Compartment, Currency, FuelGrade, HandoffType, PlaceKind, Sensitivity, Value,
};
use carhop_kernel::time::Window;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answered, tagged};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// What a store sends. Names, plates and references go sealed into the vault.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderAsk {
    recipient: Recipient,
    vehicle: Vehicle,
    place: Place,
    window: TimeWindow,
    /// `unattended`, `attended`, `customer_pickup` or `front_door`.
    #[schema(value_type = String)]
    handoff: HandoffType,
    /// One to eight services, in order.
    legs: Vec<Leg>,
    value: Worth,
    /// `low`, `moderate` or `high`.
    #[schema(value_type = String)]
    sensitivity: Sensitivity,
    #[serde(default)]
    age_gated: bool,
    cold_chain: Option<ColdLimits>,
    /// The payment pre-authorisation; fuel needs one.
    payment_reference: Option<String>,
}

/// Who receives.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Recipient {
    /// The store's own reference; the same reference is the same customer.
    reference: String,
    /// The name a driver may see.
    name: String,
}

/// The car.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Vehicle {
    plate: String,
    vin: Option<String>,
    /// Colour and make, for people.
    description: String,
}

/// Where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    #[schema(value_type = String)]
    venue: VenueId,
    /// `lot`, `garage`, `driveway`, `kerb` or `depot`.
    #[schema(value_type = String)]
    kind: PlaceKind,
    bay: Option<String>,
}

/// From when until when, at most twelve hours.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeWindow {
    pub(crate) start: Time,
    pub(crate) end: Time,
}

/// One service.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Leg {
    Goods {
        /// `trunk`, `truck_bed`, `locker` or `cold_box`.
        #[schema(value_type = String)]
        compartment: Compartment,
        /// The lines of the basket.
        basket: Vec<String>,
        /// The lock.
        #[schema(value_type = String)]
        device: DeviceId,
    },
    Fuel {
        /// `regular`, `midgrade`, `premium` or `diesel`.
        #[schema(value_type = String)]
        grade: FuelGrade,
        /// At most so many millilitres.
        limit_ml: u32,
        /// The pump.
        #[schema(value_type = String)]
        device: DeviceId,
    },
}

/// What it is worth.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Worth {
    /// In minor units of the currency.
    amount_minor: u64,
    /// ISO 4217.
    #[schema(value_type = String)]
    currency: Currency,
}

/// Temperatures in tenths of a degree Celsius.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ColdLimits {
    min_c10: i32,
    max_c10: i32,
    out_of_range_ms_max: u64,
}

/// An order with its session.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderView {
    #[schema(value_type = String)]
    order: OrderId,
    #[schema(value_type = String)]
    session: SessionId,
    /// The version of the terms in force; also the `ETag`.
    version: u32,
    /// SHA-256 over the critical terms, as hexadecimal digits.
    digest: String,
    /// The state of the session.
    state: String,
    window: TimeWindow,
}

/// Places an order and opens its session.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = OrderAsk,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = OrderView)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<OrderAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Orders)?, &ask)?;
    let reply = server.app.create_order(&call, &ask.value.into()).await?;
    let session = reply.session.ok_or_else(Problem::internal)?;
    let made = shown(&server, &call, session).await?;
    Ok(answered(&reply, (StatusCode::CREATED, made)))
}

/// Shows an order.
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "orders",
    params(("order" = String, Path)), responses((status = 200, body = OrderView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(order): Named<OrderId>,
) -> Result<Response, Problem> {
    let call = caller.any_key(&[ApiScope::Orders, ApiScope::Staff])?;
    let session = server.app.session_of_order(&call, order).await?;
    shown(&server, &call, session).await
}

/// Replaces all of an order's terms; everything bound to the former ones is void. `If-Match` carries the `ETag` of the
/// terms that are replaced: if others replaced them meanwhile, nothing happens and the answer is *412*.
#[utoipa::path(post, path = "/v1/orders/{order}/amendments", tag = "orders", request_body = OrderAsk,
    params(("order" = String, Path), ("Idempotency-Key" = String, Header), ("If-Match" = String, Header)),
    responses((status = 200, body = OrderView)))]
pub(crate) async fn amend(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(order): Named<OrderId>,
    headers: HeaderMap,
    ask: Ask<OrderAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Orders)?, &ask)?;
    let base_version = version_of(headers.get(header::IF_MATCH))?;
    let amended = server.app.amend_order(&call, order, base_version, &ask.value.into()).await;
    let reply = amended.map_err(Problem::from_conditional)?;
    let session = reply.session.ok_or_else(Problem::internal)?;
    let amended = shown(&server, &call, session).await?;
    Ok(answered(&reply, amended))
}

/// The version that `If-Match` names: the one strong tag that we gave (RFC 9110 §13.1.1).
fn version_of(if_match: Option<&HeaderValue>) -> Result<u32, Problem> {
    let tag = if_match.ok_or_else(Problem::unconditional)?.to_str().unwrap_or_default();
    let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    bare.and_then(|bare| bare.parse().ok())
        .ok_or_else(|| Problem::invalid("If-Match", "not the `ETag` of an order"))
}

/// The order, with the version of its terms as `ETag`.
async fn shown(server: &Server, call: &Call, session: SessionId) -> Result<Response, Problem> {
    let view = server.app.view_session(call, session).await?;
    let order = &view.session.order;
    let version = order.version;
    let shown = OrderView {
        order: order.order,
        session,
        version,
        digest: order.digest.to_string(),
        state: view.session.phase.kind().name().to_owned(),
        window: order.terms.window.into(),
    };
    Ok(tagged(version.into(), Json(shown)))
}

impl From<OrderAsk> for NewOrder {
    fn from(ask: OrderAsk) -> Self {
        Self {
            recipient: ask.recipient.reference,
            recipient_name: ask.recipient.name,
            plate: ask.vehicle.plate,
            vin: ask.vehicle.vin,
            vehicle: ask.vehicle.description,
            venue: ask.place.venue,
            place_kind: ask.place.kind,
            bay: ask.place.bay,
            window: Window { start: ask.window.start.0, end: ask.window.end.0 },
            handoff: ask.handoff,
            legs: ask.legs.into_iter().map(NewLeg::from).collect(),
            value: Value { amount_minor: ask.value.amount_minor, currency: ask.value.currency },
            sensitivity: ask.sensitivity,
            age_gated: ask.age_gated,
            cold_chain: ask.cold_chain.map(|cold| ColdChain {
                min_c10: cold.min_c10,
                max_c10: cold.max_c10,
                out_of_range_ms_max: cold.out_of_range_ms_max,
            }),
            payment: ask.payment_reference,
        }
    }
}

impl From<Leg> for NewLeg {
    fn from(leg: Leg) -> Self {
        match leg {
            Leg::Goods { compartment, basket, device } => {
                Self::Goods { compartment, basket, device }
            }
            Leg::Fuel { grade, limit_ml, device } => Self::Fuel { grade, limit_ml, device },
        }
    }
}

impl From<Window> for TimeWindow {
    fn from(window: Window) -> Self {
        Self { start: window.start.into(), end: window.end.into() }
    }
}
