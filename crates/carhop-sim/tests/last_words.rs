//! Devices that lose their place while something is going on: what runs is told to stop until it answers, what they have
//! signed is heard, and a revocation is settled only when nothing more can come (M-DEV-3, M-FLO-5, `design.md` §9.2).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_agent::simulated::Fault;
use carhop_app::batch::{Batch, Clearance, Stream};
use carhop_app::ports::Carrier;
use carhop_app::record::Record;
use carhop_app::records::{DeviceRecord, RevocationRecord, TrustSubject};
use carhop_app::{Failure, Hearing, LAST_WORDS_MAX};
use carhop_kernel::device::TrustTier;
use carhop_kernel::id::DeviceId;
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, HoldCause, LegIndex, LegState, LegStateKind};
use carhop_proofs::frame::FarewellCode;
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const FIRST: LegIndex = LegIndex(0);
/// A stop whose trunk stands open with the goods in it.
async fn loaded<'a>(world: &'a World, cast: &'a Cast) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
    stop.get_ready().await?;
    stop.release(FIRST).await?;
    world.pass(1_000).await?;
    world.app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await?;
    assert_eq!(stop.leg(FIRST).await?, LegStateKind::Transferred);
    Ok(stop)
}

async fn revoke(world: &World, cast: &Cast, device: DeviceId) -> Result<(), SimError> {
    let subject = TrustSubject::Device(device);
    world.app.withdraw_trust(&cast.by_staff(world), subject, "stolen").await?;
    Ok(())
}

async fn revocation(world: &World, device: DeviceId) -> RevocationRecord {
    let subject = TrustSubject::Device(device);
    world.app.reliance(&world.partition, subject).await.unwrap().revocation.unwrap()
}

/// What is settled, which must be what flowed.
async fn settled_ml(stop: &Stop<'_>) -> Result<u32, SimError> {
    let LegState::Settled { metered_ml } = stop.session().await?.legs[0].state else {
        return Err(SimError::world("the leg is not settled"));
    };
    let flowed = stop.world.metal.with(stop.cast.pump, |unit, _| unit.truth())? - 1_000_000;
    assert_eq!(u64::from(metered_ml), flowed);
    Ok(metered_ml)
}

fn running(world: &World, cast: &Cast) -> impl Fn() -> u64 {
    move || world.metal.with(cast.pump, |unit, _| unit.truth()).unwrap()
}

#[test]
fn a_revoked_pump_is_stopped_and_heard_and_then_its_revocation_is_settled() {
    let log = scene(601, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        revoke(world, cast, cast.pump).await?;
        world.app.run_timers().await?;
        let record = revocation(world, cast.pump).await;
        assert_eq!((record.awaited.len(), record.settled_at), (1, None), "it runs");
        world.pass(5_000).await?;
        assert!(settled_ml(&stop).await? < 1_000);
        assert!(revocation(world, cast.pump).await.settled_at.is_some());
        assert!(!world.metal.is_connected(cast.pump), "it has said everything");
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("command.cancelled"), log.count("revocation.settled")), (1, 1));
}

#[test]
fn a_revoked_pump_without_a_link_is_stopped_and_heard_when_it_comes_back() {
    scene(602, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        world.disconnect(cast.pump)?;
        revoke(world, cast, cast.pump).await?;
        world.pass(60_000).await?;
        assert_eq!(revocation(world, cast.pump).await.settled_at, None);
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
        world.connect(cast.pump).await?;
        world.pass(5_000).await?;
        assert!(settled_ml(&stop).await? < 3_000);
        assert!(revocation(world, cast.pump).await.settled_at.is_some());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_revoked_pump_that_does_not_come_back_is_settled_when_it_must_have_stopped() {
    scene(603, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        world.disconnect(cast.pump)?;
        revoke(world, cast, cast.pump).await?;
        world.pass(limits::DISPENSING_MS_MAX - 20_000).await?;
        assert_eq!(revocation(world, cast.pump).await.settled_at, None, "it may still run");
        let raised = stop.exceptions().await?;
        assert!(!raised.contains(&Exception::OutcomeUnknown), "{raised:?}");
        world.pass(60_000).await?;
        assert!(revocation(world, cast.pump).await.settled_at.is_some());
        world.pass(60 * 60 * 1_000).await?;
        let raised = stop.exceptions().await?;
        let unknown = raised.iter().filter(|one| **one == Exception::OutcomeUnknown).count();
        assert_eq!(unknown, 1, "a person is called once: {raised:?}");
        // What it says long after is heard all the same.
        world.connect(cast.pump).await?;
        world.pass(5_000).await?;
        settled_ml(&stop).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_pump_is_stopped_when_the_drivers_handset_is_revoked() {
    scene(604, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        revoke(world, cast, cast.driver.device).await?;
        world.pass(5_000).await?;
        assert!(settled_ml(&stop).await? < 1_000);
        assert!(revocation(world, cast.driver.device).await.settled_at.is_some());
        assert!(world.metal.is_connected(cast.pump), "nothing is wrong with the pump");
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_order_to_stop_outlives_a_lost_link_and_both_moments_are_shown() {
    for (seed, cut) in [(605, true), (606, false)] {
        scene(seed, async |world, cast| {
            let stop = Stop::dispensing(world, cast).await?;
            if cut {
                world.disconnect(cast.pump)?;
            } else {
                world.metal.with(cast.pump, |unit, _| unit.deafen(true))?;
            }
            let by_customer = stop.by_customer();
            world.app.revoke(&by_customer, stop.session).await?;
            world.pass(30_000).await?;
            let view = world.app.view_session(&by_customer, stop.session).await?;
            let moments = view.revocation.unwrap();
            assert_eq!(moments.settled_at, None, "it runs");
            assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
            let flowed = running(world, cast);
            let before_ml = flowed();
            world.pass(10_000).await?;
            assert!(flowed() > before_ml, "nobody has told it yet");
            if cut {
                world.connect(cast.pump).await?;
            } else {
                world.metal.with(cast.pump, |unit, _| unit.deafen(false))?;
            }
            world.pass(if cut { 2_000 } else { 90_000 }).await?;
            assert!(settled_ml(&stop).await? < 4_000);
            let view = world.app.view_session(&by_customer, stop.session).await?;
            let settled_at = view.revocation.unwrap().settled_at.unwrap();
            assert_eq!(view.revocation.unwrap().revoked_at, moments.revoked_at);
            assert!(settled_at >= moments.revoked_at.plus_ms(40_000));
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_stop_that_is_revoked_at_rest_is_settled_at_once() {
    scene(607, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let view = world.app.view_session(&stop.by_customer(), stop.session).await?;
        assert_eq!(view.revocation, None);
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        let view = world.app.view_session(&stop.by_customer(), stop.session).await?;
        let moments = view.revocation.unwrap();
        assert_eq!(moments.settled_at, Some(moments.revoked_at), "nothing had left");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_pump_that_may_run_serves_nobody_else_until_its_end_is_heard() {
    scene(608, async |world, cast| {
        let first = Stop::dispensing(world, cast).await?;
        let second = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        world.disconnect(cast.pump)?;
        world.app.revoke(&first.by_customer(), first.session).await?;
        world.pass(60_000).await?;
        second.get_ready().await?;
        let token = second.token(FIRST).await?;
        let asked = world.app.release(&second.by_driver(), second.session, FIRST, &token).await;
        let Err(Failure::Refused(refusal, _)) = asked else { panic!("{asked:?}") };
        assert!(refusal.reasons().contains(&Reason::ActuatorBusy), "{:?}", refusal.reasons());
        world.connect(cast.pump).await?;
        world.pass(5_000).await?;
        second.release(FIRST).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_revoked_lock_is_heard_until_its_door_is_shut_and_nobody_trusts_it_meanwhile() {
    scene(609, async |world, cast| {
        let stop = loaded(world, cast).await?;
        revoke(world, cast, cast.lock).await?;
        world.settle().await?;
        assert!(revocation(world, cast.lock).await.settled_at.is_some(), "it opened: answered");
        assert_eq!(hearing(world, cast.lock).await, Hearing::LastWords);
        // A lost link does not cost what it has to say, and it is neither told the time nor let attest itself.
        let attested = attestations(world, cast.lock).await;
        world.disconnect(cast.lock)?;
        stop.close_door()?;
        world.connect(cast.lock).await?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Secured);
        assert_eq!(attestations(world, cast.lock).await, attested);
        assert!(!world.metal.is_connected(cast.lock), "it has said everything");
        let stated = world.journal.stream(world.partition.clone(), Stream::Device(cast.lock));
        let stated = stated.await.unwrap();
        let trust = stated.last().unwrap().meta.device.clone().unwrap();
        assert_eq!(trust.tier, TrustTier::None, "marked as said by nobody trusted");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_revoked_device_that_nothing_waits_for_is_not_heard() {
    scene(610, async |world, cast| {
        revoke(world, cast, cast.lock).await?;
        world.settle().await?;
        let code = FarewellCode::Revoked;
        assert_eq!(hearing(world, cast.lock).await, Hearing::NotAtAll(code));
        world.suffer(cast.lock, Fault::Forced)?;
        world.settle().await?;
        assert!(!world.metal.is_connected(cast.lock), "its next message ends the connection");
        world.connect(cast.lock).await?;
        assert!(!world.metal.is_connected(cast.lock));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_lock_that_has_shut_its_door_has_said_everything_whoever_confirmed_what() {
    scene(616, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(1_000).await?;
        stop.close_door()?;
        world.pass(1_000).await?;
        let LegState::Open { locked: true, .. } = stop.session().await?.legs[0].state else {
            panic!("nobody has confirmed anything");
        };
        revoke(world, cast, cast.lock).await?;
        world.settle().await?;
        assert_eq!(hearing(world, cast.lock).await, Hearing::NotAtAll(FarewellCode::Revoked));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_handsets_revocation_waits_for_what_its_driver_released_in_a_stop_that_has_ended() {
    scene(617, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        world.app.run_effects().await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Commanded);
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        revoke(world, cast, cast.driver.device).await?;
        world.app.run_timers().await?;
        let record = revocation(world, cast.driver.device).await;
        assert_eq!((record.awaited.len(), record.settled_at), (1, None), "it may open yet");
        world.pass(120_000).await?;
        assert!(revocation(world, cast.driver.device).await.settled_at.is_some());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_stop_that_cannot_be_read_keeps_no_other_from_being_stopped() {
    let mut seen = 0;
    for seed in 620..630 {
        scene(seed, async |world, cast| {
            let unreadable = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
            unreadable.get_ready().await?;
            let reply = unreadable.release(FIRST).await?;
            world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
            world.app.run_effects().await?;
            let running = Stop::dispensing(world, cast).await?;
            // Stops are gone through in order of their names.
            if running.session < unreadable.session {
                return Ok(());
            }
            seen += 1;
            let release = unreadable.session().await?.legs[0].state.release().copied();
            let command = release.unwrap().command;
            let kept = world.replace_command(command, b"{}".to_vec()).await?;
            revoke(world, cast, cast.driver.device).await?;
            assert!(world.app.run_timers().await.is_err(), "{reply:?}");
            assert_eq!(world.journal.backlog(world.now()).await.unwrap().effects, 1);
            for stop in [&unreadable, &running] {
                let hold = stop.session().await?.hold().map(|hold| hold.cause);
                assert_eq!(hold, Some(HoldCause::DeviceRevoked));
            }
            world.replace_command(command, kept).await?;
            world.pass(60_000).await
        })
        .unwrap();
    }
    assert!(seen > 0, "never in the order that matters");
}

#[test]
fn a_revoked_device_is_heard_only_so_often() {
    scene(611, async |world, cast| {
        let _stop = loaded(world, cast).await?;
        revoke(world, cast, cast.lock).await?;
        world.settle().await?;
        world.suffer(cast.lock, Fault::Forced)?;
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        let record = world.app.view_device(&world.partition, cast.lock).await?;
        assert!(record.last_words > 0, "each is counted");
        let mut batch = Batch::new(world.partition.clone(), world.now());
        let spent = DeviceRecord { last_words: LAST_WORDS_MAX, ..record };
        batch.writes.push(spent.write(&world.partition).unwrap());
        world.journal.append(batch).await.unwrap();
        let code = FarewellCode::Revoked;
        assert_eq!(hearing(world, cast.lock).await, Hearing::NotAtAll(code));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_frozen_lock_holds_its_stop_and_is_heard_until_its_door_is_shut() {
    scene(612, async |world, cast| {
        let stop = loaded(world, cast).await?;
        world.app.freeze_device(&world.partition, cast.lock).await?;
        let hold = stop.session().await?.hold().unwrap();
        assert_eq!(hold.cause, HoldCause::Tamper);
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        stop.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Secured);
        assert_eq!(hearing(world, cast.lock).await, Hearing::NotAtAll(FarewellCode::Frozen));
        let by_staff = cast.by_staff(world);
        world.app.clear_device(&by_staff, cast.lock, Clearance::Freeze, "a test rig").await?;
        assert_eq!(hearing(world, cast.lock).await, Hearing::Wholly);
        let record = world.app.view_device(&world.partition, cast.lock).await?;
        assert_eq!(record.last_words, 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_frozen_pump_is_stopped_and_heard_and_its_stop_is_held() {
    let log = scene(614, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        world.app.freeze_device(&world.partition, cast.pump).await?;
        assert!(world.app.view_device(&world.partition, cast.pump).await?.frozen);
        let hold = stop.session().await?.hold().unwrap();
        assert_eq!(hold.cause, HoldCause::Tamper);
        world.app.freeze_device(&world.partition, cast.pump).await?;
        world.pass(5_000).await?;
        assert!(settled_ml(&stop).await? < 1_000);
        assert!(!world.metal.is_connected(cast.pump), "it has said everything");
        Ok(())
    });
    assert_eq!(log.unwrap().count("command.cancelled"), 1);
}

#[test]
fn a_freeze_stops_only_what_the_frozen_device_is_doing() {
    let log = scene(615, async |world, cast| {
        let stop = Stop::dispensing(world, cast).await?;
        world.app.freeze_device(&world.partition, cast.lock).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
        Ok(())
    });
    assert_eq!(log.unwrap().count("command.cancelled"), 0);
}

async fn hearing(world: &World, device: DeviceId) -> Hearing {
    world.app.hearing(&world.partition, device).await.unwrap()
}

async fn attestations(world: &World, device: DeviceId) -> usize {
    let stream = world.journal.stream(world.partition.clone(), Stream::Device(device));
    let told = stream.await.unwrap();
    told.iter().filter(|one| format!("{:?}", one.body).contains("Attested")).count()
}
