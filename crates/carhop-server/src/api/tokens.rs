//! Tokens: derived by exchange (RFC 8693), looked at (RFC 7662), revoked (RFC 7009; standards §2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use carhop_app::ports::Clock;
use carhop_app::records::ApiScope;
use carhop_app::{Call, Wanted};
use carhop_kernel::id::{DeviceId, SessionId};
use carhop_kernel::order::Scope;
use carhop_proofs::jwk::thumbprint_text;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, Nothing, code_of};
use crate::http::auth::Caller;
use crate::http::body::{Ask, FormOrJson, Named};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// A token, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct VehicleToken {
    token: String,
    expires_at: Time,
}

/// What to exchange for what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExchangeAsk {
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    grant_type: Option<String>,
    /// The vehicle token.
    subject_token: String,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: Option<String>,
    /// The lock or pump.
    #[schema(value_type = String)]
    audience: DeviceId,
    /// What the token is to permit: one object of type `urn:carhop:handoff:v1` with one of `actions`
    /// `grocery_handoff`, `locker_access`, `cold_release`, `fuel_authorisation`; a form carries it as JSON text.
    #[schema(value_type = Value)]
    authorization_details: Value,
}

/// An action token (RFC 8693 §2.2.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct ActionToken {
    access_token: String,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u64,
    /// What was granted.
    authorization_details: Value,
}

/// A token to look at or revoke.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenAsk {
    token: String,
    #[expect(dead_code, reason = "a hint that RFC 7009 §2.1 lets the server ignore")]
    token_type_hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    actions: Vec<Scope>,
}

/// Derives the assigned driver's vehicle token; the former one is burned.
#[utoipa::path(post, path = "/v1/sessions/{session}/vehicle-tokens", tag = "tokens",
    request_body = Nothing, params(("session" = String, Path)),
    responses((status = 201, body = VehicleToken)))]
pub(crate) async fn vehicle(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
    _: Ask<Nothing>,
) -> Result<(StatusCode, Json<VehicleToken>), Problem> {
    let call = caller.driver()?;
    let made = server.app.issue_vehicle_token(&call, session).await?;
    let token = VehicleToken { token: made.secret, expires_at: made.expires_at.into() };
    Ok((StatusCode::CREATED, Json(token)))
}

/// Exchanges a vehicle token for an action token.
#[utoipa::path(post, path = "/v1/tokens/exchange", tag = "tokens",
    request_body = ExchangeAsk, responses((status = 200, body = ActionToken)))]
pub(crate) async fn exchange(
    State(server): State<Arc<Server>>,
    caller: Caller,
    FormOrJson(ask): FormOrJson<ExchangeAsk>,
) -> Answer<ActionToken> {
    let call = caller.driver()?;
    let wanted = Wanted { scope: ask.scope()?, audience: ask.audience };
    let made = server.app.exchange_token(&call, &ask.subject_token, wanted).await?;
    Ok(Json(ActionToken {
        access_token: made.secret,
        issued_token_type: ACCESS_TOKEN,
        token_type: if call.mutual_tls { "N_A" } else { "DPoP" },
        expires_in: made.expires_at.since_ms(server.clock.now()) / 1000,
        authorization_details: json!([{
            "type": DETAIL,
            "actions": [wanted.scope],
            "identifier": wanted.audience,
        }]),
    }))
}

/// Says what a live token stands for; nothing about any other.
#[utoipa::path(post, path = "/v1/tokens/introspect", tag = "tokens",
    request_body = TokenAsk, responses((status = 200, body = Value)))]
pub(crate) async fn introspect(
    State(server): State<Arc<Server>>,
    caller: Caller,
    FormOrJson(ask): FormOrJson<TokenAsk>,
) -> Answer<Value> {
    let call = holder(&caller)?;
    let Some(found) = server.app.introspect_token(&call, &ask.token).await? else {
        return Ok(Json(json!({ "active": false })));
    };
    let token = found.token;
    Ok(Json(json!({
        "active": true,
        "jti": token.id,
        "iat": token.issued_at.unix_s(),
        "exp": token.expires_at.unix_s(),
        "sub": found.customer,
        "aud": token.audience,
        "scope": token.scope.map(|scope| code_of(&scope)),
        "cnf": { "jkt": thumbprint_text(&token.key) },
        "act": token.driver.map(|driver| json!({ "sub": driver })),
        "carhop": {
            "layer": token.layer,
            "session": token.session,
            "order_digest": token.order,
        },
    })))
}

/// Revokes a token and everything derived from it; unknown ones are revoked already.
#[utoipa::path(post, path = "/v1/tokens/revoke", tag = "tokens",
    request_body = TokenAsk, responses((status = 200)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    caller: Caller,
    FormOrJson(ask): FormOrJson<TokenAsk>,
) -> Result<Response, Problem> {
    let call = holder(&caller)?;
    server.app.revoke_token(&call, &ask.token).await?;
    Ok(StatusCode::OK.into_response())
}

/// Staff, or whoever holds a bound key.
fn holder(caller: &Caller) -> Result<Call, Problem> {
    caller.key(ApiScope::Staff).or_else(|problem| match problem.status {
        StatusCode::FORBIDDEN => caller.bound(),
        _ => Err(problem),
    })
}

impl ExchangeAsk {
    /// The one scope asked for.
    fn scope(&self) -> Result<Scope, Problem> {
        let expected = [(&self.grant_type, GRANT), (&self.subject_token_type, ACCESS_TOKEN)];
        if expected.iter().any(|(said, wanted)| said.as_ref().is_some_and(|said| said != wanted)) {
            return Err(Problem::invalid("grant_type", "not a token exchange of an access token"));
        }
        let wrong = || Problem::invalid("authorization_details", "one object with one action");
        let details: Vec<Detail> = match &self.authorization_details {
            Value::String(text) => serde_json::from_str(text).map_err(|_| wrong())?,
            one @ Value::Object(_) => vec![Detail::deserialize(one).map_err(|_| wrong())?],
            many @ Value::Array(_) => Vec::deserialize(many).map_err(|_| wrong())?,
            Value::Null | Value::Bool(_) | Value::Number(_) => return Err(wrong()),
        };
        match details.as_slice() {
            [Detail { kind, actions }] if kind == DETAIL => match actions.as_slice() {
                [scope] => Ok(*scope),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const DETAIL: &str = "urn:carhop:handoff:v1";
