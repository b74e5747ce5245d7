//! What nobody knows, resolved by a person: while the stop goes on, after it was revoked, and before the device tells its
//! own story after all (M-FLO-5, `design.md` §2.4).

use carhop_app::Failure;
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Basis, Exception, Finding, LegIndex, LegStateKind, PhaseKind};
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::invariants::told;
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const FIRST: LegIndex = LegIndex(0);

/// A stop that was revoked after its command had reached a device which has not been heard since.
async fn revoked_in_doubt<'a>(
    world: &'a World,
    cast: &'a Cast,
    is_fuel: bool,
) -> Result<Stop<'a>, SimError> {
    let (leg, device) =
        if is_fuel { (fuel(cast.pump), cast.pump) } else { (goods(cast.lock), cast.lock) };
    let stop = Stop::place(world, cast, vec![leg]).await?;
    stop.get_ready().await?;
    stop.release(FIRST).await?;
    world.app.run_effects().await?;
    world.disconnect(device)?;
    world.pass(60_000).await?;
    assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
    world.app.revoke(&stop.by_customer(), stop.session).await?;
    Ok(stop)
}

async fn resolve(stop: &Stop<'_>, executed: bool) -> Result<(), Failure> {
    let finding = Finding { executed, basis: Basis::Inspected, evidence: None };
    let by_staff = stop.cast.by_staff(stop.world);
    stop.world.app.resolve_outcome(&by_staff, stop.session, FIRST, finding).await.map(|_| ())
}

#[test]
fn a_person_resolves_a_leg_of_a_revoked_stop_once_and_nobody_is_asked_any_more() {
    for (executed, leads_to) in [(true, LegStateKind::TakenOver), (false, LegStateKind::Pending)] {
        let log = scene(601, async |world, cast| {
            let stop = revoked_in_doubt(world, cast, false).await?;
            resolve(&stop, executed).await.unwrap();
            assert_eq!(stop.leg(FIRST).await?, leads_to);
            let again = resolve(&stop, executed).await;
            let Err(Failure::Refused(refusal, _)) = again else { panic!("{again:?}") };
            assert_eq!(refusal.reasons(), [Reason::NotPossibleNow]);
            world.pass(3_600_000).await?;
            assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Revoked);
            assert_eq!(stop.exceptions().await?, [], "nobody is called");
            Ok(())
        });
        let log = log.unwrap();
        assert_eq!(log.count("outcome.stated"), 1);
        assert_eq!(log.count("leg.taken_over"), usize::from(executed));
    }
}

#[test]
fn a_lock_that_confirms_what_a_person_found_is_no_alarm_and_one_that_contradicts_it_is() {
    for (executed, raised) in [(true, &[][..]), (false, &[Exception::OpenedWithoutLeave])] {
        scene(602, async |world, cast| {
            let stop = revoked_in_doubt(world, cast, false).await?;
            resolve(&stop, executed).await.unwrap();
            world.connect(cast.lock).await?;
            world.pass(5_000).await?;
            // The receipt and the bolt's own report tell the same twice.
            let mut told = stop.exceptions().await?;
            told.dedup();
            assert_eq!(told, raised, "executed: {executed}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn what_a_pump_gave_before_its_leg_was_taken_over_is_settled_to_the_millilitre() {
    let log = scene(603, async |world, cast| {
        let before_ml = world.metal.with(cast.pump, |unit, _| unit.truth())?;
        let stop = revoked_in_doubt(world, cast, true).await?;
        resolve(&stop, true).await.unwrap();
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::TakenOver);
        world.connect(cast.pump).await?;
        world.pass(60_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Settled);
        assert_eq!(stop.exceptions().await?, [Exception::SettledAfterTakeover]);
        let given_ml = world.metal.with(cast.pump, |unit, _| unit.truth())? - before_ml;
        assert!(given_ml > 0);
        assert_eq!(told(world, cast.pump).await?, given_ml);
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Revoked);
        Ok(())
    });
    assert_eq!(log.unwrap().count("fuel.settled"), 1);
}

#[test]
fn a_pump_that_ran_and_was_never_heard_again_is_taken_over_and_serves_others() {
    let log = scene(604, async |world, cast| {
        let stop = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
        world.disconnect(cast.pump)?;
        world.pass(limits::METER_SILENCE_MS_MAX + 60_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::MeterSilent]);
        let idle = resolve(&stop, false).await;
        let Err(Failure::Refused(refusal, _)) = idle else { panic!("{idle:?}") };
        assert_eq!(refusal.reasons(), [Reason::NotPossibleNow], "it was carried out");
        resolve(&stop, true).await.unwrap();
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::TakenOver);

        let next = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        world.connect(cast.pump).await?;
        world.pass(5_000).await?;
        // What it had to say is settled, and then it serves the next.
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Settled);
        let told = stop.exceptions().await?;
        assert_eq!(told, [Exception::MeterSilent, Exception::SettledAfterTakeover]);
        next.get_ready().await?;
        next.release(FIRST).await?;
        Ok(())
    });
    assert_eq!(log.unwrap().count("fuel.settled"), 1);
}

#[test]
fn a_pump_that_runs_while_a_person_takes_it_over_is_told_to_stop() {
    let log = scene(605, async |world, cast| {
        let stop = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Dispensing);
        resolve(&stop, true).await.unwrap();
        world.pass(2_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Settled);
        let flowed = world.metal.with(cast.pump, |unit, _| unit.truth())?;
        world.pass(60_000).await?;
        assert_eq!(world.metal.with(cast.pump, |unit, _| unit.truth())?, flowed);
        Ok(())
    });
    assert_eq!(log.unwrap().count("command.cancelled"), 1);
}
