//! What somebody's busy devices change all the time keeps nobody from stopping anything: a hold, an end or a move of the car
//! is appended although positions, handset and venue change before each attempt (M-FLO-3, M-THR, decision 0019).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::{Arc, Mutex, PoisonError};

use carhop_app::batch::{Appended, Batch, Write};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, Pending};
use carhop_app::record::{Kind, RecordKey};
use carhop_app::{Call, Failure};
use carhop_journal::MemoryJournal;
use carhop_kernel::session::{HoldCause, LegIndex, PhaseKind};
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, goods};
use carhop_sim::stop::Stop;
use carhop_sim::world::World;

/// A journal in which somebody else is faster, always: these records are stored anew before each append.
#[derive(Default)]
struct Restless {
    journal: MemoryJournal,
    changing: Mutex<Vec<RecordKey>>,
}

impl Restless {
    fn change_always(&self, keys: Vec<RecordKey>) {
        *self.changing.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl Forwarding for Restless {
    fn behind(&self) -> &dyn Journal {
        &self.journal
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            for key in changing {
                let found = self.journal.record(key.clone()).await?.unwrap();
                let mut faster = Batch::new(batch.partition.clone(), batch.at);
                let (body, indexes) = (Some(found.body), Vec::new());
                faster.writes.push(Write { key, body, indexes, until: None });
                self.journal.append(faster).await?;
            }
            self.journal.append(batch).await
        })
    }
}

/// What driver and customer can change as often as they like, and the venue.
async fn around(stop: &Stop<'_>) -> Vec<RecordKey> {
    let id = stop.session;
    let venue = stop.session().await.unwrap().order.terms.venue.to_string();
    let keys = [
        (Kind::Track, format!("{id}/driver")),
        (Kind::Track, format!("{id}/vehicle")),
        (Kind::Device, stop.driver().device.to_string()),
        (Kind::Venue, venue),
        (Kind::Stop, id.to_string()),
    ];
    let partition = &stop.world.partition;
    keys.into_iter()
        .map(|(kind, key)| RecordKey { partition: partition.clone(), kind, key })
        .collect()
}

fn busy(seed: u64, is_under_way: bool, then: impl AsyncFnOnce(&Stop<'_>, &[RecordKey], &Restless)) {
    let journal = Arc::new(Restless::default());
    let world = World::new(seed, Arc::clone(&journal) as _).unwrap();
    run(async {
        let cast = Cast::assemble(&world).await.unwrap();
        let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
        stop.get_ready().await.unwrap();
        if is_under_way {
            stop.release(LegIndex(0)).await.unwrap();
        }
        stop.report_car(0.0, 0.0).await.unwrap();
        then(&stop, &around(&stop).await, &journal).await;
        stop.check().await.unwrap();
    })
    .unwrap();
}

fn parties(stop: &Stop<'_>) -> [(Call, HoldCause); 3] {
    [
        (stop.by_customer(), HoldCause::Customer),
        (stop.cast.by_staff(stop.world), HoldCause::Staff),
        (stop.by_driver(), HoldCause::Safety),
    ]
}

#[test]
fn nobody_is_kept_from_holding_or_ending_a_stop_by_what_changes_around_it() {
    busy(1, false, async |stop, around, journal| {
        let app = &stop.world.app;
        journal.change_always(around.to_vec());
        let released = app.issue_vehicle_token(&stop.by_driver(), stop.session).await;
        assert!(matches!(released, Err(Failure::Contended)), "what is judged by it waits");
        for (call, cause) in parties(stop) {
            app.hold(&call, stop.session).await.unwrap();
            let hold = stop.session().await.unwrap().hold().map(|hold| hold.cause);
            assert_eq!(hold, Some(cause));
        }
        app.revoke(&stop.by_customer(), stop.session).await.unwrap();
        assert_eq!(stop.session().await.unwrap().phase.kind(), PhaseKind::Revoked);
    });
}

#[test]
fn nobody_is_kept_from_saying_that_the_car_moved_by_positions() {
    for is_under_way in [false, true] {
        busy(2, is_under_way, async |stop, around, journal| {
            let own = |key: &&RecordKey| key.kind != Kind::Stop;
            journal.change_always(around.iter().filter(own).cloned().collect());
            stop.world.app.relocate(&stop.by_customer(), stop.session).await.unwrap();
            let session = stop.session().await.unwrap();
            let hold = session.hold().map(|hold| hold.cause);
            assert_eq!(hold, is_under_way.then_some(HoldCause::VehicleMoved));
            assert_eq!(session.phase.kind() == PhaseKind::Verified, !is_under_way);
        });
    }
}
