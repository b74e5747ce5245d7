//! A whole log against what is expected of it: a pinned key, and whatever checkpoints were seen before.

use std::collections::BTreeMap;

use carhop_proofs::audit::{Checkpoint, Part, Tile, VerifierKey};
use carhop_proofs::merkle::{Hash, leaf_hash};
use carhop_proofs::suite::Suite;

use super::attached::Followed;
use super::{Archive, Fault, Verified, Verifier, rows};

/// What an auditor brings along.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The key that was pinned.
    pub key: VerifierKey,
    /// Checkpoints that were seen before, by what they are called.
    pub earlier: BTreeMap<String, String>,
    /// Entries that were seen before, from the first one on: leaf hashes of an earlier export.
    pub leaves: Vec<Hash>,
}

/// A whole log that is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What the pinned key signed.
    pub signed: Verified,
    /// All that is there; what is not signed yet came since.
    pub all: Verified,
    /// How many events wait to become entries.
    pub waiting: usize,
    /// How many kept and earlier checkpoints agree with it.
    pub checkpoints: usize,
    /// How many decision records fit.
    pub decisions: usize,
    /// How many statements fit and are signed by their devices.
    pub statements: usize,
}

/// What was signed, by its size: under which name it is known here, and the root.
type Claims = BTreeMap<u64, (String, Hash)>;

/// Checks everything: entries, streams, tiles, checkpoints, and what entries commit to.
pub fn verify_whole(
    suite: &dyn Suite,
    archive: &Archive,
    expected: &Expected,
) -> Result<Whole, Fault> {
    let (signed, claims) = claims(suite, archive, expected)?;
    let (mut verifier, mut followed) = (Verifier::default(), Followed::new(&archive.attached));
    let mut agreed = 0;
    for entry in &archive.entries {
        let seen = usize::try_from(entry.position).ok().and_then(|at| expected.leaves.get(at));
        if seen.is_some_and(|seen| *seen != leaf_hash(suite, &entry.leaf)) {
            let which = "the earlier export".to_owned();
            let (size, agreed) = (expected.leaves.len() as u64, entry.position);
            return Err(Fault::Rewritten { which, size, agreed });
        }
        let recorded = verifier.accept(suite, entry)?;
        followed.follow(suite, entry.position, &recorded)?;
        let so_far = verifier.so_far(suite);
        if let Some((which, root)) = claims.get(&so_far.size) {
            if *root != so_far.root {
                let which = which.clone();
                return Err(Fault::Rewritten { which, size: so_far.size, agreed });
            }
            agreed = so_far.size;
        }
    }
    let found = verifier.so_far(suite).size;
    if let Some((size, (which, _))) = claims.last_key_value().filter(|(size, _)| **size > found) {
        return Err(Fault::Truncated { which: which.clone(), signed: *size, found });
    }
    let all = verifier.so_far(suite);
    for (position, stored) in (all.size..).zip(&archive.waiting) {
        let recorded = verifier.accept_waiting(position, stored)?;
        followed.follow(suite, position, &recorded)?;
    }
    followed.finish()?;
    tiles(suite, archive)?;
    Ok(Whole {
        signed,
        all,
        waiting: archive.waiting.len(),
        checkpoints: claims.len(),
        decisions: archive.attached.decisions.len(),
        statements: archive.attached.statements.len(),
    })
}

/// What was signed: the last checkpoint, and every one by its size. Kept notes of the log's earlier keys are passed over.
fn claims(
    suite: &dyn Suite,
    archive: &Archive,
    expected: &Expected,
) -> Result<(Verified, Claims), Fault> {
    let last = "the checkpoint".to_owned();
    let earlier = expected.earlier.iter().map(|(name, note)| (name.clone(), note));
    let kept = archive.kept.iter().filter(|(_, note)| !is_of_earlier_key(note, &expected.key));
    let kept = kept.map(|(name, note)| (format!("the kept checkpoint {name}"), note));
    let all = earlier.chain(kept).chain([(last.clone(), &archive.checkpoint)]);
    let (mut claims, mut signed) = (BTreeMap::new(), Verified { size: 0, root: Hash::default() });
    for (which, note) in all {
        let seen = Checkpoint::open(suite, note, &expected.key)
            .map_err(|error| Fault::Signature { which: which.clone(), why: words(&error) })?;
        if which == last {
            signed = Verified { size: seen.size, root: seen.root };
        }
        let (_, root) = claims.entry(seen.size).or_insert((which.clone(), seen.root));
        if *root != seen.root {
            return Err(Fault::Rewritten { which, size: seen.size, agreed: 0 });
        }
    }
    Ok((signed, claims))
}

/// Whether a note is by a key that this log had before: under the same origin with no number or another one.
fn is_of_earlier_key(note: &str, key: &VerifierKey) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (own, origin) = (key.name(), note.lines().next().unwrap_or_default());
    let numbered = own.rsplit_once('/').filter(|(_, number)| is_number(number));
    let base = numbered.map_or(own, |(base, _)| base);
    let number = origin.strip_prefix(base).map(|rest| rest.strip_prefix('/').unwrap_or(rest));
    origin != own && number.is_some_and(|number| number.is_empty() || is_number(number))
}

/// Every tile that is there holds the hashes that the entries make.
fn tiles(suite: &dyn Suite, archive: &Archive) -> Result<(), Fault> {
    let rows = rows(suite, &archive.entries);
    for (tile, bytes) in &archive.tiles {
        if let Part::Hashes(row) = tile.part {
            let row = rows.get(&row).map_or(&[][..], Vec::as_slice);
            row_fits(tile, row, bytes)?;
        }
    }
    Ok(())
}

fn row_fits(tile: &Tile, row: &[Hash], bytes: &[u8]) -> Result<(), Fault> {
    let start = usize::try_from(tile.start()).unwrap_or(usize::MAX);
    let made = row.get(start..start.saturating_add(tile.width.into())).unwrap_or_default();
    let mut found = bytes.chunks(size_of::<Hash>());
    let wrong = (0..usize::from(tile.width))
        .find(|place| found.next() != made.get(*place).map(|hash| &hash[..]))
        .or_else(|| found.next().map(|_| tile.width.into()));
    wrong.map_or(Ok(()), |place| Err(Fault::Tile { tile: tile.to_string(), place }))
}

fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
