//! A connection from its hello to its farewell, and everything that is not let in.

use super::*;
use carhop_kernel::session::InterlockKind;
use carhop_proofs::cbor::CborError;
use carhop_proofs::cose::CoseError;
use carhop_proofs::frame::FRAME_LENGTH_MAX;
use carhop_proofs::statement::{Body, ClockState, Statement};
use carhop_proofs::suite::{Algorithm, AwsLc};

const LOCK: DeviceId = DeviceId::from_bytes([1; 16]);
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
const CHALLENGE: [u8; 32] = [7; 32];
const NONCE: [u8; 16] = [8; 16];
const MARK: Position = Position { boot_epoch: 3, sequence: 9 };

fn key(algorithm: Algorithm, label: u8) -> SigningKey {
    SigningKey::from_bytes(algorithm, [label; 32]).unwrap()
}

fn peer() -> Peer {
    let key = AwsLc.public_key(&key(Algorithm::Es256, 1)).unwrap();
    Peer { device: LOCK, class: DeviceClass::Lock, key }
}

const NEXT: Position = Position { boot_epoch: 3, sequence: 10 };

fn hello() -> FromDevice {
    FromDevice::Hello { boot_epoch: 3, clock_nonce: NONCE, next_sequence: 10 }
}

fn statement(device: DeviceId, signer: u8) -> Vec<u8> {
    let statement = Statement {
        device,
        boot_epoch: 3,
        sequence: 10,
        at: NOW,
        clock: ClockState::Synchronised,
        previous: [0; 32],
        body: Body::Interlock { command: None, kind: InterlockKind::Spill },
    };
    statement::sign(&AwsLc, &key(Algorithm::Es256, signer), &statement).unwrap()
}

/// A connection that has just said welcome.
fn welcomed() -> Connection {
    let mut connection = Connection::open(peer(), Some(MARK), CHALLENGE, NOW);
    let welcome = ToDevice::Welcome { challenge: CHALLENGE, acknowledged: Some(MARK) };
    assert_eq!(outputs(&mut connection), [sent(&welcome)]);
    connection
}

/// A connection on which the device has said hello.
fn greeted() -> Connection {
    let mut connection = welcomed();
    connection.receive(&AwsLc, &hello().encode(), NOW);
    let greeted = Output::Inbound(Inbound::Greeted { next: NEXT });
    let asked = Output::Inbound(Inbound::TimeAsked { nonce: NONCE });
    assert_eq!(outputs(&mut connection), [greeted, asked]);
    connection
}

fn outputs(connection: &mut Connection) -> Vec<Output> {
    std::iter::from_fn(|| connection.poll_output()).collect()
}

fn sent(frame: &ToDevice) -> Output {
    Output::Send(frame.encode())
}

fn farewell(code: FarewellCode, fault: Option<Fault>) -> [Output; 2] {
    [sent(&ToDevice::Farewell { code }), Output::Close { code, fault }]
}

fn receive(connection: &mut Connection, frame: &FromDevice) -> Vec<Output> {
    connection.receive(&AwsLc, &frame.encode(), NOW);
    outputs(connection)
}

#[test]
fn the_time_is_told_under_the_authority_s_signature() {
    let mut connection = greeted();
    let (authority, later) = (key(Algorithm::Ed25519, 2), NOW.plus_ms(30));
    connection.tell_time(NONCE, &AwsLc, &authority, 4, later).unwrap();
    let [Output::Send(bytes)] = &outputs(&mut connection)[..] else { panic!("one frame") };
    let Ok(ToDevice::Time { cose }) = ToDevice::decode(bytes) else { panic!("the time") };
    let public = AwsLc.public_key(&authority).unwrap();
    let reply = time_reply::open(&AwsLc, &cose, &NONCE, |_| Some(public));
    assert_eq!(reply, Ok(TimeReply { nonce: NONCE, now: later, trust_epoch: 4 }));
    let again = receive(&mut connection, &FromDevice::AskTime { nonce: [9; 16] });
    assert_eq!(again, [Output::Inbound(Inbound::TimeAsked { nonce: [9; 16] })]);
    let wrong = key(Algorithm::Es256, 2);
    assert!(connection.tell_time(NONCE, &AwsLc, &wrong, 4, NOW).is_err());
}

#[test]
fn a_statement_is_acknowledged_when_it_is_durable_and_not_before() {
    let mut connection = greeted();
    let bytes = statement(LOCK, 1);
    let cose = bytes.clone();
    let position = Position { boot_epoch: 3, sequence: 10 };
    let heard = Output::Inbound(Inbound::Statement { position, bytes });
    assert_eq!(receive(&mut connection, &FromDevice::Statement { cose }), [heard]);
    connection.acknowledge(position);
    assert_eq!(outputs(&mut connection), [sent(&ToDevice::Acknowledge { through: position })]);
}

#[test]
fn an_attestation_answers_the_last_challenge_once() {
    let mut connection = greeted();
    let eat = FromDevice::Attestation { eat: vec![1] };
    let answered = |challenge| Output::Inbound(Inbound::Attestation { challenge, eat: vec![1] });
    assert_eq!(receive(&mut connection, &eat), [answered(CHALLENGE)]);
    assert_eq!(receive(&mut connection, &eat), []);
    let due = NOW.plus_ms(CHALLENGE_INTERVAL_MS);
    let mut now = NOW;
    while now < due {
        now = connection.due_at().unwrap();
        connection.tick([5; 32], now);
        connection.receive(&AwsLc, &FromDevice::Pong.encode(), now);
    }
    assert_eq!(now, due);
    let asked = sent(&ToDevice::Challenge { challenge: [5; 32] });
    assert_eq!(outputs(&mut connection).last(), Some(&asked));
    assert_eq!(receive(&mut connection, &eat), [answered([5; 32])]);
}

#[test]
fn a_confined_device_is_heard_stopped_and_told_nothing_else() {
    let mut connection = welcomed();
    connection.confine(true);
    let greeted = Output::Inbound(Inbound::Greeted { next: NEXT });
    assert_eq!(receive(&mut connection, &hello()), [greeted]);
    assert_eq!(receive(&mut connection, &FromDevice::AskTime { nonce: NONCE }), []);
    assert_eq!(receive(&mut connection, &FromDevice::Attestation { eat: vec![1] }), []);
    let authority = key(Algorithm::Ed25519, 2);
    connection.tell_time(NONCE, &AwsLc, &authority, 4, NOW).unwrap();
    assert_eq!(outputs(&mut connection), []);
    while connection.due_at().unwrap() < NOW.plus_ms(CHALLENGE_INTERVAL_MS) {
        connection.tick([5; 32], connection.due_at().unwrap());
        connection.receive(&AwsLc, &FromDevice::Pong.encode(), connection.due_at().unwrap());
    }
    connection.tick([5; 32], NOW.plus_ms(CHALLENGE_INTERVAL_MS));
    let asked = sent(&ToDevice::Challenge { challenge: [5; 32] });
    assert!(!outputs(&mut connection).contains(&asked));
    let cose = statement(LOCK, 1);
    let position = Position { boot_epoch: 3, sequence: 10 };
    let heard = Output::Inbound(Inbound::Statement { position, bytes: cose.clone() });
    assert_eq!(receive(&mut connection, &FromDevice::Statement { cose }), [heard]);
    connection.notice(Notice::Frame(DeviceFrame::Command(vec![7])), NOW);
    let cancel = ToDevice::Command { cose: vec![7] };
    assert_eq!(outputs(&mut connection), [sent(&cancel)]);
    // Cleared, it begins where everybody begins.
    connection.confine(false);
    let asked = Output::Inbound(Inbound::TimeAsked { nonce: NONCE });
    assert_eq!(receive(&mut connection, &FromDevice::AskTime { nonce: NONCE }), [asked]);
}

#[test]
fn every_fault_ends_the_connection_and_nothing_follows() {
    let malformed = |error| Fault::Frame(FrameError::Malformed(error));
    let statement_of = |bytes| FromDevice::Statement { cose: bytes }.encode();
    let lost = |boot_epoch, next_sequence| {
        FromDevice::Hello { boot_epoch, clock_nonce: NONCE, next_sequence }.encode()
    };
    let foreign = DeviceId::from_bytes([2; 16]);
    let unknown_key = Fault::Statement(StatementError::Cose(CoseError::UnknownKey));
    let shapeless = Fault::Statement(StatementError::Malformed(CborError::Malformed));
    let too_long = vec![0; FRAME_LENGTH_MAX + 1];
    let first: [(&str, Vec<u8>, Fault); 7] = [
        ("wrong first frame", FromDevice::Pong.encode(), Fault::FirstFrame),
        ("statement first", statement_of(statement(LOCK, 1)), Fault::FirstFrame),
        ("our own frame", ToDevice::Ping.encode(), Fault::Frame(FrameError::UnknownKind)),
        ("oversized", too_long.clone(), malformed(CborError::TooLong)),
        ("no frame", vec![0xff], malformed(CborError::Malformed)),
        ("older than what is durable", lost(3, 9), Fault::LostMemory),
        ("an older boot", lost(2, 100), Fault::LostMemory),
    ];
    let later: [(&str, Vec<u8>, Fault); 6] = [
        ("second hello", hello().encode(), Fault::SecondHello),
        ("oversized", too_long, malformed(CborError::TooLong)),
        (
            "statement of another device",
            statement_of(statement(foreign, 1)),
            Fault::ForeignStatement,
        ),
        ("signed by another key", statement_of(statement(LOCK, 2)), unknown_key),
        ("another device altogether", statement_of(statement(foreign, 2)), unknown_key),
        ("no statement", statement_of(vec![1, 2, 3]), shapeless),
    ];
    let first = first.into_iter().map(|row| (welcomed(), row));
    let later = later.into_iter().map(|row| (greeted(), row));
    for (mut connection, (name, bytes, fault)) in first.chain(later) {
        connection.receive(&AwsLc, &bytes, NOW);
        let expected = farewell(FarewellCode::Protocol, Some(fault));
        assert_eq!(outputs(&mut connection), expected, "{name}");
        connection.receive(&AwsLc, &FromDevice::Pong.encode(), NOW);
        connection.notice(Notice::Probe, NOW);
        connection.acknowledge(MARK);
        connection.tick([0; 32], Timestamp::from_unix_ms(u64::MAX));
        assert_eq!((outputs(&mut connection), connection.due_at()), (vec![], None), "{name}");
    }
}

#[test]
fn a_first_hello_of_a_new_boot_and_of_a_new_device_is_welcome() {
    let mut connection = Connection::open(peer(), None, CHALLENGE, NOW);
    let first = FromDevice::Hello { boot_epoch: 0, clock_nonce: NONCE, next_sequence: 0 };
    assert_eq!(receive(&mut connection, &first).len(), 3);
    let mut connection = welcomed();
    let restarted = FromDevice::Hello { boot_epoch: 4, clock_nonce: NONCE, next_sequence: 0 };
    assert_eq!(receive(&mut connection, &restarted).len(), 2);
}

#[test]
fn a_silent_device_is_pinged_and_then_dismissed() {
    let mut connection = welcomed();
    assert_eq!(connection.due_at(), Some(NOW.plus_ms(HELLO_MS_MAX)));
    connection.tick([0; 32], NOW.plus_ms(HELLO_MS_MAX - 1));
    assert_eq!(outputs(&mut connection), []);
    connection.tick([0; 32], NOW.plus_ms(HELLO_MS_MAX));
    let silent = farewell(FarewellCode::Protocol, Some(Fault::Silent));
    assert_eq!(outputs(&mut connection), silent);

    let mut connection = greeted();
    let mut told = Vec::new();
    while let Some(now) = connection.due_at() {
        assert!(now <= NOW.plus_ms(IDLE_MS_MAX));
        connection.tick([0; 32], now);
        told.extend(outputs(&mut connection));
    }
    let ping = sent(&ToDevice::Ping);
    let mut expected = vec![ping.clone(), ping];
    expected.extend(farewell(FarewellCode::Idle, Some(Fault::Idle)));
    assert_eq!(told, expected);

    let mut connection = greeted();
    let now = NOW.plus_ms(IDLE_MS_MAX - 1);
    connection.receive(&AwsLc, &FromDevice::Pong.encode(), now);
    connection.tick([0; 32], NOW.plus_ms(IDLE_MS_MAX));
    assert_eq!(outputs(&mut connection), []);
    assert_eq!(connection.due_at(), Some(now.plus_ms(PING_INTERVAL_MS)));
}

#[test]
fn what_the_registry_says_is_told_to_the_device() {
    let mut connection = greeted();
    let command = CommandId::from_bytes([4; 16]);
    connection.notice(Notice::Frame(DeviceFrame::Command(vec![1, 2])), NOW);
    connection.notice(Notice::Frame(DeviceFrame::Query(command)), NOW);
    connection.notice(Notice::Probe, NOW);
    assert_eq!(
        outputs(&mut connection),
        [
            sent(&ToDevice::Command { cose: vec![1, 2] }),
            sent(&ToDevice::Query { command }),
            sent(&ToDevice::Ping),
        ]
    );
    let unknown = Output::Inbound(Inbound::Unknown { command });
    assert_eq!(receive(&mut connection, &FromDevice::Unknown { command }), [unknown]);
    let alive = [Output::Inbound(Inbound::Alive)];
    assert_eq!(receive(&mut connection, &FromDevice::Pong), alive);
    assert_eq!(receive(&mut connection, &FromDevice::Pong), []);
    connection.notice(Notice::Close(FarewellCode::Revoked), NOW);
    assert_eq!(outputs(&mut connection), farewell(FarewellCode::Revoked, None));
}

/// What a device said before it was probed may lie in a buffer long after it died; to take it for a
/// sign of life would freeze a device that only restarted.
#[test]
fn only_the_answer_to_the_probe_itself_is_a_sign_of_life() {
    let mut connection = greeted();
    // An answer that nobody asked for, and one to an earlier ping.
    receive(&mut connection, &FromDevice::Pong);
    connection.tick([0; 32], NOW.plus_ms(PING_INTERVAL_MS));
    connection.notice(Notice::Probe, NOW.plus_ms(PING_INTERVAL_MS));
    assert_eq!(outputs(&mut connection).len(), 2);
    assert_eq!(receive(&mut connection, &FromDevice::Pong), []);
    let alive = [Output::Inbound(Inbound::Alive)];
    assert_eq!(receive(&mut connection, &FromDevice::Pong), alive);
}
