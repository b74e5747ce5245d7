//! Metal that fails: bolts that jam, doors that stay open, meters that lie, and devices that tell two stories. The agents
//! are those of real devices; only the actuators are broken (M-ACT-2, M-ACT-3, M-DEV-4).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_agent::simulated::Fault;
use carhop_app::Failure;
use carhop_app::ports::Query;
use carhop_app::record::Record;
use carhop_app::records::{ChainRecord, DeviceRecord, Distrust, ReceiptRecord};
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{
    Exception, HoldCause, InterlockKind, LegIndex, LegState, LegStateKind, PhaseKind,
};
use carhop_proofs::statement::{
    Body, ClockState, EndReason, LockEvent, Reading, ReadingKind, Statement, sign,
};
use carhop_proofs::suite::{RustCrypto, SigningKey};
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, fuel, goods};
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

/// A stop whose pump is armed, and whose tank is being filled or is full when `span_ms` have passed.
async fn fuelling<'a>(
    world: &'a World,
    cast: &'a Cast,
    fault: Option<Fault>,
    span_ms: u64,
) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
    stop.get_ready().await?;
    if let Some(fault) = fault {
        world.suffer(cast.pump, fault)?;
    }
    stop.release(FIRST).await?;
    world.pass(span_ms).await?;
    Ok(stop)
}

fn heal(world: &World, device: DeviceId) -> Result<(), SimError> {
    world.metal.with(device, |unit, _| match unit.actuator() {
        Actuator::Lock(lock) => lock.heal(),
        Actuator::Pump(pump) => pump.heal(),
    })
}

async fn held(stop: &Stop<'_>) -> Result<Option<HoldCause>, SimError> {
    Ok(stop.session().await?.hold().map(|hold| hold.cause))
}

async fn settled_ml(stop: &Stop<'_>) -> Result<u32, SimError> {
    let LegState::Settled { metered_ml } = stop.session().await?.legs[0].state else {
        return Err(SimError::world("the leg is not settled"));
    };
    Ok(metered_ml)
}

async fn chain(world: &World, device: DeviceId) -> Result<ChainRecord, SimError> {
    let hash = carhop_kernel::digest::EvidenceHash([0; 32]);
    let place = ChainRecord {
        device,
        boot_epoch: 1,
        sequence: 0,
        hash,
        metering: None,
        lost: None,
        heard: None,
    };
    let kept = world.journal.record(place.place(&world.partition)).await?.unwrap();
    Ok(serde_json::from_slice(&kept.body).unwrap())
}

/// What the device would say next, signed with its key.
async fn forge(
    world: &World,
    device: DeviceId,
    key: &SigningKey,
    body: Body,
) -> Result<Vec<u8>, SimError> {
    let head = chain(world, device).await?;
    let statement = Statement {
        device,
        boot_epoch: head.boot_epoch,
        sequence: head.sequence + 1,
        at: world.now(),
        clock: ClockState::Synchronised,
        previous: head.hash.0,
        body,
    };
    sign(&RustCrypto, key, &statement).map_err(SimError::world)
}

async fn statements(world: &World, device: DeviceId) -> Result<Vec<ReceiptRecord>, SimError> {
    let query = Query {
        partition: world.partition.clone(),
        kind: ReceiptRecord::KIND,
        index: None,
        after: None,
        limit: 500,
    };
    let found = world.journal.records(query).await?;
    let all = found.iter().map(|(_, kept)| serde_json::from_slice(&kept.body).unwrap());
    Ok(all.filter(|kept: &ReceiptRecord| kept.device == device).collect())
}

async fn command(stop: &Stop<'_>) -> Result<CommandId, SimError> {
    Ok(stop.session().await?.legs[0].last_command.unwrap())
}

#[test]
fn a_lock_that_jams_delivers_nothing_and_the_stop_goes_on() {
    scene(501, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.suffer(cast.lock, Fault::Jammed)?;
        stop.release(FIRST).await?;
        world.pass(10_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Failed);
        assert_eq!(stop.exceptions().await?, [Exception::LockJammed]);
        stop.fuel(SECOND).await
    })
    .unwrap();
}

#[test]
fn a_lock_that_jams_in_closing_is_told_and_secured_once_it_is_mended() {
    scene(502, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.pass(1_000).await?;
        world.app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await?;
        world.suffer(cast.lock, Fault::Jammed)?;
        stop.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::LockJammed]);
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Transferred);
        heal(world, cast.lock)?;
        stop.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Secured);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_lock_that_is_left_open_is_told_once_and_can_still_be_closed() {
    scene(503, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(FIRST).await?;
        world.pass(limits::LEFT_OPEN_MS - 2_000).await?;
        assert_eq!(stop.exceptions().await?, []);
        world.pass(300_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::LeftOpen]);
        assert_eq!(held(&stop).await?, None);
        world.app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await?;
        stop.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Secured);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_lock_that_is_closed_in_time_is_no_exception() {
    scene(504, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.hand_over(FIRST).await?;
        world.pass(2 * limits::LEFT_OPEN_MS).await?;
        assert_eq!(stop.exceptions().await?, []);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_opening_that_nothing_allowed_is_told_and_holds_the_stop_until_somebody_looked() {
    for served_before in [false, true] {
        scene(505, async |world, cast| {
            let stop = ready(world, cast).await?;
            if served_before {
                stop.hand_over(FIRST).await?;
            }
            world.suffer(cast.lock, Fault::Forced)?;
            world.settle().await?;
            assert_eq!(stop.exceptions().await?, [Exception::OpenedWithoutLeave]);
            assert_eq!(held(&stop).await?, Some(HoldCause::Safety));
            let leg = if served_before { SECOND } else { FIRST };
            let Err(SimError::Failed(Failure::Refused(refusal, _))) = stop.release(leg).await
            else {
                panic!("released under a hold")
            };
            assert_eq!(refusal.first(), Reason::ManualHold);
            stop.close_door()?;
            world.pass(1_000).await?;
            world.app.resume(&cast.by_staff(world), stop.session).await?;
            stop.release(leg).await?;
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_pump_that_an_interlock_stops_settles_what_had_flowed() {
    let fault = Fault::Interlock { kind: InterlockKind::Spill, after_ml: 5_000 };
    scene(506, async |world, cast| {
        let stop = fuelling(world, cast, Some(fault), 60_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::InterlockTripped]);
        let flowed = world.metal.with(cast.pump, |unit, _| unit.truth())? - 1_000_000;
        assert_eq!(u64::from(settled_ml(&stop).await?), flowed);
        assert!((5_000..6_000).contains(&flowed), "{flowed}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_meter_that_cannot_be_believed_stops_the_pump_and_only_what_can_have_flowed_is_settled() {
    let rows = [
        (507, Fault::MeterBackwards { after_ml: 5_000 }),
        (512, Fault::MeterLeaps { after_ml: 5_000, by_ml: 5_000 }),
        (513, Fault::MeterLeaps { after_ml: 5_000, by_ml: 60_000 }),
    ];
    for (seed, fault) in rows {
        scene(seed, async |world, cast| {
            let stop = fuelling(world, cast, Some(fault), 60_000).await?;
            let settled = settled_ml(&stop).await?;
            assert!((4_500..=5_100).contains(&settled), "{fault:?}: {settled}");
            assert_eq!(stop.exceptions().await?, [Exception::MeterFaulty], "{fault:?}");
            assert_eq!(held(&stop).await?, Some(HoldCause::Safety), "{fault:?}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_meter_that_sticks_settles_what_it_metered() {
    scene(508, async |world, cast| {
        let fault = Fault::MeterStuck { after_ml: 5_000 };
        let stop = fuelling(world, cast, Some(fault), 60_000).await?;
        let metered = world.metal.with(cast.pump, |unit, _| unit.truth())? - 1_000_000;
        assert_eq!(u64::from(settled_ml(&stop).await?), metered);
        assert!((4_500..=5_100).contains(&metered), "{metered}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_stop_that_the_valve_keeps_to_itself_ends_as_a_fault_and_settles_what_was_metered() {
    scene(509, async |world, cast| {
        let stop = fuelling(world, cast, Some(Fault::StopLost), 60_000).await?;
        assert_eq!(settled_ml(&stop).await?, 20_000);
        assert_eq!(stop.exceptions().await?, [Exception::MeterFaulty]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_end_that_does_not_come_holds_the_stop_and_is_settled_when_it_comes() {
    scene(510, async |world, cast| {
        let stop = fuelling(world, cast, None, 10_000).await?;
        world.disconnect(cast.pump)?;
        world.pass(limits::METER_SILENCE_MS_MAX + 2_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::MeterSilent]);
        assert_eq!(held(&stop).await?, Some(HoldCause::Safety));
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
        world.connect(cast.pump).await?;
        world.pass(5_000).await?;
        assert_eq!(settled_ml(&stop).await?, 20_000);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_end_out_of_its_number_settles_the_leg_and_is_told() {
    scene(511, async |world, cast| {
        let stop = fuelling(world, cast, None, 10_000).await?;
        world.disconnect(cast.pump)?;
        let last = chain(world, cast.pump).await?.metering.unwrap();
        let reading = Reading {
            number: last.next_number + 3,
            kind: ReadingKind::End(EndReason::Finished),
            totaliser_ml: last.begin_ml + 9_000,
            metered_ml: 9_000,
        };
        let body = Body::Meter { command: command(&stop).await?, reading };
        let said = forge(world, cast.pump, &cast.pump_key, body).await?;
        world.app.hear_statement(&world.partition, cast.pump, &said).await?;
        assert_eq!(settled_ml(&stop).await?, 9_000);
        assert_eq!(stop.exceptions().await?, [Exception::MeterGap]);
        assert_eq!(held(&stop).await?, Some(HoldCause::Safety));
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_flowed_between_two_dispensings_is_told_with_the_second() {
    scene(512, async |world, cast| {
        let stop = fuelling(world, cast, None, 60_000).await?;
        assert_eq!(settled_ml(&stop).await?, 20_000);
        let next = Stop::place(world, cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
        next.get_ready().await?;
        next.release(FIRST).await?;
        world.app.run_effects().await?;
        world.disconnect(cast.pump)?;
        let totaliser_ml = 1_000_000 + 20_000 + 1;
        let reading = Reading { number: 0, kind: ReadingKind::Begin, totaliser_ml, metered_ml: 0 };
        let body = Body::Meter { command: command(&next).await?, reading };
        let said = forge(world, cast.pump, &cast.pump_key, body).await?;
        world.app.hear_statement(&world.partition, cast.pump, &said).await?;
        assert_eq!(next.exceptions().await?, [Exception::UnaccountedFlow]);
        assert_eq!(held(&next).await?, Some(HoldCause::Safety));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_report_repeated_a_hundred_times_counts_once() {
    scene(513, async |world, cast| {
        let stop = fuelling(world, cast, None, 60_000).await?;
        let before = stop.check().await?;
        for statement in statements(world, cast.pump).await? {
            for _ in 0..100 {
                world.app.hear_statement(&world.partition, cast.pump, &statement.bytes).await?;
            }
        }
        assert_eq!(stop.check().await?, before);
        assert_eq!(settled_ml(&stop).await?, 20_000);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_device_that_tells_two_stories_is_journaled_once_and_believed_no_more() {
    for is_old in [false, true] {
        let log = scene(514, async |world, cast| {
            let stop = ready(world, cast).await?;
            stop.hand_over(FIRST).await?;
            let told = statements(world, cast.lock).await?;
            let place = if is_old { &told[0] } else { told.last().unwrap() };
            let story = Statement {
                device: cast.lock,
                boot_epoch: place.boot_epoch,
                sequence: place.sequence,
                at: world.now(),
                clock: ClockState::Synchronised,
                previous: [7; 32],
                body: Body::Lock { command: None, event: LockEvent::Closed },
            };
            let story = sign(&RustCrypto, &cast.lock_key, &story).unwrap();
            for _ in 0..3 {
                let heard = world.app.hear_statement(&world.partition, cast.lock, &story).await;
                assert!(matches!(heard, Err(Failure::Invalid { .. })), "{heard:?}");
            }
            assert_eq!(held(&stop).await?, Some(HoldCause::Tamper));
            let by_staff = cast.by_staff(world);
            world.app.resume(&by_staff, stop.session).await?;
            let devices = world.app.list_devices(&world.partition, None, 50).await?;
            let lock = devices.iter().find(|known: &&DeviceRecord| known.device == cast.lock);
            assert_eq!(lock.unwrap().distrusted, Some(Distrust::Forked));
            assert!(!lock.unwrap().is_trusted(world.now()));
            Ok(())
        });
        assert_eq!(log.unwrap().count("device.forked"), 1, "old: {is_old}");
    }
}

#[test]
fn a_signature_rewritten_on_the_way_is_a_bad_one_and_no_second_story() {
    let log = scene(516, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.hand_over(FIRST).await?;
        let told = Body::Lock { command: None, event: LockEvent::Closed };
        let told = forge(world, cast.lock, &cast.lock_key, told).await?;
        let twin = other_signature(&told);
        for bytes in [&twin, &told, &twin, &told] {
            let heard = world.app.hear_statement(&world.partition, cast.lock, bytes).await;
            assert_eq!(heard.is_ok(), bytes == &told, "{heard:?}");
        }
        assert_eq!(held(&stop).await?, None);
        Ok(())
    });
    assert_eq!(log.unwrap().count("device.forked"), 0);
}

/// A message that ends with `r ‖ s` over P-256, with `n − s` instead: the same key verifies both.
fn other_signature(message: &[u8]) -> Vec<u8> {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: [u8; 32] = carhop_kernel::digest::hex_decode(order).unwrap();
    let (mut other, mut borrow) = (message.to_vec(), 0);
    for (s, n) in other.iter_mut().rev().zip(order.iter().rev()) {
        let difference = i16::from(*n) - i16::from(*s) - borrow;
        borrow = i16::from(difference < 0);
        *s = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    other
}

#[test]
fn a_stop_completes_though_its_meter_is_in_doubt_and_stays_marked() {
    scene(515, async |world, cast| {
        let stop = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        world.suffer(cast.pump, Fault::StopLost)?;
        stop.release(FIRST).await?;
        world.pass(60_000).await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Completed);
        assert_eq!(stop.exceptions().await?, [Exception::MeterFaulty]);
        Ok(())
    })
    .unwrap();
}
