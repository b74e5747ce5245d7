//! What thieves do at a stop: with a stolen phone, with codes and tokens that were meant for something else, with the key
//! of a lock or pump, and by asking until somebody gives in.

use std::rc::Rc;

use carhop_agent::SensorEvent;
use carhop_app::records::TrustSubject;
use carhop_app::{Presented, Wanted};
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::session::{LegStateKind, PhaseKind};

use crate::happening::{Ask, Happening, Mischief};
use crate::town::Town;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::gremlin::end_at_last;
use crate::town::handset::{release, release_with, token};
use crate::town::heart::Owner;
use crate::town::liar::Lie;
use crate::town::operator::{self, next_device};
use crate::town::people::{named, step};
use crate::town::staff::mend;
use crate::town::visit::{NextLeg, Visit};
use crate::world::metal::Actuator;

/// A thief has the driver's phone, and with it everything the driver can do.
pub(crate) async fn steal(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let device = visit.driver.device;
    town.heart.tell(Happening::Mischief(Mischief::Stolen { device }));
    let mut thief = visit.driver.clone();
    thief.caller.person = town.somebody();
    for _ in 0..4 {
        if let Some(leg) = visit.next_leg(town) {
            release(town, &thief, session, leg).await;
        }
        town.heart.sleep(town.heart.span(Fault::PhoneStolen, 500, 30_000)).await;
    }
    let subject = TrustSubject::Device(device);
    let _ = step!(town, &visit.staff, Ask::Withdraw { device }, |app, call| {
        app.withdraw_trust(&call, subject, "stolen").await
    });
    if let Some(leg) = visit.next_leg(town) {
        release(town, &thief, session, leg).await;
    }
    end_at_last(town, visit, session).await;
}

/// Somebody tries codes: guessed ones, and whatever was shown before, at this stop and at others.
pub(crate) async fn replay(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    town.heart.tell(Happening::Mischief(Mischief::Relayed { session }));
    let visits = town.visits.borrow().clone();
    for other in visits.iter().take(4) {
        let shown = other.code.borrow().clone();
        let (digits, scan) = shown.unwrap_or(("123456".to_owned(), "CH1:".to_owned()));
        for caller in [&visit.driver.caller, &visit.rival.caller] {
            let (digits, scan) = (digits.clone(), scan.clone());
            let scans = town.heart.span(Fault::CodeReplayed, 0, 2) == 0;
            let _ = step!(town, caller, named(session, "present_proof"), |app, call; digits; scan| {
                let shown = if scans { Presented::Scan(&scan) } else { Presented::Digits(&digits) };
                app.present_proof(&call, session, shown).await
            });
        }
    }
}

/// A token that was used is used again, a door is tried before its turn, the token of one door is tried at another, and tokens are asked for doors that are none of this stop's.
pub(crate) async fn misuse(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
    earlier: Option<String>,
) {
    if let Some(earlier) = earlier {
        release_with(town, &visit.driver, session, leg, earlier).await;
    }
    if let Some(later) = visit.leg_after(town, leg) {
        release(town, &visit.driver, session, later).await;
    }
    let caller = &visit.driver.caller;
    let others: Vec<DeviceId> = town
        .devices
        .borrow()
        .iter()
        .map(|device| device.id)
        .filter(|id| *id != leg.device)
        .collect();
    let (scope, index) = (leg.scope, leg.index);
    for audience in others.into_iter().rev().take(DOORS_TRIED) {
        let vehicle = step!(town, caller, named(session, "issue_vehicle_token"), |app, call| {
            app.issue_vehicle_token(&call, session).await
        });
        let Ok(vehicle) = vehicle.map(|secret| secret.secret) else { return };
        let action = step!(town, caller, named(session, "exchange_token"), |app, call; vehicle| {
            app.exchange_token(&call, &vehicle, Wanted { scope, audience }).await
        });
        let Ok(action) = action.map(|secret| secret.secret) else { continue };
        let ask = Ask::Release { session, leg: index };
        let _ = step!(town, caller, ask, |app, call; action| {
            app.release(&call, session, index, &action).await
        });
    }
}

/// Two wrong codes in one instant.
pub(crate) fn guess(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let at = town.heart.now().plus_ms(LOOK_EVERY_MS);
    for digits in ["000000", "000001"] {
        let (town_of, caller) = (Rc::clone(town), visit.driver.caller.clone());
        town.spawner.spawn(Owner::World, async move {
            let _ = step!(town_of, &caller, named(session, "present_proof"), at at, |app, call| {
                app.present_proof(&call, session, Presented::Digits(digits)).await
            });
        });
    }
}

/// Somebody asks for what is refused, more often than the journal takes.
pub(crate) async fn pester(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    while !matches!(
        visit.phase(town),
        Some(PhaseKind::EnRoute | PhaseKind::Arrived | PhaseKind::HandoffReady)
    ) {
        if visit.is_over(town) || town.is_healed() {
            return;
        }
        town.heart.sleep(LOOK_EVERY_MS).await;
    }
    for _ in 0..PESTERERS {
        let (town_of, visit) = (Rc::clone(town), Rc::clone(visit));
        town.spawner.spawn(Owner::World, async move { insist(&town_of, &visit, session).await });
    }
}

async fn insist(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let mut caller = visit.driver.caller.clone();
    caller.person = town.somebody();
    for _ in 0..PESTERED_TIMES {
        let Some(leg) = visit.next_leg(town) else { return };
        let index = leg.index;
        let ask = Ask::Release { session, leg: index };
        let _ = step!(town, &caller, ask, |app, call| {
            app.release(&call, session, index, "no token").await
        });
    }
}

/// The customer's phone takes back what everything else was derived from, while a driver holds what was.
pub(crate) async fn revoke_token(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let Some(leg) = pending(town, visit).await else { return };
    let Some(action) = token(town, &visit.driver, session, leg).await else { return };
    let (caller, action) = (visit.driver.caller.clone(), action.secret);
    let Some(top) = visit.customer_token.borrow().clone() else { return };
    let _ = step!(town, &visit.staff, named(session, "revoke_token"), |app, call; top| {
        app.revoke_token(&call, &top).await
    });
    let index = leg.index;
    let _ = step!(town, &caller, Ask::Release { session, leg: index }, |app, call; action| {
        app.release(&call, session, index, &action).await
    });
    // The customer is sent another link.
    visit.customer.take();
    visit.nudge_everybody();
}

/// The next leg, as soon as it can be released.
async fn pending(town: &Rc<Town>, visit: &Rc<Visit>) -> Option<NextLeg> {
    while !visit.is_over(town) && !town.is_healed() {
        let is_ready =
            matches!(visit.phase(town), Some(PhaseKind::HandoffReady | PhaseKind::InService));
        let leg = visit.next_leg(town).filter(|leg| leg.state == LegStateKind::Pending);
        if is_ready && leg.is_some() {
            return leg;
        }
        town.heart.sleep(LOOK_EVERY_MS).await;
    }
    None
}

/// Whoever carries a command keeps it until its device has lost its power, and hands it over before the device knows the
/// time.
pub(crate) async fn keep_command(town: &Rc<Town>, visit: &Rc<Visit>) {
    let Some(device) = next_device(town, visit) else { return };
    let Some(command) = operator::keep_command(town, visit, &device).await else { return };
    town.heart.sleep(town.heart.span(Fault::CommandKept, 1_000, 60_000)).await;
    if !town.is_healed() {
        device.lose_power(POWER_IS_OFF_MS);
        device.stray(town.heart.now().plus_ms(POWER_IS_OFF_MS), command);
    }
}

/// Somebody with a copy of a device's key and memory connects beside it, and stays for a while.
pub(crate) async fn copy_key(town: &Rc<Town>, visit: &Rc<Visit>) {
    let Some(device) = some_device(town, visit, Fault::KeyCopied) else { return };
    town.take_key(device.id);
    let copy = Rc::new(device.copied());
    town.spawner.spawn(Owner::World, Rc::clone(&copy).live(Rc::clone(town)));
    town.heart.sleep(town.heart.span(Fault::KeyCopied, 5_000, 180_000)).await;
    copy.vanish();
    town.heart.sleep(town.heart.span(Fault::KeyCopied, 1_000, 60_000)).await;
    mend(town, visit).await;
}

/// Somebody holds the key of a device, and signs what is not so.
pub(crate) async fn lie(town: &Rc<Town>, visit: &Rc<Visit>) {
    let Some(device) = some_device(town, visit, Fault::DeviceLies) else { return };
    town.take_key(device.id);
    let drawn = town.heart.span(Fault::DeviceLies, 0, 3);
    let is_pump = visit.pump.as_ref().is_some_and(|pump| pump.id == device.id);
    match (is_pump, drawn) {
        (true, 0) => device.corrupt(Lie::Overcounts),
        (true, 1) => device.corrupt(Lie::SkipsReading),
        (true, _) => device.corrupt(Lie::NeverEnds),
        (false, 0) => device.corrupt(Lie::Denies),
        (false, 1) => device.corrupt(Lie::Claims),
        (_, _) => speak_for_another(town, visit, &device).await,
    }
}

/// Waits for a command of another device that was not answered yet, and answers it.
async fn speak_for_another(town: &Rc<Town>, visit: &Rc<Visit>, device: &Rc<Device>) {
    while !visit.is_over(town) && !town.is_healed() {
        if let Some((other, command)) = unanswered(town, device.id) {
            // Who got it is away meanwhile.
            let devices = town.devices.borrow().clone();
            devices.iter().filter(|it| it.id == other).for_each(|it| it.drop_line(AWAY_MS));
            device.corrupt(Lie::SpeaksFor(command));
            device.touch(|actuator, _| {
                if let Actuator::Lock(lock) = actuator {
                    lock.sense(SensorEvent::Locked);
                }
            });
            return;
        }
        town.heart.sleep(LOOK_EVERY_MS).await;
    }
}

fn unanswered(town: &Town, device: DeviceId) -> Option<(DeviceId, CommandId)> {
    town.disk.sessions().iter().flat_map(|session| &session.legs).find_map(|leg| {
        let waits =
            matches!(leg.state.kind(), LegStateKind::Commanded | LegStateKind::Indeterminate);
        let other = leg.terms.device;
        leg.last_command.filter(|_| waits && other != device).map(|command| (other, command))
    })
}

fn some_device(town: &Town, visit: &Visit, fault: Fault) -> Option<Rc<Device>> {
    let devices: Vec<_> = visit.devices().collect();
    let drawn = town.heart.span(fault, 0, devices.len() as u64);
    devices.get(usize::try_from(drawn).unwrap_or_default()).map(|device| Rc::clone(device))
}

impl Town {
    fn take_key(&self, device: DeviceId) {
        self.taken.borrow_mut().insert(device);
        self.heart.tell(Happening::Mischief(Mischief::KeyTaken { device }));
    }
}

/// So many doors of others are tried.
const DOORS_TRIED: usize = 3;
/// So many ask at once.
const PESTERERS: usize = 4;
/// How often each of them asks: together more often than the journal keeps the refusals of one stop.
const PESTERED_TIMES: usize = 140;
/// How long a device is away.
const AWAY_MS: u64 = 10_000;
/// How long a device is without power.
const POWER_IS_OFF_MS: u64 = 2_000;
/// How often a thief looks whether the moment has come.
const LOOK_EVERY_MS: u64 = 100;
