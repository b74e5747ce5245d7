//! A lock or pump: the agent that runs on a real one, its flash, its metal, its own clock, and a power that fails. A
//! record is durable only when the flash says so; whatever was not is gone with the power.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use carhop_agent::{Agent, Capability, Config, Input, Observed, Output, SensorEvent, Ticket};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::cose::key_id;
use carhop_proofs::frame::FromDevice;
use carhop_proofs::statement;
use carhop_proofs::suite::{PublicKey, SigningKey, Suite};

use crate::happening::{Happening, LinkState};
use crate::quick::Crypto;
use crate::town::Town;
use crate::town::dice::Fault;
use crate::town::heart::{Heart, Nudge, Owner};
use crate::town::liar::Liar;
use crate::town::line;
use crate::town::wire::{End, Heard, wire};
use crate::world::metal::{Actuator, Integrity};

/// A lock or pump.
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) class: DeviceClass,
    pub(crate) tenant: usize,
    pub(crate) key: SigningKey,
    pub(super) public: PublicKey,
    pub(super) issuer: PublicKey,
    pub(super) integrity: Integrity,
    pub(super) crypto: Crypto,
    pub(super) heart: Heart,
    /// Something is to be looked at.
    pub(crate) nudge: Nudge,
    pub(super) link: Cell<LinkState>,
    /// Whether it is what somebody made of a copy of the key: its metal opens nothing that counts.
    pub(super) is_copy: bool,
    /// Whether whoever carries its frames keeps the next command, and the one that was kept.
    pub(super) keeps: Cell<bool>,
    pub(super) epoch: Cell<u64>,
    pub(super) kept: RefCell<Option<Vec<u8>>>,
    pub(super) state: RefCell<State>,
}

pub(super) struct State {
    /// `None` without power.
    pub(super) agent: Option<Agent<Crypto>>,
    pub(super) actuator: Actuator,
    pub(super) flash: Vec<Vec<u8>>,
    /// What the flash is busy with, in order.
    pub(super) writing: VecDeque<(Timestamp, Ticket, Vec<u8>)>,
    pub(super) booted_at: Timestamp,
    /// How much too fast its oscillator is, in parts per million.
    pub(super) drift_ppm: i64,
    pub(super) end: Option<End>,
    pub(super) heard_at: Timestamp,
    /// When it tries to connect, or gets its power back.
    pub(super) again_at: Timestamp,
    /// Frames that come by another way than its connection.
    pub(super) strays: Vec<(Timestamp, Vec<u8>)>,
    pub(super) told: BTreeSet<[u8; 32]>,
    pub(super) truth: u64,
    /// Whoever holds its key and speaks for it.
    pub(super) liar: Option<Liar>,
    pub(super) is_gone: bool,
}

/// What a device is made of.
pub(crate) struct Parts {
    pub(crate) id: DeviceId,
    pub(crate) class: DeviceClass,
    pub(crate) tenant: usize,
    pub(crate) key: SigningKey,
    pub(crate) issuer: PublicKey,
    pub(crate) integrity: Integrity,
    pub(crate) actuator: Actuator,
    pub(crate) drift_ppm: i64,
}

impl Device {
    pub(crate) fn new(parts: Parts, crypto: Crypto, heart: &Heart) -> Option<Self> {
        let Parts { id, class, tenant, key, issuer, integrity, actuator, drift_ppm } = parts;
        let public = crypto.public_key(&key).ok()?;
        let now = heart.now();
        let truth = actuator.truth();
        let state = State {
            agent: None,
            actuator,
            flash: Vec::new(),
            writing: VecDeque::new(),
            booted_at: now,
            drift_ppm,
            end: None,
            heard_at: now,
            again_at: now,
            strays: Vec::new(),
            told: BTreeSet::new(),
            truth,
            liar: None,
            is_gone: false,
        };
        let (state, link) = (RefCell::new(state), Cell::new(LinkState::Up));
        let (heart, nudge) = (heart.clone(), Nudge::default());
        Some(Self {
            id,
            class,
            tenant,
            key,
            public,
            issuer,
            integrity,
            crypto,
            heart,
            nudge,
            link,
            is_copy: false,
            keeps: Cell::new(false),
            epoch: Cell::default(),
            kept: RefCell::default(),
            state,
        })
    }

    /// What gets through to and from it.
    pub(crate) fn link(&self) -> LinkState {
        self.link.get()
    }

    /// From now on only this gets through.
    pub(crate) fn set_link(&self, link: LinkState) {
        self.link.set(link);
    }

    /// Looks at or touches the metal, at the device's own time.
    pub(crate) fn touch<T>(&self, touch: impl FnOnce(&mut Actuator, u64) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let now_ms = state.local_ms(self.heart.now());
        let touched = touch(&mut state.actuator, now_ms);
        self.look(&mut state);
        self.nudge.nudge();
        touched
    }

    /// A frame comes by another way than its connection.
    pub(crate) fn stray(&self, at: Timestamp, frame: Vec<u8>) {
        self.state.borrow_mut().strays.push((at, frame));
        self.nudge.nudge();
    }

    /// Lives until the world ends.
    pub(crate) async fn live(self: Rc<Self>, town: Rc<Town>) {
        while !self.state.borrow().is_gone {
            match self.step(&town) {
                Next::Wait(until) => self.heart.wait(&self.nudge, until).await,
                Next::GoOn => self.heart.turn().await,
            }
        }
    }

    /// Does one thing, if there is one to do.
    fn step(self: &Rc<Self>, town: &Rc<Town>) -> Next {
        let now = self.heart.now();
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if state.agent.is_none() {
            if state.again_at > now {
                return Next::Wait(Some(state.again_at));
            }
            self.boot(state);
            return Next::GoOn;
        }
        if let Some((at, ..)) = state.writing.front()
            && *at <= now
        {
            self.written(state);
            return Next::GoOn;
        }
        if let Some(place) = state.strays.iter().position(|(at, _)| *at <= now) {
            let (_, frame) = state.strays.swap_remove(place);
            self.handle(state, Input::Frame(frame));
            return Next::GoOn;
        }
        let frame_at = match state.end.as_ref().map(End::hear) {
            Some(Heard::Frame(frame)) => {
                state.heard_at = now;
                self.handle(state, Input::Frame(frame));
                return Next::GoOn;
            }
            Some(Heard::End) => {
                self.hang_up(state);
                return Next::GoOn;
            }
            Some(Heard::Nothing(_)) if now >= state.heard_at.plus_ms(DEAF_MS_MAX) => {
                self.hang_up(state);
                return Next::GoOn;
            }
            Some(Heard::Nothing(at)) => {
                let deaf_at = state.heard_at.plus_ms(DEAF_MS_MAX);
                Some(at.map_or(deaf_at, |at| at.min(deaf_at)))
            }
            None if state.again_at <= now => {
                self.connect(state, town);
                return Next::GoOn;
            }
            None => Some(state.again_at),
        };
        let local = state.local_ms(now);
        let due = state.agent.as_ref().and_then(Agent::due_at);
        let due = [due, state.actuator.due_at()].into_iter().flatten().min();
        if due.is_some_and(|due| due <= local) {
            self.handle(state, Input::Tick);
            return Next::GoOn;
        }
        let due = due.map(|due| state.world_time(due));
        let written = state.writing.front().map(|(at, ..)| *at);
        let stray = state.strays.iter().map(|(at, _)| *at).min();
        Next::Wait([due, written, stray, frame_at].into_iter().flatten().min())
    }

    fn boot(&self, state: &mut State) {
        state.booted_at = self.heart.now();
        let observed = state.actuator.power_up(0);
        if let Observed::Lock { is_locked: true, .. } = observed {
            self.tell(Happening::DoorLocked { device: self.id });
        }
        let capability = match self.class {
            DeviceClass::Pump => {
                Capability::Pump { grades: vec![1], max_ml: 100_000, flow_ml_per_s_max: 1_000 }
            }
            DeviceClass::Lock
            | DeviceClass::Handset
            | DeviceClass::Relay
            | DeviceClass::Console
            | DeviceClass::VehicleModule
            | DeviceClass::Till => Capability::Lock { compartments: vec![1] },
        };
        let (device, key, issuers) = (self.id, self.key.clone(), vec![self.issuer]);
        let config = Config { device, key, issuers, capability };
        if self.heart.draw(0, 4) == 0
            && let Ok(compact) = carhop_agent::compact(&self.crypto, state.flash.clone())
        {
            state.flash = compact;
        }
        match Agent::restore(self.crypto, config, observed, &state.flash) {
            Ok(agent) => state.agent = Some(agent),
            Err(error) => self.heart.fail("device_restores", error.to_string()),
        }
        state.again_at = self.heart.now().plus_ms(self.heart.draw(10, 3_000));
        self.work(state);
    }

    /// The flash has written its oldest record.
    fn written(&self, state: &mut State) {
        let Some((_, ticket, record)) = state.writing.pop_front() else { return };
        if let Some(command) = carhop_agent::accepted(&record) {
            self.tell(Happening::Accepted { device: self.id, command });
        }
        if let Some(epoch) = carhop_agent::trust_floor(&record) {
            self.epoch.set(self.epoch.get().max(epoch));
            self.tell(Happening::EpochLearned { device: self.id, epoch });
        }
        state.flash.push(record);
        if self.fails(state) {
            return;
        }
        self.handle(state, Input::Persisted(ticket));
    }

    fn connect(self: &Rc<Self>, state: &mut State, town: &Rc<Town>) {
        let now = self.heart.now();
        state.again_at = now.plus_ms(self.heart.draw(1_000, 10_000));
        let Some(process) = town.some_server() else { return };
        let nudge = Nudge::default();
        let (server_end, device_end) = wire(&self.heart, &nudge, &self.nudge);
        let (device, server) = (self.id, process.number);
        self.tell(Happening::Connected { device, server });
        let serve = line::serve(Rc::clone(town), process, Rc::clone(self), server_end, nudge);
        town.spawner.spawn(Owner::Server(server), serve);
        (state.end, state.heard_at) = (Some(device_end), now);
        self.handle(state, Input::Connected { seed: self.heart.bytes() });
    }

    pub(super) fn hang_up(&self, state: &mut State) {
        state.end = None;
        state.again_at = self.heart.now().plus_ms(self.heart.draw(200, 5_000));
        self.tell(Happening::Disconnected { device: self.id });
        self.handle(state, Input::Disconnected);
    }

    fn handle(&self, state: &mut State, input: Input) {
        let now_ms = state.local_ms(self.heart.now());
        if let Some(agent) = &mut state.agent {
            agent.handle(input, now_ms);
            self.work(state);
        }
    }

    /// The loop of a device's shell.
    fn work(&self, state: &mut State) {
        let now_ms = state.local_ms(self.heart.now());
        while let Some(agent) = &mut state.agent {
            if let Some(output) = agent.poll_output() {
                self.obey(state, output, now_ms);
                continue;
            }
            let Some(input) = state.actuator.poll_input(now_ms) else { break };
            if input == Input::Sensor(SensorEvent::Locked) {
                self.tell(Happening::DoorLocked { device: self.id });
            }
            agent.handle(input, now_ms);
        }
        self.look(state);
    }

    fn obey(&self, state: &mut State, output: Output, now_ms: u64) {
        match output {
            Output::Persist { ticket, record } => {
                let slow = self.heart.strikes(Fault::DeviceDiskSlow);
                let slow_ms = self.heart.span(Fault::DeviceDiskSlow, 1_000, 40_000);
                let takes_ms = if slow { slow_ms } else { self.heart.draw(0, 12) };
                let last = state.writing.back().map_or(self.heart.now(), |(at, ..)| *at);
                let at = self.heart.now().plus_ms(takes_ms).max(last);
                state.writing.push_back((at, ticket, record));
            }
            Output::Send(frame) => {
                let frame = match &mut state.liar {
                    Some(liar) => liar.twist(self.crypto, &self.key, self.public, frame),
                    None => frame,
                };
                self.notice(state, &frame);
                let sent =
                    state.end.as_ref().is_some_and(|end| end.send(frame, self.link(), false));
                if !sent && state.end.take().is_some() {
                    state.again_at = self.heart.now().plus_ms(self.heart.draw(200, 5_000));
                    self.tell(Happening::Disconnected { device: self.id });
                    if let Some(agent) = &mut state.agent {
                        agent.handle(Input::Disconnected, now_ms);
                    }
                }
            }
            Output::Actuate(action) => {
                if self.fails(state) {
                    return;
                }
                self.tell(Happening::Actuated { device: self.id, action });
                state.actuator.actuate(action, now_ms);
                self.fails(state);
            }
            Output::Attest { challenge } => {
                let token = self.integrity.attest_with(&self.crypto, &challenge);
                if let (Ok(token), Some(agent)) = (token, &mut state.agent) {
                    agent.handle(Input::Attested(token), now_ms);
                }
            }
            Output::HangUp => self.hang_up(state),
            Output::Alarm(_) | Output::Farewell(_) => {}
        }
    }

    /// Whether the power fails here and now.
    fn fails(&self, state: &mut State) -> bool {
        if !self.heart.strikes(Fault::DeviceReboots) || state.agent.is_none() {
            return false;
        }
        self.go_dark(state, self.heart.span(Fault::DeviceReboots, 500, 60_000));
        true
    }

    /// It has no power for so long; what was not durable is gone.
    pub(super) fn go_dark(&self, state: &mut State, off_ms: u64) {
        (state.agent, state.end) = (None, None);
        state.writing.clear();
        state.again_at = self.heart.now().plus_ms(off_ms);
        self.tell(Happening::Rebooted { device: self.id });
    }

    /// Says what happens to the device; of a copy nothing counts but what it signs.
    fn tell(&self, happening: Happening) {
        if !self.is_copy || matches!(happening, Happening::Told { .. }) {
            self.heart.tell(happening);
        }
    }

    /// Notes what the device says when it says it for the first time.
    fn notice(&self, state: &mut State, frame: &[u8]) {
        let Ok(FromDevice::Statement { cose }) = FromDevice::decode(frame) else { return };
        let hash = self.crypto.sha256(&[&cose]);
        if !state.told.insert(hash) {
            return;
        }
        let kid = key_id(&self.crypto, &self.public);
        let known = |claimed: &[u8; 8]| (*claimed == kid).then_some(self.public);
        match statement::open(&self.crypto, &cose, known) {
            Ok(statement) => self.tell(Happening::Told { statement, hash }),
            Err(error) => self.heart.fail("device_signs", error.to_string()),
        }
    }

    /// Notes what the metal has done.
    fn look(&self, state: &mut State) {
        let truth = state.actuator.truth();
        if truth == std::mem::replace(&mut state.truth, truth) {
            return;
        }
        let device = self.id;
        self.tell(match state.actuator {
            Actuator::Lock(_) => Happening::DoorOpened { device },
            Actuator::Pump(_) => Happening::Metered { device, totaliser_ml: truth },
        });
        // Metal has moved, and nothing of that is durable yet.
        self.fails(state);
    }
}

/// What a device does next.
enum Next {
    /// Something else, at once.
    GoOn,
    /// Nothing until then, or until it is nudged.
    Wait(Option<Timestamp>),
}

impl State {
    /// What the device's own clock shows.
    fn local_ms(&self, now: Timestamp) -> u64 {
        let span = i128::from(now.since_ms(self.booted_at));
        let shown = span + span * i128::from(self.drift_ppm) / 1_000_000;
        u64::try_from(shown).unwrap_or_default()
    }

    /// When its own clock will show this.
    fn world_time(&self, local_ms: u64) -> Timestamp {
        let span = i128::from(local_ms) * 1_000_000 / i128::from(1_000_000 + self.drift_ppm);
        self.booted_at.plus_ms(u64::try_from(span).unwrap_or_default() + 1)
    }
}

/// After so long without a word of the server the device hangs up; a server pings three times as often.
const DEAF_MS_MAX: u64 = 65_000;
