//! Policies that are replaced while a stop is under way: what was judged by the former is never appended once others
//! decide, and what they decided stays explained (M-POL-4, `design.md` §4).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_app::batch::Batch;
use carhop_app::record::Record;
use carhop_app::records::{PolicyInForceRecord, PolicyRecord, TrustSubject};
use carhop_app::{Candidate, Decided, Failure, Reply};
use carhop_journal::MemoryJournal;
use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{HoldCause, LegIndex, LegStateKind};
use carhop_policy::Bundle;
use carhop_proofs::suite::RustCrypto;
use carhop_sim::SimError;
use carhop_sim::chance::Chance;
use carhop_sim::executor::{Task, pause, run, run_together};
use carhop_sim::fixtures::{Cast, fuel, goods, once};
use carhop_sim::invariants;
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::ports::Turns;
use carhop_sim::world::{Fittings, World};

const GOODS: LegIndex = LegIndex(0);
const FUEL: LegIndex = LegIndex(1);
/// More turns than a release takes.
const MOMENTS: u64 = 64;
const NO_HOLD: &str = "@id(\"own.no_hold\") @reason(\"rung_too_low\")\n\
    forbid (principal, action == Action::\"hold\", resource);\n";
const NO_RELEASE: &str = "@id(\"own.no_release\") @reason(\"rung_too_low\")\n\
    forbid (principal, action in Action::\"release\", resource);\n";

fn shipped() -> Candidate {
    let files = Bundle::embedded().unwrap().files().to_vec();
    Candidate { files, departures: Vec::new(), replaces: None }
}

fn with(name: &str, text: &str) -> Candidate {
    let mut candidate = shipped();
    candidate.files.retain(|(file, _)| file != name);
    candidate.files.push((name.to_owned(), text.to_owned()));
    candidate
}

fn version(candidate: &Candidate) -> PolicyVersion {
    let files: Vec<_> =
        candidate.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Bundle::load(&files).unwrap().version()
}

async fn activate(world: &World, cast: &Cast, candidate: &Candidate) -> Result<Reply, SimError> {
    Ok(world.app.activate_policies(&cast.by_staff(world), candidate).await?)
}

#[test]
fn a_release_judged_by_policies_that_were_replaced_meanwhile_is_judged_again() {
    let strict = with("own.cedar", NO_RELEASE);
    let (before, after) = (version(&shipped()), version(&strict));
    let mut released_first = 0;
    for seed in (0..MOMENTS).step_by(4) {
        let world = World::new(seed, Arc::new(Turns(Arc::new(MemoryJournal::default())))).unwrap();
        let cast = run(Cast::assemble(&world)).unwrap().unwrap();
        let stop = run(async {
            let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
            stop.get_ready().await.unwrap();
            stop
        })
        .unwrap();
        let token = run(stop.token(GOODS)).unwrap().unwrap();
        let (by_driver, by_staff) = (stop.by_driver(), cast.by_staff(&world));
        let tasks: Vec<Task<'_, _>> = vec![
            Box::pin(world.app.release(&by_driver, stop.session, GOODS, &token)),
            Box::pin(async {
                // At every moment of a release, which takes more turns than an activation.
                for _ in 0..seed {
                    pause().await;
                }
                world.app.activate_policies(&by_staff, &strict).await
            }),
        ];
        let outcomes = run_together(tasks, &mut Chance::new(seed, "turns")).unwrap();
        assert!(outcomes[1].is_ok(), "seed {seed}: {:?}", outcomes[1]);
        let log = run(invariants::check(&world)).unwrap().unwrap();
        let place = |name| log.names.iter().position(|known| *known == name);
        match (&outcomes[0], place("release.authorised")) {
            (Ok(reply), Some(released)) => {
                assert!(released < place("policy.activated").unwrap(), "seed {seed}");
                let decision = reply.decision.unwrap();
                let kept = run(world.app.view_decision(&world.partition, decision)).unwrap();
                assert_eq!(kept.unwrap().policy, before, "seed {seed}");
                released_first += 1;
            }
            (Err(Failure::Refused(refusal, Some(Decided { policy, .. }))), None) => {
                assert_eq!(refusal.reasons(), [Reason::RungTooLow], "seed {seed}");
                assert_eq!(*policy, after, "seed {seed}");
                assert!(place("policy.activated") < place("request.refused"), "seed {seed}");
            }
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!((1..MOMENTS / 4).contains(&released_first), "both orders happen: {released_first}");
}

#[test]
fn no_policy_stands_in_the_way_of_what_a_revocation_leads_to() {
    // No operator can activate such policies; of what the server itself has to do, nothing asks any.
    let candidate = with("own.cedar", NO_HOLD);
    let files: Vec<_> =
        candidate.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let policies = Bundle::load(&files).unwrap();
    let journal = Arc::new(MemoryJournal::default());
    let world = World::with_policies(83, journal, policies).unwrap();
    let log = run(async {
        let (world, cast) = (&world, &Cast::assemble(&world).await?);
        let stop = Stop::place(world, cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
        stop.get_ready().await?;
        stop.release(LegIndex(0)).await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(LegIndex(0)).await?, LegStateKind::Dispensing);
        let refused = world.app.hold(&cast.by_staff(world), stop.session).await;
        assert!(matches!(refused, Err(Failure::Refused(..))), "{refused:?}");
        let subject = TrustSubject::Device(cast.pump);
        world.app.withdraw_trust(&cast.by_staff(world), subject, "stolen").await?;
        world.pass(5_000).await?;
        assert_eq!(stop.leg(LegIndex(0)).await?, LegStateKind::Settled, "it was told to stop");
        let hold = stop.session().await?.hold().map(|hold| hold.cause);
        assert_eq!(hold, Some(HoldCause::DeviceRevoked));
        invariants::check(world).await
    });
    let log = log.unwrap().unwrap();
    assert_eq!((log.count("command.cancelled"), log.count("revocation.settled")), (1, 1));
}

#[test]
fn policies_replaced_in_mid_stop_decide_the_rest_of_it_and_what_they_decided_stays_explained() {
    let log = scene(81, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock), fuel(cast.pump)]).await?;
        stop.get_ready().await?;
        stop.hand_over(GOODS).await?;
        let strict = with("own.cedar", NO_RELEASE);
        activate(world, cast, &strict).await?;
        let refused = stop.release(FUEL).await;
        let Err(SimError::Failed(Failure::Refused(refusal, Some(decided)))) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((refusal.first(), decided.policy), (Reason::RungTooLow, version(&strict)));
        activate(world, cast, &shipped()).await?;
        stop.fuel(FUEL).await?;
        let kept = world.app.view_policies(&world.partition, Some(decided.policy)).await?;
        assert!(!kept.in_force && kept.policies.files.iter().any(|(_, text)| text == NO_RELEASE));
        Ok(())
    });
    assert_eq!(log.unwrap().count("policy.activated"), 2);
}

#[test]
fn a_restart_judges_by_what_was_activated_and_not_by_what_it_began_with() {
    let journal = Arc::new(MemoryJournal::default());
    let strict = with("own.cedar", NO_RELEASE);
    let world = World::new(82, Arc::clone(&journal) as _).unwrap();
    let cast = run(Cast::assemble(&world)).unwrap().unwrap();
    run(activate(&world, &cast, &strict)).unwrap().unwrap();
    let (suite, chance) = (Arc::new(RustCrypto), Chance::new(82, "restarted"));
    let fittings = Fittings { suite, carrier: None, chance };
    let again = World::fitted(82, journal, Bundle::embedded().unwrap(), fittings).unwrap();
    again.clock.set(world.now().plus_ms(1_000));
    run(again.app.can_decide(&again.partition)).unwrap().unwrap();
    let view = run(again.app.view_policies(&again.partition, None)).unwrap().unwrap();
    assert_eq!((view.policies.version, view.in_force), (version(&strict), true));
    let by_staff = cast.by_staff(&again);
    let refused = run(async {
        let stop = Stop::place(&again, &cast, vec![goods(cast.lock)]).await.unwrap();
        again.app.assign_driver(&by_staff, stop.session, cast.driver.driver).await.unwrap_err()
    });
    let Failure::Refused(_, Some(decided)) = refused.unwrap() else { panic!("not refused") };
    assert_eq!(decided.policy, version(&strict));
}

#[test]
fn policies_come_into_force_only_if_they_are_fit_and_say_what_they_depart_from() {
    let base = shipped().files.into_iter().find(|(name, _)| name == "base.cedar").unwrap().1;
    let grocery = shipped().files.into_iter().find(|(name, _)| name == "grocery.cedar").unwrap().1;
    let lax = grocery.replace("> 45000", "> 60000");
    let depart = |departures: &[&str]| {
        let departures = departures.iter().map(|id| (*id).to_owned()).collect();
        Candidate { departures, ..with("grocery.cedar", &lax) }
    };
    let careless = base.replace("context has hold || ", "");
    let rows = [
        (with("own.cedar", "forbid (principal, action, resource);"), "`@id`"),
        (with("base.cedar", &careless), "`release.not_held` protects lock and pump"),
        (with("grocery.cedar", &lax), "these shipped requirements: grocery.token_young"),
        (depart(&["grocery.token_young", "grocery.age_proven"]), "grocery.token_young"),
        (
            Candidate { departures: vec!["grocery.age_proven".to_owned()], ..shipped() },
            "no shipped",
        ),
    ];
    let log = scene(83, async |world, cast| {
        for (candidate, why) in &rows {
            let refused = activate(world, cast, candidate).await;
            let Err(SimError::Failed(Failure::Invalid { why: told, .. })) = refused else {
                panic!("{why}: {refused:?}")
            };
            assert!(told.contains(why), "{told}");
        }
        let by_store = cast.by_store(world);
        let denied = world.app.activate_policies(&by_store, &shipped()).await;
        assert_eq!(denied.unwrap_err(), Failure::NotFound);
        let named = depart(&["grocery.token_young"]);
        let stale = Candidate { replaces: Some(version(&named)), ..named.clone() };
        let outdated = world.app.activate_policies(&cast.by_staff(world), &stale).await;
        assert_eq!(outdated.unwrap_err(), Failure::Outdated);
        let fresh = Candidate { replaces: Some(version(&shipped())), ..named };
        let call = once(cast.by_staff(world), "activate", 1);
        let first = world.app.activate_policies(&call, &fresh).await?;
        let again = world.app.activate_policies(&call, &fresh).await?;
        assert!(!first.replayed && again.replayed);
        world.settle().await
    });
    assert_eq!(log.unwrap().count("policy.activated"), 1, "what was refused is no event");
}

#[test]
fn policies_that_this_program_cannot_read_decide_nothing_until_others_are_activated() {
    let log = scene(84, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let mut files = shipped().files;
        files.retain(|(name, _)| name != "rungs.txt");
        let version = Bundle::version_of(&files).unwrap();
        let mut batch = Batch::new(world.partition.clone(), world.now());
        for write in [
            PolicyRecord { version, files }.write(&world.partition)?,
            PolicyInForceRecord { version, activated_at: world.now() }.write(&world.partition)?,
        ] {
            batch.writes.push(write);
        }
        world.journal.append(batch).await.unwrap();
        assert!(world.app.can_decide(&world.partition).await.is_err());
        let asked = world.app.verify_recipient(&stop.by_customer(), stop.session).await;
        assert!(matches!(asked, Err(Failure::Internal(_))), "{asked:?}");
        activate(world, cast, &shipped()).await?;
        stop.bind().await
    });
    assert_eq!(log.unwrap().count("policy.activated"), 1);
}
