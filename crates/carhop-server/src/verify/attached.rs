//! What entries commit to by hash: decision records, devices' statements and certificates, the text of policies. Each is
//! found by its hash alone, so what was changed is missing. Commands come with them: an entry says what stands in them, and
//! the authority's signature that it stands there.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::{Body, DeviceEvent, OperatorEvent, Recorded, Stream};
use carhop_app::records::{DecisionRecord, ReceiptRecord};
use carhop_app::{command_of, receipt_record, stated};
use carhop_kernel::digest::{DecisionDigest, EvidenceHash, KeyThumbprint, PolicyVersion};
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::session::{Event, Release};
use carhop_policy::Bundle;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::cose::key_id;
use carhop_proofs::pki::{PkiError, certificate_fingerprint, verify_device};
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
    /// Devices' certificates with what leads to their root, DER, the root last.
    pub certificates: BTreeMap<KeyThumbprint, Vec<Vec<u8>>>,
    /// Signed commands and cancels by their names.
    pub commands: BTreeMap<CommandId, Vec<u8>>,
    /// What a journal notes beside statements; an export has none of it.
    pub receipts: BTreeMap<EvidenceHash, ReceiptRecord>,
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

    /// Attaches a statement with what a journal notes beside it.
    pub fn receipt(&mut self, suite: &dyn Suite, receipt: ReceiptRecord) {
        let hash = EvidenceHash(suite.sha256(&[&receipt.bytes]));
        self.statements.insert(hash, receipt.bytes.clone());
        self.receipts.insert(hash, receipt);
    }

    /// Attaches a certificate with its chain.
    pub fn certificate(&mut self, suite: &dyn Suite, chain: Vec<Vec<u8>>) {
        let leaf = chain.first().map_or(&[][..], Vec::as_slice);
        self.certificates.insert(KeyThumbprint(suite.sha256(&[leaf])), chain);
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
        if let Some(command) = commanded(&one.body) {
            copy(&mut self.commands, &from.commands, command);
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

/// The command or cancel that an entry says was signed.
pub fn commanded(body: &Body) -> Option<CommandId> {
    if let Body::Session(event) = body
        && let Event::ReleaseAuthorised { release, .. } = &**event
    {
        return Some(release.command);
    }
    if let Body::Device(DeviceEvent::CancelMade { cancel, .. }) = body {
        return Some(*cancel);
    }
    None
}

/// Follows entries in their order to what they commit to.
pub struct Followed<'a> {
    attached: &'a Attached,
    roots: BTreeSet<KeyThumbprint>,
    command_keys: Vec<PublicKey>,
    keys: BTreeMap<DeviceId, Vec<PublicKey>>,
    commands: BTreeSet<CommandId>,
    /// For which device and session each release's command is.
    released: BTreeMap<CommandId, (DeviceId, SessionId)>,
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
            roots: BTreeSet::new(),
            command_keys: Vec::new(),
            keys: BTreeMap::new(),
            commands: BTreeSet::new(),
            released: BTreeMap::new(),
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
        if let Body::Operator(OperatorEvent::Started { device_root, command_key, .. }) =
            &recorded.body
        {
            self.roots.insert(*device_root);
            let what = "the authority's key for commands";
            let key = PublicKey::ed25519(command_key.0);
            self.command_keys.push(key.map_err(|_| Fault::Contradiction { position, what })?);
        }
        self.command(suite, position, recorded)?;
        self.certificate(position, recorded)?;
        self.statement(suite, position, recorded)
    }

    /// Whether everything attached is committed to by some entry.
    pub fn finish(&self) -> Result<(), Fault> {
        let Self { attached, .. } = self;
        let leftover = [
            (attached.decisions.len() != self.decisions.len(), "a decision record"),
            (attached.statements.len() != self.statements.len(), "a statement of a device"),
            (attached.certificates.len() != self.certificates.len(), "a certificate"),
            (attached.commands.len() != self.commands.len(), "a command"),
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

    /// A command says what the entry says, and the authority signed it under a key that the log named before.
    fn command(
        &mut self,
        suite: &dyn Suite,
        position: u64,
        recorded: &Recorded,
    ) -> Result<(), Fault> {
        let Some(id) = commanded(&recorded.body) else { return Ok(()) };
        let what = "the signed command";
        let bytes = self.attached.commands.get(&id).ok_or(Fault::Missing { position, what })?;
        let of = |kid: &[u8; 8]| {
            self.command_keys.iter().find(|key| key_id(suite, key) == *kid).copied()
        };
        let command = command::open(suite, bytes, of).map_err(|_| Fault::Command(position))?;
        if command.id != id || !says(&command, recorded) {
            return Err(Fault::Contradiction { position, what });
        }
        self.commands.insert(id);
        if !matches!(command.action, CommandAction::Cancel { .. }) {
            self.released.insert(id, (command.audience, command.session));
        }
        Ok(())
    }

    /// A certificate is the device's own and led to the root that the log named before.
    fn certificate(&mut self, position: u64, recorded: &Recorded) -> Result<(), Fault> {
        let Body::Device(
            event @ (DeviceEvent::Enrolled { device, certificate, expires_at, .. }
            | DeviceEvent::Renewed { device, certificate, expires_at }),
        ) = &recorded.body
        else {
            return Ok(());
        };
        let what = "the certificate of the device";
        let chain = self.attached.certificates.get(certificate);
        let chain = chain.ok_or(Fault::Missing { position, what })?;
        let (root, chain) = chain.split_last().ok_or(Fault::Missing { position, what })?;
        if !self.roots.contains(&certificate_fingerprint(root)) {
            return Err(Fault::Chain { position, why: PkiError::UnknownRoot.to_string() });
        }
        let chain: Vec<_> = chain.iter().map(Vec::as_slice).collect();
        let read = verify_device(&chain, &[root], recorded.at)
            .map_err(|error| Fault::Chain { position, why: error.to_string() })?;
        let is_of_class = if let DeviceEvent::Enrolled { class, .. } = event {
            read.class == *class
        } else {
            true
        };
        let fits = read.fingerprint == *certificate && read.not_after == *expires_at;
        if read.tenant != recorded.partition.tenant
            || read.device != *device
            || !fits
            || !is_of_class
        {
            return Err(Fault::Contradiction { position, what });
        }
        self.keys.entry(*device).or_default().push(read.key);
        self.certificates.insert(*certificate);
        Ok(())
    }

    /// A statement says what the entry says, and its device signed it under a key that was certified before.
    fn statement(
        &mut self,
        suite: &dyn Suite,
        position: u64,
        recorded: &Recorded,
    ) -> Result<(), Fault> {
        let Body::Device(event @ DeviceEvent::Stated { device, statement, .. }) = &recorded.body
        else {
            return Ok(());
        };
        let what = "the statement of the device";
        let bytes = self.attached.statements.get(statement);
        let bytes = bytes.ok_or(Fault::Missing { position, what })?;
        let keys = self.keys.get(device).map_or(&[][..], Vec::as_slice);
        let of = |kid: &[u8; 8]| keys.iter().find(|key| key_id(suite, key) == *kid).copied();
        let said = statement::open(suite, bytes, of).map_err(|_| Fault::Statement(position))?;
        let noted = self.attached.receipts.get(statement);
        let released = command_of(&said.body).and_then(|command| self.released.get(&command));
        let own = released.filter(|(audience, _)| audience == device).map(|(_, session)| *session);
        let fits = |noted: &ReceiptRecord| {
            let session = own.or(noted.session);
            *noted == receipt_record(&said, session, recorded.at, bytes)
        };
        if stated(&said, *statement) != *event || !noted.is_none_or(fits) {
            return Err(Fault::Contradiction { position, what });
        }
        self.statements.insert(*statement);
        Ok(())
    }
}

/// Whether a command is the one that an entry tells of.
fn says(command: &Command, recorded: &Recorded) -> bool {
    if let Body::Session(event) = &recorded.body
        && let Event::ReleaseAuthorised { device, release, .. } = &**event
    {
        let made = Release {
            release: command.release,
            command: command.id,
            counter: command.counter,
            expires_at: command.expires_at,
        };
        let is_cancel = matches!(command.action, CommandAction::Cancel { .. });
        let place = (command.audience, Stream::Session(command.session));
        return made == *release && place == (*device, recorded.stream) && !is_cancel;
    }
    if let Body::Device(DeviceEvent::CancelMade { device, command: cancelled, .. }) = &recorded.body
    {
        let action = CommandAction::Cancel { command: *cancelled };
        return (command.audience, command.action) == (*device, action);
    }
    false
}
