//! An HTTPS client of `/v1` as any partner would write one: credentials, proofs of possession, nonces,
//! idempotency keys and problems (RFC 9449, RFC 9457).
//!
//! It knows no resource; the parties that use it do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use carhop_app::ports::Clock;
use carhop_proofs::dpop::{self, Claim};
use carhop_proofs::suite::{AwsLc, SigningKey};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::{entropy, timers};

/// A client with one credential.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    credential: Credential,
    clock: Arc<SystemClock>,
    /// The nonce the server last gave.
    nonce: Mutex<Option<String>>,
}

/// How a client shows who it is.
pub(crate) enum Credential {
    /// By nothing: an enrolment carries its ticket.
    Nothing,
    /// By an API key.
    ApiKey(String),
    /// By a key of its own, and the token bound to it once there is one.
    BoundKey {
        /// The key.
        key: Box<SigningKey>,
        /// The token.
        token: Option<String>,
    },
    /// By the client certificate of the connection.
    Certificate,
}

/// What the authority did not do, and why.
#[derive(Clone, Debug, Deserialize, thiserror::Error)]
#[error("{status} {code}: {}", explain(detail.as_deref(), reasons))]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The stable code.
    pub(crate) code: String,
    /// More for people.
    pub(crate) detail: Option<String>,
    /// Every reason of a refusal.
    #[serde(default)]
    pub(crate) reasons: Vec<Reason>,
}

/// One reason of a refusal.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reason {
    /// The stable code.
    pub(crate) code: String,
}

impl Client {
    /// A client of the authority at `origin`.
    pub(crate) fn new(
        http: reqwest::Client,
        origin: &str,
        credential: Credential,
        clock: Arc<SystemClock>,
    ) -> Self {
        Self { http, origin: origin.to_owned(), credential, clock, nonce: Mutex::default() }
    }

    /// Uses this token from now on.
    pub(crate) fn present(&mut self, fresh: Option<String>) {
        if let Credential::BoundKey { token, .. } = &mut self.credential {
            *token = fresh;
        }
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.ask(&Method::GET, path, None, None).await
    }

    /// Asks for a change.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.ask(&Method::POST, path, Some(body), None).await
    }

    /// Asks for a change with a one-use token.
    pub(crate) async fn post_with(&self, path: &str, body: Value, token: &str) -> Result<Value> {
        self.ask(&Method::POST, path, Some(body), Some(("carhop-token", token))).await
    }

    /// Asks for a change of nothing but this version.
    pub(crate) async fn post_over(&self, path: &str, body: Value, version: u32) -> Result<Value> {
        let tag = format!("\"{version}\"");
        self.ask(&Method::POST, path, Some(body), Some(("if-match", &tag))).await
    }

    /// Stores something under its name.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Value> {
        self.ask(&Method::PUT, path, Some(body), None).await
    }

    /// Stores something in place of this version, and of no other.
    pub(crate) async fn put_over(&self, path: &str, body: Value, version: &str) -> Result<Value> {
        let version = format!("\"{version}\"");
        self.ask(&Method::PUT, path, Some(body), Some(("if-match", &version))).await
    }

    /// Asks, and asks again where the authority says how: with a nonce, a little later, or because
    /// something changed meanwhile. The idempotency key stays the same.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<Value>,
        header: Option<(&str, &str)>,
    ) -> Result<Value> {
        let once = Uuid::from_bytes(entropy::random());
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let mut request = self.request(method, path)?;
            if let Some(body) = &body {
                request = request.header("idempotency-key", once.to_string()).json(body);
            }
            if *method == Method::GET {
                // An outcome that is still open may be waited for (RFC 7240 §4.3).
                request = request.header("prefer", "wait=10");
            }
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let sent = request.send().await;
            let response = sent.with_context(|| format!("{method} {path}"))?;
            let wait = self.read_headers(&response);
            match read(response).await? {
                Ok(answer) => return Ok(answer),
                Err(problem) if problem.is_worth_another_try() => {
                    last = Some(problem);
                    timers::sleep(wait).await;
                }
                Err(problem) => {
                    return Err(anyhow!(problem).context(format!("{method} {path}")));
                }
            }
        }
        let problem = last.context("nothing was tried")?;
        Err(anyhow!(problem).context(format!("{method} {path}")))
    }

    fn request(&self, method: &Method, path: &str) -> Result<RequestBuilder> {
        let url = format!("{}{path}", self.origin);
        let request = self.http.request(method.clone(), &url);
        Ok(match &self.credential {
            Credential::Nothing | Credential::Certificate => request,
            Credential::ApiKey(key) => request.bearer_auth(key),
            Credential::BoundKey { key, token } => {
                let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let claim = Claim {
                    method: method.as_str(),
                    url: &url,
                    access_token: token.as_deref(),
                    nonce: nonce.as_deref(),
                    issued_at: self.clock.now(),
                    jti: &Uuid::from_bytes(entropy::random()).to_string(),
                };
                let proof = dpop::make(&AwsLc, key, &claim)?;
                let request = request.header("dpop", proof);
                match token {
                    Some(token) => request.header("authorization", format!("DPoP {token}")),
                    None => request,
                }
            }
        })
    }

    /// Keeps the server's nonce, and says how long to wait before another try.
    fn read_headers(&self, response: &Response) -> Duration {
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(nonce) = text("dpop-nonce") {
            let mut known = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
            *known = Some(nonce.to_owned());
        }
        let seconds = text("retry-after").and_then(|seconds| seconds.parse().ok());
        seconds.map_or(RETRY_PAUSE, |seconds: u64| Duration::from_secs(seconds.min(RETRY_S_MAX)))
    }
}

impl Problem {
    /// Whether one of the reasons of the refusal is this.
    pub(crate) fn is_for(&self, reason: &str) -> bool {
        self.code == reason || self.reasons.iter().any(|found| found.code == reason)
    }

    fn is_worth_another_try(&self) -> bool {
        ["use_dpop_nonce", "too_many_requests", "overloaded", "contended"]
            .contains(&self.code.as_str())
            || self.status == StatusCode::TOO_MANY_REQUESTS.as_u16()
    }
}

/// The problem behind an error, if the authority stated one.
pub(crate) fn problem_of(error: &anyhow::Error) -> Option<&Problem> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

async fn read(response: Response) -> Result<Result<Value, Problem>> {
    let status = response.status();
    let body = response.bytes().await?;
    if status.is_success() {
        if body.is_empty() {
            return Ok(Ok(Value::Null));
        }
        return Ok(Ok(serde_json::from_slice(&body).context("an answer that is no JSON")?));
    }
    let unknown = || Problem {
        status: status.as_u16(),
        code: "unknown".to_owned(),
        detail: Some(String::from_utf8_lossy(&body).into_owned()),
        reasons: Vec::new(),
    };
    Ok(Err(serde_json::from_slice(&body).unwrap_or_else(|_| unknown())))
}

fn explain(detail: Option<&str>, reasons: &[Reason]) -> String {
    let reasons = reasons.iter().map(|reason| reason.code.as_str());
    let parts: Vec<&str> = detail.into_iter().chain(reasons).collect();
    parts.join(", ")
}

const TRIES_MAX: usize = 20;
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRY_S_MAX: u64 = 5;
