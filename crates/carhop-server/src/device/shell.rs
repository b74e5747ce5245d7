//! The turn of a device: what happened goes into the agent, what it wants is done in its order.
//!
//! A record is on disk before the agent hears that it is, so nothing moves that is not remembered
//! (M-ACT-2; design §2.3).

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use carhop_agent::{Agent, Alarm, Config, Input, Output, compact};
use carhop_app::ports::Clock;
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::FarewellCode;
use carhop_proofs::suite::RustCrypto;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Class;
use super::attester::SoftwareAttester;
use super::authority::Authority;
use super::fault::Fault;
use super::hands::{self, Hand, Seen};
use super::line::Line;
use super::link::{self, LinkEvent};
use super::metal::Metal;
use super::store::Store;
use crate::clock::{Stopwatch, SystemClock};
use crate::{entropy, timers};

/// A running device.
pub(crate) struct Shell {
    suite: RustCrypto,
    agent: Agent<RustCrypto>,
    store: Store,
    metal: Metal,
    authority: Authority,
    attester: Option<SoftwareAttester>,
    line: Line,
    /// Where frames go while a connection stands.
    frames: Option<mpsc::UnboundedSender<Vec<u8>>>,
    /// The device's own hour: monotonic, from zero.
    stopwatch: Stopwatch,
    class: Class,
    renewal_at: Timestamp,
    /// Whether the authority has taken the device out of service.
    is_retired: bool,
}

/// What wakes the device.
enum Wake {
    Link(Option<LinkEvent>),
    Hand(Option<Hand>),
    Due,
}

impl Shell {
    /// A device as its store left it.
    pub(crate) fn new(
        suite: RustCrypto,
        mut store: Store,
        mut metal: Metal,
        authority: Authority,
        attester: Option<SoftwareAttester>,
        class: Class,
    ) -> Result<Self> {
        let identity = store.identity().context("the device is not enrolled")?;
        let config = Config {
            device: identity.device,
            key: store.key().clone(),
            issuers: identity.issuers(&suite)?,
            capability: class.capability(),
        };
        let renewal_at = authority.renewal_at(identity, class.device_class())?;
        let mut records = store.take_records();
        if records.len() > RECORDS_BEFORE_COMPACTION {
            records = compact(&suite, records)?;
            store.replace_records(&records)?;
        }
        let agent = Agent::restore(suite, config, metal.power_up(0), records)?;
        Ok(Self {
            suite,
            agent,
            store,
            metal,
            authority,
            attester,
            line: Line::new(None),
            frames: None,
            stopwatch: Stopwatch::start(),
            class,
            renewal_at,
            is_retired: false,
        })
    }

    /// The same device with something wrong with its metal or its line.
    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        if let Some(of_metal) = fault.of_metal() {
            self.metal.suffer(of_metal, self.now_ms());
        }
        self.line = Line::new(Some(fault));
        self
    }

    /// Runs until the hands let go or the authority has retired the device.
    pub(crate) async fn run(mut self, has_hands: bool) -> Result<ExitCode> {
        let identity = self.store.identity().context("the device is not enrolled")?;
        see(&Seen::Started { device: identity.device });
        let (hand, mut hands) = mpsc::channel(HANDS_WAITING_MAX);
        // Without hands the sender is kept, and the channel stays silent.
        let _idle = if has_hands {
            std::thread::spawn(move || hands::follow(std::io::stdin().lock(), &hand));
            None
        } else {
            Some(hand)
        };
        let (mut link, mut events) = self.connect()?;
        self.settle()?;
        while !self.is_retired {
            let wake = tokio::select! {
                event = events.recv() => Wake::Link(event),
                hand = hands.recv() => Wake::Hand(hand),
                () = timers::sleep(self.rest()) => Wake::Due,
            };
            match wake {
                Wake::Link(event) => self.linked(event.context("the link has stopped")?),
                Wake::Hand(None) => return Ok(ExitCode::SUCCESS),
                Wake::Hand(Some(Hand::Unplug)) => {
                    link.abort();
                    (link, events) = nobody();
                    self.linked(LinkEvent::Disconnected("unplugged".to_owned()));
                }
                Wake::Hand(Some(Hand::PlugIn)) => {
                    link.abort();
                    (link, events) = self.connect()?;
                }
                Wake::Hand(Some(hand)) => {
                    self.metal.touch(hand, self.now_ms());
                    see(&Seen::Touched);
                }
                Wake::Due if SystemClock::default().now() >= self.renewal_at => {
                    if self.renew().await {
                        link.abort();
                        self.linked(LinkEvent::Disconnected("renewed".to_owned()));
                        (link, events) = self.connect()?;
                    }
                }
                Wake::Due => self.agent.handle(Input::Tick, self.now_ms()),
            }
            self.settle()?;
        }
        Ok(ExitCode::FAILURE)
    }

    /// Does everything that can be done now.
    fn settle(&mut self) -> Result<()> {
        loop {
            while let Some(output) = self.agent.poll_output() {
                self.carry_out(output)?;
            }
            let now_ms = self.now_ms();
            let Some(input) = self.metal.poll_input(now_ms) else { break };
            if let Input::Sensor(event) = &input {
                Seen::of(*event).iter().for_each(see);
                self.store.keep_actuator(self.metal.remembered())?;
            }
            self.agent.handle(input, now_ms);
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> Result<()> {
        match output {
            Output::Persist { ticket, record } => {
                self.store.append(&record)?;
                self.agent.handle(Input::Persisted(ticket), self.now_ms());
            }
            Output::Send(frame) => {
                if let Some(frames) = &self.frames {
                    for _ in 0..self.line.copies(&frame) {
                        // A connection that has just ended loses the frame, as any wire may.
                        let _ = frames.send(frame.clone());
                    }
                }
            }
            Output::Actuate(action) => self.metal.actuate(action, self.now_ms()),
            Output::Attest { challenge } => self.attest(&challenge)?,
            Output::Alarm(alarm) => see(&Seen::Alarm { what: describe(alarm).to_owned() }),
            Output::Farewell(code) => self.farewell(code),
            // Whoever keeps the connection ends it, says so, and makes another.
            Output::HangUp => self.frames = None,
        }
        Ok(())
    }

    fn linked(&mut self, event: LinkEvent) {
        let now_ms = self.now_ms();
        match event {
            LinkEvent::Connected(frames) => {
                self.frames = Some(frames);
                see(&Seen::Connected);
                self.agent.handle(Input::Connected { seed: entropy::random() }, now_ms);
            }
            LinkEvent::Frame(frame) if !self.line.lets_in(&frame) => {}
            LinkEvent::Frame(frame) => self.agent.handle(Input::Frame(frame), now_ms),
            LinkEvent::Disconnected(why) => {
                self.frames = None;
                see(&Seen::Disconnected { why });
                self.agent.handle(Input::Disconnected, now_ms);
            }
        }
    }

    fn attest(&mut self, challenge: &[u8; 32]) -> Result<()> {
        let Some(attester) = &self.attester else { return Ok(()) };
        let identity = self.store.identity().context("the device is not enrolled")?;
        let chain = identity.chain()?;
        let leaf = chain.first().context("an empty certificate chain")?;
        let token = attester.attest(&self.suite, challenge, leaf)?;
        self.agent.handle(Input::Attested(token), self.now_ms());
        Ok(())
    }

    fn farewell(&mut self, code: FarewellCode) {
        match code {
            FarewellCode::Revoked => self.is_retired = true,
            FarewellCode::Shutdown
            | FarewellCode::Idle
            | FarewellCode::Protocol
            | FarewellCode::Replaced
            | FarewellCode::Frozen => {}
        }
        see(&Seen::Alarm { what: format!("the gateway says farewell: {code:?}").to_lowercase() });
    }

    fn connect(&self) -> Result<(JoinHandle<()>, mpsc::Receiver<LinkEvent>)> {
        let (event, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let identity = self.store.identity().context("the device is not enrolled")?.clone();
        let keeping = link::keep(self.authority.clone(), self.store.key().clone(), identity, event);
        Ok((tokio::spawn(keeping), events))
    }

    /// Renews the certificate; a failure is tried again later, well before the old one ends.
    async fn renew(&mut self) -> bool {
        match self.try_renew().await {
            Ok(()) => {
                see(&Seen::Renewed);
                true
            }
            Err(error) => {
                see(&Seen::Alarm { what: format!("{error:#}") });
                self.renewal_at = SystemClock::default().now().plus_ms(RENEWAL_RETRY_MS);
                false
            }
        }
    }

    async fn try_renew(&mut self) -> Result<()> {
        let identity = self.store.identity().context("the device is not enrolled")?;
        let renewed = self.authority.renew(self.store.key(), identity).await?;
        self.renewal_at = self.authority.renewal_at(&renewed, self.class.device_class())?;
        self.store.keep_identity(renewed)
    }

    /// How long nothing is due.
    fn rest(&self) -> Duration {
        let now_ms = self.now_ms();
        let due = [self.agent.due_at(), self.metal.due_at()].into_iter().flatten().min();
        let due_ms = due.map_or(REST_MS_MAX, |due| due.saturating_sub(now_ms));
        let renewal_ms = self.renewal_at.since_ms(SystemClock::default().now());
        // A due time that is less than a millisecond away would be missed and asked for again.
        Duration::from_millis(due_ms.min(renewal_ms).clamp(1, REST_MS_MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds since the start are positive and few"
    )]
    fn now_ms(&self) -> u64 {
        (self.stopwatch.seconds() * 1_000.0) as u64
    }
}

/// The link of an unplugged device: nothing ever comes from it.
fn nobody() -> (JoinHandle<()>, mpsc::Receiver<LinkEvent>) {
    let (event, events) = mpsc::channel(1);
    let silent = async move {
        std::future::pending::<()>().await;
        drop(event);
    };
    (tokio::spawn(silent), events)
}

/// Shows what somebody at the device would see. Whether anybody looks does not matter.
fn see(seen: &Seen) {
    if let Ok(line) = serde_json::to_string(seen) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

const fn describe(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::MalformedFrame => "a frame could not be read",
        Alarm::ForgedCommand => "a command that no issuer signed",
        Alarm::ForeignCommand => "a command for another device",
        Alarm::FalseTime => "a time reply that proves nothing",
        Alarm::OutboxFull => "too many statements wait for the gateway",
        Alarm::FlowWithoutCommand => "fuel flowed though nothing was armed",
        Alarm::MeterDoubted => {
            "the meter ran backwards or leapt: nothing is dispensed until somebody has looked at it"
        }
        Alarm::Tampered => "somebody tampers with the device",
        Alarm::CannotSign => "the key does not sign",
    }
}

const HANDS_WAITING_MAX: usize = 16;
const EVENTS_WAITING_MAX: usize = 64;
/// A longer log is compacted at the start.
const RECORDS_BEFORE_COMPACTION: usize = 1_000;
const REST_MS_MAX: u64 = 60_000;
const RENEWAL_RETRY_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use carhop_kernel::device::DeviceClass;
    use carhop_kernel::digest::OrderDigest;
    use carhop_kernel::id::{CommandId, DeviceId, ReleaseId, SessionId};
    use carhop_proofs::command::{self, Command, CommandAction};
    use carhop_proofs::frame::{FromDevice, ToDevice};
    use carhop_proofs::pki::{self, Root, Serial};
    use carhop_proofs::suite::{Algorithm, SigningKey, Suite};
    use carhop_proofs::time_reply::{self, TimeReply};
    use carhop_proofs::{jwk, suite::AwsLc};

    use super::super::store::{Identity, draw_key};
    use super::*;

    const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

    fn issuer() -> SigningKey {
        SigningKey::from_bytes(Algorithm::Ed25519, [9; 32]).unwrap()
    }

    /// An enrolled lock in a folder, under a root of its own.
    fn lock(folder: &std::path::Path) -> Shell {
        let now = SystemClock::default().now();
        let serial = |byte| Serial::from_random([byte; 16]);
        let tenant = "local".parse().unwrap();
        let root = Root::create(&AwsLc, &tenant, draw_key().unwrap(), serial(1), now).unwrap();
        let key = draw_key().unwrap();
        let class = DeviceClass::Lock;
        let authority = root.issuing_authority(&AwsLc, class, key, serial(2), now).unwrap();
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
        let authority = Authority::new("https://nobody", "wss://nobody", roots).unwrap();
        let metal = Metal::at_rest(Class::Lock, store.actuator().unwrap());
        Shell::new(RustCrypto, store, metal, authority, None, Class::Lock).unwrap()
    }

    /// Connects the lock and tells it the time, as a gateway does.
    fn connect(shell: &mut Shell) -> Timestamp {
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
        now
    }

    fn open_command(now: Timestamp) -> Vec<u8> {
        let command = Command {
            id: CommandId::generate(now, [2; 10]),
            audience: DEVICE,
            action: CommandAction::Open { compartment: 1 },
            session: SessionId::from_bytes([3; 16]),
            order: OrderDigest([4; 32]),
            release: ReleaseId::from_bytes([5; 16]),
            counter: 1,
            trust_epoch: 0,
            issued_at: now,
            expires_at: now.plus_ms(command::COMMAND_LIFETIME_MS),
        };
        let cose = command::sign(&AwsLc, &issuer(), &command).unwrap();
        ToDevice::Command { cose }.encode()
    }

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
}
