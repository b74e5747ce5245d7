//! What entries commit to by hash: decision records, devices' statements and certificates, the text of policies. Each is
//! found by its hash alone, so what was changed is missing.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::{Body, DeviceEvent, OperatorEvent, Recorded};
use carhop_app::records::DecisionRecord;
use carhop_app::stated;
use carhop_kernel::digest::{DecisionDigest, EvidenceHash, KeyThumbprint, PolicyVersion};
use carhop_kernel::id::DeviceId;
use carhop_policy::Bundle;
use carhop_proofs::cose::key_id;
use carhop_proofs::pki::certified_key;
use carhop_proofs::statement;
use carhop_proofs::suite::{PublicKey, Suite};

use super::Fault;

/// Everything attached, by its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Decision records as they are stored.
    pub decisions: BTreeMap<DecisionDigest, Vec<u8>>,
    /// Devices' signed statements as they came.
    pub statements: BTreeMap<EvidenceHash, Vec<u8>>,
    /// Devices' certificates, DER.
    pub certificates: BTreeMap<KeyThumbprint, Vec<u8>>,
    /// Names and texts of policies.
    pub policies: BTreeMap<PolicyVersion, Vec<(String, String)>>,
}

impl Attached {
    /// Attaches the bytes of a decision's record.
    pub fn decision(&mut self, suite: &dyn Suite, bytes: Vec<u8>) {
        self.decisions.insert(DecisionDigest(suite.sha256(&[&bytes])), bytes);
    }

    /// Attaches the bytes of a statement.
    pub fn statement(&mut self, suite: &dyn Suite, bytes: Vec<u8>) {
        self.statements.insert(EvidenceHash(suite.sha256(&[&bytes])), bytes);
    }

    /// Attaches a certificate.
    pub fn certificate(&mut self, suite: &dyn Suite, bytes: Vec<u8>) {
        self.certificates.insert(KeyThumbprint(suite.sha256(&[&bytes])), bytes);
    }

    /// Attaches policies; `false` if they are not in the form that policies are kept in.
    pub fn policy(&mut self, files: Vec<(String, String)>) -> bool {
        let version = Bundle::version_of(&files);
        version.is_some_and(|version| self.policies.insert(version, files).is_none())
    }

    /// Takes over what an entry commits to.
    pub fn take(&mut self, from: &Self, one: &Recorded) {
        if let Some(named) = one.meta.decision {
            copy(&mut self.decisions, &from.decisions, named.digest);
        }
        let judged_by = one.meta.policy.filter(|_| one.meta.decision.is_some());
        if let Some(version) = judged_by {
            copy(&mut self.policies, &from.policies, version);
        }
        if let Body::Operator(
            OperatorEvent::Started { policy, .. }
            | OperatorEvent::PolicyActivated { to: policy, .. },
        ) = &one.body
        {
            copy(&mut self.policies, &from.policies, *policy);
        }
        let Body::Device(event) = &one.body else { return };
        if let DeviceEvent::Enrolled { certificate, .. }
        | DeviceEvent::Renewed { certificate, .. } = event
        {
            copy(&mut self.certificates, &from.certificates, *certificate);
        }
        if let DeviceEvent::Stated { statement, .. } = event {
            copy(&mut self.statements, &from.statements, *statement);
        }
    }

    /// The policies of a version.
    pub fn bundle(&self, version: PolicyVersion) -> Option<Bundle> {
        let files = self.policies.get(&version)?.iter();
        let files: Vec<_> = files.map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Bundle::load(&files).ok()
    }
}

fn copy<K: Copy + Ord, V: Clone>(to: &mut BTreeMap<K, V>, from: &BTreeMap<K, V>, key: K) {
    if let Some(value) = from.get(&key) {
        to.insert(key, value.clone());
    }
}

/// Follows entries in their order to what they commit to.
pub struct Followed<'a> {
    attached: &'a Attached,
    keys: BTreeMap<DeviceId, Vec<PublicKey>>,
    decisions: BTreeSet<DecisionDigest>,
    statements: BTreeSet<EvidenceHash>,
    certificates: BTreeSet<KeyThumbprint>,
    policies: BTreeSet<PolicyVersion>,
}

impl<'a> Followed<'a> {
    /// Nothing followed yet.
    pub fn new(attached: &'a Attached) -> Self {
        Self {
            attached,
            keys: BTreeMap::new(),
            decisions: BTreeSet::new(),
            statements: BTreeSet::new(),
            certificates: BTreeSet::new(),
            policies: BTreeSet::new(),
        }
    }

    /// Checks everything that one entry commits to.
    pub fn follow(
        &mut self,
        suite: &dyn Suite,
        position: u64,
        recorded: &Recorded,
    ) -> Result<(), Fault> {
        self.decision(position, recorded)?;
        if let Body::Operator(
            OperatorEvent::Started { policy, .. }
            | OperatorEvent::PolicyActivated { to: policy, .. },
        ) = &recorded.body
        {
            self.policy(position, *policy)?;
        }
        if let Body::Device(event) = &recorded.body {
            self.device(suite, position, event)?;
        }
        Ok(())
    }

    /// Whether everything attached is committed to by some entry.
    pub fn finish(&self) -> Result<(), Fault> {
        let Self { attached, .. } = self;
        let leftover = [
            (attached.decisions.len() != self.decisions.len(), "a decision record"),
            (attached.statements.len() != self.statements.len(), "a statement of a device"),
            (attached.certificates.len() != self.certificates.len(), "a certificate"),
            (attached.policies.len() != self.policies.len(), "a set of policies"),
        ];
        match leftover.into_iter().find(|(is_left, _)| *is_left) {
            Some((_, what)) => Err(Fault::Uncommitted(what)),
            None => Ok(()),
        }
    }

    fn decision(&mut self, position: u64, recorded: &Recorded) -> Result<(), Fault> {
        let Some(named) = recorded.meta.decision else { return Ok(()) };
        let what = "the record of the decision";
        let bytes = self.attached.decisions.get(&named.digest);
        let bytes = bytes.ok_or(Fault::Missing { position, what })?;
        let record: Option<DecisionRecord> = serde_json::from_slice(bytes).ok();
        let fits = |record: &DecisionRecord| {
            record.decision == named.id && Some(record.policy) == recorded.meta.policy
        };
        let record = record.filter(fits).ok_or(Fault::Contradiction { position, what })?;
        self.decisions.insert(named.digest);
        self.policy(position, record.policy)
    }

    fn policy(&mut self, position: u64, version: PolicyVersion) -> Result<(), Fault> {
        let what = "the text of the policies";
        if !self.attached.policies.contains_key(&version) {
            return Err(Fault::Missing { position, what });
        }
        self.policies.insert(version);
        Ok(())
    }

    fn device(
        &mut self,
        suite: &dyn Suite,
        position: u64,
        event: &DeviceEvent,
    ) -> Result<(), Fault> {
        if let DeviceEvent::Enrolled { device, certificate, .. }
        | DeviceEvent::Renewed { device, certificate, .. } = event
        {
            let what = "the certificate of the device";
            let bytes = self.attached.certificates.get(certificate);
            let bytes = bytes.ok_or(Fault::Missing { position, what })?;
            let key = certified_key(bytes).ok_or(Fault::Contradiction { position, what })?;
            self.keys.entry(*device).or_default().push(key);
            self.certificates.insert(*certificate);
        }
        if let DeviceEvent::Stated { device, statement, .. } = event {
            let what = "the statement of the device";
            let bytes = self.attached.statements.get(statement);
            let bytes = bytes.ok_or(Fault::Missing { position, what })?;
            let keys = self.keys.get(device).map_or(&[][..], Vec::as_slice);
            let of = |kid: &[u8; 8]| keys.iter().find(|key| key_id(suite, key) == *kid).copied();
            let said = statement::open(suite, bytes, of).map_err(|_| Fault::Statement(position))?;
            if stated(&said, *statement) != *event {
                return Err(Fault::Contradiction { position, what });
            }
            self.statements.insert(*statement);
        }
        Ok(())
    }
}
