//! The same whole stop that the simulator plays by hand over a journal in memory, played on tokio over SQLite
//! (`design.md` §9.3).

use std::sync::Arc;

use carhop_journal::{MemoryJournal, SqliteJournal};
use carhop_sim::executor::run;
use carhop_sim::fixtures::{Cast, fuel, goods};
use carhop_sim::stop::play;
use carhop_sim::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_on_two_executors_over_two_journals_leaves_the_same_log() {
    let legs = |cast: &Cast| vec![goods(cast.lock), fuel(cast.pump)];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.sqlite");
    let world = World::new(7, Arc::new(SqliteJournal::open(&path).unwrap())).unwrap();
    let log = play(&world, legs).await.unwrap();
    drop(world);

    let reopened = World::new(7, Arc::new(SqliteJournal::open(&path).unwrap())).unwrap();
    let kept = reopened.app.log(&reopened.partition).root().await.unwrap();
    assert_eq!(kept, (log.size, log.root), "what was acknowledged is remembered");

    let by_hand = World::new(7, Arc::new(MemoryJournal::default())).unwrap();
    assert_eq!(run(play(&by_hand, legs)).unwrap().unwrap(), log);
}
