//! Orders: a store's till places and amends them (M-ORD-1, M-ORD-2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
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

use super::{Answer, answered};
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

/// An amendment: all terms anew, and the version they replace.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AmendmentAsk {
    base_version: u32,
    recipient: Recipient,
    vehicle: Vehicle,
    place: Place,
    window: TimeWindow,
    /// `unattended`, `attended`, `customer_pickup` or `front_door`.
    #[schema(value_type = String)]
    handoff: HandoffType,
    legs: Vec<Leg>,
    value: Worth,
    /// `low`, `moderate` or `high`.
    #[schema(value_type = String)]
    sensitivity: Sensitivity,
    #[serde(default)]
    age_gated: bool,
    cold_chain: Option<ColdLimits>,
    payment_reference: Option<String>,
}

/// An order with its session.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderView {
    #[schema(value_type = String)]
    order: OrderId,
    #[schema(value_type = String)]
    session: SessionId,
    /// The version of the terms in force.
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
    let made = order_view(&server, &call, session).await?;
    Ok(answered(&reply, (StatusCode::CREATED, Json(made))))
}

/// Shows an order.
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "orders",
    params(("order" = String, Path)), responses((status = 200, body = OrderView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(order): Named<OrderId>,
) -> Answer<OrderView> {
    let call = caller.any_key(&[ApiScope::Orders, ApiScope::Staff])?;
    let session = server.app.session_of_order(&call, order).await?;
    Ok(Json(order_view(&server, &call, session).await?))
}

/// Replaces an order's terms; everything bound to the former ones is void.
#[utoipa::path(post, path = "/v1/orders/{order}/amendments", tag = "orders",
    request_body = AmendmentAsk,
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView)))]
pub(crate) async fn amend(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(order): Named<OrderId>,
    ask: Ask<AmendmentAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Orders)?, &ask)?;
    let (base_version, terms) = ask.value.split();
    let reply = server.app.amend_order(&call, order, base_version, &terms.into()).await?;
    let session = reply.session.ok_or_else(Problem::internal)?;
    let amended = order_view(&server, &call, session).await?;
    Ok(answered(&reply, Json(amended)))
}

async fn order_view(
    server: &Server,
    call: &Call,
    session: SessionId,
) -> Result<OrderView, Problem> {
    let view = server.app.view_session(call, session).await?;
    let order = &view.session.order;
    Ok(OrderView {
        order: order.order,
        session,
        version: order.version,
        digest: order.digest.to_string(),
        state: view.session.phase.kind().name().to_owned(),
        window: order.terms.window.into(),
    })
}

impl AmendmentAsk {
    fn split(self) -> (u32, OrderAsk) {
        let terms = OrderAsk {
            recipient: self.recipient,
            vehicle: self.vehicle,
            place: self.place,
            window: self.window,
            handoff: self.handoff,
            legs: self.legs,
            value: self.value,
            sensitivity: self.sensitivity,
            age_gated: self.age_gated,
            cold_chain: self.cold_chain,
            payment_reference: self.payment_reference,
        };
        (self.base_version, terms)
    }
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
