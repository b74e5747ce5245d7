//! A town: servers over one disk, devices, people and wires, all of them on one hand-rolled executor in virtual time, and
//! everything that can go wrong between them. The production code runs in it unchanged, behind the same ports.
//!
//! It holds the things and lets them meet; what must be true of them is for witnesses to say.

mod asking;
mod audit;
mod device;
pub(crate) mod dice;
mod disk;
mod dot;
mod gremlin;
mod handset;
mod heart;
mod liar;
mod line;
mod notary;
mod operator;
mod people;
mod play;
mod pry;
mod race;
mod server;
mod setup;
mod staff;
mod tamper;
mod thief;
mod trouble;
mod visit;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use carhop_app::ports::Certifier;
use carhop_app::record::Partition;
use carhop_app::{Failure, Settings};
use carhop_kernel::id::{ApiKeyId, CommandId, DeviceId, VenueId};
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;
use carhop_proofs::suite::SigningKey;

use crate::happening::{CrashPoint, LinkState, PersonNumber, ServerNumber};
use crate::plan::Plan;
use crate::quick::Crypto;
use device::Device;
use disk::Disk;
use heart::{Heart, Spawner};
use notary::Notary;
use server::{Process, Server};
use visit::Visit;

pub use play::{Coverage, Ending, Run, play, play_watched};

/// Everything there is.
pub(crate) struct Town {
    pub(crate) plan: Plan,
    pub(crate) heart: Heart,
    pub(crate) spawner: Spawner,
    pub(crate) disk: Arc<Disk>,
    pub(crate) crypto: Crypto,
    pub(crate) policies: Arc<Bundle>,
    pub(crate) certifier: Arc<dyn Certifier>,
    pub(crate) notary: Notary,
    pub(crate) settings: Settings,
    pub(crate) venue: VenueId,
    pub(crate) master: [u8; 32],
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) servers: Vec<Server>,
    pub(crate) devices: RefCell<Vec<Rc<Device>>>,
    pub(crate) visits: RefCell<Vec<Rc<Visit>>>,
    /// What gets through to and from people whose wire is cut.
    pub(crate) cut_off: RefCell<BTreeMap<PersonNumber, LinkState>>,
    /// Commands that metal was seen to carry out.
    pub(crate) carried_out: RefCell<BTreeSet<CommandId>>,
    /// Devices whose key somebody holds.
    pub(crate) taken: RefCell<BTreeSet<DeviceId>>,
    /// When each device last showed its integrity, by the clock of whoever judged it.
    pub(crate) attested: RefCell<BTreeMap<DeviceId, Timestamp>>,
    pub(crate) pauses: RefCell<Vec<(ServerNumber, u64)>>,
    pub(crate) resumes: RefCell<Vec<ServerNumber>>,
    /// Whether no server may start.
    pub(crate) is_closed: Cell<bool>,
    seen_appends: Cell<u64>,
    questions: Cell<u64>,
    people: Cell<u16>,
}

/// One tenant in its one market.
pub(crate) struct Tenant {
    pub(crate) partition: Partition,
    pub(crate) command_key: SigningKey,
    pub(crate) store: ApiKeyId,
    pub(crate) staff: ApiKeyId,
}

impl Town {
    /// Whose data a tenant's is.
    pub(crate) fn partition(&self, tenant: usize) -> &Partition {
        &self.tenants[tenant].partition
    }

    /// The key that a tenant's devices believe commands of.
    pub(crate) fn command_key(&self, tenant: usize) -> &SigningKey {
        &self.tenants[tenant].command_key
    }

    /// Some server, running or not.
    pub(crate) fn some_number(&self) -> ServerNumber {
        let drawn = self.heart.draw(0, self.servers.len() as u64);
        ServerNumber(u8::try_from(drawn).unwrap_or_default())
    }

    /// Some server that runs.
    pub(crate) fn some_server(&self) -> Option<Rc<Process>> {
        self.process(self.some_number())
    }

    /// A server's process, if it runs.
    pub(crate) fn process(&self, number: ServerNumber) -> Option<Rc<Process>> {
        self.servers.iter().find(|server| server.number == number)?.process()
    }

    /// Somebody new.
    pub(crate) fn somebody(&self) -> PersonNumber {
        self.people.set(self.people.get() + 1);
        PersonNumber(self.people.get())
    }

    /// Looks at a failure: what no fault explains is a bug, and a server whose journal has stopped is started anew.
    pub(crate) fn judge(&self, process: &Process, failure: Option<&Failure>) {
        let Some(failure) = failure else { return };
        if !Process::is_expected(failure) {
            self.heart.fail("no_failure_is_a_bug", failure.to_string());
        }
        if process.has_stopped() {
            self.heart.die(process.number, CrashPoint::AnyTime);
        }
    }

    fn next_question(&self) -> u64 {
        self.questions.set(self.questions.get() + 1);
        self.questions.get()
    }
}
