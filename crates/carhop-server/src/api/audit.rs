//! The log as auditors need it: stored bytes, leaves and root, to be checked without trust in this server (M-AUD-1).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carhop_app::batch::LogEntry;
use carhop_app::records::ApiScope;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::events::EventView;
use super::{Answer, text_of};
use crate::http::auth::Caller;
use crate::http::body::Asked;
use crate::server::Server;

/// Part of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogView {
    entries: Vec<EntryView>,
    /// How many entries the log has now.
    size: u64,
}

/// One entry.
#[derive(Serialize, ToSchema)]
struct EntryView {
    position: u64,
    /// The bytes of the Merkle leaf, base64url.
    leaf: String,
    /// The stored event that the leaf commits to, base64url.
    stored: String,
    /// The event, to be read.
    event: EventView,
}

/// What the log comes to.
#[derive(Serialize, ToSchema)]
pub(crate) struct RootView {
    size: u64,
    /// The root of the tree over the leaves (RFC 6962 §2.1), hexadecimal digits.
    root: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The first position.
    #[serde(default, deserialize_with = "super::position")]
    from: Option<u64>,
    /// At most so many, up to 1000.
    limit: Option<usize>,
}

/// Reads the log.
#[utoipa::path(get, path = "/v1/audit/log", tag = "audit", params(Which),
    responses((status = 200, body = LogView)))]
pub(crate) async fn log(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Answer<LogView> {
    let call = caller.any_key(&[ApiScope::Audit, ApiScope::Staff])?;
    let limit = which.limit.unwrap_or(ENTRIES_DEFAULT).clamp(1, ENTRIES_MAX);
    let found = server.app.feed(&call.partition, None, which.from.unwrap_or(0), limit).await?;
    let (size, _) = server.app.log(&call.partition).root().await?;
    Ok(Json(LogView { entries: found.iter().map(EntryView::from).collect(), size }))
}

/// Size and root of the log.
#[utoipa::path(get, path = "/v1/audit/root", tag = "audit",
    responses((status = 200, body = RootView)))]
pub(crate) async fn root(State(server): State<Arc<Server>>, caller: Caller) -> Answer<RootView> {
    let call = caller.any_key(&[ApiScope::Audit, ApiScope::Staff])?;
    let (size, root) = server.app.log(&call.partition).root().await?;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = carhop_kernel::digest::write_hex(&mut text, &root);
    Ok(Json(RootView { size, root: text }))
}

impl From<&LogEntry> for EntryView {
    fn from(entry: &LogEntry) -> Self {
        Self {
            position: entry.position,
            leaf: text_of(&entry.leaf),
            stored: text_of(&entry.recorded.stored),
            event: entry.into(),
        }
    }
}

const ENTRIES_DEFAULT: usize = 100;
const ENTRIES_MAX: usize = 1000;
