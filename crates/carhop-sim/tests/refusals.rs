//! Every way in which a release, a proof or a stranger is turned away, through the use cases: nothing is released, and
//! each refusal of somebody known is in the log (M-THR, `design.md` §2).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use carhop_app::records::TrustSubject;
use carhop_app::{Call, Failure, Presented, REFUSALS_PER_STOP_MAX, Wanted};
use carhop_journal::MemoryJournal;
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::IntentDigest;
use carhop_kernel::id::{CustomerId, SessionId};
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::LegIndex;
use carhop_kernel::token::TokenLayer;
use carhop_policy::Bundle;
use carhop_proofs::token::Token;
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::{
    Cast, Services, call, fix, fuel, goods, hire, key_of, once, order, venue,
};
use carhop_sim::invariants;
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;
use carhop_sim::world::metal::Actuator;

const GOODS: LegIndex = LegIndex(0);
const FUEL: LegIndex = LegIndex(1);

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
    assert_eq!(log.unwrap().count("release.authorised"), 0);
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

#[test]
fn wrong_codes_exhaust_the_code_then_the_stop_and_each_try_is_durable() {
    let log = scene(15, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let (app, id) = (&world.app, stop.session);
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let wrong = if code.digits == "111111" { "222222" } else { "111111" };
        for tries in 1..=5 {
            let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(wrong)).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong]);
            assert_eq!(stop.check().await?.count("proof.failed"), tries);
        }
        let right = Presented::Digits(&code.digits);
        let tried = app.present_proof(&stop.by_driver(), id, right).await;
        assert_eq!(reasons(tried), [Reason::CodeAttemptsExhausted]);
        let code = app.issue_code(&stop.by_customer(), id).await?;
        for _ in 6..10 {
            let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(wrong)).await;
            assert!(!reasons(tried).is_empty());
        }
        let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(&code.digits)).await;
        assert_eq!(reasons(tried), [Reason::CodeAttemptsExhausted], "ten tries at one stop");
        app.issue_code(&stop.by_customer(), id).await?;
        let more = app.issue_code(&stop.by_customer(), id).await;
        assert_eq!(reasons(more), [Reason::CodeIssuesExhausted]);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("presence.proven"), log.count("release.authorised")), (0, 0));
    assert_eq!(log.count("proof.failed"), 10);
    assert_eq!(log.count("request.refused"), 2, "an eleventh try and a fourth code are in the log");
}

#[test]
fn a_code_or_scan_counts_once_here_and_now() {
    let log = scene(16, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let other = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        for stop in [&stop, &other] {
            stop.bind().await?;
            stop.assign().await?;
            stop.stay().await?;
            stop.arrive().await?;
        }
        let (app, id) = (&world.app, stop.session);
        let first = app.issue_code(&stop.by_customer(), id).await?;
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let foreign = app.issue_code(&other.by_customer(), other.session).await?;
        for (sentence, presented) in [
            ("a burned code", Presented::Digits(&first.digits)),
            ("a burned scan", Presented::Scan(&first.scan)),
            ("another stop's scan", Presented::Scan(&foreign.scan)),
            ("another stop's digits", Presented::Digits(&foreign.digits)),
        ] {
            let tried = app.present_proof(&stop.by_driver(), id, presented).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong], "{sentence}");
        }
        app.present_proof(&stop.by_driver(), id, Presented::Scan(&code.scan)).await?;
        for again in [Presented::Scan(&code.scan), Presented::Digits(&code.digits)] {
            let tried = app.present_proof(&stop.by_driver(), id, again).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong], "a code counts once");
        }
        let late = app.issue_code(&other.by_customer(), other.session).await?;
        world.pass(121_000).await?;
        let digits = Presented::Digits(&late.digits);
        let tried = app.present_proof(&other.by_driver(), other.session, digits).await;
        assert_eq!(reasons(tried), [Reason::CodeExpired]);
        Ok(())
    });
    assert_eq!(log.unwrap().count("presence.proven"), 1);
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

fn reasons<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> Vec<Reason> {
    match outcome {
        Err(Failure::Refused(refusal, _)) => refusal.reasons().to_vec(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn refusals_beyond_the_limit_are_answered_and_counted_only_and_that_is_said_once() {
    let log = scene(24, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let mut kept = 0;
        for _ in 0..REFUSALS_PER_STOP_MAX + 20 {
            let asked = world.app.release(&stop.by_driver(), stop.session, GOODS, "").await;
            let Err(Failure::Refused(refusal, decision)) = asked else { panic!("{asked:?}") };
            assert_eq!(refusal.first(), Reason::TokenMissing);
            kept += u64::from(decision.is_some());
        }
        assert_eq!(kept, REFUSALS_PER_STOP_MAX, "whose decision can be looked at");
        let more = world.app.refresh_scan(&stop.by_customer(), stop.session).await;
        assert_eq!(reasons(more), [Reason::CodeExpired]);
        assert_eq!(world.app.count_refusals(&world.partition, stop.session).await?, kept + 21);
        stop.finish().await.map(|_| ())
    });
    let log = log.unwrap();
    let journaled = usize::try_from(REFUSALS_PER_STOP_MAX).unwrap();
    assert_eq!((log.count("request.refused"), log.count("refusals.capped")), (journaled, 1));
}
