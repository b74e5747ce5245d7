//! One decision in one file: the entries about it, each proven to be under a signed checkpoint, and everything that they
//! commit to. It verifies with the pinned key alone: no database, no network, no other file.

use std::collections::BTreeSet;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use carhop_app::batch::{Body, DeviceEvent, OperatorEvent, Recorded, Stream};
use carhop_app::sequence::leaf;
use carhop_journal::codec;
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::{KeyThumbprint, SecretHash};
use carhop_kernel::id::{CommandId, DecisionId, DeviceId, EventId};
use carhop_kernel::session::Event;
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::merkle::{Hash, inclusion_proof, leaf_hash, root, verify_inclusion};
use carhop_proofs::suite::Suite;
use serde::{Deserialize, Serialize};

use super::archive::{decoded, encoded};
use super::attached::Followed;
use super::{Archive, Attached, Fault};

/// The file. Its form is exact: whatever is not byte for byte what would be written is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: String,
    decision: DecisionId,
    checkpoint: String,
    entries: Vec<Proven>,
    decisions: Vec<String>,
    commands: Vec<(CommandId, String)>,
    statements: Vec<String>,
    certificates: Vec<Vec<String>>,
    policies: Vec<Vec<(String, String)>>,
}

/// An entry with its way to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proven {
    position: u64,
    /// The stored event; the leaf follows from it.
    stored: String,
    /// The inclusion proof (RFC 9162 §2.1.3.1), base64.
    proof: Vec<String>,
}

impl Bundle {
    /// The bundle of a decision, from a whole log. `None` if the log does not know the decision, or has not signed it yet.
    pub fn of(suite: &dyn Suite, archive: &Archive, decision: DecisionId) -> Option<Self> {
        let size = archive.signed_size()?;
        let signed = archive.entries.get(..usize::try_from(size).ok()?)?;
        let recorded: Option<Vec<Recorded>> =
            signed.iter().map(|entry| codec::decode(&entry.stored).ok()).collect();
        let recorded = recorded?;
        let about = About::decision(decision, &recorded)?;
        let hashes: Vec<Hash> = signed.iter().map(|entry| leaf_hash(suite, &entry.leaf)).collect();
        let mut attached = Attached::default();
        let mut entries = Vec::new();
        for (entry, recorded) in signed.iter().zip(&recorded) {
            if !about.wants(recorded) {
                continue;
            }
            let proof = inclusion_proof(suite, entry.position, size, |level, index| {
                let start = usize::try_from(index.checked_shl(level)?).ok()?;
                Some(root(suite, hashes.get(start..start.checked_add(1 << level)?)?))
            })?;
            let proof = proof.iter().map(|hash| Base64::encode_string(hash)).collect();
            let stored = String::from_utf8(entry.stored.clone()).ok()?;
            entries.push(Proven { position: entry.position, stored, proof });
            attached.take(&archive.attached, recorded);
        }
        let checkpoint = archive.checkpoint.clone();
        Self::made(decision, checkpoint, entries, attached)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file; nothing but the exact form passes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let fault = |what| Fault::File { file: "the bundle".to_owned(), what };
        let read: Self = serde_json::from_slice(bytes).map_err(|_| fault("is no bundle"))?;
        if read.format != FORMAT || read.to_bytes() != bytes {
            return Err(fault("is not in the exact form of its format"));
        }
        Ok(read)
    }

    /// The decision it proves.
    pub const fn decision(&self) -> DecisionId {
        self.decision
    }

    /// Verifies everything in it with the pinned key, and hands back the entries and what they commit to.
    pub fn verify(
        &self,
        suite: &dyn Suite,
        key: &VerifierKey,
    ) -> Result<(Vec<Recorded>, Attached), Fault> {
        let signed = Checkpoint::open(suite, &self.checkpoint, key).map_err(|error| {
            Fault::Signature { which: "the checkpoint".to_owned(), why: error.to_string() }
        })?;
        let attached = self.attached(suite)?;
        let mut followed = Followed::new(&attached);
        let (mut recorded, mut next) = (Vec::new(), 0);
        for entry in &self.entries {
            if entry.position < next {
                return Err(Fault::Position { expected: next, found: entry.position });
            }
            next = entry.position + 1;
            let event = entry.verify(suite, &signed)?;
            followed.follow(suite, entry.position, &event)?;
            recorded.push(event);
        }
        followed.finish()?;
        let is_about = |one: &Recorded| one.meta.decision.is_some_and(|it| it.id == self.decision);
        if !recorded.iter().any(is_about) {
            return Err(Fault::Decision(self.decision.to_string()));
        }
        Ok((recorded, attached))
    }

    fn made(
        decision: DecisionId,
        checkpoint: String,
        entries: Vec<Proven>,
        attached: Attached,
    ) -> Option<Self> {
        let base64 = |bytes: &Vec<u8>| Base64UrlUnpadded::encode_string(bytes);
        let decisions: Result<_, _> =
            attached.decisions.into_values().map(String::from_utf8).collect();
        Some(Self {
            format: FORMAT.to_owned(),
            decision,
            checkpoint,
            entries,
            decisions: decisions.ok()?,
            commands: attached.commands.iter().map(|(id, it)| (*id, base64(it))).collect(),
            statements: attached.statements.values().map(base64).collect(),
            certificates: attached.certificates.values().map(|chain| encoded(chain)).collect(),
            policies: attached.policies.into_values().collect(),
        })
    }

    fn attached(&self, suite: &dyn Suite) -> Result<Attached, Fault> {
        let fault = |what| Fault::File { file: "the bundle".to_owned(), what };
        let bytes = |text: &String| {
            Base64UrlUnpadded::decode_vec(text).map_err(|_| fault("holds what is no base64url"))
        };
        let mut attached = Attached::default();
        for record in &self.decisions {
            attached.decision(suite, record.clone().into_bytes());
        }
        for statement in &self.statements {
            attached.statement(suite, bytes(statement)?);
        }
        for (command, text) in &self.commands {
            attached.commands.insert(*command, bytes(text)?);
        }
        for chain in &self.certificates {
            let chain = decoded(chain.clone()).ok_or(fault("holds what is no base64url"))?;
            attached.certificate(suite, chain);
        }
        for files in &self.policies {
            if !attached.policy(files.clone()) {
                return Err(fault("holds what are no policies"));
            }
        }
        Ok(attached)
    }
}

impl Proven {
    fn verify(&self, suite: &dyn Suite, signed: &Checkpoint) -> Result<Recorded, Fault> {
        let event = codec::decode(self.stored.as_bytes());
        let event = event.map_err(|_| Fault::Unreadable(self.position))?;
        let leaf = leaf(suite, &event, self.position).map_err(|_| Fault::Leaf(self.position))?;
        let hash = |text: &String| Base64::decode_vec(text).ok()?.try_into().ok();
        let proof: Option<Vec<Hash>> = self.proof.iter().map(hash).collect();
        let proof = proof.ok_or(Fault::Proof(self.position))?;
        let leaf = leaf_hash(suite, &leaf);
        verify_inclusion(suite, &leaf, self.position, signed.size, &proof, &signed.root)
            .map_err(|_| Fault::Proof(self.position))?;
        Ok(event)
    }
}

/// What belongs to a decision.
struct About {
    decision: DecisionId,
    /// The stop it was made about.
    stream: Stream,
    token: Option<SecretHash>,
    /// The commands that it released, as they stand in events.
    commands: Vec<String>,
    /// Certificates of the devices that asked, that were concerned, and that spoke about those commands.
    certificates: BTreeSet<KeyThumbprint>,
    /// Starts of the server that were the first to name a root or a key for commands.
    starts: BTreeSet<EventId>,
}

impl About {
    fn decision(decision: DecisionId, log: &[Recorded]) -> Option<Self> {
        let own = |one: &&Recorded| one.meta.decision.is_some_and(|it| it.id == decision);
        let first = log.iter().find(own)?;
        let commands = log.iter().filter(own).filter_map(released);
        let commands = commands.map(|(_, command)| command.to_string()).collect();
        let mut about = Self {
            decision,
            stream: match first.stream {
                Stream::Session(session) | Stream::Side(session) => Stream::Session(session),
                stream @ (Stream::Device(_) | Stream::Operator) => stream,
            },
            token: first.meta.token,
            commands,
            certificates: BTreeSet::new(),
            starts: starts(log),
        };
        let involved: BTreeSet<DeviceId> =
            log.iter().filter(|one| about.wants(one)).flat_map(involved).collect();
        let theirs = log.iter().filter_map(certified).filter(|(it, _)| involved.contains(it));
        about.certificates = theirs.map(|(_, certificate)| certificate).collect();
        Some(about)
    }

    fn wants(&self, one: &Recorded) -> bool {
        let is_own = one.meta.decision.is_some_and(|it| it.id == self.decision);
        let names =
            |text: &str| self.commands.iter().any(|command| text.contains(command.as_str()));
        let begins = one.sequence == 1 && one.stream == self.stream;
        let issued = if let Body::TokenIssued { hash, .. } = &one.body {
            self.token == Some(*hash)
        } else {
            false
        };
        let certifies = certified(one).is_some_and(|(_, it)| self.certificates.contains(&it));
        let starts = self.starts.contains(&one.id);
        is_own
            || begins
            || issued
            || certifies
            || starts
            || std::str::from_utf8(&one.stored).is_ok_and(names)
    }
}

/// The command that an event releases, with its device.
fn released(one: &Recorded) -> Option<(DeviceId, CommandId)> {
    if let Body::Session(event) = &one.body
        && let Event::ReleaseAuthorised { device, release, .. } = &**event
    {
        return Some((*device, release.command));
    }
    None
}

/// The device that caused an entry, the one it is about, and the one whose statement it is.
fn involved(one: &Recorded) -> impl Iterator<Item = DeviceId> {
    let actor = match one.meta.actor {
        Actor::Driver { device, .. } | Actor::Device { device } => Some(device),
        Actor::Customer { .. } | Actor::Store { .. } | Actor::Staff { .. } | Actor::System => None,
    };
    let concerned = one.meta.device.as_ref().map(|trust| trust.device);
    let released = released(one).map(|(device, _)| device);
    [actor, concerned, released].into_iter().flatten()
}

/// The starts that were the first to name a root for devices or a key for commands.
fn starts(log: &[Recorded]) -> BTreeSet<EventId> {
    let mut named = BTreeSet::new();
    let is_first = |one: &&Recorded| {
        if let Body::Operator(OperatorEvent::Started { device_root, command_key, .. }) = &one.body {
            named.insert((*device_root, *command_key))
        } else {
            false
        }
    };
    log.iter().filter(is_first).map(|one| one.id).collect()
}

fn certified(one: &Recorded) -> Option<(DeviceId, KeyThumbprint)> {
    if let Body::Device(
        DeviceEvent::Enrolled { device, certificate, .. }
        | DeviceEvent::Renewed { device, certificate, .. },
    ) = &one.body
    {
        Some((*device, *certificate))
    } else {
        None
    }
}

const FORMAT: &str = "carhop.evidence.v1";
