//! A server's process: the use cases over the shared disk, its loops, and the shell of each device's connection, as
//! `carhop-server` has them, but on the hand-rolled executor and without a socket.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use carhop_app::checkpoint::CheckpointError;
use carhop_app::ports::{Bell, Carrier, Clock, DeviceFrame, Entropy, Journal, Pending};
use carhop_app::{App, Failure, Keyring, Parts};
use carhop_devices::presence::Registry;
use carhop_kernel::id::{DeviceId, SessionId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::{RustCrypto, Suite};

use crate::happening::{CrashPoint, Happening, ServerNumber};
use crate::town::dice::Fault;
use crate::town::disk::Storage;
use crate::town::heart::{Heart, Nudge, Owner, never};
use crate::town::line::Lines;
use crate::town::{Tenant, Town};

/// A server, running or not.
pub(crate) struct Server {
    pub(crate) number: ServerNumber,
    pub(crate) clock: Arc<ServerClock>,
    process: RefCell<Option<Rc<Process>>>,
}

/// What of a server dies with it.
pub(crate) struct Process {
    pub(crate) number: ServerNumber,
    pub(crate) app: App,
    pub(crate) registry: Arc<Registry>,
    pub(crate) lines: Lines,
    pub(crate) clock: Arc<ServerClock>,
    storage: Arc<Storage>,
}

impl Server {
    pub(crate) fn new(number: ServerNumber, heart: &Heart) -> Self {
        let clock = ServerClock { heart: heart.clone(), ahead_ms: AtomicI64::new(0) };
        Self { number, clock: Arc::new(clock), process: RefCell::new(None) }
    }

    /// The process, if it runs.
    pub(crate) fn process(&self) -> Option<Rc<Process>> {
        self.process.borrow().clone()
    }

    /// Forgets the process.
    pub(crate) fn fall(&self) {
        self.process.take();
    }

    /// Starts a process over whatever is durable, and its loops.
    pub(crate) fn start(&self, town: &Rc<Town>) {
        if town.is_closed.get() || self.process().is_some() {
            return;
        }
        let number = self.number;
        let (heart, events) = (&town.heart, town.disk.recovered());
        heart.tell(Happening::Recovered { server: number, events });
        let storage = Arc::new(Storage::new(number, &town.disk, heart));
        let registry = Arc::new(Registry::default());
        let bell = Arc::new(Bells { effects: Nudge::default(), timers: Nudge::default() });
        let lines = Lines::default();
        let way = Way {
            server: number,
            heart: heart.clone(),
            registry: Arc::clone(&registry),
            lines: lines.clone(),
        };
        let ports = (Arc::clone(&storage) as _, Arc::new(way) as _, Arc::clone(&bell) as _);
        let app = town.app(ports, &self.clock);
        let clock = Arc::clone(&self.clock);
        let process = Rc::new(Process { number, app, registry, lines, clock, storage });
        *self.process.borrow_mut() = Some(Rc::clone(&process));
        let log = Nudge::default();
        for nudge in [&bell.effects, &bell.timers, &log] {
            town.disk.listen(nudge);
        }
        let owner = Owner::Server(number);
        town.spawner.spawn(owner, begin(Rc::clone(town), Rc::clone(&process)));
        let nudge = bell.effects.clone();
        town.spawner.spawn(owner, run_effects(Rc::clone(town), Rc::clone(&process), nudge));
        let nudge = bell.timers.clone();
        town.spawner.spawn(owner, run_timers(Rc::clone(town), Rc::clone(&process), nudge));
        town.spawner.spawn(owner, sequence(Rc::clone(town), process, log));
    }
}

/// What the use cases of one process stand on of their own.
pub(crate) type Ports = (Arc<dyn Journal>, Arc<dyn Carrier>, Arc<dyn Bell>);

impl Town {
    /// The use cases over these ports.
    fn app(&self, (journal, carrier, bell): Ports, clock: &Arc<ServerClock>) -> App {
        App::new(Parts {
            journal,
            carrier,
            certifier: Arc::clone(&self.certifier),
            clock: Arc::clone(clock) as _,
            entropy: Arc::new(Drawn(self.heart.clone())),
            bell,
            suite: Arc::new(self.crypto.of_servers()),
            policies: Arc::clone(&self.policies),
            keyring: Keyring::new(self.master),
            settings: self.settings.clone(),
        })
    }

    /// The use cases of the program that brings a journal back: it serves nobody and reaches nothing else.
    pub(crate) fn restorer(&self, journal: Arc<dyn Journal>) -> App {
        let heart = self.heart.clone();
        let (server, registry) = (ServerNumber(u8::MAX), Arc::new(Registry::default()));
        let clock = Arc::new(ServerClock { heart: heart.clone(), ahead_ms: AtomicI64::new(0) });
        let bell = Arc::new(Bells { effects: Nudge::default(), timers: Nudge::default() });
        let way = Way { server, heart, registry, lines: Lines::default() };
        self.app((journal, Arc::new(way), bell), &clock)
    }
}

/// The start is an event of every log. A server that cannot write it cannot serve.
async fn begin(town: Rc<Town>, process: Rc<Process>) {
    for tenant in &town.tenants {
        if process.app.note_start(&tenant.partition, "sim", 0).await.is_err() {
            town.heart.die(process.number, CrashPoint::AnyTime);
            never::<()>().await;
        }
    }
}

async fn run_effects(town: Rc<Town>, process: Rc<Process>, nudge: Nudge) {
    loop {
        let outcome = process.app.run_effects().await;
        town.judge(&process, outcome.as_ref().err());
        // What could not leave comes back when its lease runs out.
        let again = town.disk.has_effects().then(|| town.heart.now().plus_ms(EFFECTS_EVERY_MS));
        if !matches!(outcome, Ok(1..)) {
            town.heart.wait(&nudge, again).await;
        }
    }
}

async fn run_timers(town: Rc<Town>, process: Rc<Process>, nudge: Nudge) {
    loop {
        let outcome = process.app.run_timers().await;
        town.judge(&process, outcome.as_ref().err());
        // Timers are due by the server's clock, which need not be the world's.
        let soon = town.heart.now().plus_ms(TIMERS_EVERY_MS);
        let due = town.disk.due_at().map(|due| process.clock.world_time(due).max(soon));
        town.heart.wait(&nudge, due).await;
    }
}

async fn sequence(town: Rc<Town>, process: Rc<Process>, nudge: Nudge) {
    let mut sign_at = town.heart.now();
    loop {
        town.heart.sleep(LOG_EVERY_MS).await;
        if process.number == SIGNER && town.heart.now() >= sign_at {
            sign(&town, &process).await;
            sign_at = town.heart.now().plus_ms(SIGN_EVERY_MS);
        }
        if town.disk.is_unsequenced() {
            let outcome = process.app.sequence().await;
            town.judge(&process, outcome.as_ref().err());
            if outcome.is_err() {
                continue;
            }
        }
        if !town.disk.is_unsequenced() {
            town.heart.wait(&nudge, None).await;
        }
    }
}

async fn sign(town: &Town, process: &Process) {
    for Tenant { partition, .. } in &town.tenants {
        match process.app.sign_checkpoint(partition, &town.notary).await {
            Ok(_) => {}
            Err(CheckpointError::Failure(failure)) => town.judge(process, Some(&failure)),
            Err(error @ (CheckpointError::Diverged { .. } | CheckpointError::Notary(_))) => {
                town.heart.fail("logs_never_diverge", error.to_string());
            }
        }
    }
}

impl Process {
    /// Whether its journal takes nothing any more: whoever keeps it running starts it anew.
    pub(crate) fn has_stopped(&self) -> bool {
        use carhop_app::ports::Condition;
        self.storage.condition() == Condition::Stopped
    }

    /// Which failures are no bugs.
    pub(crate) fn is_expected(failure: &Failure) -> bool {
        match failure {
            Failure::Refused(..)
            | Failure::NotFound
            | Failure::Unauthenticated
            | Failure::Invalid { .. }
            | Failure::ConflictingReplay
            | Failure::Contended
            | Failure::Outdated => true,
            Failure::Journal(error) => {
                !matches!(error, carhop_app::ports::JournalError::Corrupt(_))
            }
            Failure::Internal(_) => false,
        }
    }
}

/// A server's wall clock.
pub(crate) struct ServerClock {
    heart: Heart,
    ahead_ms: AtomicI64,
}

impl ServerClock {
    /// Moves it away from the world's own time.
    pub(crate) fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// How far it is ahead of the world's own time.
    pub(crate) fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// When it will show this.
    pub(crate) fn world_time(&self, shown: Timestamp) -> Timestamp {
        shifted(shown, -self.ahead_ms.load(Ordering::Relaxed))
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        shifted(self.heart.now(), self.ahead_ms.load(Ordering::Relaxed))
    }
}

fn shifted(time: Timestamp, by_ms: i64) -> Timestamp {
    let span = by_ms.unsigned_abs();
    if by_ms < 0 { time.minus_ms(span) } else { time.plus_ms(span) }
}

/// Chance for ids and secrets.
struct Drawn(Heart);

impl Entropy for Drawn {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// Rings for the loops of one server.
struct Bells {
    effects: Nudge,
    timers: Nudge,
}

impl Bell for Bells {
    fn ring(&self, _: Option<SessionId>) {
        self.effects.nudge();
        self.timers.nudge();
    }
}

/// A server's way to devices: its registry, at whose door it is seen what leaves and where the server may die.
struct Way {
    server: ServerNumber,
    heart: Heart,
    registry: Arc<Registry>,
    lines: Lines,
}

impl Way {
    async fn crash_if(&self, fault: Fault, at: CrashPoint) {
        if self.heart.strikes(fault) {
            self.heart.die(self.server, at);
            never::<()>().await;
        }
    }
}

impl Carrier for Way {
    fn send(&self, device: DeviceId, frame: DeviceFrame) -> Pending<'_, bool> {
        Box::pin(async move {
            self.crash_if(Fault::CrashBeforeCommand, CrashPoint::BeforeCommand).await;
            let server = self.server;
            self.heart.tell(match &frame {
                DeviceFrame::Command(bytes) => {
                    let bytes = RustCrypto.sha256(&[bytes]);
                    Happening::CommandLeft { server, device, bytes }
                }
                DeviceFrame::Query(command) => {
                    Happening::QueryLeft { server, device, command: *command }
                }
            });
            let is_sent = self.registry.send(device, frame).await;
            self.lines.nudge(device);
            self.crash_if(Fault::CrashAfterCommand, CrashPoint::AfterCommand).await;
            is_sent
        })
    }

    fn is_connected(&self, device: DeviceId) -> bool {
        self.registry.is_connected(device)
    }
}

/// How often the outbox is looked at while it holds something.
const EFFECTS_EVERY_MS: u64 = 250;
/// Least time between two looks at timers that are due and stay so.
const TIMERS_EVERY_MS: u64 = 250;
/// Who signs checkpoints.
const SIGNER: ServerNumber = ServerNumber(0);
/// How often.
const SIGN_EVERY_MS: u64 = 20_000;
/// How long events are gathered before they get their positions.
const LOG_EVERY_MS: u64 = 1_000;
