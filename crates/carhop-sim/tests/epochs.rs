//! A journal that went back to a backup: what was commanded in the epoch before is obeyed by nobody who knows of the new
//! one (design §9.1, standards §3).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_app::batch::Effect;
use carhop_app::ports::{Carrier, DeviceFrame, Query};
use carhop_app::record::Record;
use carhop_app::records::{DeviceRecord, ReceiptRecord};
use carhop_kernel::session::{LegIndex, LegStateKind};
use carhop_proofs::statement::{Body, Outcome, RefusalCode, open};
use carhop_proofs::suite::RustCrypto;
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const FIRST: LegIndex = LegIndex(0);

/// What the lock has answered last.
async fn answer(world: &World, cast: &Cast) -> Result<Outcome, SimError> {
    let lock: DeviceRecord = world.app.view_device(&world.partition, cast.lock).await?;
    let query = Query {
        partition: world.partition.clone(),
        kind: ReceiptRecord::KIND,
        index: None,
        after: None,
        limit: 500,
    };
    let kept = world.journal.records(query).await?;
    let kept = kept.iter().map(|(_, kept)| serde_json::from_slice::<ReceiptRecord>(&kept.body));
    let said = kept
        .map(|kept| kept.unwrap().bytes)
        .map(|bytes| open(&RustCrypto, &bytes, |_| lock.verifying_key()).unwrap().body);
    let mut outcomes = said.rev().filter_map(|body| match body {
        Body::Receipt { outcome, .. } => Some(outcome),
        Body::Lock { .. } | Body::Meter { .. } | Body::Interlock { .. } => None,
    });
    Ok(outcomes.next().unwrap())
}

/// A command of the epoch before a restore reaches the lock after it. Whether it opened.
fn played(seed: u64, knows: bool) -> bool {
    let mut has_opened = None;
    scene(seed, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        let leased = world.journal.lease_effects(world.now(), world.now(), 1).await?;
        let Effect::SendCommand { bytes, .. } = leased[0].effect.clone() else {
            return Err(SimError::world("no command"));
        };
        let accounts = [world.partition.clone()];
        let restored = world.app.restore(&accounts, world.now()).await?;
        assert!(restored[0].trust_epoch > 0);
        if knows {
            world.disconnect(cast.lock)?;
            world.connect(cast.lock).await?;
        }
        world.metal.send(cast.lock, DeviceFrame::Command(bytes)).await;
        world.pass(1_000).await?;
        let openings = world.metal.with(cast.lock, |unit, _| unit.truth())?;
        has_opened = Some(openings == 1);
        if knows {
            assert_eq!(answer(world, cast).await?, Outcome::Refused(RefusalCode::Epoch));
            assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending, "proven not done");
            // What is commanded in the new epoch is obeyed.
            let next = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
            next.get_ready().await?;
            next.hand_over(FIRST).await?;
        }
        Ok(())
    })
    .unwrap();
    has_opened.unwrap()
}

#[test]
fn a_lock_that_knows_the_newer_epoch_refuses_what_was_commanded_in_the_older_one() {
    assert!(!played(620, true));
    // It is the epoch that it is told with the time which makes it refuse, and nothing else.
    assert!(played(621, false));
}
