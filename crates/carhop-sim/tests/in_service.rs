//! A stop in service whose driver cannot go on: nobody confirms, presence has grown old, the phone is lost (M-FLO-3).

use carhop_app::Failure;
use carhop_app::records::TrustSubject;
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, LegIndex, LegStateKind, PhaseKind};
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, fuel, goods, hire};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const FIRST: LegIndex = LegIndex(0);
const SECOND: LegIndex = LegIndex(1);

/// A stop with one leg done and one to go.
async fn half_done<'a>(world: &'a World, cast: &'a Cast) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
    stop.get_ready().await?;
    stop.hand_over(FIRST).await?;
    Ok(stop)
}

fn refused<T>(outcome: Result<T, SimError>) -> Vec<Reason> {
    match outcome {
        Err(SimError::Failed(Failure::Refused(refusal, _))) => refusal.reasons().to_vec(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn goods_locked_in_by_a_driver_whose_phone_is_lost_call_a_person_who_confirms_them() {
    scene(621, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(1_000).await?;
        stop.close_door()?;
        world.pass(1_000).await?;
        let (app, staff) = (&world.app, cast.by_staff(world));
        let handset = TrustSubject::Device(cast.driver.device);
        app.withdraw_trust(&staff, handset, "lost").await?;
        world.pass(limits::UNCONFIRMED_MS - 2_000).await?;
        assert_eq!(stop.exceptions().await?, [], "the driver may still say so");
        world.pass(60 * 60 * 1_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::TransferUnconfirmed], "told once");
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
        let by_driver = app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await;
        assert!(by_driver.is_err(), "the handset is revoked");
        let by_store = app.confirm_transfer(&cast.by_store(world), stop.session, FIRST).await;
        assert_eq!(by_store.err(), Some(Failure::NotFound));
        app.confirm_transfer(&cast.by_staff(world), stop.session, FIRST).await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Completed);
        Ok(())
    })
    .unwrap();
}

#[test]
fn presence_that_has_grown_old_in_service_is_shown_anew() {
    scene(622, async |world, cast| {
        let stop = half_done(world, cast).await?;
        world.pass(11 * 60 * 1_000).await?;
        stop.refresh().await?;
        assert_eq!(refused(stop.release(SECOND).await), [Reason::PresenceNotProven]);
        stop.prove().await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::InService);
        stop.fuel(SECOND).await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Completed);
        Ok(())
    })
    .unwrap();
}

#[test]
fn another_driver_comes_to_the_car_and_finishes_what_the_first_one_began() {
    scene(623, async |world, cast| {
        let stop = half_done(world, cast).await?;
        let (app, staff) = (&world.app, cast.by_staff(world));
        let handset = TrustSubject::Device(cast.driver.device);
        app.withdraw_trust(&staff, handset, "lost").await?;
        world.settle().await?;
        let second = Cast { driver: hire(world, cast.staff).await?, ..cast.clone() };
        let (order, session, customer) = (stop.order, stop.session, stop.customer);
        let stop = Stop { world, cast: &second, order, session, customer };
        stop.assign().await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::EnRoute);
        app.resume(&staff, session).await?;
        stop.stay().await?;
        stop.arrive().await?;
        stop.prove().await?;
        stop.fuel(SECOND).await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Completed);
        Ok(())
    })
    .unwrap();
}
