//! The turn of a device: what happened goes into the agent, what it wants is done in its order.
//!
//! A record is on disk before the agent hears that it is, so nothing moves that is not remembered
//! (M-ACT-2; design §2.3).

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use carhop_agent::{Agent, Alarm, Config, Input, Output, compact};
use carhop_app::ports::Clock;
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
use super::renewal::Renewal;
use super::store::{Identity, Store};
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
    renewal: Renewal,
    /// Whether the authority has taken the device out of service.
    is_retired: bool,
}

/// What wakes the device.
enum Wake {
    Link(Option<LinkEvent>),
    Hand(Option<Hand>),
    Renewed(Result<Identity>),
    Due,
}

/// What reaches the device from outside.
struct Ends {
    link: JoinHandle<()>,
    events: mpsc::Receiver<LinkEvent>,
    hands: mpsc::Receiver<Hand>,
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
        let certificate = authority.certificate(identity, class.device_class())?;
        let renewal = Renewal::of(&certificate);
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
            renewal,
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
        let (hand, hands) = mpsc::channel(HANDS_WAITING_MAX);
        // Without hands the sender is kept, and the channel stays silent.
        let _idle = if has_hands {
            std::thread::spawn(move || hands::follow(std::io::stdin().lock(), &hand));
            None
        } else {
            Some(hand)
        };
        let (link, events) = self.connect()?;
        let mut ends = Ends { link, events, hands };
        self.settle()?;
        while !self.is_retired {
            if self.turn(&mut ends).await?.is_break() {
                return Ok(ExitCode::SUCCESS);
            }
        }
        Ok(ExitCode::FAILURE)
    }

    /// Waits until something happens and does what follows, until the hands let go. Nothing else is waited for: a stop may
    /// come at any time.
    async fn turn(&mut self, ends: &mut Ends) -> Result<ControlFlow<()>> {
        let (rest, now) = (self.rest(), SystemClock::default().now());
        let may_change_over = self.renewal.may_change_over(self.agent.is_at_work(), now);
        let wake = tokio::select! {
            event = ends.events.recv() => Wake::Link(event),
            hand = ends.hands.recv() => Wake::Hand(hand),
            answer = self.renewal.answer(), if may_change_over => Wake::Renewed(answer),
            () = timers::sleep(rest) => Wake::Due,
        };
        match wake {
            Wake::Link(event) => self.linked(event.context("the link has stopped")?),
            Wake::Hand(None) => return Ok(ControlFlow::Break(())),
            Wake::Hand(Some(Hand::Unplug)) => {
                ends.link.abort();
                (ends.link, ends.events) = nobody();
                self.linked(LinkEvent::Disconnected("unplugged".to_owned()));
            }
            Wake::Hand(Some(Hand::PlugIn)) => {
                ends.link.abort();
                (ends.link, ends.events) = self.connect()?;
            }
            Wake::Hand(Some(hand)) => {
                self.metal.touch(hand, self.now_ms());
                see(&Seen::Touched);
            }
            Wake::Renewed(answer) => {
                if self.change_over(answer) {
                    ends.link.abort();
                    self.linked(LinkEvent::Disconnected("renewed".to_owned()));
                    (ends.link, ends.events) = self.connect()?;
                }
            }
            Wake::Due if self.is_renewal_due() => self.begin_renewal()?,
            Wake::Due => self.agent.handle(Input::Tick, self.now_ms()),
        }
        self.settle()?;
        Ok(ControlFlow::Continue(()))
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

    fn is_renewal_due(&self) -> bool {
        let due_at = self.renewal.due_at(self.agent.is_at_work());
        due_at.is_some_and(|due_at| SystemClock::default().now() >= due_at)
    }

    fn begin_renewal(&mut self) -> Result<()> {
        let identity = self.store.identity().context("the device is not enrolled")?.clone();
        let (authority, key) = (self.authority.clone(), self.store.key().clone());
        self.renewal.begin(authority, key, identity, SystemClock::default().now());
        Ok(())
    }

    /// Goes on under the certificate that was asked for. Whether there is one.
    fn change_over(&mut self, answer: Result<Identity>) -> bool {
        match answer.and_then(|renewed| self.take_up(renewed)) {
            Ok(()) => see(&Seen::Renewed),
            Err(error) => {
                see(&Seen::Alarm { what: format!("{error:#}") });
                return false;
            }
        }
        true
    }

    fn take_up(&mut self, renewed: Identity) -> Result<()> {
        let certificate = self.authority.certificate(&renewed, self.class.device_class())?;
        self.store.keep_identity(renewed)?;
        self.renewal = Renewal::of(&certificate);
        Ok(())
    }

    /// How long nothing is due.
    fn rest(&self) -> Duration {
        let now_ms = self.now_ms();
        let due = [self.agent.due_at(), self.metal.due_at()].into_iter().flatten().min();
        let due_ms = due.map_or(REST_MS_MAX, |due| due.saturating_sub(now_ms));
        let renewal_at = self.renewal.due_at(self.agent.is_at_work());
        let now = SystemClock::default().now();
        let renewal_ms = renewal_at.map_or(REST_MS_MAX, |renewal_at| renewal_at.since_ms(now));
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

#[cfg(test)]
mod tests;
