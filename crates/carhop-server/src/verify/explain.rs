//! Makes a recorded decision again: the recorded policies on the recorded inputs (M-POL-4).

use carhop_app::records::DecisionRecord;
use carhop_kernel::id::DecisionId;
use carhop_kernel::reason::Reason;
use carhop_policy::{Explained, PolicyOutcome, explain};

use super::Attached;

/// A decision made again.
#[derive(Clone, Debug)]
pub struct Again {
    /// As it was recorded.
    pub record: DecisionRecord,
    /// What the policies say now; `None` if the request is none that policies are asked about.
    pub explained: Option<Explained>,
    /// What differs from the record; empty if the same came out.
    pub differences: Vec<String>,
}

/// Makes a decision again; `None` if its record or its policies are not there.
pub fn explain_again(attached: &Attached, decision: DecisionId) -> Option<Again> {
    let mut records =
        attached.decisions.values().filter_map(|bytes| serde_json::from_slice(bytes).ok());
    let record: DecisionRecord =
        records.find(|record: &DecisionRecord| record.decision == decision)?;
    let Some(facts) = &record.facts else {
        return Some(Again { record, explained: None, differences: Vec::new() });
    };
    let policies = attached.bundle(record.policy)?;
    let explained = explain(&policies, facts);
    let differences = differences(&record, &explained);
    Some(Again { record, explained: Some(explained), differences })
}

fn differences(record: &DecisionRecord, explained: &Explained) -> Vec<String> {
    let mut differences = Vec::new();
    let decisive =
        explained.policies.iter().filter(|one| one.outcome == PolicyOutcome::Determining);
    let decisive: Vec<_> = decisive.map(|one| one.id.clone()).collect();
    if decisive != record.policies {
        let told = format!("determined by {decisive:?}, but {:?} is recorded", record.policies);
        differences.push(told);
    }
    // What else is recorded, the state machine said: policies can only narrow what it allows.
    let new = |reason: &&Reason| !record.reasons.contains(reason);
    for reason in explained.verdict.reasons.iter().filter(new) {
        differences.push(format!("the policies now also say `{reason}`"));
    }
    differences
}
