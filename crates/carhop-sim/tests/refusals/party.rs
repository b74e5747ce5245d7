//! Whoever takes part in a stop and asks for what is over, was asked before, or is asked too often.

use carhop_app::{Asker, Failure, Presented, Wanted};
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_sim::fixtures::{fix, fuel, goods, once, order};
use carhop_sim::stop::{Stop, scene};

use super::{GOODS, reasons};

#[test]
fn a_driver_is_not_followed_after_the_end() {
    let log = scene(21, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.finish().await?;
        let (app, call, id) = (&world.app, stop.by_driver(), stop.session);
        assert!(app.view_session(&call, id).await.is_ok(), "who did it may see that it is done");
        let here = [fix(world, 0.0)?];
        let closed = [Reason::SessionClosed];
        assert_eq!(reasons(app.report_positions(&call, id, &here).await), closed);
        assert_eq!(reasons(app.scan_tag(&call, id, carhop_sim::fixtures::TAG).await), closed);
        assert_eq!(reasons(app.match_vehicle(&call, id, "7ABC123").await), closed);
        Ok(())
    });
    assert_eq!(log.unwrap().count("request.refused"), 3);
}

#[test]
fn an_amendment_voids_binding_tokens_and_code() {
    let log = scene(17, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let (app, id) = (&world.app, stop.session);
        let token = stop.token(GOODS).await?;
        let vehicle = app.issue_vehicle_token(&stop.by_driver(), id).await?.secret;
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let ask = order(world, vec![goods(cast.lock), fuel(cast.pump)])?;
        app.amend_order(&cast.by_store(world), stop.order, 1, &ask).await?;
        stop.check().await?;

        let session = stop.session().await?;
        assert!(session.bound().is_none() && session.assignment().is_none());
        let released = app.release(&stop.by_driver(), id, GOODS, &token).await;
        assert_eq!(released.unwrap_err(), Failure::NotFound, "nobody is assigned any more");
        assert!(app.introspect_token(&stop.by_driver(), &token).await?.is_none());
        assert!(app.introspect_token(&stop.by_driver(), &vehicle).await?.is_none());

        let again = app.amend_order(&cast.by_store(world), stop.order, 1, &ask).await;
        assert_eq!(reasons(again), [Reason::ConflictsWithEarlierRequest]);

        let customer = carhop_sim::stop::bind_customer(world, &cast.by_store(world), id).await?;
        let stop = Stop { customer, ..stop };
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let presented = Presented::Digits(&code.digits);
        let tried = app.present_proof(&stop.by_driver(), id, presented).await;
        assert!(!reasons(tried).is_empty(), "a code of the former version");
        let released = app.release(&stop.by_driver(), id, GOODS, &token).await;
        assert!(!reasons(released).is_empty(), "a token of the former version");
        stop.prove().await?;
        stop.finish().await?;
        Ok(())
    });
    assert_eq!(log.unwrap().count("session.completed"), 1);
}

#[test]
fn an_exchange_that_is_refused_is_in_the_log() {
    let log = scene(18, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let app = &world.app;
        let vehicle = app.issue_vehicle_token(&stop.by_driver(), stop.session).await?.secret;
        let wanted = Wanted { scope: Scope::FuelAuthorisation, audience: cast.pump };
        let refused = app.exchange_token(&stop.by_driver(), &vehicle, wanted).await;
        assert_eq!(reasons(refused), [Reason::TokenScope]);
        app.revoke_token(&stop.by_driver(), &vehicle).await?;
        let wanted = Wanted { scope: Scope::GroceryHandoff, audience: cast.lock };
        let refused = app.exchange_token(&stop.by_driver(), &vehicle, wanted).await;
        assert_eq!(reasons(refused), [Reason::TokenRevoked]);
        Ok(())
    });
    assert_eq!(log.unwrap().count("request.refused"), 2);
}

#[test]
fn a_repeated_request_is_answered_from_the_record_and_another_under_its_key_is_refused() {
    let log = scene(19, async |world, cast| {
        let by_store = once(cast.by_store(world), "store/orders/1", 1);
        let ask = order(world, vec![goods(cast.lock)])?;
        let placed = world.app.create_order(&by_store, &ask).await?;
        let again = world.app.create_order(&by_store, &ask).await?;
        assert!(again.replayed && again.order == placed.order && again.session == placed.session);
        let other = once(cast.by_store(world), "store/orders/1", 2);
        let conflict = world.app.create_order(&other, &ask).await;
        assert_eq!(conflict.unwrap_err(), Failure::ConflictingReplay);

        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let token = stop.token(GOODS).await?;
        let call = once(stop.by_driver(), "driver/releases/1", 1);
        let released = world.app.release(&call, stop.session, GOODS, &token).await?;
        world.pass(1_000).await?;
        for _ in 0..3 {
            let again = world.app.release(&call, stop.session, GOODS, &token).await?;
            assert!(again.replayed && again.release == released.release);
            world.pass(1_000).await?;
        }
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth())?, 1);
        let reused = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        let reasons = reasons(reused);
        assert!(!reasons.is_empty(), "a second use of the token");
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("release.authorised"), log.count("lock.opened")), (1, 1));
}

#[test]
fn refusals_beyond_the_limit_are_answered_and_counted_only_and_that_is_said_once() {
    let log = scene(24, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let (mut kept, most) = (0, Asker::Party.journaled_max());
        for _ in 0..most + 20 {
            let asked = world.app.release(&stop.by_driver(), stop.session, GOODS, "").await;
            let Err(Failure::Refused(refusal, decision)) = asked else { panic!("{asked:?}") };
            assert_eq!(refusal.first(), Reason::TokenMissing);
            kept += u64::from(decision.is_some());
        }
        assert_eq!(kept, most, "whose decision can be looked at");
        let more = world.app.refresh_scan(&stop.by_customer(), stop.session).await;
        assert_eq!(reasons(more), [Reason::CodeExpired]);
        let count = world.app.count_refusals(&world.partition, stop.session, Asker::Party).await?;
        assert_eq!(count, kept + 21);
        stop.finish().await.map(|_| ())
    });
    let log = log.unwrap();
    let journaled = usize::try_from(Asker::Party.journaled_max()).unwrap();
    assert_eq!((log.count("request.refused"), log.count("refusals.capped")), (journaled, 1));
}
