//! Who calls, on whose behalf and whether for the first time: what every use case is handed besides its question.

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{DecisionId, OrderId, ReleaseId, RequestId, SessionId};
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Partition, RecordKey};

/// One authenticated call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose data it touches.
    pub partition: Partition,
    /// Who calls.
    pub actor: Actor,
    /// The key whose possession the caller proved: RFC 7638 thumbprint, over DPoP or mutual TLS.
    pub key: Option<KeyThumbprint>,
    /// The one stop that the caller's credential is for, if it is for one.
    pub stop: Option<SessionId>,
    /// Whether that proof was mutual TLS; a browser's is not (`design.md` §9.9).
    pub mutual_tls: bool,
    /// Names the call in logs and problems.
    pub request: RequestId,
    /// Set where repeating the call must not repeat its effect.
    pub idempotency: Option<Idempotency>,
    /// What the right to call rests on, where it can end at any moment.
    pub standing: Option<Standing>,
}

/// What a caller's right to call rests on, as it was when the caller was identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Records and their versions: what is appended for the call holds only while they are the same.
    pub records: Vec<(RecordKey, u64)>,
    /// First instant at which the right ends by itself, if it does.
    pub until: Option<Timestamp>,
}

/// What makes a repeated request recognisable (standards §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who, what and which key, as one text.
    pub slot: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
}

/// What a change came to: names only, so that a repeated request is answered from the record and no secret is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The order concerned.
    pub order: Option<OrderId>,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// The release that was made.
    pub release: Option<ReleaseId>,
    /// The decision behind it.
    pub decision: Option<DecisionId>,
    /// Another thing that was made, by its text id.
    pub made: Option<String>,
    /// Whether this is the reply to an earlier call.
    #[serde(skip)]
    pub replayed: bool,
}
