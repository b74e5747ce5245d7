//! What the turn of a device owes to its store, its metal and whoever calls something back.

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::OrderDigest;
use carhop_kernel::id::{CommandId, DeviceId, ReleaseId, SessionId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::frame::{FromDevice, ToDevice};
use carhop_proofs::pki::{self, Root, Serial};
use carhop_proofs::statement::{self, Body, EndReason, Outcome, ReadingKind};
use carhop_proofs::suite::{Algorithm, SigningKey, Suite};
use carhop_proofs::time_reply::{self, TimeReply};
use carhop_proofs::{jwk, suite::AwsLc};
use tokio::net::TcpListener;

use super::super::store::draw_key;
use super::*;

const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

fn issuer() -> SigningKey {
    SigningKey::from_bytes(Algorithm::Ed25519, [9; 32]).unwrap()
}

/// An enrolled lock in a folder, under a root of its own.
fn lock(folder: &std::path::Path) -> Shell {
    enrolled(folder, Class::Lock, "wss://nobody", SystemClock::default().now())
}

/// A device that enrolled at that time.
fn enrolled(folder: &std::path::Path, class: Class, gateway: &str, now: Timestamp) -> Shell {
    let serial = |byte| Serial::from_random([byte; 16]);
    let tenant = "local".parse().unwrap();
    let root = Root::create(&AwsLc, &tenant, draw_key().unwrap(), serial(1), now).unwrap();
    let key = draw_key().unwrap();
    let of = class.device_class();
    let authority = root.issuing_authority(&AwsLc, of, key, serial(2), now).unwrap();
    let mut store = Store::open(folder).unwrap();
    let csr = pki::csr(&RustCrypto, store.key()).unwrap();
    let leaf = authority.issue(&AwsLc, &csr, DEVICE, serial(3), now).unwrap();
    let chain = [&leaf[..], authority.certificate()];
    let issuer = AwsLc.public_key(&issuer()).unwrap();
    store
        .keep_identity(Identity {
            device: DEVICE,
            certificate_chain: chain.map(Base64UrlUnpadded::encode_string).to_vec(),
            command_keys: jwk::jwks(&AwsLc, &[issuer]),
        })
        .unwrap();
    let roots = vec![root.certificate().to_vec()];
    let authority = Authority::new("https://nobody", gateway, roots).unwrap();
    let metal = Metal::at_rest(class, store.actuator().unwrap());
    Shell::new(RustCrypto, store, metal, authority, None, class).unwrap()
}

/// Connects the lock and tells it the time, as a gateway does.
fn connect(shell: &mut Shell) -> Timestamp {
    connected(shell).0
}

/// The same, with what the device says from then on.
fn connected(shell: &mut Shell) -> (Timestamp, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (frames, mut said) = mpsc::unbounded_channel();
    shell.settle().unwrap();
    shell.linked(LinkEvent::Connected(frames));
    shell.settle().unwrap();
    let FromDevice::Hello { clock_nonce, .. } =
        FromDevice::decode(&said.try_recv().unwrap()).unwrap()
    else {
        panic!("no hello")
    };
    let now = Timestamp::from_unix_s(1_800_000_000);
    let reply = TimeReply { nonce: clock_nonce, now, trust_epoch: 0 };
    let cose = time_reply::sign(&AwsLc, &issuer(), &reply).unwrap();
    for frame in
        [ToDevice::Welcome { challenge: [0; 32], acknowledged: None }, ToDevice::Time { cose }]
    {
        shell.linked(LinkEvent::Frame(frame.encode()));
    }
    shell.settle().unwrap();
    (now, said)
}

fn open_command(now: Timestamp) -> Vec<u8> {
    command(now, 1, CommandAction::Open { compartment: 1 }).1
}

fn command(now: Timestamp, counter: u64, action: CommandAction) -> (CommandId, Vec<u8>) {
    let command = Command {
        id: CommandId::generate(now, [counter.to_be_bytes()[7]; 10]),
        audience: DEVICE,
        action,
        session: SessionId::from_bytes([3; 16]),
        order: OrderDigest([4; 32]),
        release: ReleaseId::from_bytes([5; 16]),
        counter,
        trust_epoch: 0,
        issued_at: now,
        expires_at: now.plus_ms(command::COMMAND_LIFETIME_MS),
    };
    let cose = command::sign(&AwsLc, &issuer(), &command).unwrap();
    (command.id, ToDevice::Command { cose }.encode())
}

/// A pump of whose certificate so many eighths are over, at a gateway that says nothing; what reaches the pump from
/// outside, and where that is put in.
async fn pump(
    folder: &std::path::Path,
    eighths: u64,
) -> (Shell, TcpListener, Ends, mpsc::Sender<LinkEvent>) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("wss://{}", silent.local_addr().unwrap());
    let spent_ms = pki::device_lifetime_ms(DeviceClass::Pump) / 8 * eighths;
    let since = SystemClock::default().now().unix_ms() - spent_ms;
    let pump = enrolled(folder, Class::Pump, &gateway, Timestamp::from_unix_ms(since));
    let (event, events) = mpsc::channel(4);
    // Hands that never move and never let go.
    let (hand, hands) = mpsc::channel(1);
    let link = tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(hand);
    });
    (pump, silent, Ends { link, events, hands }, event)
}

/// Gives the device a turn, for which there is something to do.
async fn turn(shell: &mut Shell, ends: &mut Ends) {
    let turn = timers::within(PATIENCE, shell.turn(ends)).await;
    assert!(turn.expect("the device waits for something else").unwrap().is_continue());
}

/// Gives the device turns until it has stated what is wanted.
async fn until_stated(
    shell: &mut Shell,
    ends: &mut Ends,
    said: &mut mpsc::UnboundedReceiver<Vec<u8>>,
    wanted: impl Fn(&Body) -> bool,
) {
    let key = RustCrypto.public_key(shell.store.key()).unwrap();
    loop {
        while let Ok(frame) = said.try_recv() {
            let FromDevice::Statement { cose } = FromDevice::decode(&frame).unwrap() else {
                continue;
            };
            if wanted(&statement::open(&RustCrypto, &cose, |_| Some(key)).unwrap().body) {
                return;
            }
        }
        turn(shell, ends).await;
    }
}

/// How long something may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_command_is_on_disk_before_the_bolt_moves() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = lock(folder.path());
    let now = connect(&mut shell);
    let before = Store::open(folder.path()).unwrap().take_records().len();
    shell.linked(LinkEvent::Frame(open_command(now)));
    let Some(output) = shell.agent.poll_output() else { panic!("nothing follows") };
    assert!(matches!(output, Output::Persist { .. }), "{output:?}");
    assert_eq!(shell.agent.poll_output(), None, "something follows without the record");
    assert_eq!(shell.metal.due_at(), None);
    shell.carry_out(output).unwrap();
    assert!(Store::open(folder.path()).unwrap().take_records().len() > before);
    shell.settle().unwrap();
    assert!(shell.metal.due_at().is_some(), "the bolt does not move");
}

#[test]
fn the_store_of_a_lock_is_no_pump() {
    let folder = tempfile::tempdir().unwrap();
    let shell = lock(folder.path());
    let store = Store::open(folder.path()).unwrap();
    let metal = Metal::at_rest(Class::Pump, store.actuator().unwrap());
    let pump = Shell::new(RustCrypto, store, metal, shell.authority, None, Class::Pump);
    assert_eq!(pump.err().unwrap().to_string(), "the store is that of a lock");
}

#[test]
fn a_command_that_cannot_be_written_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = lock(folder.path());
    let now = connect(&mut shell);
    shell.store.break_log(folder.path());
    shell.linked(LinkEvent::Frame(open_command(now)));
    assert!(shell.settle().is_err());
    assert_eq!(shell.metal.due_at(), None);
}

#[tokio::test]
async fn a_renewal_that_nobody_answers_keeps_no_command_waiting_and_no_cancel() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pump, silent, mut ends, event) = pump(folder.path(), 6).await;
    let (now, mut said) = connected(&mut pump);
    // Nothing but the renewal is due. Its connection is taken, and not a byte comes back.
    turn(&mut pump, &mut ends).await;
    let _held = timers::within(PATIENCE, silent.accept()).await.unwrap().unwrap();

    let (armed, arm) = command(now, 1, CommandAction::Arm { max_ml: 50_000, grade: 1 });
    event.send(LinkEvent::Frame(arm)).await.unwrap();
    until_stated(&mut pump, &mut ends, &mut said, |body| {
        matches!(body, Body::Receipt { outcome: Outcome::Armed, .. })
    })
    .await;
    let (_, cancel) = command(now, 2, CommandAction::Cancel { command: armed });
    event.send(LinkEvent::Frame(cancel)).await.unwrap();
    until_stated(&mut pump, &mut ends, &mut said, is_cancelled).await;
}

#[tokio::test]
async fn a_renewal_that_breaks_off_leaves_the_connection_and_is_tried_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pump, silent, mut ends, _event) = pump(folder.path(), 6).await;
    let (_, _said) = connected(&mut pump);
    turn(&mut pump, &mut ends).await;
    drop(timers::within(PATIENCE, silent.accept()).await.unwrap().unwrap());
    turn(&mut pump, &mut ends).await;
    assert!(pump.frames.is_some() && !pump.is_renewal_due());
    let again_at = pump.renewal.due_at(false).unwrap();
    assert!(again_at.since_ms(SystemClock::default().now()) > 30_000);
}

#[tokio::test]
async fn work_puts_a_renewal_off_until_the_certificate_is_about_to_end() {
    for (eighths, is_put_off) in [(6, true), (7, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (mut pump, _silent, _ends, _event) = pump(folder.path(), eighths).await;
        let (now, _said) = connected(&mut pump);
        assert!(pump.is_renewal_due());
        arm(&mut pump, now);
        assert_eq!(!pump.is_renewal_due(), is_put_off, "{eighths}");
    }
}

#[tokio::test]
async fn a_certificate_that_comes_during_work_is_taken_up_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pump, _silent, mut ends, event) = pump(folder.path(), 6).await;
    let (now, mut said) = connected(&mut pump);
    let armed = arm(&mut pump, now);
    pump.renewal.be_answered(pump.store.identity().unwrap().clone()).await;
    tokio::select! {
        biased;
        _ = pump.turn(&mut ends) => panic!("something is done before the work is"),
        () = std::future::ready(()) => {}
    }
    let (_, cancel) = command(now, 2, CommandAction::Cancel { command: armed });
    event.send(LinkEvent::Frame(cancel)).await.unwrap();
    until_stated(&mut pump, &mut ends, &mut said, is_cancelled).await;
    assert!(pump.frames.is_some());
    turn(&mut pump, &mut ends).await;
    assert!(pump.frames.is_none(), "it connects anew, under the new certificate");
}

/// Arms the pump; by which command.
fn arm(pump: &mut Shell, now: Timestamp) -> CommandId {
    let (armed, arm) = command(now, 1, CommandAction::Arm { max_ml: 50_000, grade: 1 });
    pump.linked(LinkEvent::Frame(arm));
    pump.settle().unwrap();
    armed
}

fn is_cancelled(body: &Body) -> bool {
    let Body::Meter { reading, .. } = body else { return false };
    matches!(reading.kind, ReadingKind::End(EndReason::Cancelled))
}
