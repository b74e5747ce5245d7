//! The driver at the car who asks for a release that is not to be had.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use carhop_app::records::TrustSubject;
use carhop_app::{Call, Failure};
use carhop_journal::MemoryJournal;
use carhop_kernel::reason::Reason;
use carhop_kernel::token::TokenLayer;
use carhop_policy::Bundle;
use carhop_proofs::token::Token;
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, Services, fuel, goods, venue};
use carhop_sim::invariants;
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;
use carhop_sim::world::metal::Actuator;

use super::{FUEL, GOODS, reasons};

/// Spoils something about a stop that is ready, and says which token to present.
type Twist =
    for<'a> fn(&'a Stop<'a>) -> Pin<Box<dyn Future<Output = Result<String, SimError>> + 'a>>;

/// Plays a stop up to the release of its goods, spoils it, and sees the release refused and nothing happen.
fn check(sentence: &str, twist: Twist, because: Reason) {
    let log = scene(11, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        let token = twist(&stop).await?;
        let before = invariants::check(world).await?.count("request.refused");
        let refused =
            world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await.unwrap_err();
        let Failure::Refused(refusal, Some(decided)) = refused else {
            panic!("{sentence}: {refused:?}")
        };
        assert!(refusal.reasons().contains(&because), "{sentence}: {refusal:?}");
        let kept = world.app.view_decision(&world.partition, decided.decision).await?;
        assert_eq!(kept.reasons, refusal.reasons(), "{sentence}");
        let after = invariants::check(world).await?.count("request.refused");
        assert_eq!(after, before + 1, "{sentence}: a refusal is journaled");
        world.pass(5_000).await?;
        for device in [cast.lock, cast.pump] {
            assert_eq!(invariants::told(world, device).await?, 0, "{sentence}");
        }
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth())?, 0, "{sentence}");
        Ok(())
    });
    let log = log.unwrap_or_else(|error| panic!("{sentence}: {error}"));
    assert_eq!(log.count("release.authorised"), 0, "{sentence}");
    assert_eq!(log.count("command.sent"), 0, "{sentence}");
}

#[test]
fn a_token_must_be_live_and_for_this_very_action() {
    check(
        "a token that was never issued",
        |_| Box::pin(async { Ok(Token::mint(TokenLayer::Action, &[1; 32]).expose().to_owned()) }),
        Reason::TokenMissing,
    );
    check("no token at all", |_| Box::pin(async { Ok(String::new()) }), Reason::TokenMissing);
    check(
        "a vehicle token in its place",
        |stop| {
            Box::pin(async {
                let app = &stop.world.app;
                Ok(app.issue_vehicle_token(&stop.by_driver(), stop.session).await?.secret)
            })
        },
        Reason::TokenMissing,
    );
    check("the token of another leg", |stop| Box::pin(stop.token(FUEL)), Reason::TokenScope);
}

#[test]
fn a_token_that_is_old_revoked_or_another_stops_opens_nothing() {
    check(
        "an expired token",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.pass(61_000).await?;
                Ok(token)
            })
        },
        Reason::TokenExpired,
    );
    check(
        "a token that is older than the policy accepts",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.pass(46_000).await?;
                Ok(token)
            })
        },
        Reason::TokenTooOld,
    );
    check(
        "a token that its holder revoked",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.app.revoke_token(&stop.by_driver(), &token).await?;
                Ok(token)
            })
        },
        Reason::TokenRevoked,
    );
    check(
        "a token whose parent was burned by a newer one",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.app.issue_vehicle_token(&stop.by_driver(), stop.session).await?;
                Ok(token)
            })
        },
        Reason::TokenRevoked,
    );
    check(
        "a token of another session",
        |stop| {
            Box::pin(async {
                let legs = vec![goods(stop.cast.lock)];
                let other = Stop::place(stop.world, stop.cast, legs).await?;
                other.get_ready().await?;
                stop.report_position(0.0).await?;
                other.token(GOODS).await
            })
        },
        Reason::TokenMissing,
    );
}

#[test]
fn a_hold_freezes_every_release() {
    check(
        "the customer pauses",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.app.hold(&stop.by_customer(), stop.session).await?;
                Ok(token)
            })
        },
        Reason::ManualHold,
    );
    check(
        "the tenant freezes everything",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.app.hold_tenant(&stop.cast.by_staff(stop.world), "recall").await?;
                Ok(token)
            })
        },
        Reason::ManualHold,
    );
}

#[test]
fn devices_must_be_trusted_attested_and_within_reach() {
    check(
        "the handset's attestation is stale",
        |stop| {
            Box::pin(async {
                stop.world.pass(601_000).await?;
                stop.token(GOODS).await
            })
        },
        Reason::DeviceNotAttested,
    );
    check(
        "the lock's attestation is stale",
        |stop| {
            Box::pin(async {
                // It hears no challenge any more, so that it answers none.
                stop.world.metal.with(stop.cast.lock, |unit, _| unit.deafen(true))?;
                stop.world.pass(601_000).await?;
                stop.driver().attest(stop.world).await?;
                stop.token(GOODS).await
            })
        },
        Reason::ActuatorIntegrityUnknown,
    );
    check(
        "the lock has no connection",
        |stop| {
            Box::pin(async {
                stop.world.disconnect(stop.cast.lock)?;
                stop.token(GOODS).await
            })
        },
        Reason::ActuatorUnreachable,
    );
    for (sentence, twist, because) in [
        ("the lock is revoked", revoke_lock as Twist, Reason::ActuatorUntrusted),
        ("the handset is revoked", revoke_handset as Twist, Reason::DeviceUntrusted),
    ] {
        check(sentence, twist, because);
    }
    check(
        "the lock was tampered with and somebody lifted the hold",
        |stop| {
            Box::pin(async {
                stop.world.metal.with(stop.cast.lock, |unit, _| {
                    if let Actuator::Lock(lock) = unit.actuator() {
                        lock.sense(carhop_agent::SensorEvent::Tampered);
                    }
                })?;
                stop.world.settle().await?;
                let by_staff = stop.cast.by_staff(stop.world);
                stop.world.app.resume(&by_staff, stop.session).await?;
                stop.token(GOODS).await
            })
        },
        Reason::ActuatorUntrusted,
    );
}

fn revoke_lock<'a>(
    stop: &'a Stop<'a>,
) -> Pin<Box<dyn Future<Output = Result<String, SimError>> + 'a>> {
    Box::pin(async {
        let token = stop.token(GOODS).await?;
        let by_staff = stop.cast.by_staff(stop.world);
        stop.world
            .app
            .withdraw_trust(&by_staff, TrustSubject::Device(stop.cast.lock), "stolen")
            .await?;
        Ok(token)
    })
}

fn revoke_handset<'a>(
    stop: &'a Stop<'a>,
) -> Pin<Box<dyn Future<Output = Result<String, SimError>> + 'a>> {
    Box::pin(async {
        let token = stop.token(GOODS).await?;
        let by_staff = stop.cast.by_staff(stop.world);
        stop.world
            .app
            .withdraw_trust(&by_staff, TrustSubject::Device(stop.driver().device), "lost")
            .await?;
        Ok(token)
    })
}

#[test]
fn car_place_and_window_must_hold_at_the_release() {
    check(
        "the driver walks away",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                for east_m in [120.0, 140.0, 160.0, 180.0] {
                    stop.world.pass(5_000).await?;
                    stop.report_position(east_m).await?;
                }
                Ok(token)
            })
        },
        Reason::PlaceOutside,
    );
    check(
        "another car stands there",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                let app = &stop.world.app;
                app.match_vehicle(&stop.by_driver(), stop.session, "9XYZ999").await?;
                Ok(token)
            })
        },
        Reason::VehicleMismatch,
    );
    check(
        "presence was shown too long ago",
        |stop| {
            Box::pin(async {
                stop.world.pass(601_000).await?;
                stop.driver().attest(stop.world).await?;
                stop.token(GOODS).await
            })
        },
        Reason::PresenceNotProven,
    );
}

#[test]
fn a_stop_that_is_over_releases_nothing() {
    check(
        "the window has just closed",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                let window = stop.session().await?.order.terms.window;
                stop.world.clock.set(window.end);
                Ok(token)
            })
        },
        Reason::WindowClosed,
    );
    check(
        "the session has expired",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                let window = stop.session().await?.order.terms.window;
                stop.world.clock.set(window.end);
                stop.world.settle().await?;
                Ok(token)
            })
        },
        Reason::SessionClosed,
    );
    check(
        "the store took the stop back",
        |stop| {
            Box::pin(async {
                let token = stop.token(GOODS).await?;
                stop.world.app.revoke(&stop.cast.by_store(stop.world), stop.session).await?;
                Ok(token)
            })
        },
        Reason::SessionClosed,
    );
}

#[test]
fn a_venue_that_permits_no_fuel_gives_none_and_a_browser_never_fuels() {
    let log = scene(12, async |world, cast| {
        let stop = Stop::place(world, cast, vec![fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        let token = stop.token(GOODS).await?;
        let browser = Call { mutual_tls: false, ..stop.by_driver() };
        let refused = world.app.release(&browser, stop.session, GOODS, &token).await;
        assert!(reasons(refused).contains(&Reason::DeviceTierTooLow));
        let by_staff = cast.by_staff(world);
        world.app.store_venue(&by_staff, venue(Services::Groceries)?).await?;
        let refused = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        assert!(reasons(refused).contains(&Reason::ServiceNotPermittedHere));
        Ok(())
    });
    assert_eq!(log.unwrap().count("release.authorised"), 0);
}

#[test]
fn what_no_policy_permits_is_denied() {
    let kept = ["schema.cedarschema", "base.cedar", "flow.cedar", "ladder.cedar", "rungs.txt"];
    let texts = kept.map(|name| {
        let path = format!("{}/../../policies/{name}", env!("CARGO_MANIFEST_DIR"));
        (name, std::fs::read_to_string(path).unwrap())
    });
    let fuel_only = std::fs::read_to_string(format!(
        "{}/../../policies/fuel.cedar",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    let mut files: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    files.push(("fuel.cedar", &fuel_only));
    let policies = Bundle::load(&files).unwrap();
    let world = World::with_policies(13, Arc::new(MemoryJournal::default()), policies).unwrap();
    run(async {
        let cast = Cast::assemble(&world).await.unwrap();
        let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
        stop.get_ready().await.unwrap();
        let token = stop.token(GOODS).await.unwrap();
        let refused = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        assert_eq!(reasons(refused), [Reason::PolicyDefaultDeny]);
        assert_eq!(stop.check().await.unwrap().count("release.authorised"), 0);
    })
    .unwrap();
}

#[test]
fn a_spent_token_says_so() {
    let log = scene(20, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let token = stop.token(GOODS).await?;
        world.metal.with(cast.lock, |unit, _| unit.deafen(true))?;
        world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await?;
        // The command was never sent: its time ran out first, and the leg is free again.
        world.disconnect(cast.lock)?;
        world.pass(40_000).await?;
        world.connect(cast.lock).await?;
        let reused = world.app.release(&stop.by_driver(), stop.session, GOODS, &token).await;
        assert!(reasons(reused).contains(&Reason::TokenSpent));
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("command.sent"), log.count("release.not_executed")), (0, 1));
}
