//! Two who ask at once, in every order that chance thinks of: the journal lets them take turns at each of its calls, and
//! what was judged on a version that has changed is judged again (`design.md` §4).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::cell::Cell;
use std::sync::Arc;

use carhop_app::records::TrustSubject;
use carhop_app::{Failure, Presented, Wanted};
use carhop_journal::MemoryJournal;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::order::Scope;
use carhop_kernel::session::LegIndex;
use carhop_sim::chance::Chance;
use carhop_sim::executor::{Task, pause, run, run_together};
use carhop_sim::fixtures::{Cast, PLATE, goods, key_of, order};
use carhop_sim::invariants::{self, Log};
use carhop_sim::stop::{Stop, bind_customer};
use carhop_sim::world::ports::Turns;
use carhop_sim::world::{FIRMWARE, World};

const GOODS: LegIndex = LegIndex(0);
const SEEDS: u64 = 12;
/// More turns than a release takes.
const MOMENTS: u64 = 48;

fn world(seed: u64) -> (World, Cast) {
    let journal = Arc::new(Turns(Arc::new(MemoryJournal::default())));
    let world = World::new(seed, journal).unwrap();
    let cast = run(Cast::assemble(&world)).unwrap().unwrap();
    (world, cast)
}

fn ready<'a>(world: &'a World, cast: &'a Cast) -> Stop<'a> {
    run(async {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await.unwrap();
        stop.get_ready().await.unwrap();
        stop
    })
    .unwrap()
}

fn together<T>(seed: u64, tasks: Vec<Task<'_, T>>) -> Vec<T> {
    run_together(tasks, &mut Chance::new(seed, "turns")).unwrap()
}

fn checked(world: &World) -> Log {
    run(invariants::check(world)).unwrap().unwrap()
}

#[test]
fn two_releases_at_once_are_one_permit() {
    for seed in 0..SEEDS {
        let (world, cast) = world(seed);
        let stop = ready(&world, &cast);
        let call = stop.by_driver();
        let tokens = run(async {
            let vehicle = world.app.issue_vehicle_token(&call, stop.session).await.unwrap();
            let wanted = Wanted { scope: Scope::GroceryHandoff, audience: cast.lock };
            let mut tokens = Vec::new();
            for _ in 0..2 {
                let token = world.app.exchange_token(&call, &vehicle.secret, wanted).await;
                tokens.push(token.unwrap().secret);
            }
            tokens
        });
        let tokens = tokens.unwrap();
        let tasks = tokens.iter().map(|token| -> Task<'_, _> {
            Box::pin(world.app.release(&call, stop.session, GOODS, token))
        });
        let outcomes = together(seed, tasks.collect());
        let granted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(granted, 1, "seed {seed}: {outcomes:?}");
        let log = checked(&world);
        assert_eq!((log.count("release.authorised"), log.count("request.refused")), (1, 1));
        run(world.pass(5_000)).unwrap().unwrap();
        assert_eq!(world.metal.with(cast.lock, |unit, _| unit.truth()).unwrap(), 1);
    }
}

#[test]
fn a_device_class_or_firmware_revoked_before_the_append_is_not_released_to() {
    let mut released_first = 0;
    for seed in 0..MOMENTS {
        let (world, cast) = world(seed);
        let stop = ready(&world, &cast);
        let call = stop.by_driver();
        let token = run(stop.token(GOODS)).unwrap().unwrap();
        let by_staff = cast.by_staff(&world);
        let subject = match seed % 4 {
            0 => TrustSubject::Device(cast.lock),
            1 => TrustSubject::Device(stop.driver().device),
            2 => TrustSubject::Class(DeviceClass::Lock),
            _ => TrustSubject::Firmware(FIRMWARE),
        };
        let tasks: Vec<Task<'_, _>> = vec![
            Box::pin(world.app.release(&call, stop.session, GOODS, &token)),
            Box::pin(async {
                // At every moment of a release, which takes more turns than a revocation.
                for _ in 0..seed {
                    pause().await;
                }
                world.app.withdraw_trust(&by_staff, subject, "stolen").await
            }),
        ];
        let outcomes = together(seed, tasks);
        assert!(outcomes[1].is_ok(), "seed {seed}: a revocation is never refused");
        let log = checked(&world);
        let place = |name| log.names.iter().position(|known| *known == name);
        let revoked = place("device.revoked").or(place("trust.revoked"));
        let released = place("release.authorised");
        assert_eq!(outcomes[0].is_ok(), released.is_some(), "seed {seed}");
        if released.is_some() {
            assert!(released < revoked, "seed {seed}: released after the revocation");
            released_first += 1;
        }
    }
    assert!((1..MOMENTS).contains(&released_first), "both orders happen: {released_first}");
}

#[test]
fn a_revocation_and_the_outbox_agree_on_whether_the_command_left() {
    let mut sent_first = 0;
    for seed in 0..SEEDS {
        let (world, cast) = world(seed);
        let stop = ready(&world, &cast);
        run(stop.release(GOODS)).unwrap().unwrap();
        let call = stop.by_customer();
        let tasks: Vec<Task<'_, ()>> = vec![
            Box::pin(async { world.app.run_effects().await.map(|_| ()).unwrap() }),
            Box::pin(async { world.app.run_effects().await.map(|_| ()).unwrap() }),
            Box::pin(async { world.app.revoke(&call, stop.session).await.map(|_| ()).unwrap() }),
        ];
        together(seed, tasks);
        run(world.pass(5_000)).unwrap().unwrap();
        let log = checked(&world);
        let opened = world.metal.with(cast.lock, |unit, _| unit.truth()).unwrap();
        let sent = u64::try_from(log.count("command.sent")).unwrap();
        assert_eq!((opened, log.count("release.not_executed") as u64), (sent, 1 - sent));
        sent_first += sent;
    }
    assert!((1..SEEDS).contains(&sent_first), "both orders happen: {sent_first}");
}

#[test]
fn of_two_codes_tokens_links_made_at_once_one_counts() {
    for seed in 0..SEEDS {
        let (world, cast) = world(seed);
        let stop = ready(&world, &cast);
        let (app, call, id) = (&world.app, stop.by_driver(), stop.session);
        let twice: Vec<Task<'_, _>> = vec![
            Box::pin(app.issue_vehicle_token(&call, id)),
            Box::pin(app.issue_vehicle_token(&call, id)),
        ];
        let mut alive = 0;
        for secret in together(seed, twice) {
            let found = run(app.introspect_token(&call, &secret.unwrap().secret)).unwrap();
            alive += usize::from(found.unwrap().is_some());
        }
        assert_eq!(alive, 1, "seed {seed}: vehicle tokens");

        let by_store = cast.by_store(&world);
        let twice: Vec<Task<'_, _>> =
            vec![Box::pin(app.issue_link(&by_store, id)), Box::pin(app.issue_link(&by_store, id))];
        let key = key_of(&world.draw_key().unwrap()).unwrap();
        let mut redeemed = 0;
        for link in together(seed, twice) {
            let secret = link.unwrap().secret;
            let twice: Vec<Task<'_, _>> = vec![
                Box::pin(app.redeem_link(&world.partition, &secret, key)),
                Box::pin(app.redeem_link(&world.partition, &secret, key)),
            ];
            for outcome in together(seed, twice) {
                match outcome {
                    Ok(_) => redeemed += 1,
                    Err(failure) => assert_eq!(failure, Failure::Unauthenticated),
                }
            }
        }
        assert_eq!(redeemed, 1, "seed {seed}: links");
        checked(&world);
    }
}

#[test]
fn one_code_shown_twice_at_once_proves_presence_once() {
    for seed in 0..SEEDS {
        let (world, cast) = world(seed);
        let stop = run(async {
            let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
            stop.bind().await.unwrap();
            stop.assign().await.unwrap();
            stop.stay().await.unwrap();
            stop.arrive().await.unwrap();
            stop
        })
        .unwrap();
        let (app, call, id) = (&world.app, stop.by_driver(), stop.session);
        let code = run(app.issue_code(&stop.by_customer(), id)).unwrap().unwrap();
        let twice: Vec<Task<'_, _>> = vec![
            Box::pin(app.present_proof(&call, id, Presented::Digits(&code.digits))),
            Box::pin(app.present_proof(&call, id, Presented::Scan(&code.scan))),
        ];
        let proven = together(seed, twice).iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(proven, 1, "seed {seed}");
        assert_eq!(checked(&world).count("presence.proven"), 1);
    }
}

#[test]
fn two_first_orders_of_one_customer_at_once_both_stay_readable() {
    for seed in 0..SEEDS {
        let (world, cast) = world(seed);
        let ask = order(&world, vec![goods(cast.lock)]).unwrap();
        let by_store = cast.by_store(&world);
        let twice: Vec<Task<'_, _>> = vec![
            Box::pin(world.app.create_order(&by_store, &ask)),
            Box::pin(world.app.create_order(&by_store, &ask)),
        ];
        for placed in together(seed, twice) {
            let placed = placed.unwrap();
            let (order, session) = (placed.order.unwrap(), placed.session.unwrap());
            run(async {
                let customer = bind_customer(&world, &by_store, session).await.unwrap();
                let stop = Stop { world: &world, cast: &cast, order, session, customer };
                stop.bind().await.unwrap();
                let view = world.app.view_session(&by_store, session).await.unwrap();
                assert!(PLATE.ends_with(&view.plate_last3.unwrap()), "seed {seed}");
            })
            .unwrap();
        }
    }
}

#[test]
fn what_is_shown_of_a_stop_is_never_older_than_the_version_it_is_shown_with() {
    let mut outrun = 0;
    for seed in 0..MOMENTS {
        let (world, cast) = world(seed);
        let stop = ready(&world, &cast);
        let by_staff = cast.by_staff(&world);
        let shown = Cell::new(None);
        let tasks: Vec<Task<'_, ()>> = vec![
            Box::pin(async { _ = world.app.hold(&by_staff, stop.session).await.unwrap() }),
            Box::pin(async {
                for _ in 0..seed {
                    pause().await;
                }
                shown.set(Some(world.app.view_session(&by_staff, stop.session).await.unwrap()));
            }),
        ];
        together(seed, tasks);
        let shown = shown.take().unwrap();
        let last = run(world.app.view_session(&by_staff, stop.session)).unwrap().unwrap();
        // Whoever has seen this version is not shown it again.
        let is_last = shown.version == last.version;
        assert!(!is_last || shown.session == last.session, "seed {seed}: an old state for good");
        outrun += u64::from(!is_last);
    }
    assert!((1..MOMENTS).contains(&outrun), "both orders happen: {outrun}");
}
