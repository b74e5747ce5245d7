//! The typed records of the use cases. Each is found by a key, has a version in the journal and holds no secret in clear
//! and no personal value outside the vault.

mod access;
mod device;
mod evidence;
mod operator;
mod staff;
mod stop;
mod trust;

pub use access::{ApiKeyRecord, ApiScope, Purpose, ReplyRecord, TicketRecord, TokenRow};
pub use device::{
    Attested, ChainRecord, CommandRecord, DeviceRecord, Distrust, LastHeard, Lost, Metering,
    NextCertificate, ReceiptRecord, SignedCommandRecord, StopOrder,
};
pub use evidence::{
    CertificateRecord, CheckpointRecord, PolicyInForceRecord, PolicyRecord, TileRecord,
};
pub use operator::{DriverRecord, LogRecord, TenantHold, TenantRecord, VenueRecord};
pub use staff::{PasskeyRecord, StaffEnd, StaffEnding, StaffRecord, StaffRole, StaffTokenRecord};
pub use stop::{
    BoundKey, CodesRecord, DecisionRecord, DisputeRecord, LeftOutRecord, LiveCode, OrderRecord,
    SessionHead, StopRecord, SubjectRecord, TrackRecord, UsedCode, VehicleSeen,
};
pub use trust::{AwaitedCommand, RevocationRecord, Swept, TrustSubject};
