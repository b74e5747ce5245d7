//! API keys: made by an administrator and shown once, listed, and revoked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_app::records::{ApiKeyRecord, ApiScope};
use carhop_kernel::id::ApiKeyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::CauseAsk;
use super::{Answer, Page, Part, answered, name_of};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyAsk {
    /// Its name for people.
    name: String,
    /// Any of `orders`, `staff`, `telematics`, `fleet`, `venues`, `audit`, `admin`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<ApiScope>,
}

/// A key, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    key: String,
}

/// What is known of a key.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownKeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    /// Its name for people.
    name: String,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<ApiScope>,
    /// From here on whoever has it is nobody; null while it is in force.
    revoked_at: Option<Time>,
}

/// Makes an API key.
#[utoipa::path(post, path = "/v1/api-keys", tag = "operator", request_body = KeyAsk,
    responses((status = 201, body = KeyView)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<KeyAsk>,
) -> Result<(StatusCode, Json<KeyView>), Problem> {
    let call = caller.key(ApiScope::Admin)?;
    name_of("name", &ask.value.name)?;
    if ask.value.scopes.is_empty() {
        return Err(Problem::invalid("scopes", "at least one"));
    }
    let (id, key) = server.app.make_api_key(&call, &ask.value.name, &ask.value.scopes).await?;
    Ok((StatusCode::CREATED, Json(KeyView { id, key })))
}

/// Lists the API keys, revoked ones too.
#[utoipa::path(get, path = "/v1/api-keys", tag = "operator", params(Part),
    responses((status = 200, body = Page<KnownKeyView>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(part): Asked<Part>,
) -> Answer<Page<KnownKeyView>> {
    let call = caller.key(ApiScope::Admin)?;
    let limit = part.limit();
    let after = part.after.map(|after| after.parse::<ApiKeyId>()).transpose();
    let after = after.map_err(|_| Problem::invalid("after", "not a cursor"))?;
    let found = server.app.list_api_keys(&call.partition, after, limit + 1).await?;
    let found = found.into_iter().map(KnownKeyView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &KnownKeyView| one.id.to_string())))
}

/// Revokes an API key, also the one that asks. What it made goes on: orders, devices, other keys.
#[utoipa::path(post, path = "/v1/api-keys/{key}/revocations", tag = "operator", request_body = CauseAsk,
    params(("key" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = KnownKeyView)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(key): Named<ApiKeyId>,
    ask: Ask<CauseAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Admin)?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.revoke_api_key(&call, key, &ask.value.cause).await?;
    let record = server.app.view_api_key(&call.partition, key).await?;
    Ok(answered(&reply, Json(KnownKeyView::from(record))))
}

impl From<ApiKeyRecord> for KnownKeyView {
    fn from(record: ApiKeyRecord) -> Self {
        let ApiKeyRecord { id, name, scopes, revoked_at, .. } = record;
        Self { id, name, scopes, revoked_at: revoked_at.map(Time::from) }
    }
}
