//! Which stop it concerns when a lock does something that nobody asked of it: the one that it serves or that is at the car,
//! however many others name the same lock (M-DEV-3, M-THR).

use carhop_agent::simulated::Fault;
use carhop_kernel::session::{Exception, HoldCause, LegIndex};
use carhop_sim::fixtures::{fuel, goods};
use carhop_sim::stop::{Stop, scene};

const FIRST: LegIndex = LegIndex(0);

#[test]
fn what_a_lock_does_by_itself_concerns_the_stop_it_serves_however_many_wait_for_it() {
    scene(613, async |world, cast| {
        let mut waiting = Vec::new();
        for _ in 0..32 {
            waiting.push(Stop::place(world, cast, vec![goods(cast.lock)]).await?.session);
        }
        waiting.sort();
        // It is none of the first that a list of them shows.
        let stop = loop {
            let legs = vec![goods(cast.lock), fuel(cast.pump)];
            let stop = Stop::place(world, cast, legs).await?;
            if stop.session > waiting[16] {
                break stop;
            }
            waiting.push(stop.session);
        };
        stop.get_ready().await?;
        stop.hand_over(FIRST).await?;
        world.suffer(cast.lock, Fault::Forced)?;
        world.settle().await?;
        assert_eq!(stop.exceptions().await?, [Exception::OpenedWithoutLeave]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_a_lock_does_by_itself_concerns_no_stop_that_is_served_elsewhere() {
    scene(618, async |world, cast| {
        let elsewhere = Stop::dispensing(world, cast).await?;
        // A list of both shows the other one first.
        let stop = loop {
            let legs = vec![goods(cast.lock), fuel(cast.pump)];
            let stop = Stop::place(world, cast, legs).await?;
            if stop.session > elsewhere.session {
                break stop;
            }
        };
        stop.get_ready().await?;
        stop.hand_over(FIRST).await?;
        world.suffer(cast.lock, Fault::Forced)?;
        world.settle().await?;
        assert_eq!(stop.exceptions().await?, [Exception::OpenedWithoutLeave]);
        assert_eq!(elsewhere.exceptions().await?, []);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_a_lock_does_before_any_release_concerns_the_stop_at_the_car_however_many_wait_for_it() {
    let log = scene(614, async |world, cast| {
        let waiting = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        for _ in 0..20 {
            Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        }
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        world.suffer(cast.lock, Fault::Forced)?;
        world.settle().await?;
        assert_eq!(stop.exceptions().await?, [Exception::OpenedWithoutLeave]);
        assert_eq!(stop.session().await?.hold().unwrap().cause, HoldCause::Safety);
        assert!(waiting.session().await?.hold().is_none());
        Ok(())
    });
    assert_eq!(log.unwrap().count("session.held"), 1);
}
