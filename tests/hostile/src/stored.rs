//! Stored events and what waits in outbox and timers: an auditor reads them from files of strangers.

use carhop_journal::{codec, golden};
use carhop_proofs::suite::AwsLc;
use carhop_server::verify::{Entry, Verifier};

use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "stored-event", seeds: events, law: event, cost: Cost::TREE },
    &Target { name: "stored-effect", seeds: effects, law: effect, cost: Cost::TREE },
];

fn events() -> Vec<Vec<u8>> {
    let is_event = |(name, _): &(String, Vec<u8>)| {
        !["effect.", "timer.", "vocabulary"].iter().any(|kind| name.starts_with(kind))
    };
    golden::files().into_iter().filter(is_event).map(|(_, bytes)| bytes).collect()
}

/// A stored event is kept as it came, and never taken for the entry of a log that it was not the first of.
fn event(input: &[u8]) -> bool {
    let mut verifier = Verifier::default();
    let entry = Entry { position: 0, leaf: input.to_vec(), stored: input.to_vec() };
    assert!(verifier.accept(&AwsLc, &entry).is_err());
    let Ok(read) = codec::decode(input) else { return false };
    assert_eq!(read.stored, input);
    assert_eq!(codec::decode(&read.stored).unwrap(), read);
    true
}

fn effects() -> Vec<Vec<u8>> {
    let is_waiting =
        |(name, _): &(String, Vec<u8>)| name.starts_with("effect.") || name.starts_with("timer.");
    golden::files().into_iter().filter(is_waiting).map(|(_, bytes)| bytes).collect()
}

/// What is read is written back with the same meaning.
fn effect(input: &[u8]) -> bool {
    if let Ok(read) = codec::decode_effect(input) {
        let again = codec::encode_effect(&read).unwrap();
        assert_eq!(codec::decode_effect(&again).unwrap(), read);
        return true;
    }
    let Ok(read) = codec::decode_subject(input) else { return false };
    let again = codec::encode_subject(&read).unwrap();
    assert_eq!(codec::decode_subject(&again).unwrap(), read);
    true
}
