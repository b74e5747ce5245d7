//! The only map from what went wrong to HTTP: RFC 9457 problems with stable codes (standards §9, M-POL-3).
//!
//! A problem travels as an extension of the answer; `frame` writes it once the id of the request is known.

use std::ops::Deref;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use carhop_app::ports::JournalError;
use carhop_app::{Decided, Failure};
use carhop_kernel::id::DecisionId;
use carhop_kernel::reason::{Reason, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use super::limit::Exhausted;

/// What went wrong. Boxed, because most answers are none.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Told>);

/// What there is to tell about a problem.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) decided: Option<Decided>,
    pub(crate) headers: Vec<(header::HeaderName, HeaderValue)>,
}

/// A problem as it is written.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Written {
    /// A page that explains the code.
    #[serde(rename = "type")]
    kind: String,
    /// The code's meaning.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable name of what went wrong.
    code: &'static str,
    /// What is special about this case.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The member that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    /// Every reason against what was asked, gravest first.
    reasons: Vec<WrittenReason>,
    /// Whether asking again can help.
    retryable: bool,
    /// The decision that refused, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    decision: Option<DecisionId>,
    /// The policies that were asked, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version: Option<String>,
    /// The id of the request.
    trace_id: String,
}

/// One reason against what was asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(crate) struct WrittenReason {
    /// Stable code.
    pub(crate) code: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What would help.
    pub(crate) remedy: &'static str,
}

impl From<Reason> for WrittenReason {
    fn from(reason: Reason) -> Self {
        Self { code: reason.code(), meaning: reason.meaning(), remedy: reason.remedy() }
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str) -> Self {
        Self(Box::new(Told {
            status,
            code,
            detail: None,
            param: None,
            reasons: Vec::new(),
            decided: None,
            headers: Vec::new(),
        }))
    }

    /// The caller is unknown; nothing more is said.
    pub(crate) fn unauthenticated() -> Self {
        let challenge = HeaderValue::from_static("Bearer, DPoP algs=\"ES256\"");
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated")
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// There is no such thing for this caller; nothing more is said.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found")
    }

    /// The caller is known and may not do this.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope")
    }

    /// What was sent cannot be understood.
    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_request");
        problem.0.detail = Some(why.into());
        problem
    }

    /// What was sent cannot be meant.
    pub(crate) fn invalid(param: impl Into<String>, why: impl Into<String>) -> Self {
        let mut problem = Self::malformed(why);
        problem.0.param = Some(param.into());
        problem
    }

    /// Something would be replaced, and which version of it was not said (RFC 6585 §3).
    pub(crate) fn unconditional() -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required")
    }

    /// What came of a change of one version: another version in force is a condition that does not hold.
    pub(crate) fn from_conditional(failure: Failure) -> Self {
        let failed = match &failure {
            Failure::Refused(refusal, _) => refusal.first() == Reason::ConflictsWithEarlierRequest,
            Failure::NotFound
            | Failure::Unauthenticated
            | Failure::Invalid { .. }
            | Failure::ConflictingReplay
            | Failure::Outdated
            | Failure::Contended
            | Failure::Journal(_)
            | Failure::Internal(_) => false,
        };
        let mut problem = Self::from(failure);
        if failed {
            let decided = problem.0.decided.take();
            problem = Self::outdated();
            problem.0.decided = decided;
        }
        problem
    }

    /// A budget is used up (RFC 9110 §10.2.3, RateLimit header fields draft 11).
    pub(crate) fn limited(told: Exhausted) -> Self {
        let Exhausted { name, count, window_s, retry_after_s } = told;
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        for (header, text) in [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={count};w={window_s}")),
            (RATE_LIMIT, format!("\"{name}\";r=0;t={retry_after_s}")),
        ] {
            problem = match HeaderValue::from_str(&text) {
                Ok(value) => problem.with_header(header, value),
                Err(_) => problem,
            };
        }
        problem
    }

    /// As much of the caller's account is waiting already as may; what was asked was not looked at.
    pub(crate) fn crowded() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// As much is worked on as can be; what was asked was not looked at.
    pub(crate) fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// The disk is full; what takes something away still works.
    pub(crate) fn storage_full() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("10"))
    }

    /// What was to be replaced is another one by now (RFC 9110 §13.1.1).
    pub(crate) fn outdated() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed")
    }

    /// A bug.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    pub(crate) fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    fn refused(refusal: &Refusal, decided: Option<Decided>) -> Self {
        let first = refusal.first();
        let mut problem = Self::new(status_of(first), first.code());
        problem.0.reasons = refusal.reasons().to_vec();
        problem.0.decided = decided;
        problem
    }

    /// The problem as it is written, for the request with this id.
    pub(crate) fn written(&self, trace_id: &str) -> Written {
        Written {
            kind: format!("/problems/{}", self.code),
            title: meaning(self.code).map_or("", |(meaning, _)| meaning),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            param: self.param.clone(),
            reasons: self.reasons.iter().copied().map(WrittenReason::from).collect(),
            retryable: self.retryable(),
            decision: self.decided.map(|decided| decided.decision),
            policy_version: self.decided.map(|decided| decided.policy.to_string()),
            trace_id: trace_id.to_owned(),
        }
    }

    fn retryable(&self) -> bool {
        if self.reasons.is_empty() {
            matches!(
                self.code,
                "use_dpop_nonce"
                    | "too_many_requests"
                    | "contended"
                    | "overloaded"
                    | "storage_full"
                    | "unavailable"
            )
        } else {
            self.reasons.iter().all(|reason| reason.retryable())
        }
    }
}

impl Deref for Problem {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.0
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal, decided) => Self::refused(&refusal, decided),
            Failure::NotFound => Self::not_found(),
            Failure::Unauthenticated => Self::unauthenticated(),
            Failure::Invalid { param, why } => Self::invalid(param, why),
            Failure::ConflictingReplay => {
                let reason = Reason::ConflictsWithEarlierRequest;
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason.code());
                problem.0.reasons = vec![reason];
                problem
            }
            Failure::Outdated => Self::outdated(),
            Failure::Contended => Self::new(StatusCode::CONFLICT, "contended")
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
            Failure::Journal(error @ JournalError::Unavailable(_)) => {
                tracing::error!(%error, "the journal is unavailable");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
            Failure::Journal(error @ JournalError::Full) => {
                tracing::error!(%error, "the journal is full");
                Self::storage_full()
            }
            Failure::Journal(error @ (JournalError::Corrupt(_) | JournalError::Unknown(_))) => {
                tracing::error!(%error, "the journal failed");
                Self::internal()
            }
            Failure::Internal(what) => {
                tracing::error!(what, "an invariant is broken");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The problem that a bare status from a library stands for.
pub(crate) fn of_status(status: StatusCode) -> Problem {
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_client_error() => "invalid_request",
        _ => "internal",
    };
    Problem::new(status, code)
}

/// State refuses with 409, evidence and policies with 403.
fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::SessionClosed
        | Reason::ManualHold
        | Reason::OrderChanged
        | Reason::NotPossibleNow
        | Reason::LegUnknown
        | Reason::LegFinished
        | Reason::ReleaseUnderWay
        | Reason::OutcomeUnknown
        | Reason::LegOutOfOrder
        | Reason::FinishedLegChanged
        | Reason::ReleasesExhausted
        | Reason::WindowNotOpen
        | Reason::WindowClosed
        | Reason::ConflictsWithEarlierRequest
        | Reason::IntentNotProposed
        | Reason::ActuatorBusy => StatusCode::CONFLICT,
        Reason::ActorNotAllowed
        | Reason::RecipientNotVerified
        | Reason::IntentNotApproved
        | Reason::VehicleNotMatched
        | Reason::VehicleMismatch
        | Reason::PlateAttemptsExhausted
        | Reason::VehicleMoving
        | Reason::DriverNotAssigned
        | Reason::PlaceNotProven
        | Reason::PlaceOutside
        | Reason::PlaceUncertain
        | Reason::PlaceDisagrees
        | Reason::ServiceNotPermittedHere
        | Reason::TokenMissing
        | Reason::TokenExpired
        | Reason::TokenTooOld
        | Reason::TokenRevoked
        | Reason::TokenSpent
        | Reason::TokenScope
        | Reason::TokenBinding
        | Reason::TokenTooWide
        | Reason::DeviceUntrusted
        | Reason::DeviceNotAttested
        | Reason::DeviceTierTooLow
        | Reason::ActuatorIntegrityUnknown
        | Reason::ActuatorUntrusted
        | Reason::ActuatorFrozen
        | Reason::ActuatorUnreachable
        | Reason::PresenceNotProven
        | Reason::CodeWrong
        | Reason::CodeExpired
        | Reason::CodeSpent
        | Reason::CodeAttemptsExhausted
        | Reason::CodeIssuesExhausted
        | Reason::HandoffTypeNotAllowed
        | Reason::AgeProofMissing
        | Reason::RungTooLow
        | Reason::PolicyDefaultDeny
        | Reason::PolicyError => StatusCode::FORBIDDEN,
    }
}

/// Meaning and remedy of a code.
pub(crate) fn meaning(code: &str) -> Option<(&'static str, &'static str)> {
    if let Ok(reason) = code.parse::<Reason>() {
        return Some((reason.meaning(), reason.remedy()));
    }
    let found = CODES.iter().find(|(known, _, _)| *known == code);
    found.map(|(_, meaning, remedy)| (*meaning, *remedy))
}

const RATE_LIMIT: header::HeaderName = header::HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: header::HeaderName = header::HeaderName::from_static("ratelimit-policy");

/// The codes besides the reasons: code, meaning, remedy.
pub(crate) const CODES: &[(&str, &str, &str)] = &[
    (
        "invalid_request",
        "What was sent cannot be understood or cannot be meant.",
        "Correct what `param` and `detail` name.",
    ),
    ("unauthenticated", "The caller has not proven who it is.", "Authenticate and ask again."),
    (
        "use_dpop_nonce",
        "The proof of possession does not carry the server's nonce.",
        "Make a new proof with the nonce of the `DPoP-Nonce` header.",
    ),
    (
        "pages_not_built",
        "This server was built before its pages were.",
        "Run `cargo xtask pages` and build again.",
    ),
    (
        "no_relying_party",
        "No origin of this server has a domain name, and passkeys need one.",
        "Name the server by a domain in `server_names` or `origins`; `localhost` is one.",
    ),
    ("insufficient_scope", "The caller may not do this.", "Use a credential that may."),
    (
        "precondition_required",
        "What is replaced has versions, and `If-Match` does not say which one is meant.",
        "Read it, and send its `ETag` as `If-Match`.",
    ),
    ("not_found", "There is no such thing, or not for this caller.", "Look at the id."),
    ("method_not_allowed", "The resource does not take this method.", "Look at the interface."),
    (
        "precondition_failed",
        "What was to be replaced is another one by now; nothing happened.",
        "Look at what there is, and ask again with its `ETag` in `If-Match`.",
    ),
    ("contended", "Others kept changing what was judged; nothing happened.", "Ask again."),
    ("payload_too_large", "The body is larger than is read.", "Send less."),
    ("unsupported_media_type", "The body is not JSON.", "Send `application/json`."),
    ("too_many_requests", "Too many requests.", "Wait as long as `Retry-After` says."),
    (
        "overloaded",
        "The server has as much to do as it can; nothing happened.",
        "Ask again after `Retry-After`. What freezes or ends a stop is still taken.",
    ),
    (
        "storage_full",
        "The server has no room left to remember what it would do; nothing happened.",
        "Ask again later; holds and revocations still work. The operator has to make room.",
    ),
    ("unavailable", "The server cannot answer now; nothing happened.", "Ask again later."),
    (
        "internal",
        "The server failed; what was asked may have happened.",
        "Look at the state, then ask again.",
    ),
];
