//! What goes wrong at a stop and around the servers: accidents, second thoughts, thieves and power. Each has its own dice
//! and strikes once, at a moment that chance chooses.

use std::rc::Rc;

use carhop_agent::SensorEvent;
use carhop_agent::simulated::{Fault as Metal, Person};
use carhop_app::Presented;
use carhop_app::records::TrustSubject;
use carhop_kernel::geofence::{Accuracy, Confidence, Fix, FixSource, Speed};
use carhop_kernel::id::SessionId;
use carhop_kernel::session::InterlockKind;

use crate::fixtures::{FILLS_UP, near_car};
use crate::happening::{Ask, Clocked, CrashPoint, Happening, Link, LinkState, Mischief};
use crate::town::Town;
use crate::town::asking::Caller;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::people::{named, order_of, release, step};
use crate::town::staff::mend;
use crate::town::visit::Visit;
use crate::world::metal::Actuator;

/// Everything that befalls one stop.
pub(crate) fn haunt(town: &Rc<Town>, visit: &Rc<Visit>) {
    let owner = crate::town::heart::Owner::World;
    for fault in STOP_FAULTS {
        if town.heart.strikes(*fault) {
            let after_ms = visit.plan.begins_ms + town.heart.span(*fault, 5_000, 240_000);
            let (town_of, visit) = (Rc::clone(town), Rc::clone(visit));
            town.spawner.spawn(owner, async move {
                town_of.heart.sleep(after_ms).await;
                if !town_of.is_healed() && !visit.is_over(&town_of) {
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
    Fault::NobodyFuels,
];

async fn befall(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let Some(session) = visit.session.get() else { return };
    match fault {
        Fault::SecondDriver => race(town, visit, session).await,
        Fault::Amended => amend(town, visit, session).await,
        Fault::RevokedMidway => {
            let caller = somebody_of(town, visit, fault);
            let _ = step!(town, &caller, Ask::Revoke { session }, |app, call| {
                app.revoke(&call, session).await
            });
        }
        Fault::HeldMidway => {
            let caller = visit.staff.clone();
            let _ = step!(town, &caller, Ask::Hold { session }, |app, call| {
                app.hold(&call, session).await
            });
        }
        Fault::DeviceWithdrawn => withdraw(town, visit, fault).await,
        Fault::TenantHeld => hold_tenant(town, visit).await,
        Fault::PhoneStolen => steal(town, visit, session).await,
        Fault::CodeReplayed => replay(town, visit, session).await,
        Fault::Relocated => {
            let Some(customer) = visit.customer.borrow().clone() else { return };
            let _ = step!(town, &customer, named(session, "relocate"), |app, call| {
                app.relocate(&call, session).await
            });
        }
        Fault::CarDrivesOff => drive_off(town, visit, session).await,
        Fault::LockJams | Fault::DoorForced | Fault::LockLies => {
            hurt_lock(town, visit, fault).await;
        }
        Fault::MeterLies | Fault::NobodyFuels => hurt_pump(town, visit, fault).await,
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
        | Fault::ClockJumps
        | Fault::ServerPauses
        | Fault::DeviceDrifts
        | Fault::DeviceReboots
        | Fault::DeviceDiskSlow
        | Fault::CodeMistyped
        | Fault::DoorLeftOpen
        | Fault::CustomerAbsent => {}
    }
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

async fn amend(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let Some(order) = visit.order.get() else { return };
    let mut terms = order_of(town, visit);
    terms.value.amount_minor += 100;
    let version = visit.look(town, |session| session.order.version).unwrap_or(1);
    let _ = step!(town, &visit.store, Ask::Amend { order, session }, |app, call; terms| {
        app.amend_order(&call, order, version, &terms).await
    });
}

async fn withdraw(town: &Rc<Town>, visit: &Rc<Visit>, fault: Fault) {
    let mut devices: Vec<_> = visit.devices().map(|device| device.id).collect();
    devices.push(visit.driver.device);
    let drawn = town.heart.span(fault, 0, devices.len() as u64);
    let device = devices[usize::try_from(drawn).unwrap_or_default()];
    let subject = TrustSubject::Device(device);
    let withdrawn = step!(town, &visit.staff, Ask::Withdraw { device }, |app, call| {
        app.withdraw_trust(&call, subject, "stolen").await
    });
    if withdrawn.is_ok()
        && let Some(session) = visit.session.get()
    {
        end_at_last(town, visit, session).await;
    }
}

/// A stop that has lost its device for good is ended by a person in the end.
async fn end_at_last(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    town.heart.sleep(10 * 60_000).await;
    let _ = step!(town, &visit.staff, Ask::Revoke { session }, |app, call| {
        app.revoke(&call, session).await
    });
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

/// A thief has the driver's phone, and with it everything the driver can do.
async fn steal(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
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
async fn replay(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
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
        // A tenant's people never see another tenant's stop.
        if other.tenant != visit.tenant {
            let seen = step!(town, &other.staff, named(session, "view_session"), |app, call| {
                app.view_session(&call, session).await
            });
            if seen.is_ok() {
                town.heart.fail("tenants_never_see_each_other", session.to_string());
            }
        }
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

/// What befalls servers and wires, hour after hour.
pub(crate) async fn trouble(town: Rc<Town>) {
    while !town.is_healed() {
        town.heart.sleep(town.heart.draw(10_000, 120_000)).await;
        for server in &town.servers {
            let number = server.number;
            if town.heart.strikes(Fault::CrashAnyTime) {
                town.heart.die(number, CrashPoint::AnyTime);
            }
            if town.heart.strikes(Fault::ServerPauses) {
                let for_ms = town.heart.span(Fault::ServerPauses, 1_000, 90_000);
                town.pause(number, for_ms);
            }
            if town.heart.strikes(Fault::ClockJumps) {
                let drawn = town.heart.span(Fault::ClockJumps, 0, 8_001);
                let ahead_ms = i64::try_from(drawn).unwrap_or_default() - 4_000;
                server.clock.set_ahead(ahead_ms);
                let clock = Clocked::Server(number);
                town.heart.tell(Happening::ClockSet { clock, ahead_ms });
            }
        }
        if town.heart.strikes(Fault::DiskFull) {
            let for_ms = town.heart.span(Fault::DiskFull, 1_000, 180_000);
            town.disk.fill_until(town.heart.now().plus_ms(for_ms));
        }
        let devices = town.devices.borrow().clone();
        for device in devices {
            if town.heart.strikes(Fault::LinkSilent) {
                silence(&town, &device);
            }
        }
    }
}

/// A device does not hear, is not heard, or both, for a while.
fn silence(town: &Rc<Town>, device: &Rc<Device>) {
    let states = [LinkState::Deaf, LinkState::Mute, LinkState::Cut];
    let drawn = usize::try_from(town.heart.span(Fault::LinkSilent, 0, 3)).unwrap_or_default();
    let for_ms = town.heart.span(Fault::LinkSilent, 1_000, 240_000);
    let (link, town_of, device) = (Link::Device(device.id), Rc::clone(town), Rc::clone(device));
    device.set_link(states[drawn]);
    town.heart.tell(Happening::Partitioned { link, state: states[drawn] });
    town.spawner.spawn(crate::town::heart::Owner::World, async move {
        town_of.heart.sleep(for_ms).await;
        device.set_link(LinkState::Up);
        town_of.heart.tell(Happening::Partitioned { link, state: LinkState::Up });
    });
}
