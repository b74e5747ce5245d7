//! Requests that find nothing to do: they leave nothing that no entry commits to, and a late repetition of one is not
//! carried out (standards §9, M-AUD-1).

use std::collections::BTreeSet;

use carhop_app::Candidate;
use carhop_app::batch::Clearance;
use carhop_app::ports::Query;
use carhop_app::record::Kind;
use carhop_app::records::TrustSubject;
use carhop_kernel::device::DeviceClass;
use carhop_policy::Bundle;
use carhop_sim::SimError;
use carhop_sim::fixtures::{enrol, goods, once};
use carhop_sim::stop::{Stop, scene};
use carhop_sim::world::World;

/// Decisions that are kept, and those that entries of the log commit to.
async fn decisions(world: &World) -> Result<[BTreeSet<String>; 2], SimError> {
    let query = Query {
        partition: world.partition.clone(),
        kind: Kind::Decision,
        index: None,
        after: None,
        limit: 1_000,
    };
    let kept = world.journal.records(query).await?.into_iter().map(|(key, _)| key).collect();
    let log = world.journal.log(world.partition.clone(), 0, 10_000).await?;
    let named = log.into_iter().filter_map(|entry| entry.recorded.meta.decision);
    Ok([kept, named.map(|decision| decision.id.to_string()).collect()])
}

#[test]
fn what_is_held_or_revoked_twice_leaves_no_decision_that_no_entry_commits_to() {
    let log = scene(901, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.get_ready().await?;
        let (app, id) = (&world.app, stop.session);
        let (by_staff, by_customer) = (cast.by_staff(world), stop.by_customer());
        app.hold(&by_customer, id).await?;
        let again = once(by_customer.clone(), "hold again", 1);
        let reply = app.hold(&again, id).await?;
        assert_eq!(reply.decision, None, "nothing follows that a decision would stand behind");
        assert!(app.hold(&again, id).await?.replayed);
        // The staff's hold is graver than a pause, and no graver than itself.
        for _ in 0..2 {
            app.hold(&by_staff, id).await?;
        }
        for by in [&by_customer, &by_staff, &by_customer] {
            app.revoke(by, id).await?;
        }
        let again = once(by_staff, "revoke again", 2);
        app.revoke(&again, id).await?;
        assert!(app.revoke(&again, id).await?.replayed);
        world.settle().await?;
        let [kept, named] = decisions(world).await?;
        assert_eq!(kept, named);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("session.revoked"), log.count("session.held")), (1, 2));
}

#[test]
fn a_late_repetition_of_a_request_that_did_nothing_lifts_no_hold() {
    scene(902, async |world, cast| {
        let app = &world.app;
        let by_staff = cast.by_staff(world);
        let resume = once(by_staff.clone(), "resume", 1);
        app.resume_tenant(&resume, "all is well").await?;
        app.hold_tenant(&by_staff, "something is wrong").await?;
        assert!(app.resume_tenant(&resume, "all is well").await?.replayed);
        assert!(app.view_tenant(&world.partition).await?.hold.is_some());
        // The other way round: the same late request to hold is answered, not carried out.
        let hold = once(by_staff.clone(), "hold", 2);
        app.hold_tenant(&hold, "something is wrong").await?;
        app.resume_tenant(&by_staff, "looked at").await?;
        assert!(app.hold_tenant(&hold, "something is wrong").await?.replayed);
        assert!(app.view_tenant(&world.partition).await?.hold.is_none());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_late_repetition_of_a_clearance_that_did_nothing_clears_nothing() {
    for (seed, of) in [(903, Clearance::Freeze), (904, Clearance::Tamper)] {
        scene(seed, async |world, cast| {
            let (app, by_staff) = (&world.app, cast.by_staff(world));
            let clear = once(by_staff, "clear", 1);
            app.clear_device(&clear, cast.lock, of, "nothing found").await?;
            if of == Clearance::Freeze {
                app.freeze_device(&world.partition, cast.lock).await?;
            }
            let again = app.clear_device(&clear, cast.lock, of, "nothing found").await?;
            assert!(again.replayed, "{of:?}");
            let device = app.view_device(&world.partition, cast.lock).await?;
            assert_eq!(device.frozen, of == Clearance::Freeze);
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_late_repetition_of_an_activation_that_did_nothing_brings_no_old_policies_back() {
    scene(905, async |world, cast| {
        let (app, by_staff) = (&world.app, cast.by_staff(world));
        let files = Bundle::embedded().map_err(SimError::world)?.files().to_vec();
        let shipped = Candidate { files, departures: Vec::new(), replaces: None };
        let mut strict = shipped.clone();
        strict.files.push(("own.cedar".to_owned(), NO_RELEASE.to_owned()));
        let keep = once(by_staff.clone(), "keep", 1);
        app.activate_policies(&keep, &shipped).await?;
        let activated = app.activate_policies(&by_staff, &strict).await?;
        assert!(app.activate_policies(&keep, &shipped).await?.replayed);
        let deciding = app.view_policies(&world.partition, None).await?;
        assert_eq!(Some(deciding.policies.version.to_string()), activated.made);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_repeated_withdrawal_that_did_nothing_is_known_again() {
    scene(906, async |world, cast| {
        let by_staff = cast.by_staff(world);
        let (device, _) = enrol(world, &by_staff, DeviceClass::Lock).await?;
        let subject = TrustSubject::Device(device);
        world.app.withdraw_trust(&by_staff, subject, "lost").await?;
        let again = once(by_staff, "again", 1);
        for replayed in [false, true] {
            let reply = world.app.withdraw_trust(&again, subject, "lost").await?;
            assert_eq!(reply.replayed, replayed);
        }
        Ok(())
    })
    .unwrap();
}

const NO_RELEASE: &str = "@id(\"own.no_release\") @reason(\"rung_too_low\")\n\
    forbid (principal, action in Action::\"release\", resource);\n";
