//! Refuses requests that two readers could take for two different ones (RFC 9110 §7.4, RFC 9112 §3.2, §6.3).
//!
//! What a request means, and who may send it, is not looked at. Of two lengths the library below takes the chunks and closes
//! the connection, before a request comes here.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, Version, header};

use super::problem::{Problem, of_status};

/// Whether the request has one meaning.
pub(crate) fn check(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if let Some(name) = ONCE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        return Err(Problem::invalid(name.as_str(), "the header stands more than once"));
    }
    let plain = [(header::CONTENT_ENCODING, "identity"), (header::TRANSFER_ENCODING, "chunked")];
    if plain.iter().any(|(name, plain)| is_coded(headers, name, plain)) {
        return Err(of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    same_host(request, headers)
}

/// Whether a body comes in another coding than the plain one: nobody here would undo it.
fn is_coded(headers: &HeaderMap, name: &HeaderName, plain: &str) -> bool {
    let value = headers.get(name).map(header::HeaderValue::as_bytes);
    value.is_some_and(|value| !value.trim_ascii().eq_ignore_ascii_case(plain.as_bytes()))
}

/// HTTP/1.1 names its host once in `Host`, and what the target says beside it is the same.
fn same_host(request: &Request, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).map(header::HeaderValue::as_bytes);
    let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    match (host, target) {
        (None, _) if request.version() == Version::HTTP_11 => {
            Err(Problem::invalid("Host", "the header is missing"))
        }
        (Some(host), Some(target)) if !host.eq_ignore_ascii_case(target) => {
            Err(Problem::invalid("Host", "not the host of the target"))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// What is read as one value.
const ONCE: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::IF_MATCH,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("carhop-account"),
    HeaderName::from_static("carhop-token"),
    HeaderName::from_static("dpop"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
];
