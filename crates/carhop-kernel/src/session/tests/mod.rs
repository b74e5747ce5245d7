//! Tests of the session machine, one file per matter; `world` holds the stop they are about.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at the one case it is about")]

mod amendment;
mod exploration;
mod holds;
mod judged_facts;
mod laws;
mod metering;
mod precedence;
mod reports;
pub(super) mod world;
