//! A whole account, which is a tenant in a market: whether its releases are frozen, and the freezing (M-FLO-3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use carhop_app::record::Partition;
use carhop_app::records::ApiScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, answered, name_of};
use crate::basemap::Basemap;
use crate::http::auth::Caller;
use crate::http::body::Ask;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountView {
    /// `tenant/market`.
    account: String,
    /// What freezes every release, if something does.
    hold: Option<HoldView>,
    /// Devices refuse commands of an older epoch.
    trust_epoch: u64,
    /// What the staff's map lies on, if the operator has map tiles.
    map: Option<Basemap>,
}

/// What freezes every release.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldView {
    cause: String,
    since: Time,
}

/// Why everything is frozen, or goes on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CauseAsk {
    pub(super) cause: String,
}

/// Shows the account of the caller.
#[utoipa::path(get, path = "/v1/account", tag = "operator",
    responses((status = 200, body = AccountView)))]
pub(crate) async fn view(State(server): State<Arc<Server>>, caller: Caller) -> Answer<AccountView> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    Ok(Json(account(&server, &call.partition).await?))
}

/// Freezes every release of the account at once, and calls back what has not left. What is frozen stays frozen for the
/// first cause.
#[utoipa::path(post, path = "/v1/account/holds", tag = "operator", request_body = CauseAsk,
    params(("Idempotency-Key" = String, Header)), responses((status = 200, body = AccountView)))]
pub(crate) async fn hold(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<CauseAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Staff)?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.hold_tenant(&call, &ask.value.cause).await?;
    Ok(answered(&reply, Json(account(&server, &call.partition).await?)))
}

/// Lets releases of the account go on. Stops that were put on hold themselves stay so.
#[utoipa::path(post, path = "/v1/account/resumptions", tag = "operator", request_body = CauseAsk,
    params(("Idempotency-Key" = String, Header)), responses((status = 200, body = AccountView)))]
pub(crate) async fn resume(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<CauseAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Staff)?, &ask)?;
    name_of("cause", &ask.value.cause)?;
    let reply = server.app.resume_tenant(&call, &ask.value.cause).await?;
    Ok(answered(&reply, Json(account(&server, &call.partition).await?)))
}

async fn account(server: &Server, partition: &Partition) -> Result<AccountView, Problem> {
    let tenant = server.app.view_tenant(partition).await?;
    let hold = tenant.hold.map(|hold| HoldView { cause: hold.cause, since: hold.since.into() });
    Ok(AccountView {
        account: format!("{}/{}", partition.tenant, partition.market),
        hold,
        trust_epoch: tenant.trust_epoch,
        map: server.config.map.clone(),
    })
}
