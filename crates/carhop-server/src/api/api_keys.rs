//! API keys: made by an administrator, shown once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use carhop_app::records::ApiScope;
use carhop_kernel::id::ApiKeyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::name_of;
use crate::http::auth::Caller;
use crate::http::body::Ask;
use crate::http::problem::Problem;
use crate::server::Server;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyAsk {
    /// Its name for people.
    name: String,
    /// Any of `orders`, `staff`, `fleet`, `venues`, `audit`, `admin`.
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
