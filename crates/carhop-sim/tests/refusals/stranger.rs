//! Whoever is known and asks about a stop that is not theirs: they see nothing, and that they have asked is in the log.

use carhop_app::batch::{Body, Stream};
use carhop_app::{Asker, Call, Failure, Presented, STRANGER_SHARE, Wanted};
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::IntentDigest;
use carhop_kernel::id::{CustomerId, SessionId};
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_kernel::token::TokenLayer;
use carhop_proofs::token::Token;
use carhop_sim::SimError;
use carhop_sim::fixtures::{call, fix, goods, hire, key_of};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

use super::GOODS;

#[test]
fn strangers_see_nothing() {
    let log = scene(14, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let (app, id, token) = (&world.app, stop.session, stop.token(GOODS).await?);
        let vehicle = app.issue_vehicle_token(&stop.by_driver(), id).await?.secret;
        let wanted = Wanted { scope: Scope::GroceryHandoff, audience: cast.lock };
        let intent = IntentDigest([0; 32]);
        let (_, key) = stop.customer;
        let actor = Actor::Customer { customer: CustomerId::from_bytes([9; 16]) };
        let customer = Call { key: Some(key), ..call(world, actor) };
        let other = hire(world, cast.staff).await?;
        other.attest(world).await?;
        let stolen_name = Call { key: Some(other.key), ..stop.by_driver() };
        let unknown = SessionId::from_bytes([9; 16]);
        let here = [fix(world, 0.0)?];

        let mut seen: Vec<(&str, Option<Failure>)> = Vec::new();
        for (who, call) in
            [("another customer", &customer), ("nobody's session", &stop.by_customer())]
        {
            let id = if who == "another customer" { id } else { unknown };
            seen.push((who, app.verify_recipient(call, id).await.err()));
            seen.push((who, app.propose_binding(call, id, "7ABC123").await.err()));
            seen.push((who, app.approve_intent(call, id, intent).await.err()));
            seen.push((who, app.relocate(call, id).await.err()));
            seen.push((who, app.issue_code(call, id).await.err()));
            seen.push((who, app.refresh_scan(call, id).await.err()));
            seen.push((who, app.approve_presence(call, id).await.err()));
            seen.push((who, app.hold(call, id).await.err()));
            seen.push((who, app.resume(call, id).await.err()));
            seen.push((who, app.revoke(call, id).await.err()));
            seen.push((who, app.view_session(call, id).await.err()));
        }
        for (who, call) in [
            ("another driver", other.call(world)),
            ("the driver's name with another key", stolen_name),
            ("the customer", stop.by_customer()),
            ("a lock", carhop_sim::fixtures::call(world, Actor::Device { device: cast.lock })),
        ] {
            let call = &call;
            seen.push((who, app.report_positions(call, id, &here).await.err()));
            seen.push((who, app.scan_tag(call, id, carhop_sim::fixtures::TAG).await.err()));
            seen.push((who, app.match_vehicle(call, id, "7ABC123").await.err()));
            seen.push((who, app.arrive(call, id).await.err()));
            seen.push((who, app.present_proof(call, id, Presented::Digits("1")).await.err()));
            seen.push((who, app.issue_vehicle_token(call, id).await.err()));
            seen.push((who, app.exchange_token(call, &vehicle, wanted).await.err()));
            seen.push((who, app.release(call, id, GOODS, &token).await.err()));
            seen.push((who, app.confirm_transfer(call, id, GOODS).await.err()));
        }
        for (at, (who, failure)) in seen.into_iter().enumerate() {
            assert_eq!(failure, Some(Failure::NotFound), "{who}, {at}");
        }
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!(log.count("release.authorised"), 0);
    let share = usize::try_from(STRANGER_SHARE).unwrap();
    assert_eq!(
        log.count("request.refused"),
        share + 4 * share,
        "of a stop that exists, each stranger's share is in the log"
    );
}

#[test]
fn a_customers_token_is_for_one_stop_and_dies_when_it_is_revoked() {
    let log = scene(22, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let other = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let (app, id) = (&world.app, stop.session);
        assert_eq!(stop.customer.0, other.customer.0, "one customer, two stops");
        let elsewhere = app.verify_recipient(&other.by_customer(), id).await;
        assert_eq!(elsewhere.unwrap_err(), Failure::NotFound);

        let link = app.issue_link(&cast.by_store(world), id).await?;
        let key = key_of(&world.draw_key()?)?;
        let token = app.redeem_link(&world.partition, &link.secret, key).await?;
        let second = Call { key: Some(key), ..stop.by_customer() };
        app.verify_recipient(&second, id).await?;
        app.revoke_token(&second, &token.secret).await?;
        let revoked = app.propose_binding(&second, id, "7ABC123").await;
        assert_eq!(revoked.unwrap_err(), Failure::NotFound);
        // The second link has ended what the first one gave.
        let former = app.propose_binding(&stop.by_customer(), id, "7ABC123").await;
        assert_eq!(former.unwrap_err(), Failure::NotFound);
        Ok(())
    });
    log.unwrap();
}

/// Who was turned away at a stop, for what, and why, as its side stream tells it.
async fn refused(stop: &Stop<'_>) -> Result<Vec<(Actor, String, Vec<Reason>)>, SimError> {
    let (journal, side) = (&stop.world.journal, Stream::Side(stop.session));
    let events = journal.stream(stop.world.partition.clone(), side).await?;
    let refusals = events.into_iter().filter_map(|recorded| {
        let Body::Refused(refused) = recorded.body else { return None };
        Some((recorded.meta.actor, refused.request, refused.reasons))
    });
    Ok(refusals.collect())
}

#[test]
fn a_stranger_is_named_in_the_log_of_the_stop_that_was_asked_for() {
    scene(25, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let other = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let driver = hire(world, cast.staff).await?.call(world);
        assert_eq!(world.app.arrive(&driver, stop.session).await, Err(Failure::NotFound));
        // The same customer, with the token of another stop.
        let elsewhere = Call { stop: Some(other.session), ..stop.by_customer() };
        let seen = world.app.view_session(&elsewhere, stop.session).await;
        assert_eq!(seen.unwrap_err(), Failure::NotFound);
        assert_eq!(
            refused(&stop).await?,
            [
                (driver.actor, "arrive".to_owned(), vec![Reason::DriverNotAssigned]),
                (elsewhere.actor, "view_session".to_owned(), vec![Reason::ActorNotAllowed]),
            ]
        );
        assert_eq!(refused(&other).await?, []);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_customers_token_that_is_stolen_or_dead_is_turned_away_and_that_is_in_the_log() {
    scene(26, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let (app, partition, id) = (&world.app, &world.partition, stop.session);
        let link = app.issue_link(&cast.by_store(world), id).await?;
        let [key, thief] = [key_of(&world.draw_key()?)?, key_of(&world.draw_key()?)?];
        let token = app.redeem_link(partition, &link.secret, key).await?.secret;
        assert!(app.authenticate_customer(partition, &token, key).await.is_ok());
        let mut expected = Vec::new();
        for (key, reason) in [(thief, Reason::TokenBinding), (key, Reason::TokenRevoked)] {
            if reason == Reason::TokenRevoked {
                let own = Call { key: Some(key), ..stop.by_customer() };
                app.revoke_token(&own, &token).await?;
            }
            let turned_away = app.authenticate_customer(partition, &token, key).await;
            assert_eq!(turned_away, Err(Failure::Unauthenticated), "{reason}");
            expected.push((stop.customer.0, "authenticate".to_owned(), vec![reason]));
        }
        assert_eq!(refused(&stop).await?, expected);
        let unknown = Token::mint(TokenLayer::Session, &[7; 32]);
        let turned_away = app.authenticate_customer(partition, unknown.expose(), key).await;
        assert_eq!(turned_away, Err(Failure::Unauthenticated));
        assert_eq!(refused(&stop).await?.len(), 2, "what was never issued is nobody's");
        Ok(())
    })
    .unwrap();
}

/// Somebody who has the token of another stop.
fn other_customer(world: &World, number: u64) -> Call {
    let mut id = [9; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    call(world, Actor::Customer { customer: CustomerId::from_bytes(id) })
}

#[test]
fn a_stranger_who_asks_without_end_keeps_no_other_out_of_the_log() {
    scene(28, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let [accomplice, thief] = [1, 2].map(|number| other_customer(world, number));
        for _ in 0..300 {
            assert!(world.app.view_session(&accomplice, stop.session).await.is_err());
        }
        assert!(world.app.view_session(&thief, stop.session).await.is_err());
        let told = refused(&stop).await?;
        let of =
            |call: &Call| told.iter().filter(|(actor, ..)| *actor == call.actor).count() as u64;
        assert_eq!((of(&accomplice), of(&thief)), (STRANGER_SHARE, 1));
        Ok(())
    })
    .unwrap();
}

#[test]
fn strangers_fill_no_log_and_use_up_nothing_of_those_who_take_part() {
    let most = Asker::Stranger.journaled_max();
    let log = scene(27, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        for number in 0..most + 10 {
            let stranger = other_customer(world, number);
            let asked = world.app.hold(&stranger, stop.session).await;
            assert_eq!(asked.unwrap_err(), Failure::NotFound);
        }
        let count = |by| world.app.count_refusals(&world.partition, stop.session, by);
        assert_eq!(count(Asker::Stranger).await?, most + 10);
        assert_eq!(count(Asker::Party).await?, 0);
        let own = world.app.release(&stop.by_driver(), stop.session, GOODS, "").await;
        let Err(Failure::Refused(_, Some(_))) = own else { panic!("not in the log: {own:?}") };
        stop.finish().await.map(|_| ())
    });
    let log = log.unwrap();
    let journaled = usize::try_from(most).unwrap() + 1;
    assert_eq!((log.count("request.refused"), log.count("refusals.capped")), (journaled, 1));
}
