//! Where the car is, told by the phone in it or by the car itself (M-GEO-0, M-VEH-4).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carhop_app::ports::Clock;
use carhop_kernel::id::SessionId;

use super::Answer;
use super::driver::{PlaceView, PositionsAsk};
use crate::http::auth::Caller;
use crate::http::body::{Ask, Named};
use crate::server::Server;

/// Takes positions of the car and says what they come to. The customer's phone sends them only while it is in the car; a
/// key for telematics sends what the car measured. A car that leaves its place voids the binding, and freezes the session
/// where something is under way.
#[utoipa::path(post, path = "/v1/sessions/{session}/vehicle-positions", tag = "customer",
    request_body = PositionsAsk, params(("session" = String, Path)),
    responses((status = 200, body = PlaceView)))]
pub(crate) async fn vehicle_positions(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    ask: Ask<PositionsAsk>,
) -> Answer<PlaceView> {
    let call = caller.vehicle()?;
    let fixes = ask.value.read(server.clock.now())?;
    Ok(Json(server.app.report_vehicle_positions(&call, session, &fixes).await?.into()))
}
