//! A backup that is an hour old is brought back while devices, drivers and customers have gone on (M-FLO-5, standards §3):
//! what was alive then is dead, and what is known of devices is shown anew.

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_agent::SensorEvent;
use carhop_agent::simulated::Person;
use carhop_app::batch::{Batch, Effect, PutOff};
use carhop_app::ports::{Carrier, DeviceFrame, Query};
use carhop_app::record::{Partition, Record};
use carhop_app::records::{
    ChainRecord, DeviceRecord, ReceiptRecord, SignedCommandRecord, TokenRow,
};
use carhop_app::{Failure, Restored};
use carhop_journal::MemoryJournal;
use carhop_kernel::device::TrustTier;
use carhop_kernel::id::{DeviceId, EventId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{
    Basis, Exception, Finding, HoldCause, LegIndex, LegState, LegStateKind,
};
use carhop_kernel::time::Timestamp;
use carhop_proofs::statement::{self, Body, Outcome, RefusalCode};
use carhop_proofs::suite::{RustCrypto, Suite};
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::stop::Stop;
use carhop_sim::world::World;
use carhop_sim::world::metal::Actuator;

const FIRST: LegIndex = LegIndex(0);
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

/// A world that goes on for an hour after its backup, then falls back to it.
struct Fallen {
    before: World,
    after: World,
    restored: Restored,
}

async fn every<R: Record>(world: &World) -> Vec<R> {
    let (partition, kind) = (world.partition.clone(), R::KIND);
    let query = Query { partition, kind, index: None, after: None, limit: usize::MAX };
    let found = world.journal.records(query).await.unwrap().into_iter();
    found.map(|(_, versioned)| serde_json::from_slice(&versioned.body).unwrap()).collect()
}

/// Restores the backup an hour after it was made; everybody has lost their connection meanwhile.
async fn fall_back(
    before: World,
    cast: &Cast,
    backup: MemoryJournal,
    made_at: Timestamp,
) -> Fallen {
    for device in [cast.lock, cast.pump] {
        before.disconnect(device).unwrap();
    }
    before.pass(HOUR_MS).await.unwrap();
    let after = before.over(Arc::new(backup)).unwrap();
    let partitions = [after.partition.clone()];
    let mut restored = after.app.restore(&partitions, made_at).await.unwrap();
    Fallen { before, after, restored: restored.remove(0) }
}

#[test]
fn an_hour_old_backup_comes_back_in_a_new_epoch_without_old_tokens_or_old_trust() {
    let journal = Arc::new(MemoryJournal::default());
    let world = World::new(601, Arc::clone(&journal) as _).unwrap();
    let played = run(async {
        let cast = Cast::assemble(&world).await?;
        let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let token = stop.token(FIRST).await?;
        let (order, session, customer) = (stop.order, stop.session, stop.customer);
        let (backup, made_at) = (journal.backup(), world.now());
        // A command that the backup knows nothing of, on its way for an hour.
        stop.release(FIRST).await?;
        let old: Vec<SignedCommandRecord> = every(&world).await;
        let fallen = fall_back(world, &cast, backup, made_at).await;
        let (world, ended) = (&fallen.after, fallen.restored);
        assert_eq!((ended.stops, ended.tokens > 0), (1, true), "{ended:?}");

        // A new epoch, and old tokens dead.
        let now_s = world.now().unix_ms() / 1_000;
        assert!(
            ended.trust_epoch >= now_s && ended.trust_epoch > fallen.before.trust_epoch().await?
        );
        assert_eq!(world.trust_epoch().await?, ended.trust_epoch);
        let stop = Stop { world, cast: &cast, order, session, customer };
        let held = stop.session().await?.hold().map(|hold| hold.cause);
        assert_eq!(held, Some(HoldCause::Staff));
        let refused = world.app.release(&stop.by_driver(), session, FIRST, &token).await;
        let Err(Failure::Refused(refusal, _)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.reasons(), [Reason::ManualHold]);
        let tokens = every::<TokenRow>(world).await;
        assert!(tokens.len() >= ended.tokens && ended.tokens >= 3, "{ended:?}");
        assert!(tokens.iter().all(|row| row.token.ended.is_some()), "{tokens:?}");

        // Nobody is what an attestation of before the backup says.
        for device in every::<DeviceRecord>(world).await {
            assert_eq!(device.tier(world.now()), TrustTier::None);
            assert_eq!(device.attested, None);
        }
        world.connect(cast.lock).await?;
        let devices = every::<DeviceRecord>(world).await;
        let lock = devices.iter().find(|device| device.device == cast.lock).unwrap();
        assert_ne!(lock.tier(world.now()), TrustTier::None, "it attests itself as it connects");

        // The lock refuses the older epoch, and says so.
        world.metal.send(cast.lock, DeviceFrame::Command(old[0].bytes.clone())).await;
        world.settle().await?;
        let mut said = every::<ReceiptRecord>(world).await.into_iter();
        let said = said.rfind(|receipt| receipt.device == cast.lock).unwrap();
        let key = RustCrypto.public_key(&cast.lock_key).unwrap();
        let said = statement::open(&RustCrypto, &said.bytes, |_| Some(key)).unwrap();
        let refused = Outcome::Refused(RefusalCode::Epoch);
        let is_refused = matches!(said.body, Body::Receipt { outcome, .. } if outcome == refused);
        assert!(is_refused, "{said:?}");
        Ok::<(), SimError>(())
    });
    played.unwrap().unwrap();
}

#[test]
fn nothing_that_waited_to_leave_waits_in_any_account_after_a_restore() {
    let world = World::new(602, Arc::new(MemoryJournal::default())).unwrap();
    let accounts = ["acme", "other"].map(|tenant| Partition {
        tenant: tenant.parse().unwrap(),
        market: "los-altos".parse().unwrap(),
    });
    let played = run(async {
        for (account, number) in accounts.iter().zip(0_u8..) {
            for waiting in 0..3 {
                let mut batch = Batch::new(account.clone(), world.now());
                let cancel = Effect::SendCancel {
                    device: DeviceId::from_bytes([number; 16]),
                    expires_at: world.now().plus_ms(HOUR_MS),
                    bytes: vec![waiting],
                };
                batch.effects.push((EventId::from_bytes([waiting; 16]), cancel));
                world.journal.append(batch).await.unwrap();
            }
            // One of them was tried and put off for as long as that is done.
            let mut batch = Batch::new(account.clone(), world.now());
            let due_at = world.now().plus_ms(MINUTE_MS);
            batch.put_off.push(PutOff { effect: EventId::from_bytes([0; 16]), due_at, tries: 6 });
            world.journal.append(batch).await.unwrap();
        }
        world.app.restore(&accounts, world.now()).await.unwrap();
        let later = world.now().plus_ms(HOUR_MS);
        world.journal.lease_effects(later, later, usize::MAX).await.unwrap()
    });
    assert_eq!(played.unwrap(), []);
}

#[test]
fn a_lock_whose_answer_the_backup_does_not_know_gives_it_again_and_goes_on_being_heard() {
    // With and without something that the backup knows of its chain.
    for (number, spoke_before) in [(603, true), (604, false)] {
        let journal = Arc::new(MemoryJournal::default());
        let world = World::new(number, Arc::clone(&journal) as _).unwrap();
        let played = run(async {
            let cast = Cast::assemble(&world).await?;
            if spoke_before {
                feel(&world, &cast, SensorEvent::Temperature { c10: 40 }).await?;
            }
            let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await?;
            stop.get_ready().await?;
            stop.release(FIRST).await?;
            let (order, session, customer) = (stop.order, stop.session, stop.customer);
            let (backup, made_at) = (journal.backup(), world.now());
            world.pass(1_000).await?;
            assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
            stop.close_door()?;
            world.pass(1_000).await?;
            let fallen = fall_back(world, &cast, backup, made_at).await;
            let world = &fallen.after;
            world.connect(cast.lock).await?;
            world.pass(60_000).await?;
            let stop = Stop { world, cast: &cast, order, session, customer };
            assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open, "it was asked, and answered");
            // What it says from now on is heard, in its order.
            for c10 in [50, 60, 70] {
                feel(world, &cast, SensorEvent::Temperature { c10 }).await?;
            }
            feel(world, &cast, SensorEvent::Tampered).await?;
            let lock = world.app.view_device(&world.partition, cast.lock).await?;
            assert!(lock.tampered && lock.distrusted.is_none(), "{lock:?}");
            assert!(world.metal.is_connected(cast.lock));
            // And what is missing after that is missed.
            let mut chains = every::<ChainRecord>(world).await.into_iter();
            let chain = chains.find(|chain| chain.device == cast.lock).unwrap();
            let lost = chain.lost.unwrap();
            assert!(Some((chain.boot_epoch, chain.sequence)) > lost.until, "{chain:?}");
            Ok::<(), SimError>(())
        });
        played.unwrap().unwrap();
    }
}

/// Something happens to the lock by itself.
async fn feel(world: &World, cast: &Cast, event: SensorEvent) -> Result<(), SimError> {
    world.metal.with(cast.lock, |unit, _| {
        if let Actuator::Lock(lock) = unit.actuator() {
            lock.sense(event);
        }
    })?;
    world.settle().await
}

#[test]
fn a_pump_that_said_its_end_in_the_lost_time_is_resolved_by_a_person_and_one_that_did_not_settles()
{
    for (seed, is_ended) in [(605, true), (606, false)] {
        let journal = Arc::new(MemoryJournal::default());
        let world = World::new(seed, Arc::clone(&journal) as _).unwrap();
        let played = run(async {
            let cast = Cast::assemble(&world).await?;
            let stop = Stop::place(&world, &cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
            stop.get_ready().await?;
            if !is_ended {
                world.metal.with(cast.pump, |unit, _| {
                    if let Actuator::Pump(pump) = unit.actuator() {
                        pump.expect(SLOW);
                    }
                })?;
            }
            stop.release(FIRST).await?;
            let (backup, made_at) = (journal.backup(), world.now());
            world.pass(if is_ended { 180_000 } else { 10_000 }).await?;
            let left = stop.leg(FIRST).await?;
            let running = if is_ended { LegStateKind::Settled } else { LegStateKind::Dispensing };
            assert_eq!(left, running);
            let (order, session, customer) = (stop.order, stop.session, stop.customer);
            let fallen = fall_back(world, &cast, backup, made_at).await;
            let world = &fallen.after;
            let stop = Stop { world, cast: &cast, order, session, customer };
            world.connect(cast.pump).await?;
            world.pass(HOUR_MS).await?;
            let state = stop.session().await?.legs[0].state;
            if is_ended {
                assert!(matches!(state, LegState::Indeterminate(_)), "{state:?}");
                let raised = stop.exceptions().await?;
                assert_eq!(raised, [Exception::OutcomeUnknown], "a person is called");
                let (executed, evidence) = (true, None);
                let finding = Finding { executed, basis: Basis::Inspected, evidence };
                let staff = cast.by_staff(world);
                world.app.resolve_outcome(&staff, session, FIRST, finding).await?;
            } else {
                let LegState::Settled { metered_ml } = state else { panic!("{state:?}") };
                let flowed = world.metal.with(cast.pump, |unit, _| unit.truth())? - 1_000_000;
                assert_eq!(u64::from(metered_ml), flowed);
            }
            Ok::<(), SimError>(())
        });
        played.unwrap().unwrap();
    }
}

/// Somebody with a large tank and a slow nozzle.
const SLOW: Person = Person { lift_after_ms: Some(2_000), flow_ml_per_s: 20, wanted_ml: 90_000 };
