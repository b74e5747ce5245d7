//! What leaves the outbox and what comes back: commands that are called off, answers that come late, twice or never, and
//! statements that are lies (M-FLO-5, M-ACT-1 to M-ACT-3).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_agent::SensorEvent;
use carhop_app::batch::{Batch, Effect, Timer, TimerSubject};
use carhop_app::record::Record;
use carhop_app::records::ChainRecord;
use carhop_app::{Failure, NewLeg, NewOrder};
use carhop_kernel::id::{CommandId, EventId, SessionId};
use carhop_kernel::order::{ColdChain, Compartment};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, LegIndex, LegStateKind, PhaseKind};
use carhop_proofs::statement::{Body, ClockState, Outcome, Statement, sign};
use carhop_proofs::suite::RustCrypto;
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, fuel, goods, order};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;
use carhop_sim::world::metal::Actuator;

const FIRST: LegIndex = LegIndex(0);
const SECOND: LegIndex = LegIndex(1);

async fn ready<'a>(world: &'a World, cast: &'a Cast) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
    stop.get_ready().await?;
    Ok(stop)
}

fn openings(stop: &Stop<'_>) -> u64 {
    stop.world.metal.with(stop.cast.lock, |unit, _| unit.truth()).unwrap()
}

#[test]
fn a_command_that_has_not_left_when_the_stop_is_revoked_never_leaves() {
    let log = scene(31, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        world.pass(60_000).await?;
        assert_eq!(openings(&stop), 0);
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Revoked);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("command.sent"), log.count("release.not_executed")), (0, 1));
}

#[test]
fn what_a_command_did_is_recorded_though_the_stop_was_revoked_meanwhile() {
    let log = scene(32, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        world.pass(1_000).await?;
        assert_eq!(openings(&stop), 1);
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Revoked);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("lock.opened"), log.count("exception.raised")), (1, 1));
}

#[test]
fn a_hold_keeps_a_command_back_and_the_leg_is_free_again() {
    let log = scene(33, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.hold(&stop.by_driver(), stop.session).await?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending);
        let lifted = world.app.resume(&stop.by_customer(), stop.session).await;
        assert!(matches!(lifted, Err(Failure::Refused(..))), "not the customer's hold");
        world.app.resume(&cast.by_staff(world), stop.session).await?;
        stop.finish().await?;
        assert_eq!(openings(&stop), 1);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("release.authorised"), log.count("release.not_executed")), (3, 1));
}

#[test]
fn a_late_receipt_settles_what_silence_left_open() {
    let log = scene(34, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        world.disconnect(cast.lock)?;
        world.pass(40_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        let token = stop.token(FIRST).await?;
        let again = world.app.release(&stop.by_driver(), stop.session, FIRST, &token).await;
        let Err(Failure::Refused(refusal, _)) = again else { panic!("{again:?}") };
        assert_eq!(refusal.reasons(), [Reason::OutcomeUnknown]);
        world.connect(cast.lock).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("release.unconfirmed"), log.count("lock.opened")), (1, 1));
}

#[test]
fn a_lost_command_stays_indeterminate_until_the_lock_signs_that_it_was_never_executed() {
    let log = scene(35, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        world.pass(40_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        world.metal.with(cast.lock, |unit, _| unit.deafen(false))?;
        world.pass(100_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending);
        // The leg is free again, and the lock obeys what comes after the cancel.
        stop.refresh().await?;
        stop.hand_over(FIRST).await?;
        assert_eq!(openings(&stop), 1);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("release.not_executed"), log.count("lock.opened")), (1, 1));
    assert!(log.count("command.cancelled") > 0);
}

#[test]
fn a_device_that_stays_silent_is_asked_ever_less_often_and_then_a_person_is_called() {
    let log = scene(41, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        world.pass(60 * 60 * 1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        let due = world.journal.due_timers(world.now().plus_ms(7_000_000), 10).await?;
        assert!(
            due.iter().all(|timer| matches!(timer.subject, TimerSubject::WindowEnd { .. })),
            "nobody asks any more: {due:?}"
        );
        // Once the lock is back, it is asked again and resolves it.
        world.metal.with(cast.lock, |unit, _| unit.deafen(false))?;
        world.disconnect(cast.lock)?;
        world.connect(cast.lock).await?;
        world.pass(15_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!(log.count("exception.raised"), 1);
    assert_eq!(log.count("command.cancelled"), 8 + 1);
}

#[test]
fn a_stop_that_is_revoked_while_its_command_is_on_its_way_is_cancelled_at_the_lock() {
    let log = scene(42, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Commanded);
        world.metal.with(cast.lock, |unit, _| unit.deafen(false))?;
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        world.settle().await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending, "resolved at once");
        assert_eq!(openings(&stop), 0);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("command.cancelled"), log.count("release.not_executed")), (1, 1));
}

#[test]
fn a_pump_stops_when_its_stop_is_revoked_and_settles_what_it_gave() {
    let log = scene(43, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.hand_over(FIRST).await?;
        let before_ml = world.metal.with(cast.pump, |unit, _| unit.truth())?;
        stop.release(SECOND).await?;
        world.pass(10_000).await?;
        assert_eq!(stop.leg(SECOND).await?, LegStateKind::Dispensing);
        world.app.revoke(&stop.by_customer(), stop.session).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(SECOND).await?, LegStateKind::Settled);
        let given_ml = world.metal.with(cast.pump, |unit, _| unit.truth())? - before_ml;
        assert!((1..20_000).contains(&given_ml), "{given_ml}");
        Ok(())
    });
    assert_eq!(log.unwrap().count("fuel.settled"), 1);
}

#[test]
fn a_timer_that_fails_comes_back_later_each_time() {
    scene(44, async |world, _| {
        let lost = TimerSubject::WindowEnd { session: SessionId::from_bytes([9; 16]) };
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.timers.push(Timer::new(world.partition.clone(), lost, world.now()));
        world.journal.append(batch).await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert!(world.app.run_timers().await.is_err());
            let due = world.journal.due_timers(world.now().plus_ms(3_600_000), 1).await?;
            waits.push(due[0].due_at.since_ms(world.now()) / 1_000);
            world.clock.set(due[0].due_at);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn how_warm_it_is_matters_where_something_is_kept_cold_and_nowhere_else() {
    let out_of_range = [Exception::TemperatureOutOfRange];
    for (compartment, raised) in
        [(Compartment::Trunk, &[][..]), (Compartment::ColdBox, &out_of_range)]
    {
        scene(45, async |world, cast| {
            let basket = vec!["1 x milk".to_owned()];
            let leg = NewLeg::Goods { compartment, basket, device: cast.lock };
            let cold = ColdChain { min_c10: 0, max_c10: 80, out_of_range_ms_max: 60_000 };
            let ask = NewOrder { cold_chain: Some(cold), ..order(world, vec![leg])? };
            let stop = Stop::place_order(world, cast, &ask).await?;
            world.metal.with(cast.lock, |unit, _| {
                if let Actuator::Lock(lock) = unit.actuator() {
                    lock.sense(SensorEvent::Temperature { c10: 200 });
                }
            })?;
            world.settle().await?;
            assert_eq!(stop.exceptions().await?, raised, "{compartment:?}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn an_opening_that_nothing_explains_is_never_lost() {
    let log = scene(36, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.hand_over(FIRST).await?;
        world.metal.with(cast.lock, |unit, now_ms| {
            if let Actuator::Lock(lock) = unit.actuator() {
                lock.open_with_key(now_ms);
                lock.sense(SensorEvent::Tampered);
            }
        })?;
        world.pass(1_000).await?;
        let session = stop.session().await?;
        assert!(session.hold().is_some());
        Ok(())
    });
    assert_eq!(log.unwrap().count("exception.raised"), 2);
}

#[test]
fn a_statement_heard_a_hundred_times_counts_once() {
    let log = scene(37, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.finish().await?;
        let before = stop.check().await?;
        let receipts = world.app.receipts_of(&world.partition, stop.session, None, 100).await?;
        assert!(receipts.len() > 6, "{}", receipts.len());
        for _ in 0..100 {
            for receipt in &receipts {
                world.app.hear_statement(&world.partition, receipt.device, &receipt.bytes).await?;
            }
        }
        assert_eq!(stop.check().await?, before);
        Ok(())
    });
    assert_eq!(log.unwrap().count("fuel.settled"), 1);
}

#[test]
fn a_statement_that_its_device_did_not_sign_is_not_heard() {
    let log = scene(38, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.app.run_effects().await?;
        let session = stop.session().await?;
        let release = *session.leg(FIRST).unwrap().state.release().unwrap();
        let opened = Outcome::Opened;
        let stated = statement(world, cast, release.command, opened).await?;
        let mut bent = sign(&RustCrypto, &cast.lock_key, &stated).unwrap();
        *bent.last_mut().unwrap() ^= 1;
        let stranger = sign(&RustCrypto, &world.draw_key()?, &stated).unwrap();
        for (sentence, device, bytes) in [
            ("one bit is bent", cast.lock, &bent),
            ("a stranger signed it", cast.lock, &stranger),
            ("it comes from another device", cast.pump, &bent),
            ("it is noise", cast.lock, &vec![0xa5; 64]),
        ] {
            let heard = world.app.hear_statement(&world.partition, device, bytes).await;
            assert!(matches!(heard, Err(Failure::Invalid { .. })), "{sentence}: {heard:?}");
        }
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Commanded);
        Ok(())
    });
    assert_eq!(log.unwrap().count("lock.opened"), 0);
}

#[test]
fn a_lock_in_the_wrong_hands_cannot_speak_for_the_pump() {
    for lie in [Outcome::NeverExecuted, Outcome::Armed, Outcome::Jammed] {
        let log = scene(39, async |world, cast| {
            let stop = ready(world, cast).await?;
            stop.hand_over(FIRST).await?;
            world.metal.with(cast.pump, |unit, _| unit.deafen(true))?;
            stop.release(SECOND).await?;
            world.app.run_effects().await?;
            assert_eq!(stop.leg(SECOND).await?, LegStateKind::Commanded);
            let session = stop.session().await?;
            let release = *session.leg(SECOND).unwrap().state.release().unwrap();
            let stated = statement(world, cast, release.command, lie).await?;
            let bytes = sign(&RustCrypto, &cast.lock_key, &stated).unwrap();
            world.app.hear_statement(&world.partition, cast.lock, &bytes).await?;
            assert_eq!(stop.leg(SECOND).await?, LegStateKind::Commanded, "{lie:?}");
            Ok(())
        });
        assert_eq!(log.unwrap().count("fuel.authorized"), 0, "{lie:?}");
    }
}

#[test]
fn one_timer_or_effect_that_fails_does_not_hold_up_the_others() {
    scene(40, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        let lost = SessionId::from_bytes([9; 16]);
        let mut batch = Batch::new(world.partition.clone(), world.now());
        let subject = TimerSubject::WindowEnd { session: lost };
        batch.timers.push(Timer::new(world.partition.clone(), subject, world.now()));
        batch.effects.push((
            EventId::from_bytes([1; 16]),
            Effect::SendCommand {
                device: cast.pump,
                session: lost,
                command: CommandId::from_bytes([9; 16]),
                expires_at: world.now().plus_ms(600_000),
                bytes: Vec::new(),
            },
        ));
        world.journal.append(batch).await.unwrap();
        for wait_ms in [1_000, 2_000, 4_000] {
            assert!(world.app.run_effects().await.is_err());
            world.clock.set(world.now().plus_ms(wait_ms));
        }
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Commanded);
        world.clock.set(world.now().plus_ms(60_000));
        assert!(world.app.run_timers().await.is_err());
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        Ok(())
    })
    .unwrap();
}

/// What the lock would say next about a command, in its place in the lock's chain.
async fn statement(
    world: &World,
    cast: &Cast,
    command: CommandId,
    outcome: Outcome,
) -> Result<Statement, SimError> {
    let head = ChainRecord {
        device: cast.lock,
        boot_epoch: 1,
        sequence: 0,
        hash: carhop_kernel::digest::EvidenceHash([0; 32]),
        metering: None,
        lost: None,
        heard: None,
    };
    let kept = world.journal.record(head.place(&world.partition)).await?;
    let (sequence, previous) = match kept {
        Some(kept) => {
            let chain: ChainRecord = serde_json::from_slice(&kept.body).unwrap();
            (chain.sequence + 1, chain.hash.0)
        }
        None => (0, [0; 32]),
    };
    Ok(Statement {
        device: cast.lock,
        boot_epoch: 1,
        sequence,
        at: world.now(),
        clock: ClockState::Synchronised,
        previous,
        body: Body::Receipt { command, counter: 1, outcome },
    })
}
