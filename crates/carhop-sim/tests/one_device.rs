//! One lock or pump in two stops: whoever has it keeps it until its release has ended, whatever else is ready (M-ACT-1).

use carhop_app::Failure;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{LegIndex, LegStateKind};
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const GOODS: LegIndex = LegIndex(0);

/// Two stops at the same lock, both ready, the first one released.
async fn two<'a>(world: &'a World, cast: &'a Cast) -> Result<(Stop<'a>, Stop<'a>), SimError> {
    let first = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
    let second = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
    first.get_ready().await?;
    second.get_ready().await?;
    first.release(GOODS).await?;
    Ok((first, second))
}

async fn refused(stop: &Stop<'_>) -> Result<Vec<Reason>, SimError> {
    let token = stop.token(GOODS).await?;
    let asked = stop.world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
    let Err(Failure::Refused(refusal, Some(_))) = asked else { panic!("{asked:?}") };
    Ok(refusal.reasons().to_vec())
}

#[test]
fn a_lock_under_way_in_one_stop_is_not_released_to_another_until_that_leg_has_ended() {
    let log = scene(51, async |world, cast| {
        let (first, second) = two(world, cast).await?;
        assert_eq!(refused(&second).await?, [Reason::ActuatorBusy], "released, not sent");
        world.pass(1_000).await?;
        assert_eq!(first.leg(GOODS).await?, LegStateKind::Open);
        assert_eq!(refused(&second).await?, [Reason::ActuatorBusy], "open");
        world.app.confirm_transfer(&first.by_driver(), first.session, GOODS).await?;
        assert_eq!(refused(&second).await?, [Reason::ActuatorBusy], "not locked");
        first.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(first.leg(GOODS).await?, LegStateKind::Secured, "told without a command");
        assert_eq!(second.leg(GOODS).await?, LegStateKind::Pending);
        second.hand_over(GOODS).await
    });
    assert_eq!(log.unwrap().count("lock.opened"), 2);
}

#[test]
fn nobody_gets_a_lock_whose_last_outcome_is_unknown() {
    let log = scene(52, async |world, cast| {
        let (first, second) = two(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        world.pass(40_000).await?;
        assert_eq!(first.leg(GOODS).await?, LegStateKind::Indeterminate);
        second.report_position(0.0).await?;
        assert_eq!(refused(&second).await?, [Reason::ActuatorBusy]);
        Ok(())
    });
    assert_eq!(log.unwrap().count("release.authorised"), 1);
}

#[test]
fn a_revoked_stop_frees_the_lock_once_its_command_is_dead() {
    let log = scene(53, async |world, cast| {
        let (first, second) = two(world, cast).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        world.app.run_effects().await?;
        world.app.revoke(&first.by_customer(), first.session).await?;
        assert_eq!(refused(&second).await?, [Reason::ActuatorBusy], "it may still obey");
        world.pass(31_000).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(false))?;
        second.report_position(0.0).await?;
        second.hand_over(GOODS).await
    });
    assert_eq!(log.unwrap().count("lock.opened"), 1);
}
