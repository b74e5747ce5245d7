//! A set of policy files that belong together: parsed, validated strictly, sliced by action, and named by the hash of
//! its contents (M-POL-4).
//!
//! It answers nothing by itself, and it reads no file system: whoever has the texts hands them in.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::reason::Reason;
use carhop_kernel::verdict::PolicyAction;
use cedar_policy::{
    Authorizer, Effect, Entities, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::context::Vocabulary;
use crate::rungs::{RungTable, RungsError};
use crate::sample;
use crate::scan::{ScanError, count_policies};

/// Policies that are fit to decide.
pub struct Bundle {
    version: PolicyVersion,
    /// Names and texts, sorted by name.
    files: Vec<(String, String)>,
    /// The policies that can apply to an action; the cost of a decision grows with their number.
    slices: BTreeMap<PolicyAction, PolicySet>,
    /// What each `forbid` says when it applies.
    reasons: HashMap<PolicyId, Reason>,
    pub(crate) rungs: RungTable,
    pub(crate) vocabulary: Vocabulary,
    /// The groups of actions.
    pub(crate) entities: Entities,
    pub(crate) authorizer: Authorizer,
}

/// Why a bundle was refused.
#[derive(Debug, Error)]
pub enum BundleError {
    /// More than `BUNDLE_BYTES_MAX` in all.
    #[error("the files have more than {BUNDLE_BYTES_MAX} bytes in all")]
    TooLarge,
    /// More than `POLICIES_MAX`.
    #[error("there are more than {POLICIES_MAX} policies")]
    TooMany,
    /// Not one of the names that a bundle has.
    #[error("`{0}` is not a file of a bundle, or is there twice")]
    File(String),
    /// A file that every bundle has is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The schema does not parse.
    #[error("the schema is not valid: {0}")]
    Schema(String),
    /// The schema does not describe the facts that decisions are made from.
    #[error("the schema does not fit the facts of `{action}`: {why}")]
    SchemaMisfit {
        /// For which action.
        action: &'static str,
        /// What does not fit.
        why: String,
    },
    /// A policy file does not parse.
    #[error("`{file}` does not parse: {why}")]
    Policies {
        /// Which file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A policy file nests or chains without end.
    #[error("`{file}`: {why}")]
    Endless {
        /// Which file.
        file: String,
        /// What is too much.
        why: ScanError,
    },
    /// A policy has no `@id`, a bad one, or another's.
    #[error("a policy in `{file}` has no `@id` of its own in lower case: {policy}")]
    Id {
        /// Which file.
        file: String,
        /// The policy.
        policy: String,
    },
    /// A `forbid` without a known `@reason`, or a `permit` with one.
    #[error("policy `{0}`: every forbid, and no permit, has a `@reason` from the list of reasons")]
    Reason(String),
    /// An annotation other than `@id` and `@reason`.
    #[error("policy `{policy}` has the unknown annotation `@{annotation}`")]
    Annotation {
        /// Which policy.
        policy: String,
        /// Which annotation.
        annotation: String,
    },
    /// Templates are filled in by nobody.
    #[error("`{0}` holds a policy template")]
    Template(String),
    /// The policies do not fit the schema.
    #[error("the policies do not fit the schema: {0}")]
    Invalid(String),
    /// The table of rungs is not fit.
    #[error("`{RUNGS}`")]
    Rungs(#[from] RungsError),
    /// The schema is not the one that this program ships.
    #[error("`{SCHEMA}` is not the shipped one, which says what requirements are asked about")]
    ForeignSchema,
    /// A shipped requirement that protects lock and pump is left out or worded otherwise.
    #[error("the requirement `{0}` protects lock and pump and stays as it was shipped")]
    Protecting(String),
    /// A policy that did not ship applies to what stops something.
    #[error(
        "the policy `{0}` applies to a hold, a revocation, a relocation or a resolution, for which the shipped ones stand alone"
    )]
    Stopping(String),
    /// Nothing permits what stops something.
    #[error("no policy permits `{0}`; stopping stays permitted as it was shipped")]
    Unstoppable(&'static str),
}

impl Bundle {
    /// The policies that ship with Carhop.
    pub fn embedded() -> Result<Self, BundleError> {
        Self::load(EMBEDDED)
    }

    /// A bundle from its files: `schema.cedarschema`, `rungs.txt` and any number of `*.cedar`.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, BundleError> {
        if files.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>()
            > BUNDLE_BYTES_MAX
        {
            return Err(BundleError::TooLarge);
        }
        let files = named(files)?;
        let text = |name| files.get(name).copied().ok_or(BundleError::Missing(name));
        // Compared before anything reads it: Cedar parses a schema by recursion, too.
        if !EMBEDDED.contains(&(SCHEMA, text(SCHEMA)?)) {
            return Err(BundleError::ForeignSchema);
        }
        scan(&files)?;
        let rungs = RungTable::parse(text(RUNGS)?)?;
        let vocabulary =
            Vocabulary::new().map_err(|error| BundleError::Schema(error.to_string()))?;
        let schema = schema(text(SCHEMA)?, &vocabulary, &rungs)?;
        let entities =
            schema.action_entities().map_err(|error| BundleError::Schema(error.to_string()))?;
        let policies = policies(&files)?;
        let reasons = reasons(&policies)?;
        validate(&schema, &policies)?;
        let kept = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Ok(Self {
            version: version(&files),
            files: kept.collect(),
            slices: slices(&schema, &policies, &vocabulary)?,
            reasons,
            rungs,
            vocabulary,
            entities,
            authorizer: Authorizer::new(),
        })
    }

    /// The hash of the contents, which every decision records.
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// The version that these files have, whether or not they are fit to decide; `None` unless they come sorted by name,
    /// each once, as [`Bundle::files`] gives them.
    pub fn version_of(files: &[(String, String)]) -> Option<PolicyVersion> {
        let sorted = files.is_sorted_by(|one, other| one.0 < other.0);
        let named = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        sorted.then(|| version(&named))
    }

    /// The files it was made from, by which its decisions can be made again (M-POL-4).
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// The policies that can apply to an action, if there are any.
    pub(crate) fn slice(&self, action: PolicyAction) -> Option<&PolicySet> {
        self.slices.get(&action)
    }

    /// What a `forbid` says when it applies.
    pub(crate) fn reason(&self, policy: &PolicyId) -> Option<Reason> {
        self.reasons.get(policy).copied()
    }

    /// Every reason that some policy gives.
    #[cfg(test)]
    pub(crate) fn reasons(&self) -> std::collections::BTreeSet<Reason> {
        self.reasons.values().copied().collect()
    }
}

fn named<'a>(files: &[(&'a str, &'a str)]) -> Result<BTreeMap<&'a str, &'a str>, BundleError> {
    let mut named = BTreeMap::new();
    for (name, text) in files {
        let stem = name.strip_suffix(POLICIES).unwrap_or_default();
        let is_policies = !stem.is_empty() && stem.bytes().all(is_word);
        let is_ours = *name == SCHEMA || *name == RUNGS || is_policies;
        if !is_ours || named.insert(*name, *text).is_some() {
            return Err(BundleError::File((*name).to_owned()));
        }
    }
    Ok(named)
}

/// SHA-256 over the files sorted by name, each name and text preceded by its length as eight bytes, big-endian.
fn version(files: &BTreeMap<&str, &str>) -> PolicyVersion {
    let mut hash = Sha256::new_with_prefix(VERSION_DOMAIN);
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    PolicyVersion(hash.finalize().into())
}

/// A schema that describes exactly the facts we have, with and without everything that may be absent.
fn schema(text: &str, vocabulary: &Vocabulary, rungs: &RungTable) -> Result<Schema, BundleError> {
    let (schema, _) = Schema::from_cedarschema_str(text)
        .map_err(|error| BundleError::Schema(error.to_string()))?;
    for action in PolicyAction::ALL {
        let well = sample::well(*action);
        let bare = sample::bare(*action, well.actor, well.phase);
        for facts in [well, bare] {
            vocabulary.request(&facts, rungs.choose(&facts), Some(&schema)).map_err(|error| {
                BundleError::SchemaMisfit { action: action.name(), why: error.to_string() }
            })?;
        }
    }
    Ok(schema)
}

/// Whether Cedar may read the texts at all.
fn scan(files: &BTreeMap<&str, &str>) -> Result<(), BundleError> {
    let mut policies = 0;
    for (file, text) in policy_files(files) {
        let endless = |why| BundleError::Endless { file: (*file).to_owned(), why };
        policies += count_policies(text).map_err(endless)?;
    }
    if policies > POLICIES_MAX { Err(BundleError::TooMany) } else { Ok(()) }
}

fn policy_files<'a>(
    files: &'a BTreeMap<&'a str, &'a str>,
) -> impl Iterator<Item = (&'a &'a str, &'a &'a str)> {
    files.iter().filter(|(name, _)| name.ends_with(POLICIES))
}

fn policies(files: &BTreeMap<&str, &str>) -> Result<PolicySet, BundleError> {
    let mut policies = PolicySet::new();
    for (file, text) in policy_files(files) {
        let parsed = PolicySet::from_str(text).map_err(|error| BundleError::Policies {
            file: (*file).to_owned(),
            why: error.to_string(),
        })?;
        if parsed.num_of_templates() > 0 {
            return Err(BundleError::Template((*file).to_owned()));
        }
        for policy in parsed.policies() {
            let bad_id =
                || BundleError::Id { file: (*file).to_owned(), policy: policy.to_string() };
            let id = policy.annotation("id").filter(|id| is_id(id)).ok_or_else(bad_id)?;
            policies.add(policy.new_id(PolicyId::new(id))).map_err(|_| bad_id())?;
        }
    }
    Ok(policies)
}

fn reasons(policies: &PolicySet) -> Result<HashMap<PolicyId, Reason>, BundleError> {
    let mut reasons = HashMap::new();
    for policy in policies.policies() {
        let id = policy.id().to_string();
        let known = ["id", "reason"];
        if let Some((annotation, _)) = policy.annotations().find(|(key, _)| !known.contains(key)) {
            let annotation = annotation.to_owned();
            return Err(BundleError::Annotation { policy: id, annotation });
        }
        match (policy.effect(), policy.annotation("reason").map(policy_reason)) {
            (Effect::Permit, None) => {}
            (Effect::Forbid, Some(Some(reason))) => {
                reasons.insert(policy.id().clone(), reason);
            }
            (Effect::Permit, Some(_)) | (Effect::Forbid, None | Some(None)) => {
                return Err(BundleError::Reason(id));
            }
        }
    }
    Ok(reasons)
}

/// The reason with this code, unless it is one that only the evaluation itself can give.
fn policy_reason(code: &str) -> Option<Reason> {
    let reason = code.parse().ok()?;
    (![Reason::PolicyDefaultDeny, Reason::PolicyError].contains(&reason)).then_some(reason)
}

fn validate(schema: &Schema, policies: &PolicySet) -> Result<(), BundleError> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    if result.validation_passed_without_warnings() {
        return Ok(());
    }
    let errors = result.validation_errors().map(ToString::to_string);
    let warnings = result.validation_warnings().map(ToString::to_string);
    Err(BundleError::Invalid(errors.chain(warnings).collect::<Vec<_>>().join("; ")))
}

fn slices(
    schema: &Schema,
    policies: &PolicySet,
    vocabulary: &Vocabulary,
) -> Result<BTreeMap<PolicyAction, PolicySet>, BundleError> {
    let mut applying: BTreeMap<PolicyAction, Vec<Policy>> = BTreeMap::new();
    for policy in policies.policies() {
        // Asked once for each policy: it is checked against every kind of request for it.
        let actions: Vec<_> =
            policy.get_valid_request_envs(schema).map(|env| env.action().clone()).collect();
        for action in PolicyAction::ALL {
            if actions.contains(&vocabulary.action(action.name())) {
                applying.entry(*action).or_default().push(policy.clone());
            }
        }
    }
    let mut slices = BTreeMap::new();
    for action in PolicyAction::ALL.iter().copied() {
        let slice = PolicySet::from_policies(applying.remove(&action).unwrap_or_default())
            .map_err(|error| BundleError::Invalid(error.to_string()))?;
        slices.insert(action, slice);
    }
    Ok(slices)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| is_word(byte) || byte == b'.')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Most bytes of all names and texts of a bundle; twice what ships. Checking takes time for each.
const BUNDLE_BYTES_MAX: usize = 1 << 16;
/// Most policies of a bundle.
const POLICIES_MAX: usize = 200;
const VERSION_DOMAIN: &str = "carhop policy bundle 1\n";
const SCHEMA: &str = "schema.cedarschema";
pub(crate) const RUNGS: &str = "rungs.txt";
pub(crate) const POLICIES: &str = ".cedar";

pub(crate) const EMBEDDED: &[(&str, &str)] = &[
    (SCHEMA, include_str!("../../../policies/schema.cedarschema")),
    (RUNGS, include_str!("../../../policies/rungs.txt")),
    ("base.cedar", include_str!("../../../policies/base.cedar")),
    ("flow.cedar", include_str!("../../../policies/flow.cedar")),
    ("fuel.cedar", include_str!("../../../policies/fuel.cedar")),
    ("grocery.cedar", include_str!("../../../policies/grocery.cedar")),
    ("ladder.cedar", include_str!("../../../policies/ladder.cedar")),
];
