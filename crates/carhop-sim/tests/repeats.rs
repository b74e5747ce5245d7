//! Requests that find nothing to do: they leave nothing that no entry commits to (standards §9, M-AUD-1).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::collections::BTreeSet;

use carhop_app::ports::Query;
use carhop_app::record::Kind;
use carhop_sim::SimError;
use carhop_sim::fixtures::{goods, once};
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
