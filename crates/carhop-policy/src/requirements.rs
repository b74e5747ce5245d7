//! What an operator's policies may leave out: the shipped requirements that protect lock and pump stay word for word, any
//! other departure has a name, and nothing is put in the way of what stops something (M-POL-2, decision 0010).
//!
//! Whether a departure is wise is not judged; whoever puts the policies in force has to name each.

use std::collections::BTreeMap;
use std::str::FromStr;

use carhop_kernel::verdict::PolicyAction;
use cedar_policy::{Effect, Policy, PolicySet};
use serde_json::Value;

use crate::bundle::{Bundle, BundleError, EMBEDDED, POLICIES, RUNGS};

impl Bundle {
    /// The shipped requirements that these policies leave out or word otherwise, by `@id`, and the table of rungs if it is
    /// another, by its file's name. Refused if one of the requirements protects lock and pump, or if what stops something is
    /// not judged by shipped policies alone.
    pub fn departures(&self) -> Result<Vec<String>, BundleError> {
        let files = || self.files().iter().map(|(name, text)| (name.as_str(), text.as_str()));
        self.check_stopping()?;
        let own = meanings(files())?;
        let mut departures = Vec::new();
        for (file, text) in EMBEDDED {
            for (id, (effect, meaning)) in meanings([(*file, *text)])? {
                let is_kept = own.get(&id).is_some_and(|found| found.1 == meaning);
                match effect {
                    Effect::Permit => {}
                    Effect::Forbid if is_kept => {}
                    Effect::Forbid if PROTECTING.contains(file) => {
                        return Err(BundleError::Protecting(id));
                    }
                    Effect::Forbid => departures.push(id),
                }
            }
        }
        if files().any(|file| file.0 == RUNGS && !EMBEDDED.contains(&file)) {
            departures.push(RUNGS.to_owned());
        }
        departures.sort();
        Ok(departures)
    }

    /// Whether everything that stops something can be asked for as it was shipped. A policy of the operator's own could not
    /// only forbid it: one that fails denies as well.
    fn check_stopping(&self) -> Result<(), BundleError> {
        let shipped = meanings(EMBEDDED.iter().copied())?;
        for action in STOPPING {
            let mut is_permitted = false;
            for policy in self.slice(action).into_iter().flat_map(PolicySet::policies) {
                let (id, meaning) = (id(policy), meaning(policy).map_err(BundleError::Invalid)?);
                if shipped.get(&id) != Some(&meaning) {
                    return Err(BundleError::Stopping(id));
                }
                is_permitted |= policy.effect() == Effect::Permit;
            }
            if !is_permitted {
                return Err(BundleError::Unstoppable(action.name()));
            }
        }
        Ok(())
    }
}

/// What a policy does and says, without comments and layout.
type Meaning = (Effect, Value);

/// Every policy of some files by its `@id`.
fn meanings<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, Meaning>, BundleError> {
    let mut found = BTreeMap::new();
    for (file, text) in files.into_iter().filter(|(name, _)| name.ends_with(POLICIES)) {
        let unreadable = |why: String| BundleError::Policies { file: file.to_owned(), why };
        let policies = PolicySet::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        for policy in policies.policies() {
            found.insert(id(policy), meaning(policy).map_err(unreadable)?);
        }
    }
    Ok(found)
}

fn meaning(policy: &Policy) -> Result<Meaning, String> {
    Ok((policy.effect(), policy.to_json().map_err(|error| error.to_string())?))
}

fn id(policy: &Policy) -> String {
    policy.annotation("id").unwrap_or_default().to_owned()
}

/// The shipped files whose requirements no policies may leave out.
const PROTECTING: [&str; 2] = ["base.cedar", "fuel.cedar"];

/// What stops something, or tells that it has stopped.
const STOPPING: [PolicyAction; 4] = [
    PolicyAction::Hold,
    PolicyAction::Revoke,
    PolicyAction::Relocate,
    PolicyAction::ResolveOutcome,
];
