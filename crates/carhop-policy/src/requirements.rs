//! What an operator's policies may leave out: the shipped requirements that protect lock and pump stay word for word, any
//! other departure has a name (M-POL-2, ADR 0010).
//!
//! Whether a departure is wise is not judged; whoever puts the policies in force has to name each.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{Effect, Policy, PolicySet};
use serde_json::Value;

use crate::bundle::{Bundle, BundleError, EMBEDDED, POLICIES, SCHEMA};

impl Bundle {
    /// The shipped requirements that these policies leave out or word otherwise, by `@id`. Refused if one of them protects
    /// lock and pump, or if the schema is not the shipped one: it says which facts a requirement is asked about.
    pub fn departures(&self) -> Result<Vec<String>, BundleError> {
        let files = || self.files().iter().map(|(name, text)| (name.as_str(), text.as_str()));
        if !files().any(|file| file.0 == SCHEMA && EMBEDDED.contains(&file)) {
            return Err(BundleError::ForeignSchema);
        }
        let own = requirements(files())?;
        let mut departures = Vec::new();
        for (file, text) in EMBEDDED {
            let shipped = requirements([(*file, *text)])?;
            for (id, meaning) in shipped {
                match own.get(&id) {
                    Some(found) if *found == meaning => {}
                    Some(_) | None if PROTECTING.contains(file) => {
                        return Err(BundleError::Protecting(id));
                    }
                    Some(_) | None => departures.push(id),
                }
            }
        }
        departures.sort();
        Ok(departures)
    }
}

/// Every `forbid` of some files by its `@id`, without comments and layout.
fn requirements<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, Value>, BundleError> {
    let mut found = BTreeMap::new();
    for (file, text) in files.into_iter().filter(|(name, _)| name.ends_with(POLICIES)) {
        let unreadable = |why: String| BundleError::Policies { file: file.to_owned(), why };
        let policies = PolicySet::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        for policy in policies.policies().filter(|policy| policy.effect() == Effect::Forbid) {
            let meaning = policy.to_json().map_err(|error| unreadable(error.to_string()))?;
            found.insert(id(policy), meaning);
        }
    }
    Ok(found)
}

fn id(policy: &Policy) -> String {
    policy.annotation("id").unwrap_or_default().to_owned()
}

/// The shipped files whose requirements no policies may leave out.
const PROTECTING: [&str; 2] = ["base.cedar", "fuel.cedar"];
