//! Why a use case did not do what was asked. The server has the only map from here to HTTP.

use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::id::DecisionId;
use carhop_kernel::reason::{Reason, Refusal};

use crate::ports::{AppendError, JournalError};

/// What stood in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Kernel or policies refused; journaled under the decision, where one was made.
    #[error("{0}")]
    Refused(Refusal, Option<Decided>),
    /// There is no such thing, or not for this caller: the two look alike.
    #[error("not found")]
    NotFound,
    /// The caller has not proven who it is.
    #[error("unauthenticated")]
    Unauthenticated,
    /// What was sent cannot be what is meant.
    #[error("`{param}` is invalid: {why}")]
    Invalid {
        /// Which member.
        param: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An idempotency key was used again with another request.
    #[error("the idempotency key was used for another request")]
    ConflictingReplay,
    /// What was to be replaced is not what there is any more; look again.
    #[error("it is another one by now")]
    Outdated,
    /// Others kept changing what was judged; nothing happened, ask again.
    #[error("too much contention")]
    Contended,
    /// The journal failed; what was asked has not happened, or its fate is unknown.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An invariant is broken; a bug.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// The decision behind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Which.
    pub decision: DecisionId,
    /// The policies that were asked.
    pub policy: PolicyVersion,
}

impl Failure {
    /// A refusal without a decision record.
    pub fn refused(reason: Reason) -> Self {
        Self::Refused(reason.into(), None)
    }

    /// An invalid member.
    pub fn invalid(param: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { param, why: why.into() }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict(_) => Self::Contended,
            AppendError::Spent => Self::refused(Reason::CodeSpent),
            AppendError::Journal(error) => Self::Journal(error),
        }
    }
}
