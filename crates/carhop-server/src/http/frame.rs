//! The frame around every request: an id for it, a bound on its size, a budget, measurements, and problems written out.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use carhop_app::ports::Clock;
use carhop_kernel::id::RequestId;
use futures_util::FutureExt;
use http_body_util::LengthLimitError;

use super::dpop::NONCE;
use super::lanes::{Lane, stops};
use super::problem::{Problem, of_status};
use super::single;
use crate::clock::Stopwatch;
use crate::entropy::random;
use crate::listener::Peer;
use crate::server::Server;
use crate::timers::within;

/// Wraps everything.
pub(crate) async fn frame(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let watch = Stopwatch::start();
    let id = RequestId::generate(server.clock.now(), random());
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let shows_proof = request.headers().contains_key("dpop");
    let response = match handled(&server, request, next, &route).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    let mut response = written(&server, response, id);
    finish(&server, &mut response, id, shows_proof);
    let status = response.status();
    server.metrics.request(method.as_str(), &route, status.as_u16(), watch.seconds());
    tracing::debug!(%id, %method, route, status = status.as_u16(), "answered");
    response
}

/// Lets the request in as far as its budget, its body and the work under way allow.
async fn handled(
    server: &Server,
    request: Request,
    next: Next,
    route: &str,
) -> Result<Response, Problem> {
    let lane = Lane::of(request.method(), route);
    admit(server, &request, route)?;
    let length_max = body_bytes_max(request.method(), route);
    let request = gathered(request, length_max).await?;
    let _place = server.lanes.enter(lane)?;
    AssertUnwindSafe(next.run(request)).catch_unwind().await.map_err(|_| {
        tracing::error!(route, "a handler panicked");
        Problem::internal()
    })
}

/// Takes the request out of its network's budget, and refuses what has no one meaning. What it shows as a credential is not looked at yet, so it counts for
/// nothing.
fn admit(server: &Server, request: &Request, route: &str) -> Result<(), Problem> {
    let peer = request.extensions().get::<Peer>().ok_or_else(Problem::internal)?;
    server.budgets.spend(peer, request.headers(), stops(request.method(), route))?;
    single::check(request)
}

/// Reads the whole body before anything answers: a client that is answered while it still sends may take that for a
/// broken connection and never see the answer.
async fn gathered(request: Request, length_max: usize) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let read = within(BODY_TIME_MAX, to_bytes(body, length_max)).await;
    let bytes = read
        .ok_or_else(|| of_status(StatusCode::REQUEST_TIMEOUT))?
        .map_err(|error| unread(&error))?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// How long a body may be: anybody can send one, known or not.
fn body_bytes_max(method: &Method, route: &str) -> usize {
    let is_large = LARGE.iter().any(|(its, one)| its == method && *one == route);
    if is_large { LARGE_BYTES_MAX } else { BODY_BYTES_MAX }
}

fn unread(error: &axum::Error) -> Problem {
    if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) {
        return of_status(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Problem::malformed("the body does not come whole")
}

/// Writes a problem out, also one that a library gave as a bare status.
fn written(server: &Server, response: Response, id: RequestId) -> Response {
    let status = response.status();
    let problem = response.extensions().get::<Problem>().cloned();
    let bare = status.is_client_error() || status.is_server_error();
    let Some(problem) = problem.or_else(|| bare.then(|| of_status(status))) else {
        return response;
    };
    server.metrics.refused(&problem);
    let (mut parts, _) = response.into_parts();
    let text = serde_json::to_vec(&problem.written(&id.to_string())).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, kind);
    Response::from_parts(parts, text.into())
}

fn finish(server: &Server, response: &mut Response, id: RequestId, shows_proof: bool) {
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    if switches {
        return;
    }
    if shows_proof
        && !headers.contains_key(&NONCE)
        && let Ok(value) = HeaderValue::from_str(&server.proofs.nonce(server.clock.now()))
    {
        headers.insert(NONCE, value);
    }
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Largest body in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest venue or set of policies in bytes.
pub(crate) const LARGE_BYTES_MAX: usize = 512 * 1024;
/// What takes a venue or policies.
const LARGE: [(Method, &str); 3] = [
    (Method::PUT, "/v1/policy"),
    (Method::PUT, "/v1/venues/{venue}"),
    (Method::POST, "/v1/venues/{venue}/trials"),
];
/// How long a body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
const REQUEST_ID: HeaderName = HeaderName::from_static("carhop-request-id");
const SECURITY: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_long_is_asked_of_routes_that_exist() {
        let described = crate::api::description();
        for (method, route) in LARGE {
            let item = described.paths.paths.get(route).unwrap();
            let operation = if method == Method::PUT { &item.put } else { &item.post };
            assert!(operation.is_some(), "{method} {route}");
        }
    }
}
