//! Devices that never stop talking: what they say is kept where it belongs, and neither bloats nor starves the stop that it
//! is about (M-THR).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_app::batch::{Body, Stream};
use carhop_app::record::Record;
use carhop_app::records::ChainRecord;
use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::limits::EXCEPTIONS_PER_KIND_MAX;
use carhop_kernel::session::{Event, Exception, LegIndex, LegStateKind};
use carhop_proofs::statement::{Body as Said, ClockState, LockEvent, Statement, sign};
use carhop_proofs::suite::RustCrypto;
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const FIRST: LegIndex = LegIndex(0);

/// Has the lock's key sign that it opened, as often as that, whatever the lock itself does.
async fn flood(world: &World, cast: &Cast, times: usize) -> Result<(), SimError> {
    let (device, hash) = (cast.lock, EvidenceHash([0; 32]));
    let place = ChainRecord {
        device,
        boot_epoch: 1,
        sequence: 0,
        hash,
        metering: None,
        lost: None,
        heard: None,
    };
    for _ in 0..times {
        let kept = world.journal.record(place.place(&world.partition)).await?.unwrap();
        let head: ChainRecord = serde_json::from_slice(&kept.body).unwrap();
        let statement = Statement {
            device,
            boot_epoch: head.boot_epoch,
            sequence: head.sequence + 1,
            at: world.now(),
            clock: ClockState::Synchronised,
            previous: head.hash.0,
            body: Said::Lock { command: None, event: LockEvent::Opened },
        };
        let bytes = sign(&RustCrypto, &cast.lock_key, &statement).map_err(SimError::world)?;
        world.app.hear_statement(&world.partition, device, &bytes).await?;
    }
    Ok(())
}

async fn history(stop: &Stop<'_>) -> Result<Vec<Body>, SimError> {
    let (world, stream) = (stop.world, Stream::Session(stop.session));
    let events = world.journal.stream(world.partition.clone(), stream).await?;
    Ok(events.into_iter().map(|recorded| recorded.body).collect())
}

#[test]
fn a_lock_that_cries_without_end_fills_no_history_and_keeps_nobody_from_going_on() {
    let most = usize::try_from(EXCEPTIONS_PER_KIND_MAX).unwrap();
    let log = scene(801, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(1_000).await?;
        let before = history(&stop).await?.len();
        flood(world, cast, 3 * most).await?;
        let by_staff = cast.by_staff(world);
        let view = world.app.view_session(&by_staff, stop.session).await?;
        flood(world, cast, 5 * most).await?;
        let after = world.app.view_session(&by_staff, stop.session).await?;
        assert_eq!(after.version, view.version, "nobody's decision is made again for it");
        assert_eq!(after.session, view.session);
        let history = history(&stop).await?;
        assert_eq!(history.len() - before, most + 2, "a hold and a mark");
        let what = Exception::OpenedWithoutLeave;
        let mark = Body::Session(Box::new(Event::ExceptionsCapped { exception: what }));
        assert_eq!(history.iter().filter(|body| **body == mark).count(), 1);
        let left_out = world.app.count_left_out(&world.partition, stop.session, what).await?;
        assert_eq!(left_out, 7 * u64::from(EXCEPTIONS_PER_KIND_MAX));
        // The stop goes on, and another kind of exception is still told.
        world.app.resume(&by_staff, stop.session).await?;
        world.pass(120_000).await?;
        assert!(stop.exceptions().await?.contains(&Exception::LeftOpen));
        world.app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Transferred);
        Ok(())
    });
    let log = log.unwrap();
    assert!(log.count("device.stated") >= 8 * most, "what was said is kept");
}
