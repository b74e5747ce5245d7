//! Members of staff as the use cases know them: what they ask for rests on their being staff, and that they are follows
//! from the log (M-IDN-1, M-AUD-1). How they prove who they are is tried through the server.

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::Arc;

use carhop_app::batch::{Batch, DisputeOutcome, Grievance};
use carhop_app::record::{Kind, Record};
use carhop_app::records::{StaffRecord, StaffRole, StaffTokenRecord};
use carhop_app::told::{Stray, Told};
use carhop_app::{Call, Complaint, Failure, Standing};
use carhop_journal::MemoryJournal;
use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::digest::{KeyThumbprint, SecretHash};
use carhop_kernel::geofence::{Fix, FixSource};
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, call, fix, goods};
use carhop_sim::stop::Stop;
use carhop_sim::world::World;

const DAY_MS: u64 = 24 * 3_600_000;

fn world() -> (World, Cast) {
    let world = World::new(1, Arc::new(MemoryJournal::default())).unwrap();
    let cast = run(Cast::assemble(&world)).unwrap().unwrap();
    (world, cast)
}

async fn invite(world: &World, cast: &Cast) -> StaffRecord {
    let by_staff = cast.by_staff(world);
    world.app.invite_staff(&by_staff, "Ada", StaffRole::Dispatcher).await.unwrap().0
}

/// A call by a member, resting on the record as it is now.
async fn by(world: &World, member: &StaffRecord) -> Call {
    let place = member.place(&world.partition);
    let version = world.journal.record(place.clone()).await.unwrap().unwrap().version;
    let actor = Actor::Staff { by: StaffBy::Member(member.member) };
    let until = world.now().plus_ms(DAY_MS);
    Call {
        standing: Some(Standing { records: vec![(place, version)], until: Some(until) }),
        ..call(world, actor)
    }
}

#[test]
fn what_staff_ask_for_is_not_appended_once_they_are_removed() {
    let (world, cast) = world();
    run(async {
        let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
        let member = invite(&world, &cast).await;
        let by_member = by(&world, &member).await;
        world.app.hold(&by_member, stop.session).await.unwrap();
        assert_eq!(world.app.stands(&by_member).await, Ok(true));
        let by_staff = cast.by_staff(&world);
        world.app.remove_staff(&by_staff, member.member, "left").await.unwrap();
        let late = world.app.resume(&by_member, stop.session).await;
        assert_eq!(late, Err(Failure::Unauthenticated));
        let view = world.app.view_session(&by_staff, stop.session).await.unwrap();
        assert!(view.session.hold().is_some());
        assert_eq!(world.app.stands(&by_member).await, Ok(false));
        world.app.resume(&by_staff, stop.session).await.unwrap();
    })
    .unwrap();
}

#[test]
fn whatever_staff_or_a_store_tell_of_a_stop_is_not_appended_once_they_may_not_call() {
    let (world, cast) = world();
    run(async {
        let stop = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
        stop.bind().await.unwrap();
        let member = invite(&world, &cast).await;
        let by_member = by(&world, &member).await;
        let by_store = Call { standing: by_member.standing.clone(), ..cast.by_store(&world) };
        let seen = [Fix { source: FixSource::Telematics, ..fix(&world, 0.0).unwrap() }];
        let by_staff = cast.by_staff(&world);
        world.app.revoke(&by_staff, stop.session).await.unwrap();
        let (_, key) = stop.customer;
        let complaint = Complaint { about: Grievance::Missing, words: None };
        let (partition, session) = (&world.partition, stop.session);
        world.app.open_dispute(partition, session, key, &complaint).await.unwrap();
        let other = Stop::place(&world, &cast, vec![goods(cast.lock)]).await.unwrap();
        world.app.remove_staff(&by_staff, member.member, "left").await.unwrap();

        let late = world.app.decide_dispute(&by_member, session, DisputeOutcome::Rejected).await;
        assert_eq!(late.err(), Some(Failure::Unauthenticated));
        let late = world.app.report_vehicle_positions(&by_store, other.session, &seen).await;
        assert_eq!(late.err(), Some(Failure::Unauthenticated));
    })
    .unwrap();
}

#[test]
fn a_right_to_call_runs_out_by_itself() {
    let (world, cast) = world();
    run(async {
        let by_member = by(&world, &invite(&world, &cast).await).await;
        world.pass(DAY_MS).await.unwrap();
        assert_eq!(world.app.stands(&by_member).await, Ok(false));
    })
    .unwrap();
}

async fn strays(world: &World) -> Vec<Stray> {
    world.settle().await.unwrap();
    let mut told = Told::default();
    for entry in world.app.feed(&world.partition, None, 0, usize::MAX).await.unwrap() {
        told.follow(&entry.recorded);
    }
    told.strays(&world.app.log(&world.partition)).await.unwrap().into_iter().collect()
}

#[test]
fn somebody_made_staff_in_the_database_alone_is_found() {
    let (world, cast) = world();
    run(async {
        let member = invite(&world, &cast).await;
        assert_eq!(strays(&world).await, []);
        let forged = StaffRecord { role: StaffRole::Administrator, ..member };
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.writes.push(forged.write(&world.partition).unwrap());
        world.journal.append(batch).await.unwrap();
        let key = forged.member.to_string();
        assert_eq!(strays(&world).await, [Stray { kind: Kind::Staff, key }]);
    })
    .unwrap();
}

#[test]
fn no_sign_in_outlives_a_restore() {
    let (world, cast) = world();
    run(async {
        let member = invite(&world, &cast).await.member;
        let (hash, key) = (SecretHash([1; 32]), KeyThumbprint([2; 32]));
        let expires_at = world.now().plus_ms(DAY_MS);
        let token = StaffTokenRecord { hash, member, key, expires_at, ended: false };
        let mut batch = Batch::new(world.partition.clone(), world.now());
        batch.writes.push(token.write(&world.partition).unwrap());
        world.journal.append(batch).await.unwrap();
        let partitions = [world.partition.clone()];
        let restored = world.app.restore(&partitions, world.now()).await.unwrap();
        assert_eq!((restored[0].tokens, restored[0].tickets), (1, 1));
        let kept = world.journal.record(token.place(&world.partition)).await.unwrap().unwrap();
        let kept: StaffTokenRecord = serde_json::from_slice(&kept.body).unwrap();
        assert!(kept.ended);
    })
    .unwrap();
}
