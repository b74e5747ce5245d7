//! Signed objects: the envelope, commands, statements, time replies, attestations. Each has two targets: the
//! bytes as they come, and the payload under a good signature, so that mutations reach what lies behind it.

use carhop_kernel::digest::{FirmwareDigest, OrderDigest};
use carhop_kernel::id::{CommandId, ReleaseId, SessionId};
use carhop_kernel::session::InterlockKind;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::cose;
use carhop_proofs::eat::{self, Attester, COMPONENTS_MAX, Component, LIFECYCLE_SECURED};
use carhop_proofs::statement::{
    self, Body, ClockState, EndReason, LockEvent, Outcome, Reading, ReadingKind, RefusalCode,
    Statement,
};
use carhop_proofs::suite::{AwsLc, RustCrypto};
use carhop_proofs::time_reply::{self, TimeReply};

use crate::certificates::attestation;
use crate::keys::{DEVICE, NOW, SUITES, authority, device, kid, knows, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "envelope", seeds: envelopes, law: envelope, cost: Cost::SMALL },
    &Target { name: "detached", seeds: detached, law: alone, cost: Cost::SMALL },
    &Target { name: "command", seeds: commands, law: order, cost: Cost::SMALL },
    &Target { name: "command-payload", seeds: command_payloads, law: order_of, cost: Cost::SMALL },
    &Target { name: "statement", seeds: statements, law: said, cost: Cost::SMALL },
    &Target {
        name: "statement-payload",
        seeds: statement_payloads,
        law: said_of,
        cost: Cost::SMALL,
    },
    &Target { name: "time-reply", seeds: time_replies, law: time, cost: Cost::SMALL },
    &Target { name: "time-reply-payload", seeds: time_payloads, law: time_of, cost: Cost::SMALL },
    &Target { name: "attestation", seeds: attestations, law: attested, cost: Cost::TREE },
    &Target { name: "attestation-claims", seeds: claims, law: attested_of, cost: Cost::TREE },
];

fn envelopes() -> Vec<Vec<u8>> {
    let key = authority();
    vec![
        cose::sign1(&AwsLc, &key, kid(&key), "a", b"payload").unwrap(),
        cose::sign1(&AwsLc, &key, kid(&key), "a", b"").unwrap(),
        cose::sign1_x5chain(&AwsLc, &key, b"certificate", "a", b"payload").unwrap(),
    ]
}

/// What opens is what the one holder of the key signs, byte for byte.
fn envelope(input: &[u8]) -> bool {
    let key = authority();
    let [one, other] = SUITES.map(|suite| cose::open1(suite, input, "a", knows(&key)));
    assert_eq!(one, other);
    if let Ok(opened) = one {
        let again = cose::sign1(&RustCrypto, &key, opened.kid, "a", opened.payload).unwrap();
        assert_eq!(again, input);
        return true;
    }
    let opened = cose::open1_x5chain(&AwsLc, input, "a", |_| Some(public(&key)));
    let Ok(opened) = opened else { return false };
    let carried = opened.certificate;
    let again = cose::sign1_x5chain(&RustCrypto, &key, carried, "a", opened.payload).unwrap();
    assert_eq!(again, input);
    true
}

fn detached() -> Vec<Vec<u8>> {
    vec![cose::sign_detached(&AwsLc, &authority(), "a", b"payload").unwrap().to_vec()]
}

/// A message has one signature.
fn alone(input: &[u8]) -> bool {
    let key = public(&authority());
    let [one, other] =
        SUITES.map(|suite| cose::verify_detached(suite, &key, "a", b"payload", input));
    assert_eq!(one, other);
    assert!(!one || input == detached()[0]);
    one
}

fn commands() -> Vec<Vec<u8>> {
    let actions = [
        CommandAction::Open { compartment: 1 },
        CommandAction::Arm { max_ml: 60_000, grade: 4 },
        CommandAction::Cancel { command: CommandId::from_bytes([9; 16]) },
    ];
    actions.map(|action| command(action, 42)).to_vec()
}

/// The command that [`command`] makes.
pub const COMMAND: CommandId = CommandId::from_bytes([1; 16]);

/// A genuine command to [`DEVICE`].
pub fn command(action: CommandAction, counter: u64) -> Vec<u8> {
    let command = Command {
        id: COMMAND,
        audience: DEVICE,
        action,
        session: SessionId::from_bytes([3; 16]),
        order: OrderDigest([4; 32]),
        release: ReleaseId::from_bytes([5; 16]),
        counter,
        trust_epoch: 7,
        issued_at: NOW,
        expires_at: NOW.plus_ms(command::COMMAND_LIFETIME_MS),
    };
    command::sign(&AwsLc, &authority(), &command).unwrap()
}

fn order(input: &[u8]) -> bool {
    let key = authority();
    let [one, other] = SUITES.map(|suite| command::open(suite, input, knows(&key)));
    assert_eq!(one, other);
    let Ok(read) = one else { return false };
    assert_eq!(command::sign(&AwsLc, &key, &read).unwrap(), input);
    assert!(read.issued_at < read.expires_at);
    assert!(input.len() <= command::COMMAND_LENGTH_MAX);
    true
}

fn command_payloads() -> Vec<Vec<u8>> {
    payloads(&commands(), &["carhop.command.v1"])
}

fn order_of(input: &[u8]) -> bool {
    let key = authority();
    let signed = cose::sign1(&AwsLc, &key, kid(&key), "carhop.command.v1", input);
    signed.is_ok_and(|signed| order(&signed))
}

/// One genuine statement of every kind.
pub fn statements() -> Vec<Vec<u8>> {
    let command = COMMAND;
    let receipt = |outcome| Body::Receipt { command, counter: 42, outcome };
    let lock = |command, event| Body::Lock { command, event };
    let meter = |kind| {
        let reading = Reading { number: 2, kind, totaliser_ml: 1_000_000, metered_ml: 20_000 };
        Body::Meter { command, reading }
    };
    let bodies = [
        receipt(Outcome::Opened),
        receipt(Outcome::NeverExecuted),
        receipt(Outcome::Refused(RefusalCode::Expired)),
        lock(Some(command), LockEvent::Opened),
        lock(None, LockEvent::Temperature { c10: -185 }),
        meter(ReadingKind::Begin),
        meter(ReadingKind::Charge),
        meter(ReadingKind::End(EndReason::Finished)),
        Body::Interlock { command: None, kind: InterlockKind::Spill },
    ];
    bodies.map(|body| statement::sign(&RustCrypto, &device(), &statement(body)).unwrap()).to_vec()
}

fn statement(body: Body) -> Statement {
    Statement {
        device: DEVICE,
        boot_epoch: 3,
        sequence: 9,
        at: NOW,
        clock: ClockState::Synchronised,
        previous: [8; 32],
        body,
    }
}

fn said(input: &[u8]) -> bool {
    let key = device();
    let [one, other] = SUITES.map(|suite| statement::open(suite, input, knows(&key)));
    assert_eq!(one, other);
    let Ok(read) = one else { return false };
    // Deterministic signatures (RFC 6979): the chain is hashed over the whole message, so a second form of
    // the same statement would be a second story.
    assert_eq!(statement::sign(&RustCrypto, &key, &read).unwrap(), input);
    true
}

fn statement_payloads() -> Vec<Vec<u8>> {
    payloads(&statements(), &STATEMENT_KINDS)
}

/// A payload is read under the one kind that its body is of.
fn said_of(input: &[u8]) -> bool {
    let key = device();
    let accepted = STATEMENT_KINDS.map(|kind| {
        let signed = cose::sign1(&RustCrypto, &key, kid(&key), kind, input);
        signed.is_ok_and(|signed| said(&signed))
    });
    let accepted = accepted.into_iter().filter(|&accepted| accepted).count();
    assert!(accepted <= 1);
    accepted == 1
}

fn time_replies() -> Vec<Vec<u8>> {
    let reply = TimeReply { nonce: [8; 16], now: NOW, trust_epoch: 7 };
    vec![time_reply::sign(&AwsLc, &authority(), &reply).unwrap()]
}

fn time(input: &[u8]) -> bool {
    let key = authority();
    let [one, other] = SUITES.map(|suite| time_reply::open(suite, input, &[8; 16], knows(&key)));
    assert_eq!(one, other);
    let Ok(read) = one else { return false };
    assert_eq!(time_reply::sign(&AwsLc, &key, &read).unwrap(), input);
    true
}

fn time_payloads() -> Vec<Vec<u8>> {
    payloads(&time_replies(), &["carhop.time.v1"])
}

fn time_of(input: &[u8]) -> bool {
    let key = authority();
    let signed = cose::sign1(&AwsLc, &key, kid(&key), "carhop.time.v1", input);
    signed.is_ok_and(|signed| time(&signed))
}

fn attestations() -> Vec<Vec<u8>> {
    let component = |kind: &str| Component {
        kind: kind.to_owned(),
        measurement: FirmwareDigest([1; 32]),
        version: "1.2.3".to_owned(),
        signer: [2; 32],
    };
    let (_, certificate) = attestation();
    let components = [component("BL"), component("ARoT")];
    let attester = Attester {
        key: &device(),
        certificate: &certificate,
        instance: eat::instance_of(&AwsLc, &public(&device())),
        implementation: [3; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &components,
    };
    vec![attester.sign(&RustCrypto, &NONCE).unwrap()]
}

fn attested(input: &[u8]) -> bool {
    let (root, _) = attestation();
    let [one, other] = SUITES.map(|suite| eat::verify(suite, input, &[&root], &NONCE, NOW));
    assert_eq!(one, other);
    let Ok(read) = one else { return false };
    assert!((1..=COMPONENTS_MAX).contains(&(read.components.len() as u64)));
    assert_eq!(read.lifecycle >> 8, 0x30);
    assert_eq!(read.key, public(&device()));
    true
}

fn claims() -> Vec<Vec<u8>> {
    let opened = |bytes: &Vec<u8>| {
        let opened = cose::open1_x5chain(&AwsLc, bytes, "", |_| Some(public(&device())));
        opened.unwrap().payload.to_vec()
    };
    attestations().iter().map(opened).collect()
}

fn attested_of(input: &[u8]) -> bool {
    let (_, certificate) = attestation();
    let signed = cose::sign1_x5chain(&RustCrypto, &device(), &certificate, "", input);
    signed.is_ok_and(|signed| attested(&signed))
}

fn payloads(messages: &[Vec<u8>], kinds: &[&str]) -> Vec<Vec<u8>> {
    let opened = |bytes: &Vec<u8>| {
        let keys = [authority(), device()];
        let tries = keys.iter().flat_map(|key| kinds.iter().map(move |kind| (key, kind)));
        let mut opened =
            tries.filter_map(|(key, kind)| cose::open1(&AwsLc, bytes, kind, knows(key)).ok());
        opened.next().unwrap().payload.to_vec()
    };
    messages.iter().map(opened).collect()
}

const STATEMENT_KINDS: [&str; 3] = ["carhop.receipt.v1", "carhop.meter.v1", "carhop.report.v1"];
const NONCE: [u8; 32] = [6; 32];
