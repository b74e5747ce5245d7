//! What can be wrong with a log, in words for whoever checks it.

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file is missing or does not hold what it should.
    #[error("{file}: {what}")]
    File {
        /// Which file, and which line of it if it has lines.
        file: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An entry is missing, repeated or out of order.
    #[error("entry {found} stands where {expected} belongs")]
    Position {
        /// The position that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The stored event cannot be read.
    #[error("entry {0} holds no readable event")]
    Unreadable(u64),
    /// The leaf is not the one that the stored event makes.
    #[error("entry {0}: the leaf does not fit the event")]
    Leaf(u64),
    /// An event of another tenant or market.
    #[error("entry {0} is of another tenant or market")]
    Foreign(u64),
    /// An event of a stream is missing or out of order.
    #[error("entry {position}: event {found} of its stream stands where {expected} belongs")]
    Stream {
        /// Which entry.
        position: u64,
        /// The number that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The entries are whole, but their number is another.
    #[error("{found} entries, but {expected} are claimed")]
    Size {
        /// What is claimed.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The tree over the entries has another root.
    #[error("the entries do not make the claimed root")]
    Root,
    /// A checkpoint is not signed with the expected key, or is no checkpoint.
    #[error("{which} is not signed with the pinned key: {why}")]
    Signature {
        /// Which checkpoint.
        which: String,
        /// Why not.
        why: String,
    },
    /// The log is shorter than what was signed.
    #[error("the log ends after {found} entries, but {which} was signed over {signed}")]
    Truncated {
        /// Which checkpoint.
        which: String,
        /// How many entries it covers.
        signed: u64,
        /// How many there are.
        found: u64,
    },
    /// What was signed is not what is there.
    #[error(
        "the first {size} entries are not those that {which} was signed over: the log was rewritten after entry \
         {agreed} (counted from 1), up to which all checkpoints agree"
    )]
    Rewritten {
        /// Which checkpoint.
        which: String,
        /// How many entries it covers.
        size: u64,
        /// How many first entries an earlier checkpoint still confirms.
        agreed: u64,
    },
    /// A hash tile does not follow from the entries.
    #[error("{tile}: hash {place} is not the one that the entries make")]
    Tile {
        /// Which tile.
        tile: String,
        /// Which hash of it, from zero.
        place: usize,
    },
    /// What an entry commits to is not there, or was changed: nothing with its hash is there.
    #[error("entry {position}: {what} that it commits to is missing or was changed")]
    Missing {
        /// Which entry.
        position: u64,
        /// What is missing.
        what: &'static str,
    },
    /// What an entry commits to says something else than the entry.
    #[error("entry {position}: {what} says something else than the entry")]
    Contradiction {
        /// Which entry.
        position: u64,
        /// What contradicts it.
        what: &'static str,
    },
    /// A device's statement is not signed with a key that the device had.
    #[error("entry {0}: the device's statement is not signed with a key certified for the device")]
    Statement(u64),
    /// An event of the journal is not where the log has it, or nowhere in the log.
    #[error("event {event}, row {row} of the journal, {what}")]
    Beside {
        /// Which row.
        row: u64,
        /// Which event.
        event: String,
        /// What is wrong with its place.
        what: &'static str,
    },
    /// A record does not say what it is kept as.
    #[error("the {kind} record `{key}` holds something else than its name says")]
    Record {
        /// Of which kind.
        kind: &'static str,
        /// Under which key.
        key: String,
    },
    /// A record of what holds or whose trust was withdrawn does not follow from the events.
    #[error("the {kind} record `{key}` is not as the log tells")]
    Untold {
        /// Of which kind.
        kind: &'static str,
        /// Under which key.
        key: String,
    },
    /// The journal holds something that is in no form.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
    /// A command is not signed with the authority's key.
    #[error("entry {0}: the command is not signed with a key that the log names before it")]
    Command(u64),
    /// A certificate does not lead to the root that the log names.
    #[error(
        "entry {position}: the device's certificate does not lead to the root that the log names: {why}"
    )]
    Chain {
        /// Which entry.
        position: u64,
        /// Why not.
        why: String,
    },
    /// Something that no entry commits to.
    #[error("{0} is there that no entry commits to")]
    Uncommitted(&'static str),
    /// A proof does not lead from the entry to the signed root.
    #[error("entry {0}: the proof does not lead to the signed root")]
    Proof(u64),
    /// The recorded policies say something else of the recorded inputs.
    #[error("made again, the decision comes out otherwise: {0}")]
    Again(String),
    /// A bundle does not hold the decision that it is said to prove.
    #[error("no entry is about decision {0}")]
    Decision(String),
}
