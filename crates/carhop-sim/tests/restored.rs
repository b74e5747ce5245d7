//! A backup that is an hour old is brought back while devices, drivers and customers have gone on (M-FLO-5, standards §3):
//! what was alive then is dead, and what is known of devices is shown anew.

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_app::batch::{Batch, Effect, PutOff};
use carhop_app::ports::{Carrier, DeviceFrame, Query};
use carhop_app::record::{Partition, Record};
use carhop_app::records::{DeviceRecord, ReceiptRecord, SignedCommandRecord, TokenRow};
use carhop_app::{Failure, Restored};
use carhop_journal::MemoryJournal;
use carhop_kernel::device::TrustTier;
use carhop_kernel::id::{DeviceId, EventId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{HoldCause, LegIndex};
use carhop_kernel::time::Timestamp;
use carhop_proofs::statement::{self, Body, Outcome, RefusalCode};
use carhop_proofs::suite::{RustCrypto, Suite};
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, goods};
use carhop_sim::stop::Stop;
use carhop_sim::world::World;

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
        let held = stop.session().await?.hold.map(|hold| hold.cause);
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
