//! API keys: made, revoked, and told apart from what somebody put into the database (M-TOK-1, M-AUD-1).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carhop_app::Failure;
use carhop_app::batch::{Appended, Batch};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, JournalError, Pending};
use carhop_app::records::ApiScope;
use carhop_journal::MemoryJournal;
use carhop_sim::SimError;
use carhop_sim::executor::run;
use carhop_sim::fixtures::Cast;
use carhop_sim::world::World;

/// A journal that has room for everything, or only for what takes something away.
#[derive(Default)]
struct Disk {
    journal: MemoryJournal,
    is_full: AtomicBool,
}

impl Forwarding for Disk {
    fn behind(&self) -> &dyn Journal {
        &self.journal
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        if self.is_full.load(Ordering::Relaxed) && !batch.takes_away() {
            return Box::pin(async { Err(JournalError::Full.into()) });
        }
        self.journal.append(batch)
    }
}

#[test]
fn a_key_can_be_revoked_when_nothing_can_be_made_any_more() {
    let disk = Arc::new(Disk::default());
    let world = World::new(911, Arc::clone(&disk) as _).unwrap();
    let played = run(async {
        let cast = Cast::assemble(&world).await?;
        let (app, partition, staff) = (&world.app, &world.partition, cast.by_staff(&world));
        let (id, key) = app.make_api_key(&staff, "till", &[ApiScope::Orders]).await?;
        assert!(!app.has_administrator(partition).await?);
        app.make_api_key(&staff, "head office", &[ApiScope::Admin]).await?;
        assert!(app.has_administrator(partition).await?);
        assert_eq!(app.authenticate_api_key(partition, &key).await?.record.id, id);

        disk.is_full.store(true, Ordering::Relaxed);
        let made = app.make_api_key(&staff, "one more", &[ApiScope::Orders]).await;
        assert!(matches!(made, Err(Failure::Journal(JournalError::Full))));
        app.revoke_api_key(&staff, id, "leaked").await?;
        let found = app.authenticate_api_key(partition, &key).await;
        assert_eq!(found, Err(Failure::Unauthenticated));
        Ok::<(), SimError>(())
    });
    played.unwrap().unwrap();
}
