//! What lets somebody in, or answers a repetition, ends: a day after it could last count for anything it is forgotten,
//! and the log alone tells of it (M-PRV-2, standards §9, decision 0003).

use std::collections::BTreeSet;

use carhop_app::ports::Query;
use carhop_app::record::Kind;
use carhop_kernel::session::LegIndex;
use carhop_sim::SimError;
use carhop_sim::fixtures::{goods, once, order};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

#[test]
fn a_reply_is_given_again_for_a_day_and_then_the_request_is_a_new_one() {
    let log = scene(1, async |world, cast| {
        let place = async || {
            let call = once(cast.by_store(world), "store POST /v1/orders 1", 1);
            let ask = order(world, vec![goods(cast.lock)]).unwrap();
            world.app.create_order(&call, &ask).await
        };
        let first = place().await?;
        skip(world, DAY_MS - 1).await?;
        let again = place().await?;
        assert_eq!((again.replayed, again.session), (true, first.session));
        skip(world, 1).await?;
        let anew = place().await?;
        assert!(!anew.replayed);
        assert_ne!(anew.session, first.session);
        Ok(())
    });
    assert_eq!(log.unwrap().count("session.created"), 2);
}

#[test]
fn tokens_tickets_and_replies_are_forgotten_a_day_after_their_end_and_not_before() {
    let log = scene(2, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.finish().await?;
        place_orders(world, cast, 0..1).await?;
        let passing = [Kind::Token, Kind::Ticket, Kind::Reply];
        let mut early = Vec::new();
        for kind in passing {
            early.push(keys(world, kind).await?);
        }
        assert!(early.iter().all(|keys| !keys.is_empty()), "{early:?}");

        // What ended first is a minute's token.
        skip(world, DAY_MS - 1).await?;
        place_orders(world, cast, 1..10).await?;
        for (kind, early) in passing.into_iter().zip(&early) {
            assert!(keys(world, kind).await?.is_superset(early), "{kind:?} forgotten too early");
        }
        // Nothing that was given out lives longer than half a day.
        skip(world, 2 * DAY_MS).await?;
        place_orders(world, cast, 10..40).await?;
        for (kind, early) in passing.into_iter().zip(&early) {
            assert!(keys(world, kind).await?.is_disjoint(early), "{kind:?} never forgotten");
        }
        Ok(())
    });
    assert_eq!(log.unwrap().count("session.completed"), 1);
}

#[test]
fn where_somebody_was_is_shown_until_the_stop_ends_and_forgotten_two_days_after_its_window() {
    let log = scene(3, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(LegIndex(0)).await?;
        stop.report_car(0.0, 0.0).await?;
        let (app, by_staff) = (&world.app, cast.by_staff(world));
        assert_eq!(app.places_of(&by_staff, stop.session).await?.len(), 2);
        let window = stop.session().await?.order.terms.window;
        app.revoke(&by_staff, stop.session).await?;
        assert_eq!(app.places_of(&by_staff, stop.session).await?.len(), 0, "once it is over");
        assert_eq!(keys(world, Kind::Track).await?.len(), 2, "a drawing is tried on them");
        world.clock.set(window.end.plus_ms(2 * DAY_MS - 1));
        place_orders(world, cast, 0..1).await?;
        assert_eq!(keys(world, Kind::Track).await?.len(), 2, "forgotten too early");
        skip(world, 1).await?;
        place_orders(world, cast, 1..10).await?;
        assert_eq!(keys(world, Kind::Track).await?, BTreeSet::new(), "never forgotten");
        Ok(())
    });
    assert_eq!(log.unwrap().count("session.revoked"), 1);
}

/// Lets time pass in one go; nothing is under way.
async fn skip(world: &World, span_ms: u64) -> Result<(), SimError> {
    world.clock.set(world.now().plus_ms(span_ms));
    world.settle().await
}

/// Appends as a busy store does.
async fn place_orders(
    world: &World,
    cast: &carhop_sim::fixtures::Cast,
    numbers: std::ops::Range<u32>,
) -> Result<(), SimError> {
    for number in numbers {
        let call = once(cast.by_store(world), &format!("store POST /v1/orders {number}"), 1);
        let ask = order(world, vec![goods(cast.lock)])?;
        world.app.create_order(&call, &ask).await?;
    }
    Ok(())
}

async fn keys(world: &World, kind: Kind) -> Result<BTreeSet<String>, SimError> {
    let partition = world.partition.clone();
    let query = Query { partition, kind, index: None, after: None, limit: usize::MAX };
    let found = world.journal.records(query).await.map_err(SimError::world)?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
