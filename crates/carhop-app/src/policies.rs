//! Which policies decide, and how others take their place while everything goes on (M-POL-4, decision 0010). Every decision is
//! appended on condition that the policies it was judged by still decide.
//!
//! What policies may say is checked in `carhop_policy`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;

use crate::app::App;
use crate::batch::{Body, Meta, OperatorEvent, Stream};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{PolicyInForceRecord, PolicyRecord};

/// Policies that are to decide, as somebody proposes them.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Names and texts of the files.
    pub files: Vec<(String, String)>,
    /// The shipped requirements that they leave out or word otherwise, each named by whoever answers for it.
    pub departures: Vec<String>,
    /// The policies whose place they are to take; if others decide by now, they do not.
    pub replaces: Option<PolicyVersion>,
}

/// Policies as they are kept.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// Their text.
    pub policies: PolicyRecord,
    /// Since when they decide, if they do and took the place of others.
    pub activated_at: Option<Timestamp>,
    /// Whether they decide.
    pub in_force: bool,
}

impl App {
    /// Lets other policies decide, from this append on: whatever was judged by the former and is not appended yet is
    /// judged again.
    pub async fn activate_policies(
        &self,
        call: &Call,
        candidate: &Candidate,
    ) -> Result<Reply, Failure> {
        if !matches!(call.actor, Actor::Staff { .. }) {
            return Err(Failure::NotFound);
        }
        let bundle = Arc::new(fit(candidate)?);
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let (from, to) = (self.version_in_force(&mut reads).await?, bundle.version());
            if candidate.replaces.is_some_and(|replaces| replaces != from) {
                return Err(Failure::Outdated);
            }
            let reply = Reply { made: Some(to.to_string()), ..Reply::default() };
            if from == to {
                self.commit(call, reads.batch(), &reply).await?;
                return Ok(reply);
            }
            let mut batch = reads.batch();
            batch.store(&PolicyRecord::of(&bundle))?;
            batch.store(&PolicyInForceRecord { version: to, activated_at: reads.now })?;
            let departures = candidate.departures.clone();
            let event = OperatorEvent::PolicyActivated { from, to, departures };
            batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
            self.commit(call, batch, &reply).await?;
            self.parsed.keep(&bundle);
            Ok(reply)
        })
    }

    /// The policies that decide, or those of another version that once did.
    pub async fn view_policies(
        &self,
        partition: &Partition,
        version: Option<PolicyVersion>,
    ) -> Result<PolicyView, Failure> {
        let active: Option<PolicyInForceRecord> =
            self.peek(partition, PolicyInForceRecord::KEY.to_owned()).await?;
        let deciding = active.map_or(self.parts.policies.version(), |active| active.version);
        let wanted = version.unwrap_or(deciding);
        let kept: Option<PolicyRecord> = self.peek(partition, wanted.to_string()).await?;
        let own = &self.parts.policies;
        let own = || (wanted == own.version()).then(|| PolicyRecord::of(own));
        Ok(PolicyView {
            policies: kept.or_else(own).ok_or(Failure::NotFound)?,
            activated_at: active.filter(|one| one.version == wanted).map(|one| one.activated_at),
            in_force: wanted == deciding,
        })
    }

    /// Whether the policies that decide can be read by this program; if not, nothing is decided until others are
    /// activated.
    pub async fn can_decide(&self, partition: &Partition) -> Result<(), Failure> {
        self.policies_in_force(&mut Reads::new(self, partition)).await.map(|_| ())
    }

    /// The policies that decide; that they do is noted.
    pub(crate) async fn policies_in_force(
        &self,
        reads: &mut Reads<'_>,
    ) -> Result<Arc<Bundle>, Failure> {
        let version = self.version_in_force(reads).await?;
        self.policies_of(&reads.partition, version).await
    }

    /// The policies of a version that decides or once did.
    pub async fn policies_of(
        &self,
        partition: &Partition,
        version: PolicyVersion,
    ) -> Result<Arc<Bundle>, Failure> {
        if version == self.parts.policies.version() {
            return Ok(Arc::clone(&self.parts.policies));
        }
        if let Some(bundle) = self.parsed.find(version) {
            return Ok(bundle);
        }
        let kept: Option<PolicyRecord> = self.peek(partition, version.to_string()).await?;
        let kept = kept.ok_or(Failure::Internal("policies without a text"))?;
        let unfit = |_| Failure::Internal("policies in force that do not fit this program");
        let bundle = Bundle::load(&texts(&kept.files)).map_err(unfit)?;
        if bundle.version() != version {
            return Err(Failure::Internal("policies whose text is another one's"));
        }
        let bundle = Arc::new(bundle);
        self.parsed.keep(&bundle);
        Ok(bundle)
    }

    pub(crate) async fn version_in_force(
        &self,
        reads: &mut Reads<'_>,
    ) -> Result<PolicyVersion, Failure> {
        let active: Option<PolicyInForceRecord> =
            reads.find(PolicyInForceRecord::KEY.to_owned()).await?;
        Ok(active.map_or(self.parts.policies.version(), |active| active.version))
    }
}

/// The candidate as a bundle, if it is fit to decide and says of itself what is so.
fn fit(candidate: &Candidate) -> Result<Bundle, Failure> {
    let invalid = |error: carhop_policy::BundleError| Failure::invalid("files", error.to_string());
    let bundle = Bundle::load(&texts(&candidate.files)).map_err(invalid)?;
    let (departures, mut named) =
        (bundle.departures().map_err(invalid)?, candidate.departures.clone());
    named.sort();
    if named == departures {
        return Ok(bundle);
    }
    let why = match departures.join(", ") {
        none if none.is_empty() => "they depart from no shipped requirement".to_owned(),
        departures => format!("they depart from these shipped requirements: {departures}"),
    };
    Err(Failure::invalid("departures", why))
}

fn texts(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// Policies that were parsed already. They are found by the hash of their contents, so none can be the wrong ones.
pub(crate) struct Parsed(Mutex<BTreeMap<PolicyVersion, Arc<Bundle>>>);

impl Parsed {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn find(&self, version: PolicyVersion) -> Option<Arc<Bundle>> {
        self.bundles().get(&version).cloned()
    }

    /// When there are too many, all are forgotten: they come back as they are asked for.
    fn keep(&self, bundle: &Arc<Bundle>) {
        let mut bundles = self.bundles();
        if bundles.len() >= PARSED_MAX {
            bundles.clear();
        }
        bundles.insert(bundle.version(), Arc::clone(bundle));
    }

    fn bundles(&self) -> MutexGuard<'_, BTreeMap<PolicyVersion, Arc<Bundle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Versions that are kept parsed; each takes some hundred kilobytes. One account has one in force.
const PARSED_MAX: usize = 64;
