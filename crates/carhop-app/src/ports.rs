//! What the use cases need of the outside world. Ports return futures and name no runtime.

use core::future::Future;
use core::pin::Pin;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CommandId, DeviceId, SessionId, TenantId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::PublicKey;

use crate::batch::{Appended, Batch, Held, LeasedEffect, LogEntry, Recorded, Stream, Timer};
use crate::record::{Kind, Partition, RecordKey, Versioned};

/// A future that any executor can run.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What happened, durably. Two adapters pass one conformance suite; nothing else knows which one runs.
pub trait Journal: Send + Sync {
    /// Makes everything in the batch durable at once, or nothing of it. When this returns, power may fail.
    fn append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>>;

    /// Appends a refusal, which tells and stores but moves no session and causes nothing ([`Batch::is_aside`]). Never
    /// waits for, and never delays, what [`Journal::append`] does; under pressure the oldest waiting refusals are given
    /// up, told so and counted.
    fn refuse(&self, refusal: Batch) -> Pending<'_, Result<Appended, AppendError>>;

    /// All events of one stream, oldest first. An unknown stream is empty.
    fn stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Pending<'_, Result<Vec<Recorded>, JournalError>>;

    /// One record with its version.
    fn record(&self, key: RecordKey) -> Pending<'_, Result<Option<Versioned>, JournalError>>;

    /// Records of one kind in key order, starting after a key.
    fn records(&self, query: Query) -> Pending<'_, Result<Vec<(String, Versioned)>, JournalError>>;

    /// One field that is sealed for a subject.
    fn sealed(
        &self,
        partition: Partition,
        subject: String,
        field: String,
    ) -> Pending<'_, Result<Option<Vec<u8>>, JournalError>>;

    /// Takes up to `limit` effects that are due at `now` and hides them from others until `until`. At most one per
    /// device, the oldest, so that commands leave in order; while it is put off the device gets nothing.
    fn lease_effects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LeasedEffect>, JournalError>>;

    /// Up to `limit` timers that are due at `now`, the longest overdue first.
    fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Timer>, JournalError>>;

    /// Up to `limit` events that have no position in their partition's log yet, in the order of their appending.
    fn unsequenced(&self, limit: usize) -> Pending<'_, Result<Vec<Recorded>, JournalError>>;

    /// Up to `limit` entries of one partition's log from position `from` on.
    fn log(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>>;

    /// Up to `limit` entries of one partition's log from position `from` on, of one stop's two streams alone.
    fn log_of(
        &self,
        partition: Partition,
        session: SessionId,
        from: u64,
        limit: usize,
    ) -> Pending<'_, Result<Vec<LogEntry>, JournalError>>;

    /// Up to `limit` events of one partition in the order of their appending, after the one of a number, wherever the log
    /// has them or has not: what shows an auditor that nothing stands beside it.
    fn appended(
        &self,
        partition: Partition,
        after: Option<u64>,
        limit: usize,
    ) -> Pending<'_, Result<Vec<Held>, JournalError>>;

    /// What waits in it at `now`.
    fn backlog(&self, now: Timestamp) -> Pending<'_, Result<Backlog, JournalError>>;

    /// How it is.
    fn condition(&self) -> Condition;
}

/// What waits to be done: hardly anything while all goes well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Effects in the outbox.
    pub effects: u64,
    /// When the oldest of them was put there.
    pub effects_since: Option<Timestamp>,
    /// Timers that are due.
    pub timers: u64,
    /// When the longest overdue of them was due.
    pub timers_since: Option<Timestamp>,
    /// Events without a position in their log.
    pub unsequenced: u64,
}

/// How a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It takes everything.
    Well,
    /// It has no room left but the reserve, and takes only what [`Batch::takes_away`].
    Full,
    /// It has failed and takes nothing until it is opened again.
    Stopped,
}

/// Which records to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose.
    pub partition: Partition,
    /// Of which kind.
    pub kind: Kind,
    /// Only those with this value under this index.
    pub index: Option<(&'static str, String)>,
    /// Only those after this key.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Why a batch was not appended. Nothing of it happened, except after [`JournalError::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Something that was judged has changed since; load and judge again.
    #[error("`{0:?}` changed meanwhile")]
    Conflict(RecordKey),
    /// A nonce, code or token in the batch was spent before.
    #[error("spent before")]
    Spent,
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The journal failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It cannot be reached or has stopped; nothing happened.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
    /// There is no room left for it, nothing happened. Revocations and holds still go through.
    #[error("there is no room left")]
    Full,
    /// It holds something that cannot be read; a bug or tampering.
    #[error("the journal holds something unreadable: {0}")]
    Corrupt(String),
    /// It failed while committing: whether the batch is durable is not known.
    #[error("the journal failed while committing: {0}")]
    Unknown(String),
}

/// The way to a device. It may lose, repeat and delay; it is never trusted.
pub trait Carrier: Send + Sync {
    /// Hands a frame to the device's connection. `false` if there is none; `true` promises nothing.
    fn send(&self, device: DeviceId, frame: DeviceFrame) -> Pending<'_, bool>;

    /// Whether the device has a live, authenticated connection.
    fn is_connected(&self, device: DeviceId) -> bool;
}

/// What goes to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFrame {
    /// A signed command, as stored.
    Command(Vec<u8>),
    /// A question for the stored receipt of a command.
    Query(CommandId),
}

/// The one clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The one source of chance.
pub trait Entropy: Send + Sync {
    /// Fills the bytes with chance.
    fn fill(&self, bytes: &mut [u8]);
}

/// Tells whoever waits that something was appended. Losing a ring costs time, never work.
pub trait Bell: Send + Sync {
    /// Something was appended; `session` if it concerns one.
    fn ring(&self, session: Option<SessionId>);
}

/// The issuing authorities, one per device class.
pub trait Certifier: Send + Sync {
    /// A short-lived certificate for the key of a signing request, if its proof of possession holds.
    fn certify(&self, ask: &CertificateAsk<'_>) -> Result<Certified, CertifyError>;

    /// The certificate, DER, of the root that a tenant's authorities stand under.
    fn root(&self, tenant: &TenantId) -> Option<Vec<u8>>;
}

/// What is to be certified.
#[derive(Clone, Copy, Debug)]
pub struct CertificateAsk<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// By which class's authority.
    pub class: DeviceClass,
    /// For which device.
    pub device: DeviceId,
    /// PKCS #10 signing request, DER.
    pub csr: &'a [u8],
    /// Sixteen bytes of chance for the serial number.
    pub serial: [u8; 16],
    /// Now.
    pub now: Timestamp,
}

/// A certified key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The certificate and its issuing authority's, DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The roots to trust, DER.
    pub roots: Vec<Vec<u8>>,
    /// SHA-256 of the certificate.
    pub fingerprint: KeyThumbprint,
    /// The certified key.
    pub key: PublicKey,
    /// First instant at which the certificate is dead.
    pub not_after: Timestamp,
}

/// A signing request that was not certified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing request cannot be certified: {0}")]
pub struct CertifyError(pub String);
