//! What anybody may read: the description of the interface, the meaning of each problem, the public keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Html;
use carhop_app::Keyring;
use carhop_kernel::id::TenantId;
use carhop_kernel::reason::Reason;
use carhop_proofs::jwk::jwks;
use carhop_proofs::suite::{AwsLc, Suite};
use serde_json::Value;

use super::Answer;
use crate::http::auth::Anyone;
use crate::http::body::Named;
use crate::http::problem::{CODES, Problem, meaning};
use crate::server::Server;

/// The OpenAPI description.
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(super::description())
}

/// Every code that a problem can have.
pub(crate) async fn problems() -> Html<String> {
    let reasons = Reason::ALL.iter().map(|reason| (reason.code(), reason.meaning()));
    let others = CODES.iter().map(|(code, meaning, _)| (*code, *meaning));
    let row = |(code, meaning)| {
        format!("<dt><a href=\"/problems/{code}\">{code}</a></dt><dd>{meaning}</dd>\n")
    };
    let rows: String = others.chain(reasons).map(row).collect();
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Problems</title>\
         <h1>Problems</h1><dl>\n{rows}</dl></html>\n"
    ))
}

/// What a problem's code means and what would help.
pub(crate) async fn problem(Named(code): Named<String>) -> Result<Html<String>, Problem> {
    let (means, remedy) = meaning(&code).ok_or_else(Problem::not_found)?;
    // The code is one of ours, so nothing in it needs escaping.
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{code}</title>\
         <h1>{code}</h1><p>{means}</p><p>{remedy}</p><p><a href=\"/problems\">All problems</a></p></html>\n"
    )))
}

/// The keys that sign commands and scannable codes.
pub(crate) async fn keys(
    State(server): State<Arc<Server>>,
    Anyone(caller): Anyone,
) -> Answer<Value> {
    let ring = Keyring::new(server.keys.master());
    let tenant = &caller.partition.tenant;
    let keys = [ring.command_key(&AwsLc, tenant), ring.scan_key(&AwsLc, tenant)];
    let public = keys.into_iter().map(|key| key.and_then(|key| AwsLc.public_key(&key)));
    let public: Result<Vec<_>, _> = public.collect();
    Ok(Json(jwks(&AwsLc, &public.map_err(|_| Problem::internal())?)))
}

/// The keys that sign commands, as a JWK set.
pub(crate) fn command_keys(server: &Server, tenant: &TenantId) -> Result<Value, Problem> {
    let key = AwsLc.public_key(&server.command_key(tenant)?);
    Ok(jwks(&AwsLc, &[key.map_err(|_| Problem::internal())?]))
}
