//! Why something was refused: one closed, append-only list for the kernel and the policies, in order of
//! precedence, each with a stable code and what would remedy it (M-POL-1, M-POL-3).
//!
//! A code, once released, is never renamed, reused or moved. Nothing here decides anything.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::BadId;

/// What kind of answer a refusal is to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The same request can succeed later or after the remedy.
    Retryable,
    /// Somebody of the staff has to look.
    NeedsHuman,
    /// It will not succeed any more.
    Final,
}

macro_rules! reasons {
    ($($variant:ident = $code:literal, $outlook:ident, $meaning:literal, $remedy:literal;)*) => {
        /// One reason, in order of precedence: the first that fails is the one to name first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(
                #[doc = $meaning]
                #[serde(rename = $code)]
                $variant,
            )*
        }

        impl Reason {
            /// Every reason, in order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code on every wire and in every record.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// Whether asking again, or a person, can help.
            pub const fn outlook(self) -> Outlook {
                match self { $(Self::$variant => Outlook::$outlook),* }
            }

            /// What it means, as a sentence for people who run the system.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            /// What would lift it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy),* }
            }
        }
    };
}

reasons! {
    SessionClosed = "session_closed", Final,
        "The session has ended.", "Open a new session for the order.";
    ManualHold = "manual_hold", NeedsHuman,
        "The session or its tenant is on hold, so nothing is released.", "Have the hold lifted.";
    OrderChanged = "order_changed", Retryable,
        "What was presented belongs to an earlier version of the order.", "Obtain it anew for the current version.";
    NotPossibleNow = "not_possible_now", Retryable,
        "The session is not in a state in which this can happen.", "Look at the session's state and do its next step.";
    ActorNotAllowed = "actor_not_allowed", Final,
        "This kind of caller may not ask for this.", "Let the right party ask.";
    LegUnknown = "leg_unknown", Final,
        "The session has no such leg.", "Name a leg of the order.";
    LegFinished = "leg_finished", Final,
        "The leg has ended already.", "Go on to the next leg.";
    ReleaseUnderWay = "release_under_way", Retryable,
        "A release is under way and must end first.", "Wait for its receipt.";
    OutcomeUnknown = "outcome_unknown", NeedsHuman,
        "Nobody knows yet whether the last release happened.", "Let the device or a person resolve it first.";
    LegOutOfOrder = "leg_out_of_order", Retryable,
        "An earlier leg has not ended.", "Finish the earlier leg first.";
    FinishedLegChanged = "finished_leg_changed", Final,
        "The change touches a leg that has ended.", "Leave ended legs as they were.";
    ReleasesExhausted = "releases_exhausted", NeedsHuman,
        "The leg was released as often as is allowed.", "Have the stop reviewed.";
    WindowNotOpen = "window_not_open", Retryable,
        "The time window has not begun.", "Wait for the window.";
    WindowClosed = "window_closed", Final,
        "The time window is over.", "Agree on a new window.";
    ConflictsWithEarlierRequest = "conflicts_with_earlier_request", Final,
        "The same request id was used for something else.", "Use a fresh id.";
    IntentNotProposed = "intent_not_proposed", Retryable,
        "There is no delivery intent to approve, or not this one.", "State the vehicle and the place first.";
    RecipientNotVerified = "recipient_not_verified", Retryable,
        "The recipient has not been verified well enough.", "Let the customer confirm on the bound device.";
    IntentNotApproved = "intent_not_approved", Retryable,
        "The customer has not approved this delivery.", "Ask the customer to approve.";
    VehicleNotMatched = "vehicle_not_matched", Retryable,
        "The vehicle at hand has not been matched recently.", "Read the plate or the tag at the car.";
    VehicleMismatch = "vehicle_mismatch", NeedsHuman,
        "The vehicle at hand is not the one of the order.", "Stop and find the right car.";
    PlateAttemptsExhausted = "plate_attempts_exhausted", NeedsHuman,
        "Too many plates were read or stated that are not the car's.", "Let the customer state the car anew by a fresh link, or call support.";
    VehicleMoving = "vehicle_moving", Retryable,
        "The vehicle is moving or has moved.", "Wait until it is parked and bound anew.";
    DriverNotAssigned = "driver_not_assigned", Retryable,
        "This driver and device are not assigned to the stop.", "Assign them first.";
    PlaceNotProven = "place_not_proven", Retryable,
        "There is no recent evidence of the place.", "Send positions or scan the venue's tag.";
    PlaceOutside = "place_outside", Retryable,
        "The position lies outside the permitted zone.", "Go to the car's zone.";
    PlaceUncertain = "place_uncertain", Retryable,
        "The position is too uncertain to rely on.", "Scan the venue's tag or wait for a better fix.";
    PlaceDisagrees = "place_disagrees", NeedsHuman,
        "Driver and vehicle are not at the same place.", "Check where the car stands.";
    ServiceNotPermittedHere = "service_not_permitted_here", NeedsHuman,
        "The venue does not allow this service at this place.", "Move to a zone that does.";
    TokenMissing = "token_missing", Retryable,
        "No token for this action was presented.", "Exchange the vehicle token for an action token.";
    TokenExpired = "token_expired", Retryable,
        "The token has expired.", "Obtain a new one.";
    TokenTooOld = "token_too_old", Retryable,
        "The token is older than the policy accepts.", "Obtain a new one.";
    TokenRevoked = "token_revoked", Retryable,
        "The token, or one it was derived from, was revoked.", "Start again from the session.";
    TokenSpent = "token_spent", Retryable,
        "The token was used already.", "Obtain a new one.";
    TokenScope = "token_scope", Final,
        "The token is for another action, leg or device.", "Obtain one for this action.";
    TokenBinding = "token_binding", Final,
        "The token is bound to another key, vehicle or assignment.", "Use it with the key it was issued to.";
    TokenTooWide = "token_too_wide", Final,
        "A derived token may not reach further than its parent.", "Ask for less.";
    DeviceUntrusted = "device_untrusted", NeedsHuman,
        "The driver's device is revoked, unknown or out of policy.", "Call dispatch and use another device.";
    DeviceNotAttested = "device_not_attested", Retryable,
        "The driver's device has not been attested recently.", "Attest the device again.";
    DeviceTierTooLow = "device_tier_too_low", NeedsHuman,
        "This kind of driver's device is not trusted enough for this service.", "Use an attested native device.";
    ActuatorIntegrityUnknown = "actuator_integrity_unknown", NeedsHuman,
        "The lock or pump has not proven its integrity recently.", "Reconnect it; it stays shut until then.";
    ActuatorUntrusted = "actuator_untrusted", NeedsHuman,
        "The lock or pump is revoked, tampered with or out of policy.", "Take it out of service.";
    ActuatorFrozen = "actuator_frozen", NeedsHuman,
        "Two live connections claim to be the lock or pump.", "Find out which one it is, and thaw it.";
    ActuatorUnreachable = "actuator_unreachable", Retryable,
        "The lock or pump is not connected.", "Bring it in reach and try again.";
    ActuatorBusy = "actuator_busy", Retryable,
        "The lock or pump is still serving another stop.", "Finish or revoke that stop first.";
    PresenceNotProven = "presence_not_proven", Retryable,
        "Nobody has shown a valid code, scan or approval.", "Ask the customer for the code or the approval.";
    CodeWrong = "code_wrong", Retryable,
        "The code is wrong, unknown or of another stop.", "Ask for the code shown now.";
    CodeExpired = "code_expired", Retryable,
        "The code has expired.", "Ask for a new one.";
    CodeSpent = "code_spent", NeedsHuman,
        "The code was used already.", "Ask for a new one; the staff sees that it was shown again.";
    CodeAttemptsExhausted = "code_attempts_exhausted", NeedsHuman,
        "The code was tried too often.", "Ask for a new one, or call support.";
    CodeIssuesExhausted = "code_issues_exhausted", NeedsHuman,
        "No more codes are issued for this stop.", "Use a scan or an approval, or call support.";
    HandoffTypeNotAllowed = "handoff_type_not_allowed", Final,
        "The goods may not be handed over in this way.", "Choose an attended handoff.";
    AgeProofMissing = "age_proof_missing", NeedsHuman,
        "Age-gated goods need an identity proof of the recipient.", "Check the identity in person.";
    RungTooLow = "rung_too_low", Retryable,
        "The goods or the place need a stronger authorisation model.", "Provide the missing proofs.";
    PolicyDefaultDeny = "policy_default_deny", NeedsHuman,
        "No policy permits this.", "Look at the policy in force.";
    PolicyError = "policy_error", NeedsHuman,
        "A policy could not be evaluated, so the answer is no.", "Have the policy mended.";
}

/// Every reason as a Markdown table, in order of precedence, for `docs/generated/reasons.md`.
pub fn reasons_markdown() -> String {
    let head = "# Reasons for a refusal\n\nMade by `carhop docs`, in order of precedence: of several reasons the first is \
                named first.\n\n| code | meaning | remedy | outlook |\n| --- | --- | --- | --- |\n";
    let rows = Reason::ALL.iter().map(|reason| {
        let (meaning, remedy) = (reason.meaning(), reason.remedy());
        format!("| `{reason}` | {meaning} | {remedy} | `{}` |\n", reason.outlook().name())
    });
    core::iter::once(String::from(head)).chain(rows).collect()
}

impl Outlook {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retryable => "retryable",
            Self::NeedsHuman => "needs_human",
            Self::Final => "final",
        }
    }
}

impl Reason {
    /// Whether the same request can succeed later or after the remedy.
    pub fn retryable(self) -> bool {
        self.outlook() == Outlook::Retryable
    }

    /// Whether somebody of the staff has to look.
    pub fn needs_human(self) -> bool {
        self.outlook() == Outlook::NeedsHuman
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Reason {
    type Err = BadId;

    fn from_str(code: &str) -> Result<Self, BadId> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or(BadId)
    }
}

/// A request that was not granted: every reason that stood in its way, in order of precedence, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refusal(Vec<Reason>);

impl Refusal {
    /// A refusal for these reasons, sorted and without repetition. An empty list means that nobody could
    /// say why, which is itself a reason: `policy_default_deny`.
    pub fn new(mut reasons: Vec<Reason>) -> Self {
        if reasons.is_empty() {
            reasons.push(Reason::PolicyDefaultDeny);
        }
        reasons.sort_unstable();
        reasons.dedup();
        Self(reasons)
    }

    /// All reasons, the gravest first.
    pub fn reasons(&self) -> &[Reason] {
        &self.0
    }

    /// The reason to name first.
    pub fn first(&self) -> Reason {
        self.0.first().copied().unwrap_or(Reason::PolicyDefaultDeny)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self(alloc::vec![reason])
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused: ")?;
        for (index, reason) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(reason.code())?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_snake_case_and_reads_back() {
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert_eq!(code.parse(), Ok(*reason));
            assert!(!reason.remedy().is_empty());
        }
        assert_eq!("no_such_code".parse::<Reason>(), Err(BadId));
    }

    #[test]
    fn every_reason_is_one_row_of_the_document_in_order() {
        let text = reasons_markdown();
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), Reason::ALL.len());
        for (row, reason) in rows.iter().zip(Reason::ALL) {
            assert!(row.starts_with(&format!("| `{reason}` | ")), "{row}");
            assert_eq!(row.matches('|').count(), 5, "{row}");
        }
        assert_eq!(
            rows[0],
            "| `session_closed` | The session has ended. | Open a new session for the order. | `final` |"
        );
    }

    #[test]
    fn a_refusal_names_the_gravest_reason_first_and_is_never_empty() {
        let refusal = Refusal::new(alloc::vec![
            Reason::TokenMissing,
            Reason::WindowClosed,
            Reason::TokenMissing
        ]);
        assert_eq!(refusal.reasons(), [Reason::WindowClosed, Reason::TokenMissing]);
        assert_eq!(Refusal::new(Vec::new()).first(), Reason::PolicyDefaultDeny);
    }
}
