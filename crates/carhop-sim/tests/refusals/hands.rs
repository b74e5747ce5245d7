//! What was somebody else's: a place, a plate, a code or a stop that has changed hands (M-IDN-7, M-OTP-1, M-THR).

use carhop_app::batch::Grievance;
use carhop_app::{Call, Complaint, Failure, Presented};
use carhop_kernel::limits::PLATE_MISSES_PER_STOP_MAX;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::LegIndex;
use carhop_sim::fixtures::{Cast, PLATE, call, goods, hire, key_of, order};
use carhop_sim::stop::{Stop, bind_customer, scene};

use super::reasons;

const GOODS: LegIndex = LegIndex(0);

#[test]
fn place_and_plate_do_not_change_hands() {
    scene(31, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        world.app.match_vehicle(&stop.by_driver(), stop.session, PLATE).await?;
        let second = Cast { driver: hire(world, cast.staff).await?, ..cast.clone() };
        let (order, session, customer) = (stop.order, stop.session, stop.customer);
        let stop = Stop { world, cast: &second, order, session, customer };
        stop.assign().await?;
        let arrived = world.app.arrive(&stop.by_driver(), session).await;
        let refused = reasons(arrived);
        assert!(refused.contains(&Reason::PlaceNotProven), "{refused:?}");
        stop.stay().await?;
        stop.arrive().await
    })
    .unwrap();
}

#[test]
fn a_plate_is_stated_and_not_guessed() {
    scene(32, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let (app, id) = (&world.app, stop.session);
        app.verify_recipient(&stop.by_customer(), id).await?;
        for _ in 0..PLATE_MISSES_PER_STOP_MAX {
            let stated = app.propose_binding(&stop.by_customer(), id, "7ABC201").await;
            assert_eq!(reasons(stated), [Reason::VehicleMismatch]);
        }
        let stated = app.propose_binding(&stop.by_customer(), id, PLATE).await;
        assert_eq!(reasons(stated), [Reason::PlateAttemptsExhausted]);
        let (actor, key) = bind_customer(world, &cast.by_store(world), id).await?;
        let by_new = Call { key: Some(key), ..call(world, actor) };
        app.propose_binding(&by_new, id, PLATE).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_code_of_a_phone_that_was_shut_out_proves_nothing() {
    let log = scene(33, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let (app, id) = (&world.app, stop.session);
        let code = app.issue_code(&stop.by_customer(), id).await?;
        bind_customer(world, &cast.by_store(world), id).await?;
        for shown in [Presented::Digits(&code.digits), Presented::Scan(&code.scan)] {
            let tried = app.present_proof(&stop.by_driver(), id, shown).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong]);
        }
        Ok(())
    });
    assert_eq!(log.unwrap().count("presence.proven"), 0);
}

#[test]
fn what_a_phone_showed_before_another_took_its_place_counts_no_more() {
    scene(36, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        world.pass(1_000).await?;
        let customer = bind_customer(world, &cast.by_store(world), stop.session).await?;
        let stop = Stop { customer, ..stop };
        let token = stop.token(GOODS).await?;
        let asked = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        let refused = reasons(asked);
        assert_eq!(refused, [Reason::PresenceNotProven]);
        world.pass(1_000).await?;
        world.app.approve_presence(&stop.by_customer(), stop.session).await?;
        stop.hand_over(GOODS).await
    })
    .unwrap();
}

#[test]
fn a_code_of_an_earlier_version_of_the_order_is_told_as_that() {
    scene(35, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let (app, id, by_store) = (&world.app, stop.session, cast.by_store(world));
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let mut terms = order(world, vec![goods(cast.lock)])?;
        terms.value.amount_minor += 1;
        app.amend_order(&by_store, stop.order, 1, &terms).await?;
        let customer = bind_customer(world, &by_store, id).await?;
        let stop = Stop { customer, ..stop };
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(&code.digits)).await;
        assert_eq!(reasons(tried), [Reason::OrderChanged]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_was_the_recipient_before_an_amendment_has_no_part_in_the_stop_any_more() {
    scene(34, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let (app, id, by_store) = (&world.app, stop.session, cast.by_store(world));
        let unused = app.issue_link(&by_store, id).await?;
        let mut terms = order(world, vec![goods(cast.lock)])?;
        terms.recipient.push_str(" and somebody else");
        app.amend_order(&by_store, stop.order, 1, &terms).await?;
        let key = key_of(&world.draw_key()?)?;
        let redeemed = app.redeem_link(&world.partition, &unused.secret, key).await;
        assert!(matches!(redeemed, Err(Failure::Unauthenticated)), "{redeemed:?}");
        app.revoke(&cast.by_staff(world), id).await?;
        let (_, former) = stop.customer;
        let complaint = Complaint { about: Grievance::Missing, words: None };
        let opened = app.open_dispute(&world.partition, id, former, &complaint).await;
        assert!(matches!(opened, Err(Failure::NotFound)), "{opened:?}");
        Ok(())
    })
    .unwrap();
}
