//! The car: where its telematics and its customer say that it is, and what its moving does to a stop (M-VEH-2, M-VEH-4,
//! M-GEO-0).

use carhop_app::Failure;
use carhop_kernel::evidence::PlaceMethod;
use carhop_kernel::geofence::{Fix, FixSource};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, HoldCause, LegIndex, LegStateKind, Phase, PhaseKind};
use carhop_sim::SimError;
use carhop_sim::fixtures::{Cast, PLATE, TAG, fix, goods};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

const GOODS: LegIndex = LegIndex(0);
const AWAY_M: f64 = 400.0;
const DRIVING_MPS: f64 = 8.0;

async fn ready<'a>(world: &'a World, cast: &'a Cast) -> Result<Stop<'a>, SimError> {
    let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
    stop.get_ready().await?;
    Ok(stop)
}

/// The car is seen at rest in its place for long enough to be inside.
async fn parks(stop: &Stop<'_>) -> Result<(), SimError> {
    for _ in 0..7 {
        stop.world.pass(5_000).await?;
        stop.report_car(0.0, 0.0).await?;
    }
    Ok(())
}

fn refused<T>(outcome: Result<T, SimError>) -> Vec<Reason> {
    match outcome {
        Err(SimError::Failed(Failure::Refused(refusal, _))) => refusal.reasons().to_vec(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

async fn held(stop: &Stop<'_>) -> Result<Option<HoldCause>, SimError> {
    Ok(stop.session().await?.hold().map(|hold| hold.cause))
}

#[test]
fn a_parked_car_shows_its_place_by_telematics_and_its_silence_leaves_the_customers_word() {
    scene(401, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.report_car(AWAY_M, DRIVING_MPS).await?;
        parks(&stop).await?;
        stop.stay().await?;
        stop.report_car(0.0, 0.0).await?;
        stop.arrive().await?;
        let Phase::Arrived(at_car) = stop.session().await?.phase else { panic!("not there") };
        assert_eq!(at_car.arrival.vehicle_by, PlaceMethod::Telematics);
        stop.prove().await?;
        // Nothing more is heard of the car; it has not been seen to leave.
        world.pass(60_000).await?;
        stop.hand_over(GOODS).await
    })
    .unwrap();
}

#[test]
fn a_car_on_its_way_keeps_its_binding_and_only_waits_with_the_arrival() {
    scene(402, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        for east_m in [300.0, 260.0, 220.0] {
            world.pass(5_000).await?;
            stop.report_car(east_m, DRIVING_MPS).await?;
        }
        stop.report_position(0.0).await?;
        let reasons = refused(stop.arrive().await);
        assert!(reasons.contains(&Reason::VehicleMoving), "{reasons:?}");
        assert!(reasons.contains(&Reason::PlaceOutside), "{reasons:?}");
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::EnRoute);
        parks(&stop).await?;
        stop.stay().await?;
        stop.report_car(0.0, 0.0).await?;
        stop.arrive().await
    })
    .unwrap();
}

#[test]
fn no_phone_overrides_or_drowns_what_the_car_itself_tells() {
    scene(407, async |world, cast| {
        let stop = ready(world, cast).await?;
        let token = stop.token(GOODS).await?;
        for _ in 0..3 {
            // At the bay, and dated as far ahead as a clock may be off.
            let ahead = Fix { fixed_at: world.now().plus_ms(9_800), ..fix(world, 0.0)? };
            let customer = stop.by_customer();
            world.app.report_vehicle_positions(&customer, stop.session, &[ahead]).await?;
            stop.report_car(AWAY_M, DRIVING_MPS).await?;
            world.pass(3_000).await?;
        }
        assert!(stop.session().await?.bound().is_none(), "the car was seen to leave");
        let released = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        assert!(released.is_err());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_car_that_moves_before_the_release_stops_it_and_one_that_goes_on_loses_its_binding() {
    scene(403, async |world, cast| {
        let stop = ready(world, cast).await?;
        let token = stop.token(GOODS).await?;
        stop.report_car(0.0, DRIVING_MPS).await?;
        let released = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        let reasons = refused(released.map_err(SimError::from));
        assert_eq!(reasons.first(), Some(&Reason::VehicleMoving));
        assert!(stop.session().await?.bound().is_some(), "one odd fix ends no binding");
        world.pass(2_000).await?;
        stop.report_car(20.0, DRIVING_MPS).await?;
        let session = stop.session().await?;
        assert_eq!((session.phase.kind(), session.bound()), (PhaseKind::Verified, None));
        let released = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        assert!(released.is_err());
        // It parks again, and everything is stated and approved anew.
        parks(&stop).await?;
        let app = &world.app;
        let intent = app.propose_binding(&stop.by_customer(), stop.session, PLATE).await?.intent;
        app.approve_intent(&stop.by_customer(), stop.session, intent).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_car_that_slowly_leaves_its_place_loses_its_binding() {
    scene(404, async |world, cast| {
        let stop = ready(world, cast).await?;
        parks(&stop).await?;
        for east_m in [60.0, 110.0, 140.0, 150.0, 160.0, 170.0, 180.0] {
            world.pass(30_000).await?;
            stop.report_car(east_m, 0.5).await?;
        }
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Verified);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_made_the_cars_place_uncertain_is_not_mended_by_its_silence() {
    scene(409, async |world, cast| {
        let stop = ready(world, cast).await?;
        parks(&stop).await?;
        // It rolls out at walking pace: one fix that says so does not end the binding.
        for east_m in [60.0, 110.0] {
            world.pass(30_000).await?;
            stop.report_car(east_m, 0.5).await?;
        }
        assert!(stop.session().await?.bound().is_some());
        stop.report_position(0.0).await?;
        let at_once = refused(stop.hand_over(GOODS).await);
        assert!(at_once.contains(&Reason::PlaceUncertain), "{at_once:?}");
        world.pass(60_000).await?;
        // The driver is where they should be; only the car is in doubt.
        stop.refresh().await?;
        let later = refused(stop.hand_over(GOODS).await);
        assert!(later.contains(&Reason::PlaceUncertain), "{later:?}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_car_that_cannot_be_where_it_says_is_not_where_its_customer_said_by_its_silence() {
    scene(410, async |world, cast| {
        let stop = ready(world, cast).await?;
        world.pass(1_000).await?;
        stop.report_car(0.0, 0.0).await?;
        world.pass(1_000).await?;
        stop.report_car(AWAY_M, 0.0).await?;
        world.pass(60_000).await?;
        // The driver is where they should be; only the car is in doubt.
        stop.refresh().await?;
        let later = refused(stop.hand_over(GOODS).await);
        assert!(later.contains(&Reason::PlaceUncertain), "{later:?}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_car_that_moves_between_decision_and_unlock_holds_the_stop_and_the_command_never_leaves() {
    let log = scene(405, async |world, cast| {
        let stop = ready(world, cast).await?;
        stop.release(GOODS).await?;
        stop.report_car(0.0, DRIVING_MPS).await?;
        assert_eq!(held(&stop).await?, Some(HoldCause::VehicleMoved));
        world.pass(60_000).await?;
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth())?, 0);
        assert_eq!(stop.leg(GOODS).await?, LegStateKind::Pending);
        assert_eq!(stop.exceptions().await?, [Exception::VehicleMoved]);
        world.app.resume(&cast.by_staff(world), stop.session).await?;
        assert_eq!(stop.session().await?.phase.kind(), PhaseKind::Verified);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("command.sent"), log.count("binding.voided")), (0, 1));
}

#[test]
fn a_car_that_moves_with_its_trunk_open_holds_the_stop_whoever_says_so() {
    for by_customer in [false, true] {
        scene(406, async |world, cast| {
            let stop = ready(world, cast).await?;
            stop.release(GOODS).await?;
            world.pass(1_000).await?;
            assert_eq!(stop.leg(GOODS).await?, LegStateKind::Open);
            if by_customer {
                world.app.relocate(&stop.by_customer(), stop.session).await?;
            } else {
                stop.report_car(0.0, DRIVING_MPS).await?;
            }
            assert_eq!(held(&stop).await?, Some(HoldCause::VehicleMoved));
            assert_eq!(stop.exceptions().await?, [Exception::VehicleMoved]);
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn nobody_speaks_with_anothers_receiver() {
    scene(407, async |world, cast| {
        let stop = ready(world, cast).await?;
        let here = fix(world, 0.0)?;
        let told = |source| [Fix { source, ..here }];
        let (app, session) = (&world.app, stop.session);
        for source in [FixSource::Telematics, FixSource::Statement] {
            let by_driver = app.report_positions(&stop.by_driver(), session, &told(source)).await;
            let customer = stop.by_customer();
            let by_customer = app.report_vehicle_positions(&customer, session, &told(source)).await;
            for outcome in [by_driver, by_customer] {
                let is_refused = matches!(outcome, Err(Failure::Invalid { param: "source", .. }));
                assert!(is_refused, "{source:?} {outcome:?}");
            }
        }
        let by_car = app.report_vehicle_positions(&cast.by_store(world), session, &[here]).await;
        assert!(matches!(by_car, Err(Failure::Invalid { param: "source", .. })), "{by_car:?}");
        let by_driver = app.report_vehicle_positions(&stop.by_driver(), session, &[here]).await;
        assert!(by_driver.is_err(), "the driver does not speak for the car");
        app.report_vehicle_positions(&stop.by_customer(), session, &[here]).await?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn looks_at_tags_and_plates_are_journaled_and_plates_are_not_guessed() {
    let log = scene(408, async |world, cast| {
        let stop = ready(world, cast).await?;
        let (app, driver) = (&world.app, stop.by_driver());
        assert!(app.scan_tag(&driver, stop.session, "no-tag").await.is_err());
        app.scan_tag(&driver, stop.session, TAG).await?;
        for plate in ["1AAA111", "2AAA111", "3AAA111", "4AAA111", "5AAA111"] {
            assert!(!app.match_vehicle(&driver, stop.session, plate).await?);
        }
        let one_more = app.match_vehicle(&driver, stop.session, PLATE).await;
        assert_eq!(refused(one_more.map_err(SimError::from)), [Reason::PlateAttemptsExhausted]);
        // What the customer states anew can be read anew.
        app.relocate(&stop.by_customer(), stop.session).await?;
        app.propose_binding(&stop.by_customer(), stop.session, PLATE).await?;
        Ok(())
    });
    let log = log.unwrap();
    // One plate was read on arrival.
    assert_eq!((log.count("tag.scanned"), log.count("vehicle.compared")), (2, 6));
    assert_eq!((log.count("link.issued"), log.count("driver.named")), (1, 1));
}

#[test]
fn a_tag_is_read_and_not_guessed() {
    let log = scene(412, async |world, cast| {
        let stop = ready(world, cast).await?;
        let (app, driver, session) = (&world.app, stop.by_driver(), stop.session);
        for guess in ["tag-b7-0000", "tag-b7-0001", "tag-b7-0002", "tag-b7-0003", "tag-b7-0004"] {
            let guessed = app.scan_tag(&driver, session, guess).await;
            assert!(matches!(guessed, Err(Failure::Invalid { param: "code", .. })), "{guessed:?}");
        }
        let one_more = app.scan_tag(&driver, session, TAG).await;
        assert_eq!(refused(one_more.map_err(SimError::from)), [Reason::PlaceNotProven]);
        // Another stop has tries of its own, and so has this one once the customer has stated the car anew.
        let other = ready(world, cast).await?;
        app.scan_tag(&other.by_driver(), other.session, TAG).await?;
        app.relocate(&stop.by_customer(), session).await?;
        let proposal = app.propose_binding(&stop.by_customer(), session, PLATE).await?;
        app.approve_intent(&stop.by_customer(), session, proposal.intent).await?;
        stop.assign().await?;
        app.scan_tag(&driver, session, TAG).await?;
        Ok(())
    });
    assert_eq!(log.unwrap().count("tag.scanned"), 7);
}
