//! What is revoked or held between a release and its command's leaving: the command is proven unsent (M-TOK-3, M-DEV-3,
//! `design.md` §9.2).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use carhop_agent::SensorEvent;
use carhop_app::records::TrustSubject;
use carhop_kernel::session::{LegIndex, LegStateKind};
use carhop_sim::SimError;
use carhop_sim::fixtures::goods;
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::metal::Actuator;

const FIRST: LegIndex = LegIndex(0);

/// Releases a lock, takes something back before anything is sent, and looks at what became of the command.
fn after_release(seed: u64, take_back: impl AsyncFnOnce(&Stop<'_>) -> Result<(), SimError>) -> u64 {
    let log = scene(seed, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        take_back(&stop).await?;
        world.pass(60_000).await?;
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth())?, 0, "the lock opened");
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!(log.count("release.not_executed"), 1);
    log.count("command.sent") as u64
}

#[test]
fn a_command_whose_lock_is_revoked_before_it_leaves_never_leaves() {
    let sent = after_release(61, async |stop| {
        let by_staff = stop.cast.by_staff(stop.world);
        stop.world
            .app
            .withdraw_trust(&by_staff, TrustSubject::Device(stop.cast.lock), "stolen")
            .await?;
        Ok(())
    });
    assert_eq!(sent, 0);
}

#[test]
fn a_command_whose_drivers_handset_is_revoked_before_it_leaves_never_leaves() {
    let sent = after_release(62, async |stop| {
        let by_staff = stop.cast.by_staff(stop.world);
        stop.world
            .app
            .withdraw_trust(&by_staff, TrustSubject::Device(stop.driver().device), "lost")
            .await?;
        Ok(())
    });
    assert_eq!(sent, 0);
}

#[test]
fn a_command_of_a_tenant_that_is_held_before_it_leaves_never_leaves() {
    let sent = after_release(63, async |stop| {
        stop.world.app.hold_tenant(&stop.cast.by_staff(stop.world), "recall").await?;
        Ok(())
    });
    assert_eq!(sent, 0);
}

#[test]
fn a_command_whose_token_is_revoked_above_before_it_leaves_never_leaves() {
    let sent = after_release(64, async |stop| {
        // Issuing the vehicle token anew burns the one that the release's action token came from.
        stop.world.app.issue_vehicle_token(&stop.by_driver(), stop.session).await?;
        Ok(())
    });
    assert_eq!(sent, 0);
}

#[test]
fn a_command_whose_own_spent_token_is_revoked_before_it_leaves_never_leaves() {
    let log = scene(66, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let token = stop.token(FIRST).await?;
        world.app.release(&stop.by_driver(), stop.session, FIRST, &token).await?;
        world.app.revoke_token(&stop.by_driver(), &token).await?;
        world.pass(60_000).await?;
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth())?, 0, "the lock opened");
        Ok(())
    });
    assert_eq!(log.unwrap().count("command.sent"), 0);
}

#[test]
fn a_command_whose_lock_reports_tampering_before_it_leaves_never_leaves() {
    let sent = after_release(65, async |stop| {
        stop.world.metal.with(stop.cast.lock, |unit, _| {
            if let Actuator::Lock(lock) = unit.actuator() {
                lock.sense(SensorEvent::Tampered);
            }
        })?;
        stop.world.hear().await?;
        Ok(())
    });
    assert_eq!(sent, 0);
}
