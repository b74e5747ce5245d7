//! The agent: what a device does with what it is told and what it senses.
//!
//! Here are its face and its bookkeeping: records before actions, statements in one chain, outputs in
//! order. How commands are judged, and how a lock and a pump behave, stands in the modules below.

mod boot;
mod commands;
pub mod limits;
mod link;
mod lock;
mod pump;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::session::InterlockKind;
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::{FarewellCode, FromDevice, Position};
use carhop_proofs::statement::{self, Body, Outcome, RefusalCode, Statement};
use carhop_proofs::suite::{PublicKey, SigningKey, Suite};

use crate::clock::BoundedClock;
use crate::memory::Memory;
use crate::record::{About, Record, RecordError, Stated};
use link::Link;
use lock::LockMachine;
use pump::PumpMachine;

/// What a device is, for as long as it runs.
#[derive(Debug)]
pub struct Config {
    /// Which device.
    pub device: DeviceId,
    /// Its certified key, ES256.
    pub key: SigningKey,
    /// The authority's keys, Ed25519.
    pub issuers: Vec<PublicKey>,
    /// What it can do.
    pub capability: Capability,
}

/// What a device can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Open one door.
    Lock {
        /// The compartments the door belongs to, by the kernel's wire numbers.
        compartments: Vec<u8>,
    },
    /// Dispense fuel.
    Pump {
        /// The grades it has, by the kernel's wire numbers.
        grades: Vec<u8>,
        /// Most it ever gives at once, in millilitres.
        max_ml: u32,
        /// Most that can flow in a second, in millilitres: what a meter counts beyond that did not flow.
        flow_ml_per_s_max: u32,
    },
}

/// What the actuator shows at a start, before anything is asked of it and with nothing in it moving
/// any more: a bolt still on its way would make a liar of whoever reads its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// A lock.
    Lock {
        /// Whether door and bolt are home.
        is_locked: bool,
        /// How often it has opened in its life, if it has a counter that needs no power.
        openings: Option<u64>,
    },
    /// A pump.
    Pump {
        /// The meter's lifetime total, in millilitres.
        totaliser_ml: u64,
    },
}

/// Names a record until it is durable. Tickets grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A frame of the gateway arrived.
    Frame(Vec<u8>),
    /// This record and all before it are durable.
    Persisted(Ticket),
    /// The token for the last [`Output::Attest`].
    Attested(Vec<u8>),
    /// The last [`Action::Open`] or [`Action::Arm`] was carried out, or could not be.
    Actuated(Actuated),
    /// The actuator's sensors say something.
    Sensor(SensorEvent),
    /// Time passed.
    Tick,
    /// A connection to the gateway stands.
    Connected {
        /// Chance, from which this connection's questions for the time are drawn.
        seed: [u8; 32],
    },
    /// It does not any more.
    Disconnected,
}

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actuated {
    /// The drive moved; what follows from it, the sensors will say.
    Done,
    /// The drive failed.
    Failed,
}

/// What sensors say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorEvent {
    /// The door opened.
    Opened,
    /// The door closed.
    Closed,
    /// The bolt is home.
    Locked,
    /// The bolt does not move.
    Jammed,
    /// Somebody tampers with the device.
    Tampered,
    /// The temperature inside was measured.
    Temperature {
        /// Tenths of a degree Celsius.
        c10: i32,
    },
    /// The nozzle left its holder.
    NozzleLifted,
    /// The nozzle is back.
    NozzleSeated,
    /// Fuel flowed.
    Flow {
        /// The meter's lifetime total, in millilitres.
        totaliser_ml: u64,
    },
    /// The valve is closed and nothing flows.
    Stopped {
        /// The meter's lifetime total, in millilitres.
        totaliser_ml: u64,
    },
    /// Somebody has looked at the meter and answers for it, or has put in another.
    MeterChecked {
        /// Its lifetime total, in millilitres.
        totaliser_ml: u64,
    },
    /// An interlock tripped or is clear again.
    Interlock {
        /// Which.
        kind: InterlockKind,
        /// Whether it is tripped now.
        is_tripped: bool,
    },
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append this record, and say so once power may fail.
    Persist {
        /// To be handed back in [`Input::Persisted`].
        ticket: Ticket,
        /// The record.
        record: Vec<u8>,
    },
    /// Send this frame.
    Send(Vec<u8>),
    /// Move metal.
    Actuate(Action),
    /// Make an attestation token for this challenge and hand it back in [`Input::Attested`].
    Attest {
        /// The gateway's challenge.
        challenge: [u8; 32],
    },
    /// Somebody at the device should know.
    Alarm(Alarm),
    /// The gateway ends the connection.
    Farewell(FarewellCode),
    /// End the connection and make another: the gateway does not answer on this one.
    HangUp,
}

/// What moves metal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the door once.
    Open {
        /// Which compartment is meant.
        compartment: u8,
    },
    /// Let fuel flow.
    Arm {
        /// After which quantity to stop by itself.
        max_ml: u32,
        /// Which grade.
        grade: u8,
    },
    /// Close the valve.
    Disarm,
}

/// What somebody at the device should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A frame could not be read.
    MalformedFrame,
    /// A command that no issuer signed.
    ForgedCommand,
    /// A genuine command for another device. It is not answered: a receipt about it would be one
    /// about something this device cannot know.
    ForeignCommand,
    /// A time reply that no issuer signed, or to another question.
    FalseTime,
    /// Too many statements are not acknowledged: commands are ignored until the gateway listens.
    OutboxFull,
    /// Fuel flowed though nothing was armed.
    FlowWithoutCommand,
    /// The meter ran backwards or leapt: nothing is dispensed until somebody has looked at it.
    MeterDoubted,
    /// Somebody tampers with the device.
    Tampered,
    /// The device's key does not sign: nothing is done any more.
    CannotSign,
}

/// Why a device cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The device's key is not a usable ES256 key.
    #[error("the device's key is not a usable ES256 key")]
    Key,
    /// What was observed is not the kind of actuator that was configured.
    #[error("the actuator is of another kind than configured")]
    Actuator,
}

/// The device side of the protocol, around one actuator.
#[derive(Debug)]
pub struct Agent<S> {
    suite: S,
    device: DeviceId,
    key: SigningKey,
    issuers: Vec<PublicKey>,
    memory: Memory,
    clock: BoundedClock,
    link: Link,
    machine: Machine,
    /// Outputs that wait for nothing.
    outputs: VecDeque<Output>,
    /// The action that waits for its record.
    withheld: Option<Withheld>,
    last_ticket: Ticket,
    persisted: Ticket,
    is_faulty: bool,
    now_ms: u64,
}

#[derive(Debug)]
enum Machine {
    Lock(LockMachine),
    Pump(PumpMachine),
}

/// An action whose command is accepted but not yet durable.
#[derive(Clone, Copy, Debug)]
struct Withheld {
    ticket: Ticket,
    command: CommandId,
    expires_at: Timestamp,
    action: Action,
}

impl<S: Suite> Agent<S> {
    /// Takes what happened at `now_ms` of a clock that never goes back while the device runs.
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        match input {
            Input::Frame(bytes) => self.frame(&bytes),
            Input::Persisted(ticket) => self.persisted(ticket),
            Input::Attested(eat) => self.attested(eat),
            Input::Actuated(actuated) => self.actuated(actuated),
            Input::Sensor(event) => self.sensor(event),
            Input::Tick => {}
            Input::Connected { seed } => self.connected(seed),
            Input::Disconnected => self.link = Link::default(),
        }
        self.pass_time();
        self.send_outbox();
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Tick`] if nothing else happens, by the same clock.
    pub fn due_at(&self) -> Option<u64> {
        let machine = match &self.machine {
            Machine::Lock(lock) => lock.due_at(),
            Machine::Pump(pump) => pump.due_at(),
        };
        [machine, self.ask_at(), self.welcome_by()].into_iter().flatten().min()
    }

    /// Whether something is being done under a command: a door is opening, or fuel may flow.
    pub fn is_at_work(&self) -> bool {
        self.memory.job.is_some()
    }

    /// Appends a record and remembers it; what depends on it waits for the ticket.
    fn record(&mut self, record: Record) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        let ticket = self.last_ticket;
        self.outputs.push_back(Output::Persist { ticket, record: record.encode() });
        self.memory.fold(&self.suite, record, ticket);
        ticket
    }

    /// Signs a statement into the chain. It is sent once it is durable, until it is acknowledged.
    fn state(&mut self, body: Body, about: About) {
        let base = &self.memory.base;
        let position = Position { boot_epoch: base.boot_epoch, sequence: base.next_sequence };
        let (at, clock) = self.clock.told(self.now_ms);
        let statement = Statement {
            device: self.device,
            boot_epoch: position.boot_epoch,
            sequence: position.sequence,
            at,
            clock,
            previous: base.previous,
            body,
        };
        let Ok(bytes) = statement::sign(&self.suite, &self.key, &statement) else {
            self.is_faulty = true;
            return self.alarm(Alarm::CannotSign);
        };
        self.record(Record::Stated(Stated { position, about, bytes }));
    }

    fn receipt(&mut self, command: CommandId, outcome: Outcome, about: About) {
        let counter = self.memory.base.counter;
        self.state(Body::Receipt { command, counter, outcome }, about);
    }

    fn refuse(&mut self, command: CommandId, code: RefusalCode) {
        self.receipt(command, Outcome::Refused(code), About::Receipt { command });
    }

    fn never_executed(&mut self, command: CommandId) {
        self.receipt(command, Outcome::NeverExecuted, About::Receipt { command });
    }

    /// The bolt and the valve obey durable records only.
    fn persisted(&mut self, ticket: Ticket) {
        self.persisted = self.persisted.max(ticket.min(self.last_ticket));
        if let Some(withheld) = self.withheld.take_if(|held| held.ticket <= self.persisted) {
            self.act(withheld);
        }
    }

    /// Acts on a durable command, unless its time ran out or the actuator changed while it was made
    /// durable.
    fn act(&mut self, withheld: Withheld) {
        let Withheld { command, expires_at, action, .. } = withheld;
        let is_late = self.clock.latest(self.now_ms).is_none_or(|latest| latest >= expires_at);
        let refusal = if is_late { Some(RefusalCode::Expired) } else { self.unready() };
        if let Some(code) = refusal {
            return self.refuse(command, code);
        }
        match &mut self.machine {
            Machine::Lock(lock) => lock.begin(self.now_ms),
            Machine::Pump(pump) => pump.begin(self.now_ms),
        }
        self.outputs.push_back(Output::Actuate(action));
    }

    /// Why the actuator cannot do anything right now, the running job aside.
    fn unready(&self) -> Option<RefusalCode> {
        match &self.machine {
            Machine::Lock(_) => self.lock_unready(),
            Machine::Pump(_) if self.memory.base.is_meter_doubted => {
                Some(RefusalCode::MeterDoubted)
            }
            Machine::Pump(pump) => pump.unready(),
        }
    }

    fn actuated(&mut self, actuated: Actuated) {
        match self.machine {
            Machine::Lock(_) => self.lock_actuated(actuated),
            Machine::Pump(_) => self.pump_actuated(actuated),
        }
    }

    fn sensor(&mut self, event: SensorEvent) {
        match self.machine {
            Machine::Lock(_) => self.lock_sensed(event),
            Machine::Pump(_) => self.pump_sensed(event),
        }
    }

    fn pass_time(&mut self) {
        match self.machine {
            Machine::Lock(_) => self.lock_pass_time(),
            Machine::Pump(_) => self.pump_pass_time(),
        }
        if self.welcome_by().is_some_and(|by| self.now_ms >= by) {
            self.hang_up();
        }
        if self.ask_at().is_some_and(|at| self.now_ms >= at) {
            self.ask_time();
        }
    }

    fn send(&mut self, frame: &FromDevice) {
        self.outputs.push_back(Output::Send(frame.encode()));
    }

    fn alarm(&mut self, alarm: Alarm) {
        self.outputs.push_back(Output::Alarm(alarm));
    }
}
