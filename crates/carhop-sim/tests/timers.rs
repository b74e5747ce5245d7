//! Deadlines: what falls due, what waits for metal, and how often anybody is asked (M-FLO-3, `design.md` §9.3).

use carhop_app::batch::{Batch, Timer, TimerSubject, Write};
use carhop_app::ports::Backlog;
use carhop_app::record::{Kind, RecordKey};
use carhop_kernel::session::{Exception, LegIndex, LegStateKind, Outcome, Phase};
use carhop_proofs::frame::Position;
use carhop_sim::SimError;
use carhop_sim::fixtures::{fuel, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

/// Nobody asks what it says next where nothing was lost.
const NEXT: Position = Position { boot_epoch: 1, sequence: 0 };
const FIRST: LegIndex = LegIndex(0);
const SECOND: LegIndex = LegIndex(1);

/// Every timer that is set, however late.
async fn timers(world: &World) -> Result<Vec<Timer>, SimError> {
    Ok(world.journal.due_timers(world.now().plus_ms(DAYS_MS), 100).await?)
}

const DAYS_MS: u64 = 10 * 24 * 60 * 60 * 1_000;

#[test]
fn a_window_that_cannot_end_waits_for_the_metal_and_not_for_the_clock() {
    scene(701, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        world.pass(1_000).await?;
        let end = stop.session().await?.order.terms.window.end;
        world.pass(end.since_ms(world.now())).await?;
        let waits = |timer: &Timer| matches!(timer.subject, TimerSubject::WindowEnd { .. });
        assert!(!timers(world).await?.iter().any(waits), "nothing looks again and again");
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Open);
        world.app.confirm_transfer(&stop.by_driver(), stop.session, FIRST).await?;
        stop.close_door()?;
        world.pass(1_000).await?;
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Secured);
        assert_eq!(stop.leg(SECOND).await?, LegStateKind::Failed, "the window ends the rest");
        assert_eq!(stop.session().await?.phase, Phase::Completed(Outcome::Partial));
        assert_eq!(timers(world).await?, [], "a stop that has ended leaves none");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_window_that_was_moved_meanwhile_ends_at_its_own_time() {
    scene(707, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let end = stop.session().await?.order.terms.window.end;
        let subject = TimerSubject::WindowEnd { session: stop.session };
        let timer = |due_at| Timer::new(world.partition.clone(), subject, due_at);
        // As if it had fallen due before the terms were replaced.
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.timers.push(timer(world.now()));
        world.journal.append(batch).await.unwrap();
        world.app.run_timers().await?;
        assert_eq!(timers(world).await?, [timer(end)]);
        world.pass(end.since_ms(world.now())).await?;
        assert_eq!(stop.session().await?.phase, Phase::Expired);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_device_that_comes_and_goes_is_asked_no_more_often_than_one_that_stays() {
    let log = scene(702, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        world.pass(60 * 60 * 1_000).await?;
        assert_eq!(stop.exceptions().await?, [Exception::OutcomeUnknown]);
        let cancels = stop.check().await?.count("command.cancelled");
        assert_eq!(cancels, 8);
        for _ in 0..60 {
            // It is there again, and deaf as before.
            world.app.device_connected(&world.partition, cast.lock, NEXT).await?;
            world.pass(10_000).await?;
        }
        let more = stop.check().await?.count("command.cancelled") - cancels;
        assert!((2..=3).contains(&more), "every five minutes at most: {more}");
        assert_eq!(
            stop.exceptions().await?,
            [Exception::OutcomeUnknown],
            "a person is called once"
        );
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Indeterminate);
        Ok(())
    });
    log.unwrap();
}

#[test]
fn a_device_that_comes_and_goes_while_it_is_asked_is_not_asked_from_the_start_again() {
    let log = scene(703, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        stop.release(FIRST).await?;
        for _ in 0..120 {
            world.pass(5_000).await?;
            world.app.device_connected(&world.partition, cast.lock, NEXT).await?;
        }
        Ok(())
    });
    // Ten minutes: after 10, 20, 40, 80 and 160 seconds, and the next after five minutes.
    let cancels = log.unwrap().count("command.cancelled");
    assert!((4..=6).contains(&cancels), "{cancels}");
}

#[test]
fn an_effect_that_fails_comes_back_later_each_time_and_then_a_person_is_called() {
    let log = scene(704, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(FIRST).await?;
        let release = *stop.session().await?.legs[0].state.release().unwrap();
        // What was kept of the command is gone, so that nobody can tell whether it may leave.
        let (partition, kind) = (world.partition.clone(), Kind::Command);
        let key = RecordKey { partition, kind, key: release.command.to_string() };
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.writes.push(Write { key, body: None, indexes: Vec::new(), until: None });
        world.journal.append(batch).await.unwrap();
        let waiting = world.journal.backlog(world.now()).await.unwrap();
        assert_eq!((waiting.effects, waiting.effects_since.is_some()), (1, true));
        let (start, mut failed_after_s) = (world.now(), Vec::new());
        for _ in 0..200 {
            if world.app.run_effects().await.is_err() {
                failed_after_s.push(world.now().since_ms(start) / 1_000);
            }
            world.clock.set(world.now().plus_ms(1_000));
        }
        assert_eq!(failed_after_s, [0, 1, 3, 7, 15, 31, 63]);
        let waiting = world.journal.backlog(world.now()).await.unwrap();
        assert_eq!(
            Backlog { timers: 0, timers_since: None, unsequenced: 0, ..waiting },
            Backlog::default()
        );
        assert_eq!(stop.exceptions().await?, [Exception::CommandAbandoned]);
        assert_eq!(stop.leg(FIRST).await?, LegStateKind::Pending, "it never left");
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("effect.abandoned"), log.count("command.sent")), (1, 0));
}
