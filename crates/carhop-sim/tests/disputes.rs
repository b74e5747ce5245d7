//! A dispute beside a stop: in time, in the vault, and without any effect on the stop (M-FLO-6, M-PRV-1).

use carhop_app::batch::Grievance;
use carhop_app::{Complaint, Failure};
use carhop_kernel::limits::DISPUTE_MS_MAX;
use carhop_sim::SimError;
use carhop_sim::fixtures::{goods, order};
use carhop_sim::stop::{Stop, bind_customer, scene};
use carhop_sim::world::World;

#[test]
fn a_stop_can_be_disputed_for_two_days_after_its_end_and_no_longer() {
    for (late_ms, is_taken) in [(DISPUTE_MS_MAX - 1, true), (DISPUTE_MS_MAX, false)] {
        let log = scene(1, async |world, cast| {
            let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
            stop.get_ready().await?;
            assert!(is_refused(&open(world, &stop).await), "a stop that goes on");
            stop.finish().await?;
            let told = world.app.history_of(&world.partition, stop.session).await;
            let ended_at = told.map_err(SimError::world)?.last().map(|recorded| recorded.at);
            world.clock.set(ended_at.unwrap_or(world.now()).plus_ms(late_ms));
            assert_eq!(open(world, &stop).await.is_ok(), is_taken, "{late_ms} ms after the end");
            world.settle().await
        })
        .unwrap();
        assert_eq!(log.count("dispute.opened"), usize::from(is_taken));
    }
}

#[test]
fn the_words_of_a_dispute_are_in_no_record_and_no_event() {
    let log = scene(2, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.finish().await?;
        let words = open(world, &stop).await?.words;
        assert_eq!(words.as_deref(), Some(WORDS));
        let place = carhop_app::batch::Stream::Side(stop.session);
        let told = world.journal.stream(world.partition.clone(), place).await;
        for recorded in told.map_err(SimError::world)? {
            assert!(!String::from_utf8_lossy(&recorded.stored).contains(WORDS));
        }
        Ok(())
    });
    assert_eq!(log.unwrap().count("dispute.opened"), 1);
}

#[test]
fn a_link_that_is_used_after_the_end_takes_the_stop_and_its_dispute_from_nobody() {
    let log = scene(3, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.finish().await?;
        let by_store = cast.by_store(world);
        let mut readers = Vec::new();
        for _ in 0..2 {
            let customer = bind_customer(world, &by_store, stop.session).await?;
            readers.push(Stop { customer, ..stop });
        }
        let [first, last] = &readers[..] else { unreachable!() };
        // Who was bound at the end stays it, and may look; a later link lets one more phone look, the last one.
        for (who, is_shown) in [(&stop, true), (first, false), (last, true)] {
            let shown = world.app.view_session(&who.by_customer(), stop.session).await;
            assert_eq!(shown.is_ok(), is_shown);
        }
        for reader in &readers {
            assert_eq!(open(world, reader).await.err(), Some(Failure::NotFound));
        }
        assert!(open(world, &stop).await.is_ok());
        for reader in &readers {
            let (_, key) = reader.customer;
            let seen = world.app.view_own_dispute(&world.partition, stop.session, key).await;
            assert_eq!(seen.err(), Some(Failure::NotFound), "nor read by another");
        }
        world.settle().await
    });
    assert_eq!(log.unwrap().count("customer.bound"), 1);
}

#[test]
fn a_stop_that_ended_before_anybody_had_used_its_link_is_the_first_ones_who_does() {
    let log = scene(4, async |world, cast| {
        let by_store = cast.by_store(world);
        let placed =
            world.app.create_order(&by_store, &order(world, vec![goods(cast.lock)])?).await?;
        let (Some(order), Some(session)) = (placed.order, placed.session) else { unreachable!() };
        world.app.revoke(&by_store, session).await?;
        let customer = bind_customer(world, &by_store, session).await?;
        let stop = Stop { world, cast, order, session, customer };
        let late = Stop { customer: bind_customer(world, &by_store, session).await?, ..stop };
        assert_eq!(open(world, &late).await.err(), Some(Failure::NotFound));
        assert!(open(world, &stop).await.is_ok());
        Ok(())
    });
    assert_eq!(log.unwrap().count("customer.bound"), 1);
}

async fn open(world: &World, stop: &Stop<'_>) -> Result<carhop_app::DisputeView, Failure> {
    let (_, key) = stop.customer;
    let complaint = Complaint { about: Grievance::Missing, words: Some(WORDS.to_owned()) };
    world.app.open_dispute(&world.partition, stop.session, key, &complaint).await
}

fn is_refused<T>(asked: &Result<T, Failure>) -> bool {
    matches!(asked, Err(Failure::Refused(..)))
}

const WORDS: &str = "the eggs are not there";
