//! What is done to a device from outside that no device does of itself: its key is copied or held by somebody, its frames
//! are kept, its connection goes. What becomes of it then runs in `device`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use carhop_agent::simulated::{SimulatedLock, SimulatedPump};
use carhop_kernel::session::LegStateKind;
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::ToDevice;

use crate::fixtures::FILLS_UP;
use crate::happening::LinkState;
use crate::town::Town;
use crate::town::device::{Device, State};
use crate::town::heart::{Nudge, Owner};
use crate::town::liar::{Liar, Lie};
use crate::town::visit::{NextLeg, Visit};
use crate::world::metal::Actuator;

/// The device of a leg goes away as soon as the leg is released, if that is soon, and tries to come back after so long:
/// what was released for it waits, unless it has left already.
pub(crate) fn go_away_once_released(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    leg: NextLeg,
    until: Timestamp,
    for_ms: u64,
) {
    let Some(device) = visit.devices().find(|it| it.id == leg.device).cloned() else { return };
    let (town, visit, nudge) = (Rc::clone(town), Rc::clone(visit), visit.joined(town));
    let spawner = town.spawner.clone();
    spawner.spawn(Owner::World, async move {
        while town.heart.now() < until {
            town.heart.wait(&nudge, Some(until)).await;
            let is_released = visit.next_leg(&town).is_some_and(|next| {
                next.index == leg.index && next.state == LegStateKind::Released
            });
            if is_released {
                return device.drop_line(for_ms);
            }
        }
    });
}

impl Device {
    /// What somebody makes of a copy of its key and its memory, with metal of its own.
    pub(crate) fn copied(&self) -> Self {
        let state = self.state.borrow();
        let (truth, now) = (state.truth, self.heart.now());
        let actuator = match state.actuator {
            Actuator::Lock(_) => Actuator::Lock(SimulatedLock::new(truth)),
            Actuator::Pump(_) => Actuator::Pump(SimulatedPump::new(truth, FILLS_UP)),
        };
        let state = State {
            agent: None,
            actuator,
            flash: state.flash.clone(),
            writing: VecDeque::new(),
            booted_at: now,
            drift_ppm: 0,
            end: None,
            heard_at: now,
            again_at: now,
            strays: Vec::new(),
            told: BTreeSet::new(),
            truth,
            liar: None,
            is_gone: false,
        };
        Self {
            id: self.id,
            class: self.class,
            tenant: self.tenant,
            key: self.key.clone(),
            public: self.public,
            issuer: self.issuer,
            integrity: self.integrity.clone(),
            crypto: self.crypto,
            heart: self.heart.clone(),
            nudge: Nudge::default(),
            link: Cell::new(LinkState::Up),
            is_copy: true,
            keeps: Cell::new(false),
            epoch: Cell::default(),
            kept: RefCell::default(),
            state: RefCell::new(state),
        }
    }

    /// Its connection goes, and it tries for another after so long.
    pub(crate) fn drop_line(&self, for_ms: u64) {
        let mut state = self.state.borrow_mut();
        if state.agent.is_some() && state.end.is_some() {
            self.hang_up(&mut state);
            state.again_at = self.heart.now().plus_ms(for_ms);
            self.nudge.nudge();
        }
    }

    /// Without a connection it tries for one now.
    pub(crate) fn hurry(&self) {
        let mut state = self.state.borrow_mut();
        if state.agent.is_some() && state.end.is_none() {
            state.again_at = self.heart.now();
            self.nudge.nudge();
        }
    }

    /// Its power fails for so long.
    pub(crate) fn lose_power(&self, off_ms: u64) {
        let mut state = self.state.borrow_mut();
        if state.agent.is_some() {
            self.go_dark(&mut state, off_ms);
            self.nudge.nudge();
        }
    }

    /// It is gone for good, in the middle of whatever it does.
    pub(crate) fn vanish(&self) {
        let mut state = self.state.borrow_mut();
        (state.is_gone, state.end, state.agent) = (true, None, None);
        self.nudge.nudge();
    }

    /// From now on somebody who holds its key speaks for it.
    pub(crate) fn corrupt(&self, lie: Lie) {
        self.state.borrow_mut().liar.get_or_insert_with(Liar::default).begin(lie);
    }

    /// Whoever carries its frames keeps the next command, for [`Device::kept`].
    pub(crate) fn keep_command(&self) {
        self.keeps.set(true);
    }

    /// The epoch of trust below which it obeys nothing, as far as that is durable.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.get()
    }

    /// The command that was kept, once.
    pub(crate) fn kept(&self) -> Option<Vec<u8>> {
        self.kept.take()
    }

    /// Whether a frame to it is kept by whoever carries it.
    pub(crate) fn is_kept(&self, frame: &[u8]) -> bool {
        let is_command = || matches!(ToDevice::decode(frame), Ok(ToDevice::Command { .. }));
        let is_kept = self.keeps.get() && is_command();
        if is_kept {
            self.keeps.set(false);
            *self.kept.borrow_mut() = Some(frame.to_vec());
        }
        is_kept
    }
}
