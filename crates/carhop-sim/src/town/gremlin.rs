//! What goes wrong at a stop: accidents, second thoughts, thieves and people who pry. Each has its own dice and strikes once,
//! at a moment that chance chooses. What befalls servers and wires is [`super::trouble`]'s.

use std::rc::Rc;

use carhop_agent::SensorEvent;
use carhop_agent::simulated::{Fault as Metal, Person};
use carhop_app::records::TrustSubject;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::geofence::{Accuracy, Confidence, Fix, FixSource, Speed};
use carhop_kernel::id::SessionId;
use carhop_kernel::session::InterlockKind;

use crate::fixtures::{FILLS_UP, near_car};
use crate::happening::{Ask, Happening, Mischief};
use crate::town::Town;
use crate::town::asking::Caller;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::handset::release;
use crate::town::heart::Owner;
use crate::town::people::{named, order_of, step};
use crate::town::staff::mend;
use crate::town::visit::Visit;
use crate::town::{operator, pry, thief};
use crate::world::metal::Actuator;

impl Town {
    /// Whether something befalls a stop here and now.
    pub(crate) fn befalls(&self, fault: Fault, session: SessionId) -> bool {
        let strikes = self.heart.strikes(fault);
        if strikes {
            self.heart.with_dice(|dice| dice.befall(fault, session));
        }
        strikes
    }
}

/// Everything that befalls one stop.
pub(crate) fn haunt(town: &Rc<Town>, visit: &Rc<Visit>) {
    for fault in STOP_FAULTS {
        if town.heart.strikes(*fault) {
            let after_ms = visit.plan.begins_ms + town.heart.span(*fault, 5_000, 240_000);
            let (town_of, visit) = (Rc::clone(town), Rc::clone(visit));
            town.spawner.spawn(Owner::World, async move {
                town_of.heart.sleep(after_ms).await;
                if !town_of.is_healed() && !visit.is_over(&town_of) {
                    if let Some(session) = visit.session.get() {
                        town_of.heart.with_dice(|dice| dice.befall(*fault, session));
                    }
                    befall(&town_of, &visit, *fault).await;
                }
            });
        }
    }
}

const STOP_FAULTS: &[Fault] = &[
    Fault::SecondDriver,
    Fault::Amended,
    Fault::RevokedMidway,
    Fault::HeldMidway,
    Fault::DeviceWithdrawn,
    Fault::TenantHeld,
    Fault::PhoneStolen,
    Fault::CodeReplayed,
    Fault::Relocated,
    Fault::CarDrivesOff,
    Fault::LockJams,
    Fault::DoorForced,
    Fault::LockLies,
    Fault::MeterLies,
    Fault::MeterLeaps,
    Fault::NobodyFuels,
    Fault::PolicyReplaced,
    Fault::Restored,
    Fault::CommandKept,
    Fault::KeyCopied,
    Fault::DeviceLies,
    Fault::TokenRevoked,
    Fault::Pestered,
    Fault::Pried,
];

async fn befall(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let Some(session) = visit.session.get() else { return };
    match fault {
        Fault::SecondDriver => race(town, visit, session).await,
        Fault::Amended => amend(town, visit, session).await,
        Fault::RevokedMidway => revoke(town, visit, session).await,
        Fault::HeldMidway => hold(town, visit, session).await,
        Fault::DeviceWithdrawn => withdraw(town, visit, fault).await,
        Fault::TenantHeld => hold_tenant(town, visit).await,
        Fault::PhoneStolen => thief::steal(town, visit, session).await,
        Fault::CodeReplayed => thief::replay(town, visit, session).await,
        Fault::PolicyReplaced => operator::replace_policies(town, visit, session).await,
        Fault::Restored => operator::restore(town, visit).await,
        Fault::CommandKept => thief::keep_command(town, visit).await,
        Fault::KeyCopied => thief::copy_key(town, visit).await,
        Fault::DeviceLies => thief::lie(town, visit).await,
        Fault::TokenRevoked => thief::revoke_token(town, visit, session).await,
        Fault::Pestered => thief::pester(town, visit, session).await,
        Fault::Pried => pry::pry(town, visit).await,
        Fault::Relocated => relocate(town, visit, session).await,
        Fault::CarDrivesOff => drive_off(town, visit, session).await,
        Fault::LockJams | Fault::DoorForced | Fault::LockLies => {
            hurt_lock(town, visit, fault).await;
        }
        Fault::MeterLies | Fault::MeterLeaps | Fault::NobodyFuels => {
            hurt_pump(town, visit, fault).await;
        }
        Fault::CrashBeforeAppend
        | Fault::CrashAppendLost
        | Fault::CrashUnacknowledged
        | Fault::CrashAfterAppend
        | Fault::CrashAtLease
        | Fault::CrashBeforeCommand
        | Fault::CrashAfterCommand
        | Fault::CrashAtStatement
        | Fault::CrashAnyTime
        | Fault::AppendFails
        | Fault::FlushFails
        | Fault::FlushSlow
        | Fault::DiskFull
        | Fault::FrameLost
        | Fault::FrameRepeated
        | Fault::FrameLate
        | Fault::FrameKept
        | Fault::LinkBreaks
        | Fault::LinkSilent
        | Fault::AskLost
        | Fault::AnswerLost
        | Fault::AskRepeated
        | Fault::AskSlow
        | Fault::AnswerSlow
        | Fault::PersonSilent
        | Fault::ClockJumps
        | Fault::ClockStrays
        | Fault::ClockDrifts
        | Fault::ServerPauses
        | Fault::DeviceDrifts
        | Fault::DeviceReboots
        | Fault::DeviceDiskSlow
        | Fault::CodeMistyped
        | Fault::DoorLeftOpen
        | Fault::CustomerAbsent
        | Fault::TokenMisused
        | Fault::CodeGuessed
        | Fault::Raced
        | Fault::OnTheDot => {}
    }
}

async fn revoke(town: &Rc<Town>, visit: &Visit, session: SessionId) {
    let caller = somebody_of(town, visit, Fault::RevokedMidway);
    let _ = step!(town, &caller, Ask::Revoke { session }, |app, call| {
        app.revoke(&call, session).await
    });
}

async fn hold(town: &Rc<Town>, visit: &Visit, session: SessionId) {
    let caller = visit.staff.clone();
    let _ = step!(town, &caller, Ask::Hold { session }, |app, call| app.hold(&call, session).await);
}

async fn relocate(town: &Rc<Town>, visit: &Visit, session: SessionId) {
    let Some(customer) = visit.customer.borrow().clone() else { return };
    let _ = step!(town, &customer, named(session, "relocate"), |app, call| {
        app.relocate(&call, session).await
    });
}

/// Who revokes: the customer, the store or the staff.
fn somebody_of(town: &Town, visit: &Visit, fault: Fault) -> Caller {
    match (town.heart.span(fault, 0, 3), visit.customer.borrow().clone()) {
        (0, Some(customer)) => customer,
        (1, _) => visit.store.clone(),
        (_, _) => visit.staff.clone(),
    }
}

/// Another driver wants the stop: tries at once, and again when it was reassigned behind the first one's back.
async fn race(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let rival = &visit.rival;
    for _ in 0..3 {
        if let Some(leg) = visit.next_leg(town) {
            release(town, rival, session, leg).await;
        }
        town.heart.sleep(town.heart.span(Fault::SecondDriver, 100, 20_000)).await;
    }
    let driver = rival.driver;
    let _ = step!(town, &visit.staff, Ask::Assign { session, driver }, |app, call| {
        app.assign_driver(&call, session, driver).await
    });
    // The stop comes back to the first driver, who is at the car.
    town.heart.sleep(town.heart.span(Fault::SecondDriver, 5_000, 30_000)).await;
    let driver = visit.driver.driver;
    let _ = step!(town, &visit.staff, Ask::Assign { session, driver }, |app, call| {
        app.assign_driver(&call, session, driver).await
    });
}

pub(crate) async fn amend(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let Some(order) = visit.order.get() else { return };
    let mut terms = order_of(town, visit);
    terms.value.amount_minor += 100;
    let version = visit.look(town, |session| session.order.version).unwrap_or(1);
    let held = visit.customer.borrow().clone().zip(visit.customer_token.borrow().clone());
    let amended = step!(town, &visit.store, Ask::Amend { order, session }, |app, call; terms| {
        app.amend_order(&call, order, version, &terms).await
    });
    if amended.is_ok() {
        if let Some((customer, token)) = held
            && let Some(key) = customer.key
        {
            let known = step!(town, &customer, named(session, "authenticate"), |app, call; token| {
                app.authenticate_customer(&call.partition, &token, key).await.map(|_| true)
            });
            if known.is_ok() {
                let why = format!("a token of an order that was replaced is taken at {session}");
                town.heart.fail("tokens_are_obeyed", why);
            }
        }
        // What the customer held died with the former order; another link is sent.
        visit.customer.take();
        visit.nudge_everybody();
    }
}

async fn withdraw(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let mut devices: Vec<_> = visit.devices().map(|device| device.id).collect();
    devices.push(visit.driver.device);
    let drawn = town.heart.span(fault, 0, devices.len() as u64);
    let device = devices[usize::try_from(drawn).unwrap_or_default()];
    let subject = match town.heart.span(fault, 0, 4) {
        0 => TrustSubject::Class(DeviceClass::Lock),
        _ => TrustSubject::Device(device),
    };
    let withdrawn = step!(town, &visit.staff, Ask::Withdraw { device }, |app, call| {
        app.withdraw_trust(&call, subject, "stolen").await
    });
    if withdrawn.is_ok()
        && let Some(session) = visit.session.get()
    {
        end_at_last(town, visit, session).await;
    }
}

/// A stop that has lost its device for good is ended by a person in the end, who asks again should no server be there.
pub(crate) async fn end_at_last(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    while !visit.is_over(town) {
        town.heart.sleep(10 * 60_000).await;
        let _ = step!(town, &visit.staff, Ask::Revoke { session }, |app, call| {
            app.revoke(&call, session).await
        });
    }
}

async fn hold_tenant(town: &Rc<Town>, visit: &Rc<Visit>) {
    for held in [true, false] {
        let _ = step!(town, &visit.staff, Ask::HoldTenant { held }, |app, call| {
            if held {
                app.hold_tenant(&call, "recall").await
            } else {
                app.resume_tenant(&call, "looked at").await
            }
        });
        town.heart.sleep(town.heart.span(Fault::TenantHeld, 1_000, 120_000)).await;
    }
}

async fn drive_off(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    visit.is_car_gone.set(true);
    town.heart.tell(Happening::Mischief(Mischief::DriveOff { session }));
    for east_m in [20.0, 80.0, 400.0] {
        let now = town.heart.now();
        let seen =
            (near_car(east_m, 0.0), Accuracy::new(5.0, Confidence::ANDROID), Speed::from_mps(8.0));
        let (Ok(position), Ok(accuracy), Ok(speed)) = seen else { return };
        let fix = Fix {
            position,
            accuracy,
            fixed_at: now,
            received_at: now,
            speed: Some(speed),
            source: FixSource::Telematics,
            mock: false,
        };
        let _ = step!(town, &visit.store, named(session, "report_vehicle"), |app, call| {
            app.report_vehicle_positions(&call, session, &[fix]).await
        });
        town.heart.sleep(5_000).await;
    }
}

async fn hurt_lock(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let Some(lock) = &visit.lock else { return };
    let device = lock.id;
    if fault == Fault::LockJams {
        town.heart.tell(Happening::Mischief(Mischief::Jam { device, jammed: true }));
        hurt(lock, Metal::Jammed);
        town.heart.sleep(town.heart.span(fault, 10_000, 300_000)).await;
        town.heart.tell(Happening::Mischief(Mischief::Jam { device, jammed: false }));
        mend(town, visit).await;
    } else if fault == Fault::DoorForced {
        town.heart.tell(Happening::Mischief(Mischief::Force { device }));
        hurt(lock, Metal::Forced);
    } else {
        town.heart.tell(Happening::Mischief(Mischief::Lie { device }));
        let lies = [SensorEvent::Opened, SensorEvent::Locked, SensorEvent::Tampered];
        let drawn = usize::try_from(town.heart.span(fault, 0, 3)).unwrap_or_default();
        lock.touch(|actuator, _| {
            if let Actuator::Lock(lock) = actuator {
                lock.sense(lies[drawn]);
            }
        });
    }
}

async fn hurt_pump(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let Some(pump) = &visit.pump else { return };
    let (device, after_ml) = (pump.id, 200);
    if fault == Fault::NobodyFuels {
        expect(pump, Person { lift_after_ms: None, ..FILLS_UP });
    } else if fault == Fault::MeterLeaps {
        let by_ml = u32::try_from(town.heart.span(fault, LEAP_ML.0, LEAP_ML.1)).unwrap_or(u32::MAX);
        town.heart.tell(Happening::Mischief(Mischief::Leap { device }));
        hurt(pump, Metal::MeterLeaps { after_ml, by_ml });
    } else {
        let kind = InterlockKind::Spill;
        let faults = [
            Metal::MeterBackwards { after_ml },
            Metal::MeterStuck { after_ml },
            Metal::StopLost,
            Metal::Interlock { kind, after_ml },
        ];
        let drawn = usize::try_from(town.heart.span(fault, 0, 4)).unwrap_or_default();
        town.heart.tell(Happening::Mischief(Mischief::Meter { device, wrong: true }));
        hurt(pump, faults[drawn]);
    }
    town.heart.sleep(town.heart.span(fault, 60_000, 600_000)).await;
    expect(pump, FILLS_UP);
    town.heart.tell(Happening::Mischief(Mischief::Meter { device, wrong: false }));
    mend(town, visit).await;
}

fn hurt(device: &Device, fault: Metal) {
    device.touch(|actuator, now_ms| match actuator {
        Actuator::Lock(lock) => lock.suffer(fault, now_ms),
        Actuator::Pump(pump) => pump.suffer(fault),
    });
}

fn expect(device: &Device, person: Person) {
    device.touch(|actuator, _| {
        if let Actuator::Pump(pump) = actuator {
            pump.expect(person);
        }
    });
}

/// How far a meter leaps, in millilitres: within what was ordered, or far beyond.
const LEAP_ML: (u64, u64) = (5_000, 60_000);
