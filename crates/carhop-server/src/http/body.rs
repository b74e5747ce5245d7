//! Request bodies and path parts, read strictly: bounded, one meaning, nothing unknown.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use carhop_proofs::json::{JsonError, parse_object};
use carhop_proofs::suite::{AwsLc, Suite};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Problem, of_status};

/// A JSON object with every member named once and none unknown, and the fingerprint of the whole request.
pub(crate) struct Ask<T> {
    pub(crate) value: T,
    pub(crate) fingerprint: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Ask<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers().get(header::CONTENT_TYPE)) {
            return Err(of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let line = format!("{} {}\n", request.method(), request.uri());
        let if_match = request.headers().get(header::IF_MATCH).cloned();
        let if_match = if_match.as_ref().map_or(&[][..], header::HeaderValue::as_bytes);
        let bytes = read(request, state).await?;
        let fingerprint = AwsLc.sha256(&[line.as_bytes(), if_match, b"\n", &bytes]);
        Ok(Self { value: parse(&bytes)?, fingerprint })
    }
}

/// A JSON object or a form (RFC 8693 is asked with forms).
pub(crate) struct FormOrJson<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if is_json(kind) {
            return Ok(Self(parse(&read(request, state).await?)?));
        }
        if kind.is_none_or(|kind| !kind.as_bytes().starts_with(FORM.as_bytes())) {
            return Err(of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = read(request, state).await?;
        let query = std::str::from_utf8(&bytes).map_err(|_| Problem::malformed("not text"))?;
        let uri = format!("/?{query}").parse().map_err(|_| Problem::malformed("not a form"))?;
        let Query(value) = Query::<T>::try_from_uri(&uri)
            .map_err(|error| Problem::malformed(error.body_text()))?;
        Ok(Self(value))
    }
}

/// A part of the path. One that cannot be the name of anything names nothing.
pub(crate) struct Named<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<T>::from_request_parts(parts, state).await;
        found.map(|Path(value)| Self(value)).map_err(|_| Problem::not_found())
    }
}

/// The query, with nothing unknown in it.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let found = Query::<T>::try_from_uri(&parts.uri);
        found.map(|Query(value)| Self(value)).map_err(|error| Problem::malformed(error.body_text()))
    }
}

/// Parses an object strictly.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let members = parse_object(bytes, usize::MAX).map_err(|error| match error {
        JsonError::TooLong => of_status(StatusCode::PAYLOAD_TOO_LARGE),
        JsonError::Malformed => {
            Problem::malformed("not a JSON object in which every member is named once")
        }
    })?;
    let value = Value::Object(members);
    if depth(&value) > DEPTH_MAX {
        return Err(Problem::malformed("nested too deeply"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner().to_string();
        Problem::invalid(member(&path, &why), why)
    })
}

/// The member that was wrong, as a path such as `legs[0].lines`. Of a member that is missing or unknown the reader may
/// know only where it would stand.
fn member(path: &str, why: &str) -> String {
    let named = why.strip_prefix("missing field `").or(why.strip_prefix("unknown field `"));
    let named = named.and_then(|rest| rest.split('`').next());
    let outer = if path == "." { "" } else { path };
    match named {
        None => outer.to_owned(),
        Some(name) if outer.is_empty() => name.to_owned(),
        Some(name) if outer == name || outer.ends_with(&format!(".{name}")) => outer.to_owned(),
        Some(name) => format!("{outer}.{name}"),
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, state).await;
    read.map_err(|rejection: BytesRejection| of_status(rejection.into_response().status()))
}

fn is_json(kind: Option<&header::HeaderValue>) -> bool {
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// How deep a body may be nested.
const DEPTH_MAX: usize = 16;
const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Plate {
        plate: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cars {
        #[expect(dead_code, reason = "only read")]
        cars: Vec<Plate>,
        #[expect(dead_code, reason = "only read")]
        paint: Option<Paint>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Paint {
        Red,
    }

    #[test]
    fn a_problem_names_the_member_and_not_its_value() {
        for (body, param) in [
            ("{\"cars\":[],\"paint\":\"green\"}", "paint"),
            ("{\"cars\":[{\"plate\":1}]}", "cars[0].plate"),
            ("{\"cars\":[{}]}", "cars[0].plate"),
            ("{\"cars\":[{\"plate\":\"A\",\"vin\":1}]}", "cars[0].vin"),
            ("{\"cars\":{}}", "cars"),
            ("{\"wheels\":4}", "wheels"),
            ("{}", "cars"),
        ] {
            let problem = parse::<Cars>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.param.as_deref(), Some(param), "{body}: {:?}", problem.detail);
        }
        assert!(parse::<Cars>(b"{\"cars\":[],\"paint\":\"red\"}").is_ok());
    }

    #[test]
    fn bodies_have_one_meaning_or_none() {
        let deep = format!("{{\"plate\":{}1{}}}", "[".repeat(16), "]".repeat(16));
        for (body, param) in [
            ("{\"plate\":\"A\",\"plate\":\"B\"}", None),
            ("[]", None),
            ("", None),
            ("{\"plate\":\"A\"} x", None),
            (deep.as_str(), None),
            ("{\"plate\":\"A\",\"vin\":1}", Some("vin")),
            ("{}", Some("plate")),
        ] {
            let problem = parse::<Plate>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(problem.param.as_deref(), param, "{body}");
        }
        let good = parse::<Plate>(b"{\"plate\":\"A\"}").unwrap();
        assert_eq!(good, Plate { plate: "A".to_owned() });
    }
}
