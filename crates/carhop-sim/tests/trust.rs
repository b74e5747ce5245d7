//! Trust that is withdrawn: devices, classes and firmware revoked in one action, with the two moments of a revocation;
//! frozen and tampered devices and what people clear; tokens whose holder lost its place (M-DEV-1, M-DEV-3, M-TOK-3,
//! `design.md` §9.2).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_agent::SensorEvent;
use carhop_app::batch::{Batch, Clearance, Write};
use carhop_app::record::{Kind, Record, RecordKey};
use carhop_app::records::{
    DeviceRecord, PolicyInForceRecord, RevocationRecord, Swept, TenantRecord, TrustSubject,
};
use carhop_app::{Call, Failure};
use carhop_journal::MemoryJournal;
use carhop_kernel::actor::Actor;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{HoldCause, LegIndex, LegStateKind};
use carhop_proofs::eat::Component;
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, PLATE, call, enrol, goods, key_of, order};
use carhop_sim::invariants;
use carhop_sim::stop::{Stop, bind_customer, scene};
use carhop_sim::world::metal::Actuator;
use carhop_sim::world::{FIRMWARE, LOADER, World};

const FIRST: LegIndex = LegIndex(0);

async fn ready<'a>(world: &'a World, cast: &'a Cast) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
    stop.get_ready().await?;
    Ok(stop)
}

async fn revocation(world: &World, subject: TrustSubject) -> RevocationRecord {
    let found = world.app.reliance(&world.partition, subject).await.unwrap();
    found.revocation.unwrap()
}

async fn refused(stop: &Stop<'_>) -> Vec<Reason> {
    let token = stop.token(FIRST).await.unwrap();
    match stop.world.app.release(&stop.by_driver(), stop.session, FIRST, &token).await {
        Err(Failure::Refused(refusal, _)) => refusal.reasons().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_revoked_class_or_firmware_holds_what_relies_and_releases_nothing_more() {
    for (seed, subject) in
        [(71, TrustSubject::Class(DeviceClass::Lock)), (72, TrustSubject::Firmware(FIRMWARE))]
    {
        let log = scene(seed, async |world, cast| {
            let stop = ready(world, cast).await?;
            let by_staff = cast.by_staff(world);
            let before = world.app.reliance(&world.partition, subject).await?;
            assert!(before.devices.contains(&cast.lock));
            assert_eq!(before.sessions.len(), 1, "the blast radius is shown before");
            world.app.withdraw_trust(&by_staff, subject, "key leaked").await?;
            // At once, before anything has been swept.
            let reasons = refused(&stop).await;
            let lost = [Reason::ActuatorUntrusted, Reason::DeviceUntrusted];
            assert!(reasons.iter().any(|reason| lost.contains(reason)), "{reasons:?}");
            world.settle().await?;
            let hold = stop.session().await?.hold().unwrap();
            assert_eq!(hold.cause, HoldCause::DeviceRevoked);
            let record = revocation(world, subject).await;
            assert_eq!(record.settled_at, Some(world.now()), "nothing had left");
            assert!(record.sessions > 0 && record.devices > 0);
            let lifted = world.app.resume(&stop.by_customer(), stop.session).await;
            assert!(matches!(lifted, Err(Failure::Refused(..))), "not the customer's hold");
            Ok(())
        });
        let log = log.unwrap();
        assert_eq!((log.count("trust.revoked"), log.count("revocation.settled")), (1, 1));
    }
}

#[test]
fn a_revoked_firmware_holds_what_ran_it_last_though_it_has_to_attest_itself_afresh() {
    scene(84, async |world, cast| {
        let stop = ready(world, cast).await?;
        // As a renewal of its certificate leaves it.
        let lock = world.app.view_device(&world.partition, cast.lock).await?;
        let renewed = DeviceRecord { attested: None, ..lock };
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.writes.push(renewed.write(&world.partition).unwrap());
        world.journal.append(batch).await.unwrap();
        let subject = TrustSubject::Firmware(FIRMWARE);
        let found = world.app.reliance(&world.partition, subject).await?;
        assert!(found.devices.contains(&cast.lock), "{:?}", found.devices);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "leaks").await?;
        world.settle().await?;
        assert_eq!(stop.session().await?.hold().unwrap().cause, HoldCause::DeviceRevoked);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_stop_that_cannot_be_dealt_with_keeps_no_device_behind_it_from_being_reached() {
    let mut seen = 0;
    for seed in 640..644 {
        scene(seed, async |world, cast| {
            let mut others = Vec::new();
            for _ in 0..40 {
                let (lock, _) = enrol(world, &cast.by_staff(world), DeviceClass::Lock).await?;
                others.push(lock);
            }
            others.sort();
            // Devices are gone through in order of their names, some at once.
            if cast.lock > others[30] {
                return Ok(());
            }
            seen += 1;
            let first = ready(world, cast).await?;
            let last = Stop::place(world, cast, vec![goods(others[39])]).await?;
            world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
            first.release(FIRST).await?;
            world.app.run_effects().await?;
            let command = first.session().await?.legs[0].state.release().unwrap().command;
            let kept = world.replace_command(command, b"{}".to_vec()).await?;
            let subject = TrustSubject::Class(DeviceClass::Lock);
            world.app.withdraw_trust(&cast.by_staff(world), subject, "leaks").await?;
            while world.app.run_timers().await.is_ok() {}
            for stop in [&first, &last] {
                let hold = stop.session().await?.hold().map(|hold| hold.cause);
                assert_eq!(hold, Some(HoldCause::DeviceRevoked));
            }
            let record = revocation(world, subject).await;
            assert_eq!((record.swept, record.settled_at), (Swept::None, None), "all once more");
            world.replace_command(command, kept).await?;
            world.pass(600_000).await?;
            let record = revocation(world, subject).await;
            assert_eq!((record.devices, record.settled_at.is_some()), (41, true));
            Ok(())
        })
        .unwrap();
    }
    assert!(seen > 0, "never in the order that matters");
}

#[test]
fn a_revocation_settles_when_what_had_left_is_answered() {
    scene(73, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        let subject = TrustSubject::Device(cast.lock);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "stolen").await?;
        world.app.run_timers().await?;
        let record = revocation(world, subject).await;
        assert_eq!((record.awaited.len(), record.settled_at), (1, None));
        world.pass(2_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
        let settled_at = revocation(world, subject).await.settled_at.unwrap();
        assert!(settled_at >= record.revoked_at);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_revocation_of_a_silent_lock_settles_only_once_its_command_is_over_and_indeterminate() {
    let log = scene(74, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        let subject = TrustSubject::Device(cast.lock);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "stolen").await?;
        world.pass(6_000).await?;
        assert_eq!(revocation(world, subject).await.settled_at, None, "it could still open");
        world.pass(10_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        let record = revocation(world, subject).await;
        let skew_ms =
            carhop_proofs::command::COMMAND_LIFETIME_MS + carhop_proofs::command::COMMAND_SKEW_MS;
        assert!(record.settled_at.unwrap() >= record.revoked_at.plus_ms(skew_ms));
        Ok(())
    });
    assert_eq!(log.unwrap().count("revocation.settled"), 1);
}

#[test]
fn a_revoked_firmware_is_not_believed_again() {
    scene(75, async |world, cast| {
        let subject = TrustSubject::Firmware(FIRMWARE);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "a hole").await?;
        world.settle().await?;
        let attested = cast.driver.attest(world).await;
        assert!(format!("{attested:?}").contains("the firmware is revoked"), "{attested:?}");
        let handset = world.app.view_device(&world.partition, cast.driver.device).await?;
        assert_eq!(handset.tier(world.now()), TrustTier::None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn every_measured_part_of_a_device_counts_when_a_firmware_is_revoked() {
    let log = scene(78, async |world, cast| {
        let mut cast = cast.clone();
        let first = cast.driver.integrity.components[0].clone();
        cast.driver.integrity.components.push(Component { measurement: LOADER, ..first });
        let stop = ready(world, &cast).await?;
        let subject = TrustSubject::Firmware(LOADER);
        let before = world.app.reliance(&world.partition, subject).await?;
        assert_eq!(before.devices, [cast.driver.device]);
        assert_eq!(before.sessions.len(), 1, "the blast radius is shown before");
        world.app.withdraw_trust(&cast.by_staff(world), subject, "a hole").await?;
        assert!(refused(&stop).await.contains(&Reason::DeviceUntrusted), "before it is swept");
        let handset = world.app.view_device(&world.partition, cast.driver.device).await?;
        assert!(handset.is_revoked());
        world.settle().await?;
        assert_eq!(stop.session().await?.hold().unwrap().cause, HoldCause::DeviceRevoked);
        Ok(())
    });
    assert_eq!(log.unwrap().count("release.authorised"), 0);
}

#[test]
fn the_customers_token_dies_with_the_version_of_the_order_it_was_given_for() {
    scene(79, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let by_store = cast.by_store(world);
        let link = world.app.issue_link(&by_store, stop.session).await?;
        let key = key_of(&world.draw_key()?)?;
        let old = world.app.redeem_link(&world.partition, &link.secret, key).await?.secret;
        let (customer, _) = world.app.authenticate_customer(&world.partition, &old, key).await?;
        let by_old = Call { key: Some(key), ..call(world, Actor::Customer { customer }) };
        world.app.verify_recipient(&by_old, stop.session).await?;
        let mut terms = order(world, vec![goods(cast.lock)])?;
        terms.value.amount_minor += 1;
        world.app.amend_order(&by_store, stop.order, 1, &terms).await?;

        let known = world.app.authenticate_customer(&world.partition, &old, key).await;
        assert_eq!(known, Err(Failure::Unauthenticated));
        let (app, id) = (&world.app, stop.session);
        assert_eq!(app.verify_recipient(&by_old, id).await.err(), Some(Failure::NotFound));
        let proposed = app.propose_binding(&by_old, id, PLATE).await;
        assert_eq!(proposed.err(), Some(Failure::NotFound));
        assert_eq!(app.issue_code(&by_old, id).await.err(), Some(Failure::NotFound));

        let customer = bind_customer(world, &by_store, stop.session).await?;
        Stop { customer, ..stop }.bind().await
    })
    .unwrap();
}

#[test]
fn what_enrols_after_its_class_was_revoked_is_trusted() {
    scene(76, async |world, cast| {
        let subject = TrustSubject::Class(DeviceClass::Handset);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "leaked").await?;
        world.pass(1_000).await?;
        let fresh = carhop_sim::fixtures::hire(world, cast.staff).await?;
        fresh.attest(world).await?;
        let handset = world.app.view_device(&world.partition, fresh.device).await?;
        assert_eq!(handset.tier(world.now()), TrustTier::Attested);
        let old = world.app.view_device(&world.partition, cast.driver.device).await?;
        assert!(old.is_revoked());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_frozen_lock_is_released_to_only_after_a_person_has_looked() {
    let log = scene(77, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.app.freeze_device(&world.partition, cast.lock).await?;
        world.app.freeze_device(&world.partition, cast.lock).await?;
        assert_eq!(refused(&stop).await, [Reason::ActuatorFrozen]);
        let clear = async |by: &Call| {
            world.app.clear_device(by, cast.lock, Clearance::Freeze, "one was a test rig").await
        };
        assert!(matches!(clear(&stop.by_driver()).await, Err(Failure::NotFound)));
        clear(&cast.by_staff(world)).await?;
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        stop.finish().await?;
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("device.frozen"), log.count("device.cleared")), (1, 1));
}

#[test]
fn a_tampered_lock_is_trusted_again_only_after_a_person_has_looked() {
    scene(78, async |world, cast| {
        world.metal.with(cast.lock, |unit, _| {
            if let Actuator::Lock(lock) = unit.actuator() {
                lock.sense(SensorEvent::Tampered);
            }
        })?;
        world.settle().await?;
        let tier = async || world.app.view_device(&world.partition, cast.lock).await;
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        assert_eq!(tier().await?.tier(world.now()), TrustTier::None, "attesting is not enough");
        let by_staff = cast.by_staff(world);
        world.app.clear_device(&by_staff, cast.lock, Clearance::Tamper, "lid was loose").await?;
        assert_eq!(tier().await?.tier(world.now()), TrustTier::None, "it has to attest afresh");
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        assert_eq!(tier().await?.tier(world.now()), TrustTier::Attested);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_new_device_of_the_customer_takes_the_place_of_the_earlier_one() {
    scene(79, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        let (actor, key) = bind_customer(world, &cast.by_store(world), stop.session).await?;
        let by_new = Call { key: Some(key), ..call(world, actor) };
        let old = world.app.hold(&stop.by_customer(), stop.session).await;
        assert!(matches!(old, Err(Failure::NotFound)), "{old:?}");
        world.app.hold(&by_new, stop.session).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_token_in_a_revoked_handset_introspects_as_nothing() {
    scene(80, async |world, cast| {
        let stop = ready(world, cast).await?;
        let token = world.app.issue_vehicle_token(&stop.by_driver(), stop.session).await?.secret;
        let by_staff = cast.by_staff(world);
        assert!(world.app.introspect_token(&by_staff, &token).await?.is_some());
        let subject = TrustSubject::Device(stop.driver().device);
        world.app.withdraw_trust(&by_staff, subject, "lost").await?;
        assert!(world.app.introspect_token(&by_staff, &token).await?.is_none());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_record_of_withdrawn_trust_that_is_not_as_the_log_tells_it_is_found() {
    type Forge = fn(&World, &Cast) -> Vec<(RecordKey, Option<Vec<u8>>)>;
    let forgeries: [(&str, Forge); 6] = [
        ("the hold is lifted", |world, _| vec![written(world, &TenantRecord::default())]),
        ("the revocation is gone", |world, cast| {
            let key = TrustSubject::Device(cast.lock).to_string();
            let partition = world.partition.clone();
            vec![(RecordKey { partition, kind: Kind::Revocation, key }, None)]
        }),
        ("the device stands as if nothing had been", |world, cast| {
            let view = run(world.app.view_device(&world.partition, cast.lock)).unwrap().unwrap();
            vec![written(world, &DeviceRecord { revoked: None, ..view })]
        }),
        ("the device is newer than the revocation of its class", |world, cast| {
            let view = run(world.app.view_device(&world.partition, cast.pump)).unwrap().unwrap();
            let enrolled_at = Some(world.now().plus_ms(1));
            vec![written(world, &DeviceRecord { enrolled_at, ..view })]
        }),
        ("the device is of another class", |world, cast| {
            let view = run(world.app.view_device(&world.partition, cast.pump)).unwrap().unwrap();
            vec![written(world, &DeviceRecord { class: DeviceClass::Lock, ..view })]
        }),
        ("other policies decide", |world, _| {
            let version = PolicyVersion([7; 32]);
            vec![written(world, &PolicyInForceRecord { version, activated_at: world.now() })]
        }),
    ];
    for (what, forge) in forgeries {
        let world = World::new(80, Arc::new(MemoryJournal::default())).unwrap();
        let cast = run(Cast::assemble(&world)).unwrap().unwrap();
        let by_staff = cast.by_staff(&world);
        run(async {
            world.app.hold_tenant(&by_staff, "recall").await.unwrap();
            let subject = TrustSubject::Device(cast.lock);
            world.app.withdraw_trust(&by_staff, subject, "stolen").await.unwrap();
            world.settle().await.unwrap();
            invariants::check(&world).await.unwrap();
        })
        .unwrap();
        let mut batch = Batch::new(world.partition.clone(), world.now());
        for (key, body) in forge(&world, &cast) {
            batch.writes.push(Write { key, body, indexes: Vec::new(), until: None });
        }
        run(world.journal.append(batch)).unwrap().unwrap();
        let found = run(invariants::check(&world)).unwrap();
        let is_found =
            matches!(&found, Err(SimError::Broken(why)) if why.contains("as the log tells"));
        assert!(is_found, "{what}: {found:?}");
    }
}

fn written(world: &World, record: &impl Record) -> (RecordKey, Option<Vec<u8>>) {
    (record.place(&world.partition), Some(serde_json::to_vec(record).unwrap()))
}
