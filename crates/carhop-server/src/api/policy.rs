//! Which policies decide, and how others take their place (M-POL-4, decision 0010).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use carhop_app::records::ApiScope;
use carhop_app::{Call, Candidate, Failure, PolicyView, Reply};
use carhop_kernel::digest::PolicyVersion;
use carhop_proofs::suite::{AwsLc, Suite};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, ToSchema};

use super::answered;
use crate::http::auth::Caller;
use crate::http::body::{Ask, Asked};
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::server::Server;

/// Policies, word for word.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyShown {
    /// The hash of their contents, which every decision records.
    #[schema(value_type = String)]
    version: PolicyVersion,
    /// Whether they decide.
    in_force: bool,
    /// Since when they decide, if they took the place of others.
    activated_at: Option<Time>,
    files: Vec<FileShown>,
}

/// A file of policies.
#[derive(Serialize, ToSchema)]
pub(crate) struct FileShown {
    name: String,
    /// In hexadecimal digits.
    sha256: String,
    text: String,
}

/// Which policies are asked about.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Those of this version; without it, those that decide.
    #[param(value_type = Option<String>)]
    version: Option<PolicyVersion>,
}

/// Policies that are to decide from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyAsk {
    /// All files: `schema.cedarschema`, `rungs.txt` and any number of `*.cedar`.
    files: Vec<FileAsk>,
    /// The shipped requirements that they leave out or word otherwise, every one by its `@id`. Those that protect lock and
    /// pump cannot be left out.
    #[serde(default)]
    departures: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileAsk {
    name: String,
    text: String,
}

/// Shows the policies that decide, or those of a version that once did.
#[utoipa::path(get, path = "/v1/policy", tag = "operator", params(Which),
    responses((status = 200, body = PolicyShown)))]
pub(crate) async fn view(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Result<Response, Problem> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    Ok(shown(server.app.view_policies(&call.partition, which.version).await?))
}

/// Shows what policies say to whom and when, as one text: made from those that decide, or from those of a version that once
/// did.
#[utoipa::path(get, path = "/v1/policy/matrix", tag = "operator", params(Which),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn matrix(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Result<String, Problem> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let view = server.app.view_policies(&call.partition, which.version).await?;
    let bundle = server.app.policies_of(&call.partition, view.policies.version).await?;
    Ok(carhop_policy::matrix::render(&bundle))
}

/// Lets other policies decide from now on; what is being decided meanwhile is decided anew. With `If-Match`, only if
/// those of that version still decide.
///
/// They are read one bundle at a time; when two of an account wait already, the next is turned away with 429.
#[utoipa::path(put, path = "/v1/policy", tag = "operator", request_body = PolicyAsk,
    params(("Idempotency-Key" = Option<String>, Header), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = PolicyShown)))]
pub(crate) async fn activate(
    State(server): State<Arc<Server>>,
    caller: Caller,
    headers: HeaderMap,
    ask: Ask<PolicyAsk>,
) -> Result<Response, Problem> {
    let call = caller.key(ApiScope::Admin)?;
    // Activating the same again changes nothing, so PUT does not demand an idempotency key.
    let call = if caller.has_idempotency_key() { caller.once(call, &ask)? } else { call };
    let files = ask.value.files.into_iter().map(|file| (file.name, file.text)).collect();
    let replaces = if_match(&headers)?;
    let candidate = Candidate { files, departures: ask.value.departures, replaces };
    let reply = activate_apart(&server, call.clone(), candidate).await?;
    let view = server.app.view_policies(&call.partition, None).await?;
    Ok(answered(&reply, shown(view)))
}

/// Reading and checking policies is work for seconds. It is done one bundle at a time, few of an account wait for that, and
/// on no thread that serves others; what has begun is finished, whether or not somebody still waits for it.
async fn activate_apart(
    server: &Arc<Server>,
    call: Call,
    candidate: Candidate,
) -> Result<Reply, Problem> {
    let failed = || Problem::from(Failure::Internal("an activation that did not end"));
    let turn = server.activations.turn(&call.partition).await?;
    let (server, runtime) = (Arc::clone(server), Handle::current());
    let work = move || {
        let _turn = turn;
        runtime.block_on(server.app.activate_policies(&call, &candidate))
    };
    Ok(spawn_blocking(work).await.map_err(|_| failed())??)
}

/// The version that is to be replaced, if one is named; `*` is any.
fn if_match(headers: &HeaderMap) -> Result<Option<PolicyVersion>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let version = version.and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| Problem::invalid("If-Match", "not one version in quotes"))
}

fn shown(view: PolicyView) -> Response {
    let version = view.policies.version;
    let file = |(name, text): (String, String)| {
        let sha256 = AwsLc.sha256(&[text.as_bytes()]);
        FileShown { name, sha256: PolicyVersion(sha256).to_string(), text }
    };
    let body = PolicyShown {
        version,
        in_force: view.in_force,
        activated_at: view.activated_at.map(Time::from),
        files: view.policies.files.into_iter().map(file).collect(),
    };
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
