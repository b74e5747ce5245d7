//! Stored forms are what the golden files say, and are read strictly.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use carhop_app::batch::Entry;
use carhop_journal::codec::{self, CodecError};
use carhop_journal::golden;

#[test]
fn every_stored_form_is_what_its_golden_file_says() {
    let expected = golden::files();
    for (name, content) in &expected {
        let found = fs::read_to_string(folder().join(name)).unwrap_or_default();
        let content = String::from_utf8(content.clone()).unwrap() + "\n";
        assert_eq!(found, content, "{name}: {REGENERATE}");
    }
    let found: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected.into_keys().collect(), "{REGENERATE}");
}

#[test]
fn every_golden_event_reads_back_and_is_written_again_to_the_byte() {
    for (name, stored) in events() {
        let read = codec::decode(&stored).unwrap();
        assert_eq!(read.stored, stored, "{name}");
        let entry = Entry { id: read.id, stream: read.stream, meta: read.meta, body: read.body };
        let written = codec::encode(&read.partition, read.sequence, read.at, &entry).unwrap();
        assert_eq!(written, stored, "{name}");
    }
}

#[test]
fn every_golden_effect_and_timer_reads_back() {
    let files = golden::files();
    let effect = &files["effect.send_command.json"];
    assert_eq!(codec::encode_effect(&codec::decode_effect(effect).unwrap()).unwrap(), *effect);
    for name in ["timer.silence.json", "timer.window_end.json"] {
        let read = codec::decode_subject(&files[name]).unwrap();
        assert_eq!(codec::encode_subject(&read).unwrap(), files[name]);
    }
}

#[test]
fn what_is_not_exactly_a_stored_form_is_refused() {
    let stored = String::from_utf8(golden::files()["token_revoked.json"].clone()).unwrap();
    assert!(codec::decode(stored.as_bytes()).is_ok());
    let rows = [
        ("a newer version", stored.replace("\"v\":1", "\"v\":2")),
        ("version zero", stored.replace("\"v\":1", "\"v\":0")),
        ("no version", stored.replace("\"v\":1,", "")),
        ("an unknown field", stored.replace("\"v\":1", "\"v\":1,\"w\":1")),
        ("a repeated field", stored.replace("\"sequence\":7", "\"sequence\":7,\"sequence\":7")),
        ("a missing field", stored.replace("\"sequence\":7,", "")),
        ("an unknown body", stored.replace("token_revoked", "token_forged")),
        ("another kind of id", stored.replace("evt_", "tok_")),
        ("a bad partition", stored.replace("\"acme\"", "\"ACME\"")),
        ("a negative number", stored.replace("\"sequence\":7", "\"sequence\":-7")),
        ("something after it", format!("{stored}{{}}")),
        ("half of it", stored[..stored.len() / 2].to_owned()),
        ("nothing", String::new()),
    ];
    for (what, changed) in rows {
        assert_ne!(changed, stored, "{what} is not planted");
        assert!(codec::decode(changed.as_bytes()).is_err(), "{what}");
    }
    let newer = codec::decode(stored.replace("\"v\":1", "\"v\":2").as_bytes());
    assert!(matches!(newer, Err(CodecError::UnknownVersion(2))));
}

#[test]
fn no_event_is_unread_however_its_bytes_are_cut_or_flipped() {
    for (name, stored) in events() {
        for index in 0..stored.len() {
            assert!(codec::decode(&stored[..index]).is_err(), "{name} cut at {index}");
            let mut flipped = stored.clone();
            flipped[index] ^= 0x80;
            assert!(codec::decode(&flipped).is_err(), "{name} flipped at {index}");
        }
    }
}

fn events() -> Vec<(String, Vec<u8>)> {
    let others = ["effect.", "timer.", "vocabulary."];
    let files = golden::files().into_iter();
    let events = files.filter(|(name, _)| !others.iter().any(|other| name.starts_with(other)));
    let events: Vec<_> = events.collect();
    assert!(events.len() > 40);
    events
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "golden"].iter().collect()
}

const REGENERATE: &str = "if the stored form was meant to change, run \
                          `cargo run -p carhop-journal --example golden` and look at the difference";
