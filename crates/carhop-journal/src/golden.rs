//! One sample of everything that is stored, as the golden files pin it. A new variant without a sample does not compile;
//! one without a file fails the test. Old files are never edited: a form that changes gets a new version.
//!
//! Nothing is read or written here: `examples/golden.rs` writes the files, `tests/golden.rs` compares.

#![expect(
    clippy::unwrap_used,
    reason = "samples are test data: what cannot be stored stops the test"
)]

mod events;
mod vocabulary;

use std::collections::BTreeMap;

use carhop_app::batch::{
    Body, DecisionRef, DeviceTrust, Effect, Entry, Meta, Stream, TimerSubject,
};
use carhop_app::record::Partition;
use carhop_app::records::TrustSubject;
use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::device::TrustTier;
use carhop_kernel::digest::{
    DecisionDigest, FirmwareDigest, KeyThumbprint, PolicyVersion, SecretHash,
};
use carhop_kernel::id::{
    ApiKeyId, CommandId, CustomerId, DecisionId, DeviceId, DriverId, EventId, SessionId, StaffId,
};
use carhop_kernel::time::Timestamp;

use crate::codec;

/// The content of every golden file by its name.
///
/// # Panics
/// If a sample cannot be stored.
pub fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in events::bodies().into_iter().map(entry) {
        let place = Partition { tenant: name("acme"), market: name("sunnyvale") };
        let stored = codec::encode(&place, 7, NOW, &entry).unwrap();
        files.insert(format!("{}.json", body_name(&entry.body)), stored);
    }
    for effect in effects() {
        let file = match effect {
            Effect::SendCommand { .. } => "effect.send_command.json",
            Effect::SendCancel { .. } => "effect.send_cancel.json",
        };
        files.insert(file.to_owned(), codec::encode_effect(&effect).unwrap());
    }
    for subject in subjects() {
        let file = match subject {
            TimerSubject::Silence { .. } => "timer.silence.json",
            TimerSubject::WindowEnd { .. } => "timer.window_end.json",
            TimerSubject::Settlement { .. } => "timer.settlement.json",
            TimerSubject::Overdue { .. } => "timer.overdue.json",
        };
        files.insert(file.to_owned(), codec::encode_subject(&subject).unwrap());
    }
    files.insert("vocabulary.json".to_owned(), vocabulary::file());
    files
}

const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);

/// `enum: Variant { field: sample }`, exhaustively.
macro_rules! every {
    ($list:ident, $enum:ident: $($variant:ident { $($field:tt: $value:expr),* $(,)? };)*) => {
        fn $list() -> Vec<$enum> {
            const fn covers(sample: &$enum) {
                match sample { $($enum::$variant { .. } => {})* }
            }
            let samples = vec![$($enum::$variant { $($field: $value),* }),*];
            samples.iter().for_each(covers);
            samples
        }
    };
}
use every;

every! { subjects, TimerSubject:
    Silence { session: id(1, SessionId::from_bytes), command: id(2, CommandId::from_bytes) };
    WindowEnd { session: id(1, SessionId::from_bytes) };
    Settlement { subject: TrustSubject::Device(id(5, DeviceId::from_bytes)) };
    Overdue { session: id(1, SessionId::from_bytes), command: id(2, CommandId::from_bytes) };
}

every! { actors, Actor:
    Customer { customer: id(3, CustomerId::from_bytes) };
    Driver { driver: id(4, DriverId::from_bytes), device: id(5, DeviceId::from_bytes) };
    Store { key: id(6, ApiKeyId::from_bytes) };
    Staff { by: staff()[0] };
    Device { device: id(5, DeviceId::from_bytes) };
    System {};
}

fn staff() -> [StaffBy; 2] {
    let staff =
        [StaffBy::Key(id(6, ApiKeyId::from_bytes)), StaffBy::Member(id(0x30, StaffId::from_bytes))];
    for by in staff {
        match by {
            StaffBy::Key(_) | StaffBy::Member(_) => {}
        }
    }
    staff
}

fn streams() -> [Stream; 4] {
    let session = id(1, SessionId::from_bytes);
    let streams = [
        Stream::Session(session),
        Stream::Side(session),
        Stream::Device(id(5, DeviceId::from_bytes)),
        Stream::Operator,
    ];
    for stream in streams {
        match stream {
            Stream::Session(_) | Stream::Side(_) | Stream::Device(_) | Stream::Operator => {}
        }
    }
    streams
}

every! { effects, Effect:
    SendCommand {
        device: id(5, DeviceId::from_bytes),
        session: id(1, SessionId::from_bytes),
        command: id(2, CommandId::from_bytes),
        expires_at: NOW.plus_ms(30_000),
        bytes: vec![0xd2, 0x84, 0x00, 0xff],
    };
    SendCancel {
        device: id(5, DeviceId::from_bytes),
        expires_at: NOW.plus_ms(30_000),
        bytes: vec![0xd2, 0x84, 0x00, 0xfe],
    };
}

/// A sample in the stream where it belongs.
fn entry(body: Body) -> Entry {
    let [session, side, device, operator] = streams();
    let stream = match body {
        Body::Session(_) => session,
        Body::Device(_) => device,
        Body::Operator(_) => operator,
        Body::Refused(_)
        | Body::RefusalsCapped { .. }
        | Body::CodeIssued { .. }
        | Body::ProofFailed { .. }
        | Body::TokenIssued { .. }
        | Body::TokenRevoked { .. }
        | Body::CustomerBound { .. }
        | Body::LinkIssued { .. }
        | Body::PlaceJudged(_)
        | Body::TagScanned { .. }
        | Body::VehicleCompared { .. }
        | Body::Dispute(_) => side,
    };
    let meta = match body {
        Body::Operator(_) => empty_meta(),
        Body::Session(_)
        | Body::Device(_)
        | Body::Refused(_)
        | Body::RefusalsCapped { .. }
        | Body::CodeIssued { .. }
        | Body::ProofFailed { .. }
        | Body::TokenIssued { .. }
        | Body::TokenRevoked { .. }
        | Body::CustomerBound { .. }
        | Body::LinkIssued { .. }
        | Body::PlaceJudged(_)
        | Body::TagScanned { .. }
        | Body::VehicleCompared { .. }
        | Body::Dispute(_) => full_meta(),
    };
    Entry { id: id(8, EventId::from_bytes), stream, meta, body }
}

fn empty_meta() -> Meta {
    let actor = Actor::System;
    Meta { actor, decision: None, policy: None, key: None, token: None, device: None }
}

fn full_meta() -> Meta {
    Meta {
        actor: actors()[1],
        decision: Some(DecisionRef {
            id: id(9, DecisionId::from_bytes),
            digest: DecisionDigest([0x0f; 32]),
        }),
        policy: Some(PolicyVersion([0x10; 32])),
        key: Some(KeyThumbprint([0x11; 32])),
        token: Some(SecretHash([0x12; 32])),
        device: Some(DeviceTrust {
            device: id(5, DeviceId::from_bytes),
            firmware: vec![FirmwareDigest([0x13; 32])],
            tier: TrustTier::Attested,
        }),
    }
}

/// `session.hold_lifted`: the kind and, where there is one, the event.
fn body_name(body: &Body) -> String {
    let written = serde_json::to_value(body).unwrap();
    let part = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let kind = part(&written["kind"]).unwrap();
    match part(&written["data"]["event"]) {
        Some(event) => format!("{kind}.{event}"),
        None => kind,
    }
}

/// An id of any kind with one byte repeated.
fn id<T>(byte: u8, from_bytes: impl Fn([u8; 16]) -> T) -> T {
    from_bytes([byte; 16])
}

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}
