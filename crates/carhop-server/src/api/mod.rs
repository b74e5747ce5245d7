//! The interface `/v1`: one file per resource. Each handler extracts, asks one use case and renders.

mod account;
mod api_keys;
mod audit;
mod customer;
mod decisions;
mod devices;
mod disputes;
mod driver;
mod drivers;
mod events;
mod handset;
mod health;
mod live;
mod orders;
mod pages;
mod passkeys;
mod policy;
mod releases;
mod session_view;
mod sessions;
mod staff;
mod tiles;
mod tokens;
mod trust;
mod vehicle;
mod venues;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use carhop_app::Reply;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::OpenApi;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::frame::{BODY_BYTES_MAX, LARGE_BYTES_MAX, frame};
use crate::http::problem::{Problem, Written};
use crate::server::Server;

/// The whole interface.
pub(crate) fn router(server: &Arc<Server>) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .merge(undocumented())
        .merge(crate::ui::routes())
        .merge(crate::gateway::router())
        .layer(middleware::from_fn_with_state(Arc::clone(server), frame))
        .with_state(Arc::clone(server))
}

/// The interface's description as JSON for people, as it is committed.
pub(crate) fn openapi_json() -> String {
    let text = description().to_pretty_json();
    text.map_or_else(|_| String::new(), |text| text + "\n")
}

/// The interface's description.
pub(crate) fn description() -> OpenApi {
    let (_, mut described) = documented().split_for_parts();
    for (path, item) in &mut described.paths.paths {
        let operations = [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post)];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_id(method, path));
            let schema = utoipa::openapi::Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let problem = ResponseBuilder::new()
                .description("What went wrong (RFC 9457)")
                .content("application/problem+json", content)
                .build();
            operation.responses.responses.insert("default".to_owned(), problem.into());
        }
    }
    let certificate =
        SecurityScheme::MutualTls { description: None, deprecated: None, extensions: None };
    let components = described.components.get_or_insert_default();
    for (name, scheme) in [
        ("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
        ("dpop", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("DPoP")))),
        ("certificate", certificate),
    ] {
        components.add_security_scheme(name, scheme);
    }
    let needs = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    described.security = Some(["api_key", "dpop", "certificate"].map(needs).into());
    described
}

/// A name that only this operation has: generated clients name their functions by it.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/v1").replace(['{', '}'], "").replace(['/', '-'], "_");
    format!("{method}{words}")
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Carhop",
        description = "A handoff authority: who may open which compartment or arm which pump, where, when and why.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Written))
)]
struct Described;

fn documented() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(orders::create))
        .routes(routes!(orders::view))
        .routes(routes!(orders::amend))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::view))
        .routes(routes!(live::live))
        .routes(routes!(live::history))
        .routes(routes!(live::places))
        .routes(routes!(live::estimate))
        .routes(routes!(sessions::link))
        .routes(routes!(sessions::assign))
        .routes(routes!(sessions::hold))
        .routes(routes!(sessions::resume))
        .routes(routes!(sessions::revoke))
        .routes(routes!(sessions::resolve))
        .routes(routes!(decisions::of_session))
        .routes(routes!(decisions::view))
        .routes(routes!(decisions::receipts))
        .routes(routes!(customer::redeem))
        .routes(routes!(customer::verify))
        .routes(routes!(customer::bind))
        .routes(routes!(customer::approve))
        .routes(routes!(customer::code))
        .routes(routes!(customer::scan))
        .routes(routes!(customer::relocate))
        .routes(routes!(vehicle::vehicle_positions))
        .routes(routes!(driver::myself))
        .routes(routes!(driver::stops))
        .routes(routes!(driver::positions))
        .routes(routes!(driver::tag))
        .routes(routes!(driver::vehicle))
        .routes(routes!(driver::arrive))
        .routes(routes!(driver::prove))
        .routes(routes!(driver::transfer))
        .routes(routes!(handset::challenge))
        .routes(routes!(handset::attest))
        .routes(routes!(tokens::vehicle))
        .routes(routes!(tokens::exchange))
        .routes(routes!(tokens::introspect))
        .routes(routes!(tokens::revoke))
        .routes(routes!(releases::release))
        .routes(routes!(releases::view))
        .merge(large_routes())
        .merge(staff_routes())
        .merge(fleet_routes())
        .merge(dispute_routes())
        .routes(routes!(api_keys::create, api_keys::list))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(events::list))
        .routes(routes!(events::stream))
        .routes(routes!(audit::log))
        .routes(routes!(audit::root))
        .routes(routes!(policy::matrix))
        .routes(routes!(account::view))
        .routes(routes!(account::hold))
        .routes(routes!(account::resume))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

fn dispute_routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::new()
        .routes(routes!(disputes::open, disputes::view))
        .routes(routes!(disputes::decide))
        .routes(routes!(disputes::list))
}

fn staff_routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::new()
        .routes(routes!(staff::invite, staff::list))
        .routes(routes!(staff::remove))
        .routes(routes!(staff::myself))
        .routes(routes!(staff::sign_out))
        .routes(routes!(passkeys::registration_challenge))
        .routes(routes!(passkeys::register))
        .routes(routes!(passkeys::sign_in_challenge))
        .routes(routes!(passkeys::sign_in))
}

fn fleet_routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::new()
        .routes(routes!(drivers::create))
        .routes(routes!(drivers::view))
        .routes(routes!(devices::ticket))
        .routes(routes!(devices::enrol))
        .routes(routes!(devices::renew))
        .routes(routes!(devices::list))
        .routes(routes!(devices::view))
        .routes(routes!(devices::revoke))
        .routes(routes!(trust::clear))
        .routes(routes!(trust::revoke, trust::list))
        .routes(routes!(trust::view))
}

/// Geometry and policies need room.
fn large_routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::new()
        .routes(routes!(venues::store, venues::view))
        .routes(routes!(venues::list))
        .routes(routes!(venues::try_out))
        .routes(routes!(policy::view, policy::activate))
        .layer(DefaultBodyLimit::max(LARGE_BYTES_MAX))
}

fn undocumented() -> Router<Arc<Server>> {
    use axum::routing::get;
    Router::new()
        .merge(tiles::routes())
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/v1/openapi.json", get(pages::openapi))
        .route("/problems", get(pages::problems))
        .route("/problems/{code}", get(pages::problem))
        .route("/.well-known/jwks.json", get(pages::keys))
}

/// A body without members, where nothing needs to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Part of a list.
#[derive(Serialize, ToSchema)]
struct Page<T> {
    /// The items, in a stable order.
    data: Vec<T>,
    /// Whether there are more.
    has_more: bool,
    /// What to pass as `after` for the next part.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of what was found when one more than `limit` was asked for.
    fn of(mut data: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().filter(|_| has_more).map(cursor);
        Self { data, has_more, next_cursor }
    }
}

/// Which part of a list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Part {
    /// At most so many, up to 100.
    limit: Option<usize>,
    /// Only what comes after this cursor.
    after: Option<String>,
}

impl Part {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
    }
}

/// A position in the log; the description promises 64 bits with sign, so that no reader meets one it cannot hold.
fn position_of(text: &str) -> Option<u64> {
    text.parse().ok().filter(|&position| i64::try_from(position).is_ok())
}

/// Reads [`position_of`] out of a query.
fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let wrong = || serde::de::Error::custom("not a position");
    String::deserialize(deserializer)
        .and_then(|text| position_of(&text).map(Some).ok_or_else(wrong))
}

/// An answer to a change that says so when it comes from the record.
fn answered(reply: &Reply, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if reply.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// An answer whose `ETag` is this version.
fn tagged(version: u64, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A text for people: not empty, bounded, without control characters.
fn name_of(param: &'static str, text: &str) -> Result<(), Problem> {
    let good = !text.is_empty() && text.len() <= NAME_BYTES_MAX && carhop_app::is_plain(text);
    let wrong = || Problem::invalid(param, "one to 200 bytes without control characters");
    if good { Ok(()) } else { Err(wrong()) }
}

/// Bytes from base64url without padding.
fn bytes_of(param: &'static str, text: &str) -> Result<Vec<u8>, Problem> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::decode_vec(text)
        .map_err(|_| Problem::invalid(param, "not base64url without padding"))
}

/// Bytes as base64url without padding.
fn text_of(bytes: &[u8]) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(bytes)
}

/// The stable name that serde gives a value.
fn code_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

type Answer<T> = Result<Json<T>, Problem>;

const NAME_BYTES_MAX: usize = 200;
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
