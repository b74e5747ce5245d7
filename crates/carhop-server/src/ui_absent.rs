//! A server without pages: what was built without the feature `ui` has none.

use std::sync::Arc;

use axum::Router;

use crate::server::Server;

/// There are none.
pub(crate) const fn are_built() -> bool {
    false
}

/// No routes.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
}
