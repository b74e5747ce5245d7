//! Plays a plan from its beginning to its end, shows every happening to the witnesses, and says how it ended and what it
//! came past.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

use carhop_agent::Action;
use carhop_app::batch::{Body, DeviceEvent, Stream};
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::session::{LegStateKind, PhaseKind, Session};
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::{RustCrypto, Suite};

use crate::SimError;
use crate::happening::{Broken, Clocked, Happening, Link, LinkState, ServerNumber, Witness};
use crate::plan::{Fault, Plan, Rate, Roll};
use crate::town::dice::Dice;
use crate::town::heart::{Owner, Tasks};
use crate::town::visit::Visit;
use crate::town::{Town, audit, gremlin, people, staff, trouble};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything held and every stop ended.
    Well,
    /// Something did not hold.
    Broken(Broken),
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// SHA-256 over everything that happened: the same plan gives the same.
    pub hash: [u8; 32],
    /// How many things happened.
    pub happenings: u64,
    /// How much time passed in the world.
    pub passed_ms: u64,
    /// How many stops there were, by how they ended.
    pub ends: BTreeMap<&'static str, u64>,
    /// What struck, in order.
    pub struck: Vec<Roll>,
    /// How often each fault could have struck.
    pub rolled: BTreeMap<Fault, u64>,
    /// What it came past.
    pub coverage: Coverage,
}

/// Which states of sessions and legs were seen, and which faults struck in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// States that were reached.
    pub states: BTreeSet<(PhaseKind, LegStateKind)>,
    /// Faults that struck while some session was in such a state.
    pub struck: BTreeSet<(PhaseKind, LegStateKind, Fault)>,
}

impl Coverage {
    /// Adds what another run came past.
    pub fn add(&mut self, other: &Self) {
        self.states.extend(&other.states);
        self.struck.extend(&other.struck);
    }

    fn see(&mut self, session: &Session, fault: Option<Fault>) {
        let phase = session.phase.kind();
        for leg in &session.legs {
            let leg = leg.state.kind();
            match fault {
                Some(fault) => drop(self.struck.insert((phase, leg, fault))),
                None => drop(self.states.insert((phase, leg))),
            }
        }
    }
}

/// Plays a plan in front of these witnesses.
pub fn play(plan: &Plan, witnesses: &mut [&mut dyn Witness]) -> Result<Run, SimError> {
    play_watched(plan, witnesses, |_, _, _| {})
}

/// Plays a plan, and tells of each happening as it is written into the hash.
pub fn play_watched(
    plan: &Plan,
    witnesses: &mut [&mut dyn Witness],
    watch: impl FnMut(Timestamp, &Happening, &str),
) -> Result<Run, SimError> {
    let town = Town::found(plan)?;
    let tasks = Tasks::new(&town.heart, &town.spawner);
    let start = town.heart.now();
    let player = Player {
        town,
        tasks,
        start,
        witnesses,
        watch,
        hash: [0; 32],
        happenings: 0,
        line: String::new(),
        struck: 0,
        coverage: Coverage::default(),
        moving: BTreeMap::new(),
        accepted: BTreeMap::new(),
    };
    player.play()
}

struct Player<'a, 'b, W> {
    town: Rc<Town>,
    tasks: Tasks,
    start: Timestamp,
    witnesses: &'a mut [&'b mut dyn Witness],
    watch: W,
    hash: [u8; 32],
    happenings: u64,
    line: String,
    struck: usize,
    coverage: Coverage,
    /// The command whose action a device's metal is carrying out.
    moving: BTreeMap<DeviceId, CommandId>,
    accepted: BTreeMap<DeviceId, CommandId>,
}

impl<W: FnMut(Timestamp, &Happening, &str)> Player<'_, '_, W> {
    fn play(mut self) -> Result<Run, SimError> {
        self.open()?;
        let ending = match self.live() {
            Ok(()) => Ending::Well,
            Err(broken) => Ending::Broken(broken),
        };
        let mut ends = BTreeMap::new();
        for visit in self.town.visits.borrow().iter() {
            let end = visit.phase(&self.town).map_or("unplaced", PhaseKind::name);
            *ends.entry(end).or_default() += 1;
        }
        let rolled =
            |fault: &Fault| (*fault, self.town.heart.with_dice(|dice| dice.rolled(*fault)));
        Ok(Run {
            ending,
            hash: self.hash,
            happenings: self.happenings,
            passed_ms: self.town.heart.now().since_ms(self.start),
            ends,
            struck: self.town.heart.with_dice(|dice| dice.struck().to_vec()),
            rolled: Fault::ALL.iter().map(rolled).collect(),
            coverage: self.coverage,
        })
    }

    /// Sets the town up while nothing goes wrong yet, and lets everybody in.
    fn open(&mut self) -> Result<(), SimError> {
        let town = Rc::clone(&self.town);
        for tenant in &town.tenants {
            let partition = tenant.partition.clone();
            let key = town.notary.verifier(&partition);
            let key = key.ok_or_else(|| SimError::world("a notary without a key"))?;
            let crypto = town.crypto;
            town.heart.tell(Happening::LogKeyTold { partition, key, crypto });
        }
        let first = &town.servers[0];
        first.start(&town);
        let process = first.process().ok_or_else(|| SimError::world("no server"))?;
        crate::executor::run(town.settle_in(&process)).map_err(SimError::world)??;
        drop(process);
        town.heart.with_dice(Dice::wake);
        town.servers.iter().skip(1).for_each(|server| server.start(&town));
        for device in town.devices.borrow().iter() {
            let live = Rc::clone(device).live(Rc::clone(&town));
            town.spawner.spawn(Owner::Device(device.id), live);
        }
        for visit in town.visits.borrow().iter() {
            let spawn = |work| town.spawner.spawn(Owner::World, work);
            let (of, visit_of) = (|| Rc::clone(&town), || Rc::clone(visit));
            spawn(Box::pin(people::store(of(), visit_of())) as crate::town::heart::Work);
            spawn(Box::pin(people::customer(of(), visit_of())));
            spawn(Box::pin(people::driver(of(), visit_of())));
            spawn(Box::pin(staff::staff(of(), visit_of())));
            gremlin::haunt(&town, visit);
        }
        town.spawner.spawn(Owner::World, trouble::trouble(Rc::clone(&town)));
        Ok(())
    }

    fn live(&mut self) -> Result<(), Broken> {
        let wild_until = self.start.plus_ms(self.town.plan.wild_ms);
        self.run_until(wild_until, true)?;
        self.heal()?;
        let latest = self.town.plan.stops.iter().map(|stop| stop.begins_ms + 2 * stop.window_ms);
        let deadline_ms = latest.max().unwrap_or_default() + HEALING_MS;
        let deadline = self.start.plus_ms(deadline_ms).max(wild_until.plus_ms(HEALING_MS));
        self.run_until(deadline, true)?;
        self.everybody_is_done()?;
        let rest = self.town.heart.now().plus_ms(REST_MS);
        self.run_until(rest, false)?;
        crate::executor::run(audit::whole(&self.town))
            .map_err(|stalled| Broken::new("the_audit_ends", stalled.to_string()))??;
        self.town.heart.tell(Happening::Ended);
        self.look()
    }

    /// Lets the world go on until then, or until every stop has ended.
    fn run_until(&mut self, end: Timestamp, or_over: bool) -> Result<(), Broken> {
        while self.tasks.step(end) {
            self.bury_and_pause();
            self.look()?;
            if or_over && self.town.moved() && self.is_over() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.town.visits.borrow().iter().all(|visit| visit.is_over(&self.town))
    }

    /// Servers that were to die are dead, and come back after a while; those that were to stand still do.
    fn bury_and_pause(&mut self) {
        for (number, at) in self.town.heart.deaths() {
            let Some(server) = self.town.servers.iter().find(|server| server.number == number)
            else {
                continue;
            };
            if server.process().is_none() {
                continue;
            }
            self.tasks.kill(Owner::Server(number));
            server.fall();
            self.town.heart.tell(Happening::Crashed { server: number, at });
            let town = Rc::clone(&self.town);
            let down_ms = town.heart.draw(500, 20_000);
            self.town.spawner.spawn(Owner::World, async move {
                town.heart.sleep(down_ms).await;
                if let Some(server) = town.servers.iter().find(|server| server.number == number) {
                    server.start(&town);
                }
            });
        }
        for (number, for_ms) in self.town.pauses.take() {
            self.tasks.pause(Owner::Server(number));
            self.town.heart.tell(Happening::Paused { server: number, for_ms });
            let town = Rc::clone(&self.town);
            self.town.spawner.spawn(Owner::World, async move {
                town.heart.sleep(for_ms).await;
                town.resumes.borrow_mut().push(number);
            });
        }
        for number in self.town.resumes.take() {
            self.tasks.resume(Owner::Server(number));
        }
    }

    /// Shows what happened to everybody who looks.
    fn look(&mut self) -> Result<(), Broken> {
        for (at, happening) in self.town.heart.told() {
            self.line.clear();
            let written = write!(self.line, "{} {happening:?}", at.since_ms(self.start));
            debug_assert!(written.is_ok());
            self.hash = RustCrypto.sha256(&[&self.hash, self.line.as_bytes()]);
            self.happenings += 1;
            (self.watch)(at, &happening, &self.line);
            self.follow(&happening);
            for witness in self.witnesses.iter_mut() {
                witness.see(at, &happening)?;
            }
        }
        self.cover();
        self.town.heart.failure().map_or(Ok(()), Err)
    }

    /// What the metal did under which command: staff who go and look can see it.
    fn follow(&mut self, happening: &Happening) {
        match happening {
            Happening::Accepted { device, command } => {
                self.accepted.insert(*device, *command);
            }
            Happening::Actuated { device, action: Action::Open { .. } | Action::Arm { .. } } => {
                let command = self.accepted.get(device).copied();
                self.moving.extend(command.map(|command| (*device, command)));
            }
            Happening::DoorOpened { device } | Happening::Metered { device, .. } => {
                let command = self.moving.get(device).copied();
                self.town.carried_out.borrow_mut().extend(command);
            }
            Happening::Rebooted { device } => {
                self.moving.remove(device);
            }
            Happening::Appended { batch, .. } => {
                for entry in &batch.0.entries {
                    if let Body::Device(DeviceEvent::Attested { device, .. }) = &entry.body {
                        self.town.attested.borrow_mut().insert(*device, batch.0.at);
                    }
                    if let Stream::Session(id) = entry.stream {
                        let coverage = &mut self.coverage;
                        self.town.disk.look(id, |session| coverage.see(session, None));
                    }
                }
            }
            Happening::Recovered { .. }
            | Happening::Crashed { .. }
            | Happening::Paused { .. }
            | Happening::ClockSet { .. }
            | Happening::PolicyReplaced { .. }
            | Happening::Acknowledged { .. }
            | Happening::NotAppended { .. }
            | Happening::CommandLeft { .. }
            | Happening::QueryLeft { .. }
            | Happening::EpochLearned { .. }
            | Happening::LogKeyTold { .. }
            | Happening::Actuated { .. }
            | Happening::DoorLocked { .. }
            | Happening::Told { .. }
            | Happening::Connected { .. }
            | Happening::Disconnected { .. }
            | Happening::Partitioned { .. }
            | Happening::Asked { .. }
            | Happening::Answered { .. }
            | Happening::Viewed { .. }
            | Happening::Reached { .. }
            | Happening::Mischief(_)
            | Happening::Healed
            | Happening::Ended => {}
        }
    }

    fn cover(&mut self) {
        for (fault, id) in self.town.heart.with_dice(Dice::befell) {
            let coverage = &mut self.coverage;
            self.town.disk.look(id, |session| coverage.see(session, Some(fault)));
        }
        let struck = self.town.heart.with_dice(|dice| {
            let struck = dice.struck();
            (struck.len() > self.struck).then(|| struck[self.struck..].to_vec())
        });
        let Some(struck) = struck else { return };
        self.struck += struck.len();
        for session in self.town.disk.sessions() {
            // What befalls one stop counts when it comes about.
            for (fault, _) in struck.iter().filter(|(fault, _)| fault.rate() != Rate::Stop) {
                self.coverage.see(&session, Some(*fault));
            }
        }
    }

    /// All faults end, all wires work and all clocks are right.
    fn heal(&mut self) -> Result<(), Broken> {
        let town = &self.town;
        town.heart.with_dice(Dice::heal);
        for device in town.devices.borrow().iter() {
            device.set_link(LinkState::Up);
            device.touch(|actuator, _| actuator.heal());
            let (link, state) = (Link::Device(device.id), LinkState::Up);
            town.heart.tell(Happening::Partitioned { link, state });
        }
        let cut_off: Vec<_> = town.cut_off.borrow().keys().copied().collect();
        for person in cut_off {
            town.set_wire(person, LinkState::Up);
        }
        for server in &town.servers {
            server.clock.set_ahead(0);
            let clock = Clocked::Server(server.number);
            town.heart.tell(Happening::ClockSet { clock, ahead_ms: 0 });
        }
        town.heart.tell(Happening::Healed);
        self.look()
    }

    /// Every stop has ended by now, or somebody has been asked for.
    fn everybody_is_done(&self) -> Result<(), Broken> {
        let visits = self.town.visits.borrow();
        let unended = visits.iter().find(|visit| !visit.is_over(&self.town));
        unended
            .map_or(Ok(()), |visit| Err(Broken::new("every_stop_ends", stuck(&self.town, visit))))
    }
}

fn stuck(town: &Town, visit: &Visit) -> String {
    let state = visit.look(town, |session| {
        let legs: Vec<_> = session.legs.iter().map(|leg| leg.state.kind().name()).collect();
        let hold = session.hold().map(|hold| hold.cause);
        format!("{} is {} with {legs:?}, hold {hold:?}", session.id, session.phase.kind().name())
    });
    format!("stop {}: {}", visit.plan.number, state.unwrap_or_else(|| "never placed".to_owned()))
}

impl Town {
    /// Has a server stand still.
    pub(crate) fn pause(&self, server: ServerNumber, for_ms: u64) {
        self.pauses.borrow_mut().push((server, for_ms));
    }

    /// Whether the metal did what a command asked for.
    pub(crate) fn was_carried_out(&self, command: CommandId) -> bool {
        self.carried_out.borrow().contains(&command)
    }

    /// Whether nothing goes wrong any more.
    pub(crate) fn is_healed(&self) -> bool {
        self.heart.with_dice(|dice| dice.is_healed())
    }

    /// Whether anything became durable since the last time this was asked.
    fn moved(&self) -> bool {
        let appends = self.disk.appends();
        self.seen_appends.replace(appends) != appends
    }
}

/// How long after its window a stop may take to end once nothing goes wrong any more.
const HEALING_MS: u64 = 60 * 60_000;
/// How long everything runs on after the last stop.
const REST_MS: u64 = 90_000;
