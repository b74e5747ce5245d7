//! Every way to bend a log is told, and where.

use carhop_app::batch::{Body, Entry as NewEntry, Meta, OperatorEvent, Stream};
use carhop_app::record::Partition;
use carhop_kernel::actor::Actor;
use carhop_kernel::id::EventId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::AwsLc;

use super::*;

/// A log of `size` events of one stream.
fn log(size: u64) -> Vec<Entry> {
    let partition =
        Partition { tenant: "local".parse().unwrap(), market: "local".parse().unwrap() };
    let entry = |position: u64| {
        let body = Body::Operator(OperatorEvent::TenantHold { held: position.is_multiple_of(2) });
        let meta = Meta {
            actor: Actor::System,
            decision: None,
            policy: None,
            key: None,
            token: None,
            device: None,
        };
        let mut id = [7; 16];
        id[15] = u8::try_from(position).unwrap();
        let entry = NewEntry { id: EventId::from_bytes(id), stream: Stream::Operator, meta, body };
        let at = Timestamp::from_unix_ms(1_000 + position);
        let stored = codec::encode(&partition, position + 1, at, &entry).unwrap();
        let recorded = codec::decode(&stored).unwrap();
        Entry { position, leaf: leaf(&AwsLc, &recorded, position).unwrap(), stored }
    };
    (0..size).map(entry).collect()
}

fn verify(entries: &[Entry], claimed: Verified) -> Result<Verified, Fault> {
    let mut verifier = Verifier::default();
    for entry in entries {
        verifier.accept(&AwsLc, entry)?;
    }
    verifier.finish(&AwsLc, claimed)
}

fn claim(entries: &[Entry]) -> Verified {
    let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(&AwsLc, &entry.leaf)).collect();
    Verified { size: entries.len() as u64, root: carhop_proofs::merkle::root(&AwsLc, &hashes) }
}

#[test]
fn a_whole_log_verifies_and_every_bent_one_is_told() {
    let good = log(9);
    let claimed = claim(&good);
    assert_eq!(verify(&good, claimed), Ok(claimed));

    let bent = |bend: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = good.clone();
        bend(&mut entries);
        verify(&entries, claimed).unwrap_err()
    };
    let position = |expected, found| Fault::Position { expected, found };
    assert_eq!(bent(&|log| drop(log.remove(3))), position(3, 4), "removed");
    assert_eq!(bent(&|log| log.swap(2, 5)), position(2, 5), "reordered");
    assert_eq!(bent(&|log| drop(log.pop())), Fault::Size { expected: 9, found: 8 }, "truncated");
    assert_eq!(bent(&|log| log[4].leaf[20] ^= 1), Fault::Leaf(4), "leaf changed");
    assert_eq!(bent(&|log| log[4].stored.truncate(9)), Fault::Unreadable(4), "event cut");
    assert_eq!(
        bent(&|log| {
            let text = String::from_utf8(log[4].stored.clone()).unwrap();
            log[4].stored = text.replace("true", "false").into_bytes();
        }),
        Fault::Leaf(4),
        "event changed"
    );
    let rebuilt = log(8);
    assert_eq!(
        verify(&rebuilt, Verified { size: 8, root: claimed.root }),
        Err(Fault::Root),
        "rebuilt"
    );
}

#[test]
fn an_event_that_was_left_out_of_its_stream_is_told() {
    let mut entries = log(4);
    entries.remove(1);
    for (position, entry) in (0..).zip(&mut entries) {
        let recorded = codec::decode(&entry.stored).unwrap();
        entry.position = position;
        entry.leaf = leaf(&AwsLc, &recorded, position).unwrap();
    }
    let fault = verify(&entries, claim(&entries));
    assert_eq!(fault, Err(Fault::Stream { position: 1, expected: 2, found: 3 }));
}

#[test]
fn an_exported_log_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let entries = log(5);
    let log = ExportedLog { claimed: claim(&entries), entries };
    write_export(folder.path(), &log).unwrap();
    assert_eq!(read_export(folder.path()).unwrap(), log);
    let path = folder.path().join("entries.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen('"', "'", 1)).unwrap();
    assert!(matches!(read_export(folder.path()), Err(ExportError::Form { line: 1, .. })));
}
