//! A handset attests itself: a challenge, then evidence bound to it (M-DEV-2, standards §4.4).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use carhop_app::ports::Clock;
use carhop_kernel::freshness::Perishable;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Nothing, bytes_of, code_of, text_of};
use crate::http::auth::Caller;
use crate::http::body::Ask;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// Something to be bound into the evidence.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChallengeView {
    /// 32 bytes, base64url.
    challenge: String,
    expires_at: Time,
}

/// An EAT token bound to the challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttestationAsk {
    /// The challenge that was given, base64url.
    challenge: String,
    /// The token, base64url.
    eat: String,
}

/// What the evidence came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationView {
    /// How far the device is trusted now.
    tier: String,
    /// SHA-256 of what runs on it.
    firmware: Vec<String>,
    fresh_until: Time,
}

/// Gives a challenge.
#[utoipa::path(post, path = "/v1/attestations/challenges", tag = "devices",
    request_body = Nothing, responses((status = 201, body = ChallengeView)))]
pub(crate) async fn challenge(
    State(server): State<Arc<Server>>,
    caller: Caller,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<ChallengeView>), Problem> {
    let (call, _) = caller.device()?;
    let (challenge, made) = server.app.challenge_device(&call).await?;
    let given =
        ChallengeView { challenge: text_of(&challenge), expires_at: made.expires_at.into() };
    Ok((StatusCode::CREATED, Json(given)))
}

/// Judges the evidence.
#[utoipa::path(post, path = "/v1/attestations", tag = "devices",
    request_body = AttestationAsk, responses((status = 200, body = AttestationView)))]
pub(crate) async fn attest(
    State(server): State<Arc<Server>>,
    caller: Caller,
    ask: Ask<AttestationAsk>,
) -> Answer<AttestationView> {
    let (call, _) = caller.device()?;
    let challenge: [u8; 32] = bytes_of("challenge", &ask.value.challenge)?
        .try_into()
        .map_err(|_| Problem::invalid("challenge", "32 bytes"))?;
    let evidence = bytes_of("eat", &ask.value.eat)?;
    let judged = server.app.attest_handset(&call, &challenge, &evidence).await?;
    Ok(Json(AttestationView {
        tier: code_of(&judged.tier),
        firmware: judged.firmware.iter().map(ToString::to_string).collect(),
        fresh_until: Perishable::Handset.fresh_until(server.clock.now()).into(),
    }))
}
