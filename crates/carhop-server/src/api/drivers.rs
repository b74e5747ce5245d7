//! Drivers: named, and signed in on a handset (M-IDN-7).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use carhop_app::records::{ApiScope, DriverRecord};
use carhop_kernel::id::{DeviceId, DriverId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, answered, name_of};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Named};
use crate::http::problem::Problem;
use crate::server::Server;

/// A driver to be named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriverAsk {
    /// The name customers see.
    name: String,
    /// The handset the driver is signed in on.
    #[schema(value_type = String)]
    device: DeviceId,
}

/// A driver.
#[derive(Serialize, ToSchema)]
pub(crate) struct DriverView {
    #[schema(value_type = String)]
    driver: DriverId,
    name: String,
    #[schema(value_type = String)]
    device: DeviceId,
}

impl From<DriverRecord> for DriverView {
    fn from(record: DriverRecord) -> Self {
        Self { driver: record.driver, name: record.name, device: record.device }
    }
}

/// Names a driver.
#[utoipa::path(post, path = "/v1/drivers", tag = "fleet", request_body = DriverAsk,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = DriverView)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<DriverAsk>,
) -> Result<Response, Problem> {
    let call = caller.once(caller.key(ApiScope::Fleet)?, &ask)?;
    name_of("name", &ask.value.name)?;
    let reply = server.app.name_driver(&call, &ask.value.name, ask.value.device).await?;
    let driver = reply.made.as_deref().and_then(|made| made.parse().ok());
    let driver = driver.ok_or_else(Problem::internal)?;
    let made = DriverView::from(server.app.view_driver(&call.partition, driver).await?);
    Ok(answered(&reply, (StatusCode::CREATED, Json(made))))
}

/// Shows a driver.
#[utoipa::path(get, path = "/v1/drivers/{driver}", tag = "fleet",
    params(("driver" = String, Path)), responses((status = 200, body = DriverView)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(driver): Named<DriverId>,
) -> Answer<DriverView> {
    let call = caller.any_key(&[ApiScope::Fleet, ApiScope::Staff, ApiScope::Audit])?;
    Ok(Json(server.app.view_driver(&call.partition, driver).await?.into()))
}
