//! Records as the last commit left them, so that a decision does not ask another thread for what has not changed.
//!
//! What stands here is never older than what anybody was told is durable: the writer enters what it has committed before it
//! answers, and a reading is kept only if no commit has come since it began. What is not here is read from the database.

use std::sync::{Mutex, MutexGuard, PoisonError};

use carhop_app::record::{RecordKey, Versioned};
use hashlink::LruCache;

/// The records that were read or written last, and those that were asked for and are not there.
pub(super) struct Kept(Mutex<Held>);

struct Held {
    records: LruCache<RecordKey, Option<Versioned>>,
    bytes: usize,
    /// How many commits were entered.
    commits: u64,
    is_open: bool,
}

/// What is known of a record.
pub(super) enum Found {
    /// This, or that there is none.
    Here(Option<Versioned>),
    /// Nothing: it has to be read. Whoever reads it brings this back.
    Elsewhere(Since),
}

/// How many commits there had been when a reading began.
#[derive(Clone, Copy)]
pub(super) struct Since(u64);

impl Kept {
    /// Keeps what it is given.
    pub(super) fn open() -> Self {
        Self::with(true)
    }

    /// Keeps nothing: for a file that others write to.
    pub(super) fn closed() -> Self {
        Self::with(false)
    }

    fn with(is_open: bool) -> Self {
        let records = LruCache::new_unbounded();
        Self(Mutex::new(Held { records, bytes: 0, commits: 0, is_open }))
    }

    pub(super) fn find(&self, key: &RecordKey) -> Found {
        let mut held = self.lock();
        match held.records.get(key) {
            Some(record) => Found::Here(record.clone()),
            None => Found::Elsewhere(Since(held.commits)),
        }
    }

    /// Keeps what was read, unless a commit has come meanwhile: the reading may be from before it.
    pub(super) fn enter_read(&self, since: Since, key: RecordKey, record: Option<Versioned>) {
        let mut held = self.lock();
        if held.commits == since.0 {
            held.put(key, record);
        }
    }

    /// Keeps what a commit has left of the records that it touched. To be called before anybody hears of the commit.
    pub(super) fn enter_committed(
        &self,
        records: impl IntoIterator<Item = (RecordKey, Option<Versioned>)>,
    ) {
        let mut held = self.lock();
        held.commits += 1;
        for (key, record) in records {
            held.put(key, record);
        }
    }

    /// Keeps nothing any more: what the disk holds is known only after opening again.
    pub(super) fn close(&self) {
        let mut held = self.lock();
        held.is_open = false;
        held.records.clear();
        held.bytes = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(&mut self, key: RecordKey, record: Option<Versioned>) {
        if !self.is_open {
            return;
        }
        if let Some(old) = self.records.remove(&key) {
            self.bytes -= weight(&key, old.as_ref());
        }
        let weight_bytes = weight(&key, record.as_ref());
        if weight_bytes > RECORD_BYTES_MAX {
            return;
        }
        self.bytes += weight_bytes;
        self.records.insert(key, record);
        while self.bytes > BYTES_MAX {
            let Some((key, record)) = self.records.remove_lru() else { break };
            self.bytes -= weight(&key, record.as_ref());
        }
    }
}

/// About the memory that an entry takes.
fn weight(key: &RecordKey, record: Option<&Versioned>) -> usize {
    let names = key.partition.tenant.as_str().len() + key.partition.market.as_str().len();
    ENTRY_BYTES + names + key.key.len() + record.map_or(0, |record| record.body.len())
}

/// The most that is kept: the records of about ten thousand stops that are under way.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// What is larger is read each time, so that one record cannot drive all others out.
const RECORD_BYTES_MAX: usize = 256 * 1024;
/// What an entry takes besides its texts.
const ENTRY_BYTES: usize = 192;

#[cfg(test)]
mod tests {
    use carhop_app::record::{Kind, Partition};

    use super::*;

    fn key(name: &str) -> RecordKey {
        let partition =
            Partition { tenant: "acme".parse().unwrap(), market: "sunnyvale".parse().unwrap() };
        RecordKey { partition, kind: Kind::Token, key: name.to_owned() }
    }

    fn versioned(version: u64, length: usize) -> Versioned {
        Versioned { version, body: vec![7; length] }
    }

    fn since(kept: &Kept, name: &str) -> Since {
        match kept.find(&key(name)) {
            Found::Elsewhere(since) => since,
            Found::Here(record) => panic!("{name} is kept as {record:?}"),
        }
    }

    fn version(kept: &Kept, name: &str) -> Option<u64> {
        match kept.find(&key(name)) {
            Found::Here(record) => record.map(|record| record.version),
            Found::Elsewhere(_) => panic!("{name} is not kept"),
        }
    }

    #[test]
    fn a_reading_that_a_commit_has_overtaken_is_not_kept() {
        let kept = Kept::open();
        let begun = since(&kept, "read");
        kept.enter_committed([(key("other"), Some(versioned(1, 9)))]);
        kept.enter_read(begun, key("read"), Some(versioned(1, 9)));
        let again = since(&kept, "read");
        kept.enter_read(again, key("read"), Some(versioned(2, 9)));
        assert_eq!((version(&kept, "read"), version(&kept, "other")), (Some(2), Some(1)));
    }

    #[test]
    fn a_commit_replaces_what_was_kept_and_what_it_deletes_is_known_to_be_gone() {
        let kept = Kept::open();
        let writes = [
            (key("a"), Some(versioned(1, 9))),
            (key("a"), Some(versioned(2, 9))),
            (key("b"), None),
        ];
        kept.enter_committed(writes);
        assert_eq!((version(&kept, "a"), version(&kept, "b")), (Some(2), None));
        kept.enter_committed([(key("a"), None)]);
        assert_eq!(version(&kept, "a"), None);
    }

    #[test]
    fn what_was_asked_for_longest_ago_makes_room_and_what_is_too_large_takes_none() {
        let kept = Kept::open();
        let most = BYTES_MAX / RECORD_BYTES_MAX;
        let large = RECORD_BYTES_MAX - 2 * ENTRY_BYTES;
        kept.enter_committed([
            (key("first"), Some(versioned(1, 9))),
            (key("second"), Some(versioned(1, 9))),
        ]);
        for number in 0..2 * most {
            assert_eq!(version(&kept, "first"), Some(1), "asked for all the time");
            kept.enter_committed([(key(&format!("large {number}")), Some(versioned(1, large)))]);
        }
        since(&kept, "second");
        since(&kept, "large 0");
        kept.enter_committed([(key("first"), Some(versioned(2, RECORD_BYTES_MAX)))]);
        since(&kept, "first");
        assert!(kept.lock().bytes <= BYTES_MAX);
    }

    #[test]
    fn once_closed_nothing_is_kept() {
        let kept = Kept::open();
        kept.enter_committed([(key("a"), Some(versioned(1, 9)))]);
        kept.close();
        kept.enter_committed([(key("a"), Some(versioned(2, 9)))]);
        kept.enter_read(since(&kept, "a"), key("a"), Some(versioned(2, 9)));
        since(&kept, "a");
        assert_eq!(kept.lock().bytes, 0);
    }
}
