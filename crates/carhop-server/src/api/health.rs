//! Whether the server lives, whether it can serve, and what it has measured.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use carhop_app::Failure;
use carhop_app::ports::{Clock, Condition};
use carhop_app::records::ApiScope;

use crate::http::auth::Caller;
use crate::http::problem::{Problem, of_status};
use crate::server::Server;

/// It runs.
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// The journal answers and takes everything, and the policies of every account can decide.
pub(crate) async fn ready(State(server): State<Arc<Server>>) -> Response {
    for partition in &server.partitions {
        if server.app.can_decide(partition).await.is_err() {
            return of_status(StatusCode::SERVICE_UNAVAILABLE).into_response();
        }
    }
    match (server.journal.unsequenced(1).await, server.journal.condition()) {
        (Ok(_), Condition::Well) => "ready\n".into_response(),
        (Ok(_), Condition::Full) => Problem::storage_full().into_response(),
        (Ok(_), Condition::Stopped) | (Err(_), _) => {
            of_status(StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    }
}

/// Everything measured, in the OpenMetrics text format, for whoever may read the log: how much is delivered where is a
/// secret of the trade.
pub(crate) async fn metrics(
    State(server): State<Arc<Server>>,
    caller: Caller,
) -> Result<impl IntoResponse, Problem> {
    caller.any_key(&[ApiScope::Audit, ApiScope::Staff])?;
    let now = server.clock.now();
    let waiting = server.journal.backlog(now).await.map_err(Failure::from)?;
    let text = server.metrics.text(server.registry.connected_count(), &waiting, now);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text))
}
