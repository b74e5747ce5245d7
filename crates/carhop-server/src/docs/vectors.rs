//! Signed bytes for whoever builds a device: what one must accept and make, and what one must refuse, with the keys to
//! make them again. The suite that signs is the one of devices, whose signatures are the same every time.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use carhop_kernel::digest::OrderDigest;
use carhop_kernel::id::{CommandId, DeviceId, ReleaseId, SessionId};
use carhop_kernel::session::InterlockKind;
use carhop_kernel::time::Timestamp;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::cose::{self, KeyId};
use carhop_proofs::frame::{FarewellCode, FromDevice, Position, ToDevice};
use carhop_proofs::statement::{
    self, Body, ChainHead, ClockState, EndReason, LockEvent, Outcome, Reading, ReadingKind,
    RefusalCode, Statement,
};
use carhop_proofs::suite::{Algorithm, PublicKey, RustCrypto, SigningKey, Suite};
use carhop_proofs::time_reply::{self, TimeReply};
use serde_json::{Value, json};

/// The committed file.
pub(super) fn protocol() -> anyhow::Result<String> {
    let (authority, device) = (key(Algorithm::Ed25519, 1)?, key(Algorithm::Es256, 2)?);
    let document = json!({
        "about": "docs/protocol.md says how to read this",
        "authority": described(&authority, [1; 32])?,
        "device": described(&device, [2; 32])?,
        "device_state": {
            "device": hex(LOCK.as_bytes()), "trust_epoch": EPOCH, "last_counter": COUNTER, "now": NOW.unix_ms(),
        },
        "commands": commands(&authority)?,
        "time_replies": time_replies(&authority)?,
        "statements": statements(&device)?,
        "frames": frames(),
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn commands(authority: &SigningKey) -> anyhow::Result<Vec<Value>> {
    let open = open_command();
    let changed = |change: &dyn Fn(&mut Command)| {
        let mut command = open;
        change(&mut command);
        command
    };
    let arm = CommandAction::Arm { max_ml: 40_000, grade: 1 };
    let cancel = CommandAction::Cancel { command: open.id };
    let cases = [
        ("open one compartment", open),
        ("arm a pump for forty litres", changed(&|one| one.action = arm)),
        ("cancel the first command", changed(&|one| one.action = cancel)),
        ("for another device", changed(&|one| one.audience = DeviceId::from_bytes([6; 16]))),
        ("of an epoch that is over", changed(&|one| one.trust_epoch = EPOCH - 1)),
        ("a counter that is not above the last", changed(&|one| one.counter = COUNTER)),
        (
            "a life that is too long",
            changed(&|one| {
                one.expires_at = one.issued_at.plus_ms(command::COMMAND_LIFETIME_MS_MAX + 1);
            }),
        ),
        (
            "expired this very millisecond",
            changed(&|one| {
                one.issued_at = NOW.minus_ms(5_000);
                one.expires_at = NOW;
            }),
        ),
    ];
    let mut vectors = Vec::new();
    for (name, case) in cases {
        let bytes = command::sign(&RustCrypto, authority, &case)?;
        let verdict = command::check(&case, LOCK, EPOCH, COUNTER, NOW);
        let fields = json!({
            "id": hex(case.id.as_bytes()), "audience": hex(case.audience.as_bytes()), "session": hex(case.session.as_bytes()),
            "action": action(&case.action), "order": hex(&case.order.0), "release": hex(case.release.as_bytes()),
            "counter": case.counter, "trust_epoch": case.trust_epoch,
            "issued_at": case.issued_at.unix_ms(), "expires_at": case.expires_at.unix_ms(),
        });
        vectors.push(json!({
            "name": name, "fields": fields, "payload": payload(authority, "carhop.command.v1", &bytes)?,
            "bytes": hex(&bytes), "obeyed": verdict.is_ok(), "why_not": verdict.err().map(|why| why.to_string()),
        }));
    }
    let good = command::sign(&RustCrypto, authority, &open)?;
    for (name, bytes) in spoilt(&good, authority, "carhop.receipt.v1")? {
        let refused = command::open(&RustCrypto, &bytes, knows(authority)?).err();
        let why = refused.with_context(|| format!("a command {name} passes"))?;
        vectors.push(json!({ "name": name, "bytes": hex(&bytes), "obeyed": false, "why_not": why.to_string() }));
    }
    Ok(vectors)
}

fn open_command() -> Command {
    Command {
        id: CommandId::from_bytes([1; 16]),
        audience: LOCK,
        action: CommandAction::Open { compartment: 1 },
        session: SessionId::from_bytes([3; 16]),
        order: OrderDigest([4; 32]),
        release: ReleaseId::from_bytes([5; 16]),
        counter: COUNTER + 1,
        trust_epoch: EPOCH,
        issued_at: NOW,
        expires_at: NOW.plus_ms(command::COMMAND_LIFETIME_MS),
    }
}

fn action(action: &CommandAction) -> Value {
    match action {
        CommandAction::Open { compartment } => json!({ "open": { "compartment": compartment } }),
        CommandAction::Arm { max_ml, grade } => {
            json!({ "arm": { "max_ml": max_ml, "grade": grade } })
        }
        CommandAction::Cancel { command } => {
            json!({ "cancel": { "command": hex(command.as_bytes()) } })
        }
    }
}

/// A message that somebody has meddled with, in each of the ways that every reader must notice.
fn spoilt(
    good: &[u8],
    signer: &SigningKey,
    other_kind: &str,
) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    let last = good.len().saturating_sub(1);
    let flipped =
        good.iter().enumerate().map(|(at, byte)| if at == last { byte ^ 1 } else { *byte });
    let mut longer = good.to_vec();
    longer.push(0);
    let public = RustCrypto.public_key(signer)?;
    let kid = cose::key_id(&RustCrypto, &public);
    let foreign = cose::sign1(&RustCrypto, signer, kid, other_kind, &[0xa0])?;
    let stranger = key(signer.algorithm(), 9)?;
    let forged = cose::sign1(&RustCrypto, &stranger, kid, "carhop.command.v1", &[0xa0])?;
    Ok(vec![
        ("with one bit of the signature flipped", flipped.collect()),
        ("with a byte after its end", longer),
        ("cut short by one byte", good[..last].to_vec()),
        ("that was signed as another kind", foreign),
        ("that a stranger signed under the same key id", forged),
    ])
}

fn time_replies(authority: &SigningKey) -> anyhow::Result<Vec<Value>> {
    let reply = TimeReply { nonce: [7; 16], now: NOW, trust_epoch: EPOCH };
    let bytes = time_reply::sign(&RustCrypto, authority, &reply)?;
    let other = time_reply::open(&RustCrypto, &bytes, &[8; 16], knows(authority)?).err();
    let other = other.context("a time reply to another question passes")?;
    let payload = payload(authority, "carhop.time.v1", &bytes)?;
    let vector = |nonce: [u8; 16], why_not: Option<String>| {
        json!({
            "asked_with": hex(&nonce), "nonce": hex(&reply.nonce), "now": NOW.unix_ms(), "trust_epoch": EPOCH,
            "payload": payload, "bytes": hex(&bytes), "believed": why_not.is_none(), "why_not": why_not,
        })
    };
    Ok(vec![vector(reply.nonce, None), vector([8; 16], Some(other.to_string()))])
}

/// One device's chain: an opening, a dispensing, a boot in between. Each names the hash of the one before.
fn statements(device: &SigningKey) -> anyhow::Result<Vec<Value>> {
    let open = open_command().id;
    let reading = |number, kind, metered_ml: u32| Body::Meter {
        command: open,
        reading: Reading {
            number,
            kind,
            totaliser_ml: 500_000 + u64::from(metered_ml),
            metered_ml,
        },
    };
    let receipt = |outcome| Body::Receipt { command: open, counter: COUNTER + 1, outcome };
    let chain = [
        ("the lock opened for the command", 3, receipt(Outcome::Opened)),
        ("the bolt is home", 3, Body::Lock { command: Some(open), event: LockEvent::Locked }),
        ("somebody used a key", 3, Body::Lock { command: None, event: LockEvent::Opened }),
        (
            "four degrees below zero",
            3,
            Body::Lock { command: None, event: LockEvent::Temperature { c10: -40 } },
        ),
        ("the pump is armed", 4, receipt(Outcome::Armed)),
        ("before the first drop", 4, reading(0, ReadingKind::Begin, 0)),
        ("while it flows", 4, reading(1, ReadingKind::Charge, 12_345)),
        ("the nozzle was hung up", 4, reading(2, ReadingKind::End(EndReason::Finished), 20_000)),
        ("it was cancelled and never ran", 4, receipt(Outcome::NeverExecuted)),
        ("the clock is not bounded", 4, receipt(Outcome::Refused(RefusalCode::ClockUnbounded))),
        ("the car moved", 4, Body::Interlock { command: Some(open), kind: InterlockKind::Motion }),
    ];
    let (mut head, mut vectors): (Option<ChainHead>, _) = (None, Vec::new());
    for (name, boot_epoch, body) in chain {
        let sequence = match head {
            Some(head) if head.boot_epoch == boot_epoch => head.sequence + 1,
            Some(_) | None => 0,
        };
        let previous = head.map_or([0; 32], |head| head.hash);
        let said = Statement {
            device: LOCK,
            boot_epoch,
            sequence,
            at: NOW,
            clock: ClockState::Synchronised,
            previous,
            body,
        };
        let bytes = statement::sign(&RustCrypto, device, &said)?;
        let read = statement::open(&RustCrypto, &bytes, knows(device)?)?;
        ensure!(read == said, "{name} reads back as something else");
        let next = statement::next_head(&RustCrypto, head.as_ref(), &said, &bytes)?;
        let kind = aad(&body);
        vectors.push(json!({
            "name": name, "kind": kind, "boot_epoch": boot_epoch, "sequence": sequence, "previous": hex(&previous),
            "payload": payload(device, kind, &bytes)?, "bytes": hex(&bytes), "sha256": hex(&next.hash),
        }));
        head = Some(next);
    }
    Ok(vectors)
}

const fn aad(body: &Body) -> &'static str {
    match body {
        Body::Receipt { .. } => "carhop.receipt.v1",
        Body::Meter { .. } => "carhop.meter.v1",
        Body::Lock { .. } | Body::Interlock { .. } => "carhop.report.v1",
    }
}

fn frames() -> Value {
    let through = Position { boot_epoch: 3, sequence: 3 };
    let command = open_command().id;
    let to_device = [
        ("welcome", ToDevice::Welcome { challenge: [9; 32], acknowledged: None }),
        ("welcome back", ToDevice::Welcome { challenge: [9; 32], acknowledged: Some(through) }),
        ("time", ToDevice::Time { cose: vec![0xd2] }),
        ("command", ToDevice::Command { cose: vec![0xd2] }),
        ("query", ToDevice::Query { command }),
        ("acknowledge", ToDevice::Acknowledge { through }),
        ("challenge", ToDevice::Challenge { challenge: [9; 32] }),
        ("ping", ToDevice::Ping),
        ("farewell", ToDevice::Farewell { code: FarewellCode::Revoked }),
    ];
    let from_device = [
        ("hello", FromDevice::Hello { boot_epoch: 3, clock_nonce: [7; 16], next_sequence: 4 }),
        ("ask for the time", FromDevice::AskTime { nonce: [7; 16] }),
        ("attestation", FromDevice::Attestation { eat: vec![0xd2] }),
        ("statement", FromDevice::Statement { cose: vec![0xd2] }),
        ("unknown", FromDevice::Unknown { command }),
        ("pong", FromDevice::Pong),
    ];
    let vector = |name: &str, bytes: Vec<u8>| json!({ "name": name, "bytes": hex(&bytes) });
    json!({
        "to_device": to_device.map(|(name, frame)| vector(name, frame.encode())),
        "from_device": from_device.map(|(name, frame)| vector(name, frame.encode())),
    })
}

fn payload(signer: &SigningKey, kind: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let opened = cose::open1(&RustCrypto, bytes, kind, knows(signer)?)?;
    Ok(hex(opened.payload))
}

fn knows(key: &SigningKey) -> anyhow::Result<impl Fn(&KeyId) -> Option<PublicKey> + use<>> {
    let public = RustCrypto.public_key(key)?;
    Ok(move |kid: &KeyId| (*kid == cose::key_id(&RustCrypto, &public)).then_some(public))
}

fn described(key: &SigningKey, secret: [u8; 32]) -> anyhow::Result<Value> {
    let public = RustCrypto.public_key(key)?;
    let kid = hex(&cose::key_id(&RustCrypto, &public));
    Ok(json!({ "secret": hex(&secret), "public": hex(public.as_bytes()), "key_id": kid }))
}

/// A key whose secret is this byte, thirty-two times: for these bytes and nothing else.
fn key(algorithm: Algorithm, byte: u8) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::from_bytes(algorithm, [byte; 32])?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const LOCK: DeviceId = DeviceId::from_bytes([2; 16]);
const EPOCH: u64 = 7;
const COUNTER: u64 = 41;
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
