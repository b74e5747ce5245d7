//! A journal without room takes what takes something away, and nothing that gives: a revocation comes to its end in it,
//! whatever else waits (M-FLO-3, M-THR).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carhop_app::Failure;
use carhop_app::batch::{Appended, Batch, Timer, TimerSubject};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, JournalError, Pending};
use carhop_app::records::TrustSubject;
use carhop_journal::MemoryJournal;
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{HoldCause, LegIndex, LegStateKind};
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, fuel, goods, once};
use carhop_sim::stop::Stop;
use carhop_sim::world::World;

/// A journal that has room or not.
#[derive(Default)]
struct Brimming {
    journal: MemoryJournal,
    is_full: AtomicBool,
}

impl Forwarding for Brimming {
    fn behind(&self) -> &dyn Journal {
        &self.journal
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        if self.is_full.load(Ordering::Relaxed) && !batch.takes_away() {
            return Box::pin(async { Err(JournalError::Full.into()) });
        }
        self.pass(move |journal| journal.append(batch))
    }
}

#[test]
fn a_revocation_stops_and_holds_on_a_full_disk_and_nobody_is_given_anything() {
    let disk = Arc::new(Brimming::default());
    let world = World::new(91, Arc::clone(&disk) as _).unwrap();
    let played = run(async {
        let cast = Cast::assemble(&world).await?;
        let stop = Stop::place(&world, &cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(LegIndex(0)).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(LegIndex(0)).await?, LegStateKind::Dispensing);
        // Much that fails is due before everything else.
        let mut batch = Batch::new(world.partition.clone(), world.now());
        for number in 100..250 {
            let lost = TimerSubject::WindowEnd { session: SessionId::from_bytes([number; 16]) };
            batch.timers.push(Timer::new(world.partition.clone(), lost, world.now()));
        }
        world.journal.append(batch).await.unwrap();
        world.clock.set(world.now().plus_ms(1));
        disk.is_full.store(true, Ordering::Relaxed);

        let another = world.app.issue_vehicle_token(&stop.by_driver(), stop.session).await;
        let is_full = |failure: &Failure| matches!(failure, Failure::Journal(JournalError::Full));
        assert!(another.as_ref().is_err_and(is_full), "{another:?}");
        let subject = TrustSubject::Device(cast.pump);
        world.app.withdraw_trust(&cast.by_staff(&world), subject, "stolen").await?;
        assert!(world.app.run_timers().await.is_err());
        let hold = stop.session().await?.hold().map(|hold| hold.cause);
        assert_eq!(hold, Some(HoldCause::DeviceRevoked));
        let sent = world.journal.backlog(world.now()).await.unwrap().effects;
        assert_eq!(sent, 1, "it is told to stop");
        // A hold of one's own beside that is kept, too.
        world.app.hold(&cast.by_staff(&world), stop.session).await?;
        assert!(stop.session().await?.holds.contains_key(&HoldCause::Staff));
        // What is done already is done, whoever asks again, and under which key.
        for number in 1..3 {
            let by_staff = |slot| once(cast.by_staff(&world), slot, number);
            world.app.withdraw_trust(&by_staff("revoke"), subject, "stolen").await?;
            world.app.hold(&by_staff("hold"), stop.session).await?;
        }
        Ok::<(), SimError>(())
    });
    played.unwrap().unwrap();
}
