//! A statement counts only as what it was signed as, by a certified key, in its place in the chain.

use alloc::string::ToString;
use alloc::vec::Vec;

use carhop_kernel::digest::EvidenceHash;
use proptest::prelude::*;

use super::*;
use crate::cose::CoseError;
use crate::fixture::{NOW, ed25519, es256};
use crate::suite::RustCrypto;

const SUITE: &dyn Suite = &RustCrypto;
const COMMAND: CommandId = CommandId::from_bytes([1; 16]);

fn statement(body: Body) -> Statement {
    Statement {
        device: DeviceId::from_bytes([2; 16]),
        boot_epoch: 3,
        sequence: 4,
        at: NOW,
        clock: ClockState::Synchronised,
        previous: [5; 32],
        body,
    }
}

fn receipt(outcome: Outcome) -> Body {
    Body::Receipt { command: COMMAND, counter: 42, outcome }
}

/// One body of every kind with every value of every closed set.
fn bodies() -> Vec<Body> {
    let outcomes = [Outcome::Opened, Outcome::Armed, Outcome::NeverExecuted, Outcome::Jammed];
    let refusals = RefusalCode::ALL.iter().map(|&code| Outcome::Refused(code));
    let receipts = outcomes.into_iter().chain(refusals).map(receipt);
    let events = [
        LockEvent::Opened,
        LockEvent::Closed,
        LockEvent::Locked,
        LockEvent::Jammed,
        LockEvent::Tampered,
        LockEvent::Temperature { c10: i32::MIN },
        LockEvent::Temperature { c10: i32::MAX },
    ];
    let locks = events
        .into_iter()
        .flat_map(|event| [None, Some(COMMAND)].map(|command| Body::Lock { command, event }));
    let ends = EndReason::ALL.iter().map(|&reason| ReadingKind::End(reason));
    let meters = [ReadingKind::Begin, ReadingKind::Charge].into_iter().chain(ends).map(|kind| {
        let reading = Reading { number: 9, kind, totaliser_ml: u64::MAX, metered_ml: u32::MAX };
        Body::Meter { command: COMMAND, reading }
    });
    let kinds = [
        InterlockKind::Motion,
        InterlockKind::Nozzle,
        InterlockKind::Spill,
        InterlockKind::EmergencyStop,
    ];
    let interlocks = kinds
        .into_iter()
        .flat_map(|kind| [None, Some(COMMAND)].map(|command| Body::Interlock { command, kind }));
    receipts.chain(locks).chain(meters).chain(interlocks).collect()
}

fn signed(statement: &Statement) -> Vec<u8> {
    sign(SUITE, &es256("lock"), statement).unwrap()
}

fn opened(bytes: &[u8]) -> Result<Statement, StatementError> {
    let public = SUITE.public_key(&es256("lock")).unwrap();
    let kid = cose::key_id(SUITE, &public);
    open(SUITE, bytes, |named| (*named == kid).then_some(public))
}

#[test]
fn every_statement_reads_back_and_fits_one_radio_packet() {
    for clock in ClockState::ALL {
        for body in bodies() {
            let statement = Statement { clock: *clock, ..statement(body) };
            let bytes = signed(&statement);
            assert_eq!(opened(&bytes), Ok(statement));
            assert!(bytes.len() <= 244, "{} {body:?}", bytes.len());
        }
    }
}

#[test]
fn the_bytes_of_statements_never_change() {
    let all: Vec<u8> = bodies().into_iter().flat_map(|body| signed(&statement(body))).collect();
    assert_eq!(
        EvidenceHash(SUITE.sha256(&[&all])).to_string(),
        "b14111e14404e688c991bc1171e647970dceb28ed92355617fe3c5c63bbaf9c1"
    );
}

#[test]
fn numbers_are_stable_and_unique() {
    let numbers = |numbers: &mut dyn Iterator<Item = u64>| numbers.collect::<Vec<_>>();
    assert_eq!(numbers(&mut ClockState::ALL.iter().map(|one| one.number())), [0, 1, 2, 3]);
    let refusals = numbers(&mut RefusalCode::ALL.iter().map(|one| one.number()));
    assert_eq!(refusals, (1..=13).collect::<Vec<_>>());
    let ends = numbers(&mut EndReason::ALL.iter().map(|one| one.number()));
    assert_eq!(ends, (1..=9).collect::<Vec<_>>());
    for code in RefusalCode::ALL {
        assert_eq!(RefusalCode::from_number(code.number()), Some(*code));
    }
    assert_eq!(RefusalCode::from_number(0), None);
    assert_eq!(RefusalCode::from(CommandRefusal::Expired), RefusalCode::Expired);
}

#[test]
fn a_statement_is_never_taken_for_one_of_another_kind() {
    let key = es256("lock");
    let kid = cose::key_id(SUITE, &SUITE.public_key(&key).unwrap());
    let kinds = ["carhop.receipt.v1", "carhop.meter.v1", "carhop.report.v1", "carhop.eat.v1", ""];
    for body in bodies() {
        let payload = codec::encode(&statement(body));
        for kind in kinds {
            let bytes = cose::sign1(SUITE, &key, kid, kind, &payload).unwrap();
            let expected = if kind == body.aad() {
                Ok(statement(body))
            } else {
                Err(StatementError::Cose(CoseError::Signature))
            };
            assert_eq!(opened(&bytes), expected, "{kind} {body:?}");
        }
    }
}

#[test]
fn only_the_certified_key_speaks_for_the_device() {
    let statement = statement(receipt(Outcome::Opened));
    let forged = sign(SUITE, &es256("stranger"), &statement).unwrap();
    assert_eq!(opened(&forged), Err(StatementError::Cose(CoseError::UnknownKey)));
    let public = SUITE.public_key(&es256("lock")).unwrap();
    let claimed = open(SUITE, &forged, |_| Some(public));
    assert_eq!(claimed, Err(StatementError::Cose(CoseError::Signature)));
    assert_eq!(sign(SUITE, &ed25519("lock"), &statement), Err(StatementError::Algorithm));
    let key = ed25519("lock");
    let payload = codec::encode(&statement);
    let bytes = cose::sign1(SUITE, &key, [0; 8], "carhop.receipt.v1", &payload).unwrap();
    let public = SUITE.public_key(&key).unwrap();
    let claimed = open(SUITE, &bytes, |_| Some(public));
    assert_eq!(claimed, Err(StatementError::Cose(CoseError::UnknownKey)));
}

#[test]
fn payloads_of_any_other_form_are_refused() {
    let good = codec::encode(&statement(receipt(Outcome::Opened)));
    assert!(codec::decode(&good).is_ok());
    let (head, body) = good.split_at(good.len() - 23);
    assert_eq!(body[..3], [0x84, 1, 0x50], "where the body begins");
    let with = |body: &[u8]| codec::decode(&[head, body].concat());
    let command = &body[2..19];
    let cases: [(&str, Vec<u8>); 10] = [
        ("unknown kind", [&[0x84, 5], &body[2..]].concat()),
        ("too short", [&[0x83, 1], &body[2..21]].concat()),
        ("too long", [&[0x85, 1], &body[2..], &[0]].concat()),
        ("unknown outcome", [&body[..21], &[0x81, 6]].concat()),
        ("refused without a code", [&body[..21], &[0x81, 5]].concat()),
        ("unknown refusal", [&body[..21], &[0x82, 5, 14]].concat()),
        ("unknown end", [&[0x86, 3], command, &[0, 0x82, 3, 10, 0, 0]].concat()),
        (
            "meter beyond 32 bits",
            [&[0x86, 3], command, &[0, 0x81, 1, 0, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0]].concat(),
        ),
        ("temperature beyond 32 bits", [0x83, 2, 0xf6, 0x82, 6, 0x1a, 0x80, 0, 0, 0].into()),
        ("unknown interlock", [0x83, 4, 0xf6, 5].into()),
    ];
    for (name, body) in cases {
        assert_eq!(with(&body), Err(CborError::Unexpected), "{name}");
    }
    assert!(with(&[0x83, 4, 0xf6, 4]).is_ok());
    let long = opened(&[0; STATEMENT_LENGTH_MAX + 1]);
    assert_eq!(long, Err(StatementError::Malformed(CborError::TooLong)));
}

#[test]
fn a_chain_continues_in_order_without_gaps_or_second_stories() {
    let at = |boot_epoch, sequence, previous| {
        let body = receipt(Outcome::Opened);
        let statement = Statement { boot_epoch, sequence, previous, ..statement(body) };
        (statement, signed(&statement))
    };
    let next = |head: Option<&ChainHead>, (statement, bytes): &(Statement, Vec<u8>)| {
        next_head(SUITE, head, statement, bytes)
    };
    let first = at(3, 0, [0; 32]);
    let one = next(None, &first).unwrap();
    assert_eq!(one, ChainHead { boot_epoch: 3, sequence: 0, hash: SUITE.sha256(&[&first.1]) });
    let second = at(3, 1, one.hash);
    let two = next(Some(&one), &second).unwrap();
    for (name, head, statement, expected) in [
        ("first with a past", None, at(3, 0, [1; 32]), ChainError::Forked),
        ("first is missing", None, at(3, 1, [0; 32]), ChainError::Gap),
        ("the same again", Some(&two), second, ChainError::Repeated),
        ("an older one again", Some(&two), first, ChainError::Old),
        ("an older boot", Some(&two), at(2, 9, two.hash), ChainError::Old),
        ("two in one place", Some(&two), at(3, 1, [9; 32]), ChainError::Forked),
        ("another past", Some(&two), at(3, 2, one.hash), ChainError::Forked),
        ("one is missing", Some(&two), at(3, 3, two.hash), ChainError::Gap),
        ("new boot, one is missing", Some(&two), at(4, 1, two.hash), ChainError::Gap),
        ("new boot, end is missing", Some(&two), at(4, 0, [9; 32]), ChainError::Gap),
    ] {
        assert_eq!(next(head, &statement), Err(expected), "{name}");
    }
    assert!(next(Some(&two), &at(3, 2, two.hash)).is_ok());
    assert!(next(Some(&two), &at(4, 0, two.hash)).is_ok());
    assert!(next(Some(&two), &at(9, 0, two.hash)).is_ok());
}

#[test]
fn no_flipped_bit_survives() {
    let bytes = signed(&statement(receipt(Outcome::Opened)));
    let public = SUITE.public_key(&es256("lock")).unwrap();
    for position in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        assert!(open(SUITE, &flipped, |_| Some(public)).is_err(), "bit {position}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        prop_assert!(opened(&bytes).is_err());
        let _ = codec::decode(&bytes);
    }

    #[test]
    fn a_payload_that_reads_is_the_one_that_is_written(
        body in prop::sample::select(bodies()), position: prop::sample::Index, byte: u8
    ) {
        let mut payload = codec::encode(&statement(body));
        let position = position.index(payload.len());
        payload[position] = byte;
        if let Ok(statement) = codec::decode(&payload) {
            prop_assert_eq!(codec::encode(&statement), payload);
        }
    }
}

#[test]
fn the_other_signature_that_verifies_under_the_key_is_a_bad_one() {
    let public = SUITE.public_key(&es256("lock")).unwrap();
    let kid = cose::key_id(SUITE, &public);
    for sequence in 0..16 {
        let bytes = signed(&Statement { sequence, ..statement(receipt(Outcome::Opened)) });
        assert!(opened(&bytes).is_ok());
        let twin = crate::fixture::other_signature(&bytes);
        assert_ne!(twin, bytes);
        // Whoever does not look at it takes it for genuine.
        let end = twin.len() - 64;
        let genuine = p256::ecdsa::Signature::from_slice(&twin[end..]).unwrap().normalize_s();
        assert_eq!(genuine.to_bytes()[..], bytes[end..]);
        assert_eq!(opened(&twin), Err(StatementError::Cose(CoseError::Signature)));
        let lookup = |named: &KeyId| (*named == kid).then_some(public);
        assert!(open(&crate::suite::AwsLc, &twin, lookup).is_err());
    }
}
