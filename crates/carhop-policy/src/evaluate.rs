//! One decision: facts and a bundle make a verdict, with all requirements that are not met (M-POL-1).
//!
//! Whatever goes wrong denies: a policy that fails would merely be skipped by Cedar, so any failure is a reason of
//! its own, and so is that nothing permits.

use carhop_kernel::reason::Reason;
use carhop_kernel::verdict::{Rung, Verdict};
use cedar_policy::{
    AuthorizationError, Decision, Effect, Entities, PolicyId, PolicySet, Request, Response,
};
use serde::{Deserialize, Serialize};

use crate::bundle::Bundle;
use crate::facts::Facts;

/// A verdict with the part that each policy had in it, for the decision explorer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The verdict.
    pub verdict: Verdict,
    /// Every policy that can apply to the action, by its name.
    pub policies: Vec<PolicyReport>,
}

/// What one policy said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyReport {
    /// The policy's `@id`.
    pub id: String,
    /// What it does when it applies.
    pub effect: PolicyEffect,
    /// The reason it gives, if it forbids.
    pub reason: Option<Reason>,
    /// Whether it had a part in the verdict.
    pub outcome: PolicyOutcome,
}

/// What a policy does when it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyEffect {
    /// It permits, unless another forbids.
    Permit,
    /// It states a requirement; it applies when that is not met.
    Forbid,
}

/// Which part a policy had in the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyOutcome {
    /// It determined the verdict.
    Determining,
    /// It did not apply, or another outweighed it.
    Silent,
    /// It could not be evaluated.
    Failed,
}

impl Explained {
    /// What would lift each reason, in order of precedence.
    pub fn remedies(&self) -> impl Iterator<Item = (Reason, &'static str)> {
        self.verdict.reasons.iter().map(|reason| (*reason, reason.remedy()))
    }
}

/// What the policies say to these facts.
pub fn evaluate(bundle: &Bundle, facts: &Facts) -> Verdict {
    let rung = bundle.rungs.choose(facts);
    verdict(bundle, facts, rung, ask(bundle, facts, rung).as_ref())
}

/// What the policies say to these facts, and which of them said it.
pub fn explain(bundle: &Bundle, facts: &Facts) -> Explained {
    let rung = bundle.rungs.choose(facts);
    let response = ask(bundle, facts, rung);
    let outcome = |id: &PolicyId| match &response {
        Some(response) if failed(response).any(|failed| failed == id) => PolicyOutcome::Failed,
        Some(response) if response.diagnostics().reason().any(|reason| reason == id) => {
            PolicyOutcome::Determining
        }
        Some(_) | None => PolicyOutcome::Silent,
    };
    let slice = bundle.slice(facts.action).into_iter().flat_map(PolicySet::policies);
    let mut policies: Vec<PolicyReport> = slice
        .map(|policy| PolicyReport {
            id: AsRef::<str>::as_ref(policy.id()).to_owned(),
            effect: match policy.effect() {
                Effect::Permit => PolicyEffect::Permit,
                Effect::Forbid => PolicyEffect::Forbid,
            },
            reason: bundle.reason(policy.id()),
            outcome: outcome(policy.id()),
        })
        .collect();
    policies.sort_by(|one, other| one.id.cmp(&other.id));
    Explained { verdict: verdict(bundle, facts, rung, response.as_ref()), policies }
}

/// What is put before Cedar: to be asked by whoever wants to ask Cedar alone.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who asks for what, in which circumstances.
    pub request: Request,
    /// The policies that can apply to it.
    pub policies: &'a PolicySet,
    /// What the policies know besides.
    pub entities: &'a Entities,
}

impl Question<'_> {
    /// These facts as a question; `None` if they could not be put before Cedar.
    pub fn of<'a>(bundle: &'a Bundle, facts: &Facts) -> Option<Question<'a>> {
        Question::on(bundle, facts, bundle.rungs.choose(facts))
    }

    fn on<'a>(bundle: &'a Bundle, facts: &Facts, rung: Rung) -> Option<Question<'a>> {
        let request = bundle.vocabulary.request(facts, rung, None).ok()?;
        let policies = bundle.slice(facts.action)?;
        Some(Question { request, policies, entities: &bundle.entities })
    }
}

/// Cedar's answer; `None` if the facts could not be put before it.
fn ask(bundle: &Bundle, facts: &Facts, rung: Rung) -> Option<Response> {
    let question = Question::on(bundle, facts, rung)?;
    let Question { request, policies, entities } = question;
    Some(bundle.authorizer.is_authorized(&request, policies, entities))
}

fn verdict(bundle: &Bundle, facts: &Facts, rung: Rung, response: Option<&Response>) -> Verdict {
    let mut reasons = response.map_or_else(|| vec![Reason::PolicyError], |r| reasons(bundle, r));
    reasons.sort_unstable();
    reasons.dedup();
    Verdict { action: facts.action, reasons, policy: bundle.version(), rung }
}

fn reasons(bundle: &Bundle, response: &Response) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = match response.decision() {
        Decision::Allow => Vec::new(),
        Decision::Deny => {
            response.diagnostics().reason().filter_map(|id| bundle.reason(id)).collect()
        }
    };
    if failed(response).next().is_some() {
        reasons.push(Reason::PolicyError);
    } else if response.decision() == Decision::Deny && reasons.is_empty() {
        reasons.push(Reason::PolicyDefaultDeny);
    }
    reasons
}

fn failed(response: &Response) -> impl Iterator<Item = &PolicyId> {
    response.diagnostics().errors().map(|error| match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    })
}
