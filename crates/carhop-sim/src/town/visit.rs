//! One stop as the people in it see it: what they tell each other at the car, and what they know of the session by
//! following it. None of this is known to any server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{DeviceId, DriverId, OrderId, SessionId};
use carhop_kernel::session::{LegIndex, LegStateKind, PhaseKind, Session};

use crate::plan::StopPlan;
use crate::town::Town;
use crate::town::asking::Caller;
use crate::town::device::Device;
use crate::town::heart::Nudge;
use crate::world::metal::Integrity;

/// One stop.
pub(crate) struct Visit {
    pub(crate) plan: StopPlan,
    pub(crate) tenant: usize,
    pub(crate) lock: Option<Rc<Device>>,
    /// The lock of the other door, where the goods go behind two.
    pub(crate) second_lock: Option<Rc<Device>>,
    pub(crate) pump: Option<Rc<Device>>,
    pub(crate) driver: Handset,
    /// Who else would like to have the stop.
    pub(crate) rival: Handset,
    pub(crate) store: Caller,
    pub(crate) staff: Caller,
    pub(crate) session: Cell<Option<SessionId>>,
    pub(crate) order: Cell<Option<OrderId>>,
    /// The link in the customer's message.
    pub(crate) link: RefCell<Option<String>>,
    /// The customer, once the link was redeemed.
    pub(crate) customer: RefCell<Option<Caller>>,
    /// The token that the link was redeemed for.
    pub(crate) customer_token: RefCell<Option<String>>,
    /// The code that the customer's phone shows: digits and scan.
    pub(crate) code: RefCell<Option<(String, String)>>,
    /// Whether the car has left.
    pub(crate) is_car_gone: Cell<bool>,
    /// The order will never exist, or the stop has ended and everybody has left.
    pub(crate) is_given_up: Cell<bool>,
    everybody: RefCell<Vec<Nudge>>,
}

/// A driver with a handset.
#[derive(Clone)]
pub(crate) struct Handset {
    pub(crate) driver: DriverId,
    pub(crate) device: DeviceId,
    pub(crate) caller: Caller,
    pub(crate) integrity: Integrity,
}

/// Everybody and everything that a visit is made of.
pub(crate) struct Parts {
    pub(crate) plan: StopPlan,
    pub(crate) lock: Option<Rc<Device>>,
    pub(crate) second_lock: Option<Rc<Device>>,
    pub(crate) pump: Option<Rc<Device>>,
    pub(crate) driver: Handset,
    pub(crate) rival: Handset,
    pub(crate) store: Caller,
    pub(crate) staff: Caller,
}

impl Visit {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { plan, lock, second_lock, pump, driver, rival, store, staff } = parts;
        Self {
            plan,
            tenant: usize::from(plan.tenant),
            lock,
            second_lock,
            pump,
            driver,
            rival,
            store,
            staff,
            session: Cell::default(),
            order: Cell::default(),
            link: RefCell::default(),
            customer: RefCell::default(),
            customer_token: RefCell::default(),
            code: RefCell::default(),
            is_car_gone: Cell::default(),
            is_given_up: Cell::default(),
            everybody: RefCell::default(),
        }
    }

    /// Something happened that people at the stop can see.
    pub(crate) fn nudge_everybody(&self) {
        self.everybody.borrow().iter().for_each(Nudge::nudge);
    }

    /// Somebody who wants to see what happens at the stop.
    pub(crate) fn joined(&self, town: &Town) -> Nudge {
        let nudge = Nudge::default();
        self.everybody.borrow_mut().push(nudge.clone());
        if let Some(session) = self.session.get() {
            town.disk.follow(session, &nudge);
        }
        nudge
    }

    /// The order exists.
    pub(crate) fn begun(&self, town: &Town, order: OrderId, session: SessionId) {
        self.order.set(Some(order));
        self.session.set(Some(session));
        for nudge in self.everybody.borrow().iter() {
            town.disk.follow(session, nudge);
        }
        self.nudge_everybody();
    }

    /// Whether nothing can happen at the stop any more.
    pub(crate) fn is_over(&self, town: &Town) -> bool {
        self.is_given_up.get() || self.look(town, Session::is_active) == Some(false)
    }

    /// The phase, once the order exists.
    pub(crate) fn phase(&self, town: &Town) -> Option<PhaseKind> {
        self.look(town, |session| session.phase.kind())
    }

    /// The first leg that has not ended.
    pub(crate) fn next_leg(&self, town: &Town) -> Option<NextLeg> {
        self.look(town, |session| {
            let (index, leg) = session.legs().find(|(_, leg)| !leg.state.kind().is_end())?;
            let (scope, device) = (leg.terms.service.scope(), leg.terms.device);
            Some(NextLeg { index, state: leg.state.kind(), scope, device })
        })?
    }

    /// The leg after this one.
    pub(crate) fn leg_after(&self, town: &Town, leg: NextLeg) -> Option<NextLeg> {
        self.look(town, |session| {
            let (index, leg) = session.legs().find(|(index, _)| index.0 > leg.index.0)?;
            let (scope, device) = (leg.terms.service.scope(), leg.terms.device);
            Some(NextLeg { index, state: leg.state.kind(), scope, device })
        })?
    }

    /// Looks at the session as it truly is.
    pub(crate) fn look<T>(&self, town: &Town, look: impl FnOnce(&Session) -> T) -> Option<T> {
        town.disk.look(self.session.get()?, look)
    }

    /// The devices of the stop.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &Rc<Device>> {
        self.lock.iter().chain(&self.second_lock).chain(&self.pump)
    }
}

/// A leg that is to be done.
#[derive(Clone, Copy)]
pub(crate) struct NextLeg {
    pub(crate) index: LegIndex,
    pub(crate) state: LegStateKind,
    pub(crate) scope: carhop_kernel::order::Scope,
    pub(crate) device: DeviceId,
}

impl NextLeg {
    /// Whether its pump runs, as far as anybody knows.
    pub(crate) fn runs(self) -> bool {
        self.state == LegStateKind::Dispensing
    }
}

impl Handset {
    /// A driver's handset and what the driver proves with it.
    pub(crate) fn caller_of(
        driver: DriverId,
        device: DeviceId,
        key: KeyThumbprint,
        by: &Caller,
    ) -> Caller {
        Caller { actor: Actor::Driver { driver, device }, key: Some(key), ..by.clone() }
    }
}
