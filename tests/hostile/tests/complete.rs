//! No parser of outside bytes without laws: the sources are searched for what reads bytes or text, and each
//! find has a target here or says which test holds it instead. A new one fails until it stands in the table.

#![expect(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hostile_input::target;

/// What holds a parser to its laws.
#[derive(Clone, Copy)]
enum Held {
    /// These targets.
    By(&'static [&'static str]),
    /// Another parser of this table calls it with all that it gets.
    Within(&'static str),
    /// It reads nothing from outside, or is held by the test that is named.
    Elsewhere(&'static str),
}

use Held::{By, Elsewhere, Within};

/// File below `crates/carhop-`, what reads, how often it stands there, what holds it.
const PARSERS: &[(&str, &str, usize, Held)] = &[
    ("agent/src/memory.rs", "decode", 1, Within("agent/src/memory.rs compact")),
    ("agent/src/memory.rs", "compact", 1, By(&["device-log"])),
    ("agent/src/record.rs", "decode", 1, Within("agent/src/memory.rs compact")),
    ("agent/src/record.rs", "accepted", 1, By(&["device-log"])),
    ("agent/src/agent/boot.rs", "restore", 1, By(&["device-log"])),
    ("devices/src/gateway.rs", "open", 1, By(&["gateway"])),
    ("devices/src/gateway.rs", "receive", 1, By(&["gateway"])),
    ("journal/src/codec.rs", "decode", 1, By(&["stored-event"])),
    ("journal/src/codec.rs", "decode_effect", 1, By(&["stored-effect"])),
    ("journal/src/codec.rs", "decode_subject", 1, By(&["stored-effect"])),
    ("journal/src/sqlite/mod.rs", "open", 1, Elsewhere("journal/tests/sqlite.rs")),
    ("journal/src/sqlite/mod.rs", "open_as_it_is", 1, Elsewhere("journal/tests/sqlite.rs")),
    ("journal/src/sqlite/open.rs", "open_as_it_is", 1, Elsewhere("journal/tests/sqlite.rs")),
    ("journal/src/sqlite/open.rs", "open_reader", 1, Elsewhere("journal/tests/sqlite.rs")),
    ("journal/src/sqlite/open.rs", "open_writer", 1, Elsewhere("journal/tests/sqlite.rs")),
    ("kernel/src/device.rs", "FromStr for DeviceClass", 1, By(&["name"])),
    ("kernel/src/digest.rs", "FromStr for $name", 1, By(&["name"])),
    ("kernel/src/digest.rs", "Deserialize for $name", 1, By(&["stored-event", "settings"])),
    ("kernel/src/digest.rs", "hex_decode", 1, By(&["name", "verifier-key"])),
    ("kernel/src/geofence/fence.rs", "TryFrom<RawFence> for Fence", 1, By(&["fence"])),
    ("kernel/src/geofence/fix.rs", "TryFrom<RawAccuracy> for Accuracy", 1, By(&["fix"])),
    ("kernel/src/geofence/fix.rs", "TryFrom<f64> for Confidence", 1, By(&["fix"])),
    ("kernel/src/geofence/fix.rs", "TryFrom<f64> for Speed", 1, By(&["fix"])),
    ("kernel/src/geofence/place.rs", "FromStr for Bay", 1, By(&["name"])),
    ("kernel/src/geofence/place.rs", "TryFrom<String> for Bay", 1, By(&["stored-event"])),
    (
        "kernel/src/geofence/polygon.rs",
        "TryFrom<Vec<Vec<[f64; 2]>>> for Polygon",
        1,
        By(&["fence"]),
    ),
    ("kernel/src/geofence/polygon.rs", "from_coordinates", 1, By(&["polygon"])),
    ("kernel/src/geofence/position.rs", "TryFrom<RawPosition> for Position", 1, By(&["fix"])),
    ("kernel/src/id.rs", "FromStr for $name", 2, By(&["name"])),
    ("kernel/src/id.rs", "Deserialize for $name", 2, By(&["stored-event", "fence"])),
    ("kernel/src/id.rs", "from_bytes", 1, Elsewhere("every sixteen bytes are an id")),
    ("kernel/src/order.rs", "Deserialize for Currency", 1, By(&["stored-event"])),
    ("kernel/src/reason.rs", "FromStr for Reason", 1, By(&["name"])),
    ("policy/src/bundle.rs", "load", 1, By(&["policies"])),
    ("policy/src/rungs.rs", "parse", 1, By(&["rungs"])),
    ("proofs/src/audit/checkpoint.rs", "open", 1, By(&["checkpoint", "checkpoint-text"])),
    ("proofs/src/audit/leaf.rs", "decode", 1, By(&["leaf"])),
    ("proofs/src/audit/note.rs", "open", 1, By(&["checkpoint"])),
    ("proofs/src/audit/note.rs", "parse", 1, By(&["verifier-key"])),
    ("proofs/src/audit/tile.rs", "decode_bundle", 1, By(&["tile"])),
    ("proofs/src/audit/tile.rs", "decode_hashes", 1, By(&["tile"])),
    ("proofs/src/audit/tile.rs", "parse", 1, By(&["tile-path"])),
    ("proofs/src/command.rs", "open", 1, By(&["command", "command-payload"])),
    ("proofs/src/cose.rs", "open1", 1, By(&["envelope"])),
    ("proofs/src/cose.rs", "open1_x5chain", 1, By(&["envelope"])),
    ("proofs/src/cose.rs", "verify_detached", 1, By(&["detached"])),
    ("proofs/src/dpop.rs", "verify", 1, By(&["key-proof", "key-proof-header", "key-proof-claims"])),
    ("proofs/src/eat/verify.rs", "verify", 1, By(&["attestation", "attestation-claims"])),
    ("proofs/src/frame.rs", "decode", 2, By(&["frame"])),
    ("proofs/src/json.rs", "parse_object", 1, By(&["json"])),
    ("proofs/src/jwk.rs", "from_jwk", 1, By(&["public-key"])),
    ("proofs/src/merkle/proof.rs", "verify_consistency", 1, By(&["tree-proof"])),
    ("proofs/src/merkle/proof.rs", "verify_inclusion", 1, By(&["tree-proof"])),
    ("proofs/src/otp.rs", "parse", 1, By(&["typed-code"])),
    (
        "proofs/src/pki/authority.rs",
        "from_random",
        1,
        Elsewhere("every sixteen bytes are a serial"),
    ),
    ("proofs/src/pki/authority.rs", "load", 4, By(&["issuer-certificate"])),
    ("proofs/src/pki/keys.rs", "from_pkcs8", 1, By(&["private-key"])),
    ("proofs/src/pki/verify.rs", "parse", 1, By(&["certificate"])),
    ("proofs/src/pki/verify.rs", "verify_attestation_key", 1, By(&["attestation-certificate"])),
    ("proofs/src/pki/verify.rs", "verify_device", 1, By(&["certificate", "issuer-certificate"])),
    ("proofs/src/qr.rs", "verify", 1, By(&["scanned-code", "scanned-claims"])),
    ("proofs/src/qr/rotating.rs", "read", 1, By(&["scanned-code", "scanned-claims"])),
    ("proofs/src/statement.rs", "open", 1, By(&["statement", "statement-payload"])),
    ("proofs/src/statement/codec.rs", "decode", 1, By(&["statement-payload"])),
    ("proofs/src/suite.rs", "from_bytes", 2, By(&["private-key", "public-key"])),
    ("proofs/src/suite/aws_lc.rs", "verify_ecdsa_der", 1, By(&["passkey-signature"])),
    (
        "proofs/src/suite/aws_lc.rs",
        "verify_rsa_pkcs1",
        1,
        Within("proofs/src/webauthn.rs verify_assertion"),
    ),
    ("proofs/src/time_reply.rs", "open", 1, By(&["time-reply", "time-reply-payload"])),
    ("proofs/src/token.rs", "parse", 4, By(&["secret"])),
    ("proofs/src/vault.rs", "open", 1, By(&["sealed-value"])),
    ("proofs/src/webauthn.rs", "parse", 1, By(&["passkey-key"])),
    ("proofs/src/webauthn.rs", "verify_assertion", 1, By(&["passkey-signature"])),
    ("proofs/src/webauthn.rs", "verify_registration", 1, By(&["passkey-made", "passkey-words"])),
    ("proofs/src/webauthn/authenticator.rs", "parse", 1, By(&["passkey-made"])),
    ("proofs/src/webauthn/challenge.rs", "verify_challenge", 1, By(&["passkey-challenge"])),
    ("server/src/backup.rs", "restore", 1, Elsewhere("server/tests/kills/restore.rs")),
    ("server/src/config.rs", "parse", 1, By(&["settings"])),
    ("server/src/config.rs", "parse_account", 1, By(&["settings"])),
    ("server/src/config.rs", "read", 1, Elsewhere("a file for `parse`")),
    ("server/src/demo/driver.rs", "read_plate", 1, Elsewhere("the demo asks, it is not asked")),
    ("server/src/demo/parties.rs", "open", 1, Elsewhere("the demo asks, it is not asked")),
    ("server/src/demo/trace.rs", "read", 1, Elsewhere("the demo's own recordings")),
    ("server/src/device/attester.rs", "load", 1, Elsewhere("server/src/device/attester.rs")),
    ("server/src/device/store.rs", "open", 1, Elsewhere("server/src/device/store.rs")),
    ("server/src/http/body.rs", "parse", 1, Elsewhere("server/tests/api/bad_input.rs")),
    ("server/src/http/time.rs", "Deserialize for Time", 1, Elsewhere("server/src/http/time.rs")),
    ("server/src/keys.rs", "open", 1, By(&["private-key", "issuer-certificate"])),
    ("server/src/notary.rs", "open", 1, By(&["private-key"])),
    ("server/src/notary.rs", "parse_key", 1, Elsewhere("server/src/notary.rs")),
    ("server/src/verify/archive.rs", "read_archive", 1, Elsewhere("server/src/verify/tests.rs")),
    ("server/src/verify/bundle.rs", "parse", 1, Elsewhere("server/src/verify/tests.rs")),
    ("server/src/verify/journal.rs", "from_journal", 1, Within("journal/src/codec.rs decode")),
];

#[test]
fn every_parser_of_outside_bytes_has_a_target() {
    let expected: BTreeMap<_, _> =
        PARSERS.iter().map(|(file, name, count, _)| (format!("{file} {name}"), *count)).collect();
    let found = found();
    let unheld: Vec<_> =
        found.iter().filter(|(key, count)| expected.get(*key) != Some(count)).collect();
    assert!(unheld.is_empty(), "no laws for {unheld:#?}");
    let gone: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
    assert!(gone.is_empty(), "in the table and not in the sources: {gone:#?}");
}

#[test]
fn what_holds_a_parser_is_there() {
    let keys: Vec<_> = PARSERS.iter().map(|(file, name, ..)| format!("{file} {name}")).collect();
    for (file, name, _, held) in PARSERS {
        match held {
            By(names) => {
                assert!(!names.is_empty());
                for target_name in *names {
                    assert!(target(target_name).is_some(), "{file} {name}: no `{target_name}`");
                }
            }
            Within(other) => assert!(keys.iter().any(|key| key == other), "{file} {name}: {other}"),
            Elsewhere(what) => {
                let path = root().join("crates").join(format!("carhop-{what}"));
                let is_file = Path::new(what).extension().is_some();
                assert!(!is_file || path.is_file(), "{file} {name}: no {}", path.display());
            }
        }
    }
}

/// Everything in the sources that reads bytes, text or JSON, and how often it stands in its file.
fn found() -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for name in CRATES {
        let folder = root().join("crates").join(format!("carhop-{name}/src"));
        for file in sources(&folder) {
            let path = file.strip_prefix(&folder).unwrap().to_str().unwrap();
            let text = fs::read_to_string(&file).unwrap();
            for parser in parsers(&text) {
                *found.entry(format!("{name}/src/{path} {parser}")).or_default() += 1;
            }
        }
    }
    found
}

/// The parsers in one source, its tests left out.
fn parsers(text: &str) -> Vec<String> {
    let code = text.split("\n#[cfg(test)]").next().unwrap();
    let lines: Vec<_> = code.lines().map(str::trim_start).collect();
    let reading = |at: usize| {
        let line = lines[at];
        if line.starts_with("impl") && line.ends_with('{') {
            return read_trait(line);
        }
        let (visible, rest) = line.split_once("fn ")?;
        let name = rest.split(['(', '<']).next()?;
        let end = lines[at..].iter().position(|line| line.ends_with(['{', ';']))?;
        let signature = lines[at..=at + end].concat();
        let arguments = signature.split("->").next()?;
        let is_public = visible.starts_with("pub");
        let reads = TAKEN.iter().any(|taken| arguments.contains(taken));
        let is_verb = VERBS.iter().any(|verb| name.starts_with(verb));
        (is_public && reads && is_verb).then(|| name.to_owned())
    };
    (0..lines.len()).filter_map(reading).collect()
}

fn read_trait(line: &str) -> Option<String> {
    let (what, whose) = line.trim_end_matches(" {").split_once(" for ")?;
    let what = what
        .split_once("> ")
        .filter(|_| what.starts_with("impl<"))
        .map_or(what.strip_prefix("impl ").unwrap_or(what), |(_, what)| what);
    let named = what.replace("<'de>", "");
    let is_read = named == "FromStr" || named == "Deserialize" || named.starts_with("TryFrom<");
    is_read.then(|| format!("{named} for {whose}"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if TESTS.contains(&name) {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn a_planted_parser_is_found() {
    for (source, expected) in [
        ("pub fn open(bytes: &[u8]) {\n", Some("open")),
        ("    pub(crate) fn decode_all(\n        text: &str,\n    ) -> u8 {\n", Some("decode_all")),
        ("pub const fn from_bytes(bytes: [u8; 16]) -> Self {\n", Some("from_bytes")),
        ("impl FromStr for Bay {\n", Some("FromStr for Bay")),
        ("impl<'de> Deserialize<'de> for Time {\n", Some("Deserialize for Time")),
        ("impl TryFrom<f64> for Speed {\n", Some("TryFrom<f64> for Speed")),
        ("fn open(bytes: &[u8]) {\n", None),
        ("pub fn opened(&self) -> &[u8] {\n", None),
        ("pub fn encode(bytes: &[u8]) {\n", None),
        ("impl Display for Bay {\n", None),
        ("\n#[cfg(test)]\nmod tests {\n    pub fn open(bytes: &[u8]) {\n", None),
    ] {
        assert_eq!(parsers(source).first().map(String::as_str), expected, "{source}");
    }
}

/// Crates that read what comes from outside. The use cases and the simulator get values.
const CRATES: [&str; 7] = ["agent", "devices", "journal", "kernel", "policy", "proofs", "server"];
const TESTS: [&str; 5] = ["tests", "conformance", "golden", "fixture", "vectors"];
const VERBS: [&str; 12] = [
    "parse",
    "open",
    "decode",
    "read",
    "verify",
    "load",
    "receive",
    "restore",
    "compact",
    "accept",
    "from_",
    "hex_decode",
];
const TAKEN: [&str; 9] =
    ["[u8", "&str", "&'a str", "Vec<u8>", "[f64; 2]", "Value>", "[Hash]", "&Path", "AsRef<"];
