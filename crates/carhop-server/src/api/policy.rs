//! Which policies are in force.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carhop_app::records::ApiScope;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::http::auth::Caller;
use crate::server::Server;

/// The policies in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// The hash of their contents, which every decision records.
    version: String,
}

/// Shows the policies in force.
#[utoipa::path(get, path = "/v1/policy", tag = "operator",
    responses((status = 200, body = PolicyView)))]
pub(crate) async fn view(State(server): State<Arc<Server>>, caller: Caller) -> Answer<PolicyView> {
    caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    Ok(Json(PolicyView { version: server.app.policies().version().to_string() }))
}
