//! The log's order of doing things: entries are durable before they are signed, a failure whose outcome nobody knows leaves
//! no entry with two places or none, and nothing is signed that contradicts what was signed (M-AUD-1, `design.md` §4).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use carhop_app::batch::{Appended, Batch};
use carhop_app::checkpoint::{CheckpointError, Notary, NotaryError};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, JournalError, Pending};
use carhop_app::record::Partition;
use carhop_app::records::CheckpointRecord;
use carhop_journal::{MemoryJournal, SqliteJournal};
use carhop_proofs::audit::{Checkpoint, Part, Tile, decode_bundle};
use carhop_proofs::merkle::{Hash, leaf_hash, root, verify_consistency, verify_inclusion};
use carhop_proofs::suite::{AwsLc, RustCrypto};
use carhop_sim::world::World;

/// A journal whose next append of a kind fails without saying whether it happened.
struct Doubtful {
    inner: Arc<dyn Journal>,
    next: AtomicU8,
}

/// What the next append comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine = 0,
    HappenedUnheard = 1,
    NeverHappened = 2,
}

impl Doubtful {
    fn fail_next(&self, fate: Fate) {
        self.next.store(fate as u8, Ordering::SeqCst);
    }
}

impl Forwarding for Doubtful {
    fn behind(&self) -> &dyn Journal {
        &*self.inner
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        let fate = self.next.swap(Fate::Fine as u8, Ordering::SeqCst);
        Box::pin(async move {
            if fate == Fate::NeverHappened as u8 {
                return Err(JournalError::Unknown("the power failed".to_owned()).into());
            }
            let appended = self.inner.append(batch).await;
            if fate == Fate::HappenedUnheard as u8 {
                return Err(JournalError::Unknown("the power failed".to_owned()).into());
            }
            appended
        })
    }
}

/// A notary that remembers as the real one does, and writes its notes plainly.
#[derive(Default)]
struct Remembers(Mutex<Option<Checkpoint>>);

impl Notary for Remembers {
    fn last(&self, _: &Partition) -> Result<Option<Checkpoint>, NotaryError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn sign(&self, _: &Partition, size: u64, root: Hash) -> Result<String, NotaryError> {
        let checkpoint = Checkpoint { origin: "log.example".to_owned(), size, root };
        *self.0.lock().unwrap() = Some(checkpoint.clone());
        Ok(checkpoint.text())
    }
}

fn world_over(inner: Arc<dyn Journal>, seed: u64) -> (World, Arc<Doubtful>) {
    let journal = Arc::new(Doubtful { inner, next: AtomicU8::new(Fate::Fine as u8) });
    (World::new(seed, Arc::clone(&journal) as _).unwrap(), journal)
}

/// Both journals, the second one in a folder that must live on.
fn journals(folder: &std::path::Path) -> [Arc<dyn Journal>; 2] {
    let path = folder.join("journal.sqlite");
    [Arc::new(MemoryJournal::default()), Arc::new(SqliteJournal::open(path).unwrap())]
}

async fn happen(world: &World, events: usize) {
    for _ in 0..events {
        world.app.note_start(&world.partition, "test", 0).await.unwrap();
    }
}

async fn sequence(world: &World) {
    while world.app.sequence().await.unwrap() > 0 {}
}

/// Every event has one place, and every tile and proof follows from the leaves.
async fn assert_sound(world: &World, events: u64) {
    let log = world.app.log(&world.partition);
    let entries = log.entries(0, 10_000).await.unwrap();
    assert!(entries.iter().map(|entry| entry.position).eq(0..events));
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.recorded.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, events, "an event has two places");
    let hashes: Vec<Hash> =
        entries.iter().map(|entry| leaf_hash(&RustCrypto, &entry.leaf)).collect();
    let (size, kept) = log.root().await.unwrap();
    assert_eq!((size, kept), (events, root(&RustCrypto, &hashes)));
    for tile in Tile::all(events) {
        let bytes = log.tile(tile).await.unwrap().unwrap();
        let start = usize::try_from(tile.start()).unwrap();
        match tile.part {
            Part::Entries => {
                let leaves = decode_bundle(&bytes, tile.width).unwrap();
                assert_eq!(leaf_hash(&AwsLc, leaves[0]), hashes[start], "{tile}");
            }
            Part::Hashes(0) => {
                let within = &hashes[start..start + usize::from(tile.width)];
                assert_eq!(bytes, within.concat(), "{tile}");
            }
            Part::Hashes(_) => {
                let below = hashes.chunks_exact(256).map(|full| root(&AwsLc, full));
                assert_eq!(bytes, below.collect::<Vec<_>>().concat(), "{tile}");
            }
        }
        let wider = Tile { width: tile.width + 1, ..tile };
        assert!(tile.is_full() || log.tile(wider).await.unwrap().is_none(), "{tile}");
    }
    let early = events / 3;
    let proof = log.inclusion(early, events).await.unwrap().unwrap();
    let at = usize::try_from(early).unwrap();
    assert_eq!(verify_inclusion(&AwsLc, &hashes[at], early, events, &proof, &kept), Ok(()));
    let before = log.root_at(early).await.unwrap().unwrap();
    assert_eq!(before, root(&AwsLc, &hashes[..at]));
    let proof = log.consistency(early, events).await.unwrap().unwrap();
    assert_eq!(verify_consistency(&AwsLc, early, events, &proof, &before, &kept), Ok(()));
    assert_eq!(log.root_at(events + 1).await.unwrap(), None);
    assert_eq!(log.inclusion(events, events + 1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_of_unknown_fate_leaves_no_event_with_two_places_or_none() {
    for fate in [Fate::HappenedUnheard, Fate::NeverHappened] {
        let folder = tempfile::tempdir().unwrap();
        for inner in journals(folder.path()) {
            let (world, journal) = world_over(inner, 5);
            // The second run begins in the middle of a tile and completes one.
            happen(&world, 200).await;
            sequence(&world).await;
            happen(&world, 400).await;
            journal.fail_next(fate);
            world.app.sequence().await.unwrap_err();
            sequence(&world).await;
            assert_sound(&world, 600).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_entries_and_checkpoint_costs_a_checkpoint_and_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    for inner in journals(folder.path()) {
        let notary = Remembers::default();
        let (world, journal) = world_over(Arc::clone(&inner), 5);
        happen(&world, 3).await;
        sequence(&world).await;
        assert_eq!(world.app.sign_checkpoint(&world.partition, &notary).await, Ok(3));
        happen(&world, 4).await;
        // The entries get their places, and the power fails before anything is signed.
        sequence(&world).await;
        drop((world, journal));
        let (world, journal) = world_over(Arc::clone(&inner), 6);
        assert_eq!(world.app.sign_checkpoint(&world.partition, &notary).await, Ok(7));

        // It is signed, and whether the journal keeps it is not known.
        for (fate, size) in [(Fate::HappenedUnheard, 8), (Fate::NeverHappened, 9)] {
            happen(&world, 1).await;
            sequence(&world).await;
            journal.fail_next(fate);
            world.app.sign_checkpoint(&world.partition, &notary).await.unwrap_err();
            assert_eq!(world.app.sign_checkpoint(&world.partition, &notary).await, Ok(size));
        }
        let kept: Vec<CheckpointRecord> = world.app.log(&world.partition).records().await.unwrap();
        assert!(kept.iter().map(|one| one.size).eq([3, 7, 8, 9]), "each is kept once");
        let (_, root) = world.app.log(&world.partition).root().await.unwrap();
        assert!(kept.last().unwrap().note.ends_with(&{
            let origin = "log.example".to_owned();
            Checkpoint { origin, size: 9, root }.text()
        }));
    }
}

#[tokio::test]
async fn a_log_that_does_not_continue_the_signed_one_is_not_signed() {
    let notary = Remembers::default();
    let (world, _) = world_over(Arc::new(MemoryJournal::default()), 5);
    happen(&world, 300).await;
    sequence(&world).await;
    assert_eq!(world.app.sign_checkpoint(&world.partition, &notary).await, Ok(300));
    let signed = notary.last(&world.partition).unwrap();

    // A backup from before the last checkpoint, and what happened after it was restored.
    for (events, version) in [(299, "test"), (300, "other"), (700, "other")] {
        let (restored, _) = world_over(Arc::new(MemoryJournal::default()), 5);
        for _ in 0..events {
            restored.app.note_start(&restored.partition, version, 0).await.unwrap();
        }
        sequence(&restored).await;
        let refused = restored.app.sign_checkpoint(&restored.partition, &notary).await;
        assert_eq!(refused, Err(CheckpointError::Diverged { signed: 300, size: events }));
        assert_eq!(notary.last(&world.partition).unwrap(), signed);
    }
    // The same seed tells the same story, which may go on.
    let (same, _) = world_over(Arc::new(MemoryJournal::default()), 5);
    happen(&same, 301).await;
    sequence(&same).await;
    assert_eq!(same.app.sign_checkpoint(&same.partition, &notary).await, Ok(301));
}
