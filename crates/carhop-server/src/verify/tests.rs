//! A whole stop of the simulated world, its log, and every way to bend it (M-AUD-1, M-AUD-2, M-POL-4).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carhop_app::batch::{Body, DeviceEvent, OperatorEvent};
use carhop_app::records::CertificateRecord;
use carhop_app::sequence::leaf;
use carhop_journal::{MemoryJournal, codec};
use carhop_kernel::id::{CommandId, DecisionId, SessionId};
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::merkle;
use carhop_proofs::suite::{AwsLc, PublicKey};
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::stop::play;
use carhop_sim::world::World;

use super::*;
use crate::notary::FileNotary;

/// A log with decisions, statements, certificates and policies, signed halfway and at the end.
struct Told {
    archive: Archive,
    key: VerifierKey,
    halfway: String,
    folder: tempfile::TempDir,
}

fn told() -> Told {
    let world = World::new(11, Arc::new(MemoryJournal::default())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let partition = &world.partition;
    let notary = open(folder.path(), &world);
    let log = async {
        world.app.note_start(partition, "test", 0).await.unwrap();
        play(&world, |cast: &Cast| vec![goods(cast.lock), fuel(cast.pump)]).await.unwrap();
        world.app.sign_checkpoint(partition, &notary).await.unwrap();
        let halfway = notary.published(partition).unwrap();
        world.app.note_start(partition, "test", 0).await.unwrap();
        while world.app.sequence().await.unwrap() > 0 {}
        world.app.sign_checkpoint(partition, &notary).await.unwrap();
        let vkey = notary.verifier(partition).unwrap();
        let archive = from_journal(&AwsLc, &*world.journal, partition, &vkey).await.unwrap();
        (archive, halfway)
    };
    let (archive, halfway) = run(log).unwrap();
    let key = VerifierKey::parse(&AwsLc, &archive.vkey).unwrap();
    Told { archive, key, halfway, folder }
}

fn open(folder: &Path, world: &World) -> FileNotary {
    FileNotary::open(folder, std::slice::from_ref(&world.partition), "log.example").unwrap()
}

impl Told {
    fn expected(&self) -> Expected {
        Expected { key: self.key.clone(), earlier: BTreeMap::new(), leaves: Vec::new() }
    }

    fn having_seen(&self, note: &str) -> Expected {
        let earlier = BTreeMap::from([("mine".to_owned(), note.to_owned())]);
        Expected { earlier, ..self.expected() }
    }

    fn verify(&self, archive: &Archive) -> Result<Whole, Fault> {
        verify_whole(&AwsLc, archive, &self.expected())
    }

    fn bent(&self, bend: impl FnOnce(&mut Archive)) -> Fault {
        let mut archive = self.archive.clone();
        bend(&mut archive);
        self.verify(&archive).unwrap_err()
    }

    /// The archive with its leaves made anew and a checkpoint over them, signed with the key of the log.
    fn rebuilt(&self, bend: impl FnOnce(&mut Archive)) -> Archive {
        let mut archive = self.archive.clone();
        bend(&mut archive);
        let mut hashes = Vec::new();
        for (position, entry) in (0..).zip(&mut archive.entries) {
            entry.position = position;
            let recorded = codec::decode(&entry.stored).unwrap();
            entry.leaf = leaf(&AwsLc, &recorded, position).unwrap();
            hashes.push(leaf_hash(&AwsLc, &entry.leaf));
        }
        let origin = self.key.name().to_owned();
        let root = merkle::root(&AwsLc, &hashes);
        let signed = Checkpoint { origin, size: hashes.len() as u64, root };
        let key = fs::read_to_string(find(self.folder.path(), "key")).unwrap();
        archive.checkpoint =
            signed.sign(&AwsLc, &crate::notary::parse_key(&key).unwrap().0).unwrap();
        archive.kept.clear();
        archive.tiles.clear();
        archive
    }

    fn releases(&self) -> Vec<DecisionId> {
        let recorded = self.archive.entries.iter().map(|one| codec::decode(&one.stored).unwrap());
        let released = recorded.filter(|one| {
            let text = String::from_utf8(one.stored.clone()).unwrap();
            text.contains("release_authorised") && matches!(one.body, Body::Session(_))
        });
        released.map(|one| one.meta.decision.unwrap().id).collect()
    }
}

fn find(folder: &Path, name: &str) -> PathBuf {
    files(folder).into_iter().find(|path| path.ends_with(name)).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_whole_log_verifies_from_the_journal_and_from_files() {
    let told = told();
    let whole = told.verify(&told.archive).unwrap();
    assert_eq!((whole.signed, whole.checkpoints), (whole.all, 2));
    assert!(whole.decisions > 5 && whole.statements > 5, "{whole:?}");
    let kept = told.archive.up_to_checkpoint(&AwsLc).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_archive(folder.path(), &kept).unwrap();
    let read = read_archive(&AwsLc, folder.path()).unwrap();
    assert_eq!(read, kept);
    let expected = told.having_seen(&told.halfway);
    assert_eq!(verify_whole(&AwsLc, &read, &expected).unwrap().all, whole.all);
}

#[test]
fn every_way_to_bend_a_log_is_told_with_its_place() {
    let told = told();
    let position = |expected, found| Fault::Position { expected, found };
    assert_eq!(told.bent(|log| drop(log.entries.remove(3))), position(3, 4), "removed");
    assert_eq!(told.bent(|log| log.entries.swap(2, 5)), position(2, 5), "reordered");
    assert_eq!(told.bent(|log| log.entries[4].leaf[20] ^= 1), Fault::Leaf(4), "leaf changed");
    assert_eq!(told.bent(|log| log.entries[4].stored.truncate(9)), Fault::Unreadable(4), "cut");
    let changed = told.bent(|log| {
        let text = String::from_utf8(log.entries[0].stored.clone()).unwrap();
        log.entries[0].stored = text.replace("\"test\"", "\"tost\"").into_bytes();
    });
    assert_eq!(changed, Fault::Leaf(0), "event changed");
    let size = told.archive.entries.len() as u64;
    let cut = told.bent(|log| {
        log.entries.pop();
        log.kept.clear();
    });
    let which = "the checkpoint".to_owned();
    assert_eq!(cut, Fault::Truncated { which, signed: size, found: size - 1 });
    let tile = told.bent(|log| {
        *log = log.up_to_checkpoint(&AwsLc).unwrap();
        log.tiles.values_mut().next().unwrap()[32 * 7] ^= 1;
    });
    assert!(matches!(tile, Fault::Tile { place: 7, .. }), "{tile}");
}

#[test]
fn a_rebuilt_log_is_told_by_the_pinned_key_and_by_an_earlier_checkpoint() {
    let told = told();
    // Whoever rebuilds it without the key signs with another one.
    let stranger = tempfile::tempdir().unwrap();
    let world = World::new(12, Arc::new(MemoryJournal::default())).unwrap();
    let notary = open(stranger.path(), &world);
    let forged = told.bent(|log| {
        use carhop_app::checkpoint::Notary;
        let signed = told.verify(&told.archive).unwrap().signed;
        log.checkpoint = notary.sign(&world.partition, signed.size, signed.root).unwrap();
    });
    assert!(matches!(forged, Fault::Signature { .. }), "{forged}");

    // Whoever has the key as well is told by what was signed before.
    let size = told.archive.entries.len();
    let last = told.archive.entries[size - 2].stored.clone();
    let halfway = size as u64 - 1;
    let rewritten = told.rebuilt(|log| {
        let text = String::from_utf8(last).unwrap();
        log.entries[size - 2].stored = text.replacen("\"at\":", "\"at\":1", 1).into_bytes();
    });
    assert!(told.verify(&rewritten).is_ok(), "by itself it looks whole");
    let seen = verify_whole(&AwsLc, &rewritten, &told.having_seen(&told.halfway));
    let which = "mine".to_owned();
    assert_eq!(seen, Err(Fault::Rewritten { which, size: halfway, agreed: 0 }));
    let leaves =
        |log: &Archive| log.entries.iter().map(|one| leaf_hash(&AwsLc, &one.leaf)).collect();
    let expected = Expected { leaves: leaves(&told.archive), ..told.expected() };
    let seen = verify_whole(&AwsLc, &rewritten, &expected);
    assert!(
        matches!(seen, Err(Fault::Rewritten { agreed, .. }) if agreed == halfway - 1),
        "{seen:?}"
    );

    // An older state that was once signed is shorter than what was seen since.
    let older = told.rebuilt(|log| {
        log.entries.truncate(size - 1);
        log.attached = log.attached.clone();
    });
    let seen = verify_whole(&AwsLc, &older, &told.having_seen(&told.archive.checkpoint));
    let which = "mine".to_owned();
    assert_eq!(seen, Err(Fault::Truncated { which, signed: halfway + 1, found: halfway }));
}

#[test]
fn an_event_that_was_left_out_of_its_stream_is_told() {
    let told = told();
    let rebuilt = told.rebuilt(|log| drop(log.entries.remove(0)));
    let fault = told.verify(&rebuilt).unwrap_err();
    assert!(matches!(fault, Fault::Stream { expected: 1, found: 2, .. }), "{fault}");
}

#[test]
fn what_entries_commit_to_cannot_be_changed_removed_or_added() {
    let told = told();
    let decision = |log: &mut Archive, bend: &dyn Fn(String) -> String| {
        let attached = &mut log.attached;
        let (digest, bytes) = attached.decisions.pop_first().unwrap();
        let bent = bend(String::from_utf8(bytes).unwrap());
        attached.decision(&AwsLc, bent.into_bytes());
        assert!(!attached.decisions.contains_key(&digest));
    };
    let fault =
        told.bent(|log| decision(log, &|text| text.replacen("\"reasons\":[", "\"reasons\":[ ", 1)));
    assert!(matches!(fault, Fault::Missing { what: "the record of the decision", .. }), "{fault}");
    let fault = told.bent(|log| drop(log.attached.statements.pop_first()));
    assert!(matches!(fault, Fault::Missing { what: "the statement of the device", .. }), "{fault}");
    let fault = told.bent(|log| drop(log.attached.certificates.pop_first()));
    assert!(
        matches!(fault, Fault::Missing { what: "the certificate of the device", .. }),
        "{fault}"
    );
    let fault = told.bent(|log| log.attached.policies.clear());
    assert_eq!(fault, Fault::Missing { position: 0, what: "the text of the policies" });
    let fault = told.bent(|log| log.attached.statement(&AwsLc, b"more".to_vec()));
    assert_eq!(fault, Fault::Uncommitted("a statement of a device"));
}

#[test]
fn a_command_is_the_one_that_the_entry_tells_of_under_the_key_that_the_log_names() {
    let told = told();
    let commands: Vec<_> = told.archive.attached.commands.keys().copied().collect();
    let (one, other) = (commands[0], commands[1]);
    let fault = told.bent(|log| drop(log.attached.commands.remove(&one)));
    assert!(matches!(fault, Fault::Missing { what: "the signed command", .. }), "{fault}");
    let fault =
        told.bent(|log| *log.attached.commands.get_mut(&one).unwrap().last_mut().unwrap() ^= 1);
    assert!(matches!(fault, Fault::Command(_)), "{fault}");
    let fault = told.bent(|log| {
        let bytes = log.attached.commands[&other].clone();
        log.attached.commands.insert(one, bytes);
    });
    assert!(matches!(fault, Fault::Contradiction { what: "the signed command", .. }), "{fault}");
    let fault = told.bent(|log| {
        let bytes = log.attached.commands[&one].clone();
        log.attached.commands.insert(CommandId::from_bytes([9; 16]), bytes);
    });
    assert_eq!(fault, Fault::Uncommitted("a command"));
    // Whoever writes the log and names another key in it names it before everything else.
    let renamed = told.rebuilt(|log| {
        let Body::Operator(OperatorEvent::Started { command_key, .. }) =
            codec::decode(&log.entries[0].stored).unwrap().body
        else {
            panic!("no start");
        };
        let text = String::from_utf8(log.entries[0].stored.clone()).unwrap();
        let stranger = PublicKey::ed25519(STRANGER).unwrap();
        let text = text.replace(&command_key.to_string(), &hex(stranger.as_bytes()));
        log.entries[0].stored = text.into_bytes();
    });
    assert!(matches!(told.verify(&renamed).unwrap_err(), Fault::Command(_)));
}

#[test]
fn a_certificate_leads_by_its_authority_to_the_root_that_the_log_names() {
    let (told, foreign) = (told(), foreign_chain());
    let certificate = |log: &mut Archive, bend: Bend<'_>| {
        bend(log.attached.certificates.values_mut().next().unwrap());
    };
    let bends: [(&str, Bend<'_>); 4] = [
        ("the root is a stranger's", &|chain| chain[2].clone_from(&foreign[2])),
        ("the authority is a stranger's", &|chain| chain[1].clone_from(&foreign[1])),
        ("the authority is left out", &|chain| drop(chain.remove(1))),
        ("the root is left out", &|chain| drop(chain.pop())),
    ];
    for (what, bend) in bends {
        let fault = told.bent(|log| certificate(log, bend));
        assert!(matches!(fault, Fault::Chain { .. }), "{what}: {fault}");
    }
    let fault = told.bent(|log| certificate(log, &|chain| chain[1][60] ^= 1));
    assert!(matches!(fault, Fault::Chain { .. }), "{fault}");
}

/// What is done to a chain.
type Bend<'a> = &'a dyn Fn(&mut Vec<Vec<u8>>);

/// A chain of a world of other keys.
fn foreign_chain() -> Vec<Vec<u8>> {
    let world = World::new(13, Arc::new(MemoryJournal::default())).unwrap();
    let chains = run(async {
        Cast::assemble(&world).await.unwrap();
        let log = world.app.log(&world.partition);
        log.records::<CertificateRecord>().await.unwrap()
    });
    let CertificateRecord { chain, roots, .. } = chains.unwrap().remove(0);
    chain.into_iter().chain(roots).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    carhop_kernel::digest::write_hex(&mut text, bytes).unwrap();
    text
}

#[test]
fn what_the_journal_notes_beside_a_statement_cannot_say_something_else() {
    use carhop_app::records::ReceiptRecord;
    let told = told();
    let bends: [fn(&mut ReceiptRecord); 6] = [
        |receipt| receipt.session = Some(SessionId::from_bytes([9; 16])),
        |receipt| receipt.metered_ml = Some(1),
        |receipt| receipt.what = "receipt.armed".to_owned(),
        |receipt| receipt.sequence += 1,
        |receipt| receipt.device_time = receipt.device_time.plus_ms(1),
        |receipt| receipt.received_at = receipt.received_at.plus_ms(1),
    ];
    for bend in bends {
        let fault = told.bent(|log| {
            let mut receipts = log.attached.receipts.values_mut();
            bend(receipts.find(|receipt| receipt.what == "receipt.opened").unwrap());
        });
        let what = "the statement of the device";
        assert!(
            matches!(fault, Fault::Contradiction { what: told, .. } if told == what),
            "{fault}"
        );
    }
}

#[test]
fn a_statement_that_its_device_did_not_sign_is_told_though_the_log_commits_to_it() {
    let told = told();
    let forged = told.rebuilt(|log| {
        let at = log.entries.iter().position(|one| {
            let event = codec::decode(&one.stored).unwrap().body;
            matches!(event, Body::Device(DeviceEvent::Stated { .. }))
        });
        let entry = &mut log.entries[at.unwrap()];
        let Body::Device(DeviceEvent::Stated { statement, .. }) =
            codec::decode(&entry.stored).unwrap().body
        else {
            panic!("not a statement");
        };
        let mut bytes = log.attached.statements.remove(&statement).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let hash = carhop_kernel::digest::EvidenceHash(AwsLc.sha256(&[&bytes]));
        log.attached.statement(&AwsLc, bytes);
        let text = String::from_utf8(entry.stored.clone()).unwrap();
        entry.stored = text.replace(&statement.to_string(), &hash.to_string()).into_bytes();
    });
    let fault = told.verify(&forged).unwrap_err();
    assert!(matches!(fault, Fault::Statement(_)), "{fault}");
}

#[test]
fn no_flipped_bit_of_an_export_goes_unseen() {
    let told = told();
    let folder = tempfile::tempdir().unwrap();
    write_archive(folder.path(), &told.archive.up_to_checkpoint(&AwsLc).unwrap()).unwrap();
    let verify = || -> Result<Whole, Fault> { told.verify(&read_archive(&AwsLc, folder.path())?) };
    assert!(verify().is_ok());
    for path in files(folder.path()).into_iter().filter(|path| !path.ends_with(VKEY_FILE)) {
        let good = fs::read(&path).unwrap();
        let step = (good.len() / FLIPS).max(1);
        for at in (0..good.len()).step_by(step) {
            let mut bent = good.clone();
            bent[at] ^= 1 << (at % 8);
            fs::write(&path, bent).unwrap();
            assert!(verify().is_err(), "byte {at} of {}", path.display());
        }
        fs::remove_file(&path).unwrap();
        let gone = verify();
        let is_kept = path.parent().unwrap().ends_with("checkpoints");
        assert!(gone.is_err() || is_kept, "{} removed", path.display());
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn a_decision_is_proven_by_its_bundle_alone_and_comes_out_the_same_again() {
    let told = told();
    let releases = told.releases();
    assert_eq!(releases.len(), 2);
    for decision in releases {
        let bytes = Bundle::of(&AwsLc, &told.archive, decision).unwrap().to_bytes();
        let (entries, attached) = Bundle::parse(&bytes).unwrap().verify(&AwsLc, &told.key).unwrap();
        let has = |name: &str| {
            entries.iter().any(|one| carhop_app::sequence::event_name(&one.body) == name)
        };
        // The command, what was said of it, and every device involved as far as its root.
        assert_eq!(attached.commands.len(), 1);
        assert!(attached.statements.len() >= 2, "{}", attached.statements.len());
        assert_eq!(attached.certificates.len(), 2, "the handset and the lock or pump");
        assert!(attached.certificates.values().all(|chain| chain.len() == 3));
        for name in [
            "authority.started",
            "session.created",
            "token.issued",
            "release.authorised",
            "device.stated",
            "device.enrolled",
        ] {
            assert!(has(name), "{name}");
        }
        let again = explain_again(&attached, decision).unwrap();
        assert_eq!(again.differences, Vec::<String>::new());
        assert!(again.explained.unwrap().verdict.permits());
    }
}

#[test]
fn no_flipped_bit_of_a_bundle_goes_unseen() {
    let told = told();
    let decision = told.releases()[0];
    let good = Bundle::of(&AwsLc, &told.archive, decision).unwrap().to_bytes();
    let policies = good.windows(11).position(|part| part == b"\"policies\":").unwrap();
    let verify = |bytes: &[u8]| Bundle::parse(bytes).and_then(|one| one.verify(&AwsLc, &told.key));
    let (mut flips, mut at) = (0, 0);
    while at < good.len() {
        let mut bent = good.clone();
        bent[at] ^= 1 << (at % 8);
        assert!(verify(&bent).is_err(), "byte {at}");
        flips += 1;
        // The long text of the policies is one hash.
        at += if at < policies { 1 } else { 97 };
    }
    assert!(flips > 1_000, "{flips}");
    let other = DecisionId::from_bytes([9; 16]).to_string();
    let text = String::from_utf8(good).unwrap().replacen(&decision.to_string(), &other, 1);
    assert!(matches!(verify(text.as_bytes()), Err(Fault::Decision(named)) if named == other));
}

#[test]
fn a_decision_that_comes_out_otherwise_is_told() {
    let told = told();
    let decision = told.releases()[0];
    let mut attached = Attached::default();
    for bytes in told.archive.attached.decisions.values() {
        let text = String::from_utf8(bytes.clone()).unwrap();
        attached.decision(
            &AwsLc,
            text.replace("\"tenant_hold\":false", "\"tenant_hold\":true").into_bytes(),
        );
    }
    attached.policies = told.archive.attached.policies.clone();
    let again = explain_again(&attached, decision).unwrap();
    assert!(!again.differences.is_empty());
    assert!(explain_again(&attached, DecisionId::from_bytes([9; 16])).is_none());
}

/// The public key of RFC 8032 §7.1, test 3.
const STRANGER: [u8; 32] = [
    0xfc, 0x51, 0xcd, 0x8e, 0x62, 0x18, 0xa1, 0xa3, 0x8d, 0xa4, 0x7e, 0xd0, 0x02, 0x30, 0xf0, 0x58,
    0x08, 0x16, 0xed, 0x13, 0xba, 0x33, 0x03, 0xac, 0x5d, 0xeb, 0x91, 0x15, 0x48, 0x90, 0x80, 0x25,
];
/// Flips of one file.
const FLIPS: usize = 24;
