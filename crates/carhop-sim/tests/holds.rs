//! Holds of several: each is kept and told, and whoever lifts one lifts that one (M-FLO-3).

use carhop_app::Failure;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::HoldCause;
use carhop_sim::SimError;
use carhop_sim::fixtures::goods;
use carhop_sim::stop::{Stop, scene};

#[test]
fn a_pause_or_a_danger_that_is_told_under_a_graver_hold_outlasts_it() {
    let log = scene(1, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let (app, id) = (&world.app, stop.session);
        let (customer, staff) = (stop.by_customer(), cast.by_staff(world));
        for (call, gravest) in [
            (&staff, HoldCause::Staff),
            (&customer, HoldCause::Staff),
            (&stop.by_driver(), HoldCause::Safety),
            (&staff, HoldCause::Safety),
        ] {
            app.hold(call, id).await?;
            assert_eq!(cause(&stop).await?, Some(gravest));
        }
        // Each lifts what is shown, the gravest, and what the others asked for goes on.
        assert!(is_refused(&app.resume(&customer, id).await), "not the customer's to lift");
        for (call, left) in [
            (&staff, Some(HoldCause::Staff)),
            (&staff, Some(HoldCause::Customer)),
            (&customer, None),
        ] {
            app.resume(call, id).await?;
            assert_eq!(cause(&stop).await?, left);
        }
        stop.finish().await?;
        Ok(())
    });
    let log = log.unwrap();
    let told =
        ["session.held", "session.hold_eased", "session.resumed"].map(|name| log.count(name));
    assert_eq!(told, [3, 2, 1], "each is told once");
}

async fn cause(stop: &Stop<'_>) -> Result<Option<HoldCause>, SimError> {
    Ok(stop.session().await?.hold().map(|hold| hold.cause))
}

fn is_refused<T>(asked: &Result<T, Failure>) -> bool {
    matches!(asked, Err(Failure::Refused(refusal, _)) if refusal.reasons() == [Reason::ActorNotAllowed])
}
