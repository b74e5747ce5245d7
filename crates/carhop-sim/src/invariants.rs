//! What must hold after every step, read from the log alone: every entry in its place, every release decided, every
//! command sent at most once, every drop of fuel settled (`design.md` §8).

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::App;
use carhop_app::batch::{Body, DecisionRef, LogEntry, Stream};
use carhop_app::ports::Journal;
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_app::sequence::leaf;
use carhop_app::told::Told;
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::session::{Event, LegIndex};
use carhop_proofs::merkle::{leaf_hash, root};
use carhop_proofs::suite::{RustCrypto, Suite};

use crate::SimError;
use crate::world::World;

/// What the log came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How many entries it has.
    pub size: u64,
    /// Its root.
    pub root: [u8; 32],
    /// The public names of its entries, in order.
    pub names: Vec<&'static str>,
}

impl Log {
    /// How many entries have this name.
    pub fn count(&self, name: &str) -> usize {
        self.names.iter().filter(|known| **known == name).count()
    }
}

/// One partition's journal, and the use cases that read it.
#[derive(Clone, Copy)]
pub struct Books<'a> {
    /// The use cases.
    pub app: &'a App,
    /// What they write to.
    pub journal: &'a dyn Journal,
    /// Whose it is.
    pub partition: &'a Partition,
}

/// Sequences what waits and checks everything. What is under way at this instant may stay under way.
pub async fn check(world: &World) -> Result<Log, SimError> {
    check_books(&books(world)).await
}

/// The same for one partition of any world.
pub async fn check_books(books: &Books<'_>) -> Result<Log, SimError> {
    while books.app.sequence().await? > 0 {}
    let entries = all_entries(books).await?;
    let root = sealed(books, &entries).await?;
    gapless(&entries)?;
    committed(books, &entries).await?;
    as_told(books, &entries).await?;
    for session in sessions(&entries) {
        let events = entries.iter().filter(|entry| entry.recorded.stream == session);
        releases(books, events).await?;
    }
    let names = entries.iter().map(|entry| carhop_app::sequence::event_name(&entry.recorded.body));
    Ok(Log { size: entries.len() as u64, root, names: names.collect() })
}

/// What the log says that a device did: openings of a lock, or millilitres of a pump.
pub async fn told(world: &World, device: DeviceId) -> Result<u64, SimError> {
    let mut told = 0;
    let mut places = BTreeMap::new();
    for entry in entries(world).await? {
        let Body::Session(event) = &entry.recorded.body else { continue };
        let stream = entry.recorded.stream;
        if let Event::ReleaseAuthorised { leg, device, .. } = &**event {
            places.insert((stream, *leg), *device);
        }
        let here = |leg: &LegIndex| places.get(&(stream, *leg)) == Some(&device);
        if let Event::CompartmentOpened { leg, .. } = &**event {
            told += u64::from(here(leg));
        }
        if let Event::FuelSettled { leg, metered_ml } = &**event {
            told += if here(leg) { u64::from(*metered_ml) } else { 0 };
        }
    }
    Ok(told)
}

/// All entries of the log.
pub async fn entries(world: &World) -> Result<Vec<LogEntry>, SimError> {
    all_entries(&books(world)).await
}

fn books(world: &World) -> Books<'_> {
    Books { app: &world.app, journal: &*world.journal, partition: &world.partition }
}

async fn all_entries(books: &Books<'_>) -> Result<Vec<LogEntry>, SimError> {
    let mut entries = Vec::new();
    loop {
        let from = entries.len() as u64;
        let page = books.journal.log(books.partition.clone(), from, PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// Every leaf is the one that its event makes, and the root is the one over all leaves.
async fn sealed(books: &Books<'_>, entries: &[LogEntry]) -> Result<[u8; 32], SimError> {
    let mut hashes = Vec::with_capacity(entries.len());
    for (position, entry) in (0..).zip(entries) {
        let again = leaf(&RustCrypto, &entry.recorded, position)?;
        if entry.position != position || entry.leaf != again {
            return broken(format!("the leaf at {position} is not that of its event"));
        }
        hashes.push(leaf_hash(&RustCrypto, &entry.leaf));
    }
    let (size, kept) = books.app.log(books.partition).root().await?;
    let again = root(&RustCrypto, &hashes);
    if size != entries.len() as u64 || (size > 0 && kept != again) {
        return broken(format!("the root over {size} entries is not that of its leaves"));
    }
    Ok(kept)
}

/// Every record that no leaf commits to is as the events have told it.
async fn as_told(books: &Books<'_>, entries: &[LogEntry]) -> Result<(), SimError> {
    let mut told = Told::default();
    for entry in entries {
        told.follow(&entry.recorded);
    }
    let strays = told.strays(&books.app.log(books.partition)).await?;
    if strays.is_empty() { Ok(()) } else { broken(format!("not as the log tells it: {strays:?}")) }
}

/// Every stream counts from one without a gap, and no event has two places.
fn gapless(entries: &[LogEntry]) -> Result<(), SimError> {
    let mut streams: BTreeMap<Stream, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for entry in entries {
        let last = streams.entry(entry.recorded.stream).or_default();
        *last += 1;
        if entry.recorded.sequence != *last {
            return broken(format!("{:?} has a gap at {last}", entry.recorded.stream));
        }
        if !seen.insert(entry.recorded.id) {
            return broken(format!("{} is in the log twice", entry.recorded.id));
        }
    }
    Ok(())
}

fn sessions(entries: &[LogEntry]) -> BTreeSet<Stream> {
    let streams = entries.iter().map(|entry| entry.recorded.stream);
    streams.filter(|stream| matches!(stream, Stream::Session(_))).collect()
}

/// What one session's events say about its releases so far.
#[derive(Default)]
struct Releases {
    ended: bool,
    authorised: BTreeSet<CommandId>,
    sent: BTreeSet<CommandId>,
    metered: BTreeMap<LegIndex, u32>,
}

async fn releases<'a>(
    books: &Books<'_>,
    events: impl Iterator<Item = &'a LogEntry>,
) -> Result<(), SimError> {
    let mut so_far = Releases::default();
    for entry in events {
        let Body::Session(event) = &entry.recorded.body else {
            return broken("something foreign in a session's own stream");
        };
        if let Event::ReleaseAuthorised { .. } = &**event {
            decided(books, entry).await?;
        }
        so_far.follow(event)?;
    }
    Ok(())
}

/// Every event names the decision behind it by what is stored of it, whether it was granted or refused (M-AUD-1).
async fn committed(books: &Books<'_>, entries: &[LogEntry]) -> Result<(), SimError> {
    for DecisionRef { id, digest } in entries.iter().filter_map(|it| it.recorded.meta.decision) {
        let (partition, kind) = (books.partition.clone(), Kind::Decision);
        let place = RecordKey { partition, kind, key: id.to_string() };
        let stored = books.journal.record(place).await.map_err(SimError::world)?;
        let found = stored.map(|stored| RustCrypto.sha256(&[&stored.body]));
        if found != Some(digest.0) {
            return broken(format!("{id} is not stored as its event says"));
        }
    }
    Ok(())
}

/// No release without a recorded decision that permitted it, under the policies it names.
async fn decided(books: &Books<'_>, entry: &LogEntry) -> Result<(), SimError> {
    let meta = &entry.recorded.meta;
    let Some(decision) = meta.decision else { return broken("a release without a decision") };
    let record = books.app.view_decision(books.partition, decision.id).await?;
    let permits = record.reasons.is_empty()
        && record.facts.is_some()
        && Some(record.policy) == meta.policy
        && Stream::Session(record.session) == entry.recorded.stream
        && matches!(record.request.as_str(), "release_compartment" | "dispense_fuel");
    if permits && meta.token.is_some() && meta.device.is_some() {
        Ok(())
    } else {
        broken(format!("{} does not permit the release made under it", decision.id))
    }
}

impl Releases {
    fn follow(&mut self, event: &Event) -> Result<(), SimError> {
        if let Event::ReleaseAuthorised { release, .. } = event {
            if self.ended {
                return broken("a release after the session's end");
            }
            if !self.authorised.insert(release.command) {
                return broken("a command that was released twice");
            }
        }
        if let Event::CommandSent { command, .. } = event {
            if self.ended || !self.authorised.contains(command) {
                return broken("a command sent without a release in force");
            }
            if !self.sent.insert(*command) {
                return broken("a command sent twice");
            }
        }
        if let Event::CompartmentOpened { command, .. } | Event::PumpArmed { command, .. } = event
            && !self.sent.contains(command)
        {
            return broken("an opening under a command that was not sent");
        }
        if let Event::DispensingEnded { leg, metered_ml } = event {
            self.metered.insert(*leg, *metered_ml);
        }
        if let Event::FuelSettled { leg, metered_ml } = event
            && self.metered.get(leg) != Some(metered_ml)
        {
            return broken("something was settled that was not dispensed");
        }
        self.ended |= matches!(
            event,
            Event::SessionRevoked { .. } | Event::SessionExpired | Event::SessionCompleted { .. }
        );
        Ok(())
    }
}

fn broken<T>(why: impl Into<String>) -> Result<T, SimError> {
    Err(SimError::Broken(why.into()))
}

const PAGE: usize = 256;
