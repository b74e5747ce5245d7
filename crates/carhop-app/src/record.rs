//! Records: what is looked up by key, with a version that every change raises. A decision names the versions it read, so
//! nothing that was judged can change unseen.

use carhop_kernel::id::{MarketId, TenantId};
use carhop_kernel::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::Write;
use crate::ports::JournalError;

/// Tenant and market: the partition key of everything (M-INT-3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Whose.
    pub tenant: TenantId,
    /// In which city.
    pub market: MarketId,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The kinds of records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name in storage.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

kinds! {
    /// A session's head: its version counts its events, its body lists it.
    Session = "session";
    /// Which session an order has.
    Order = "order";
    /// What tells about a stop besides its events: view data and salts' places.
    Stop = "stop";
    /// A token by hash.
    Token = "token";
    /// The live code and the counts of a stop's codes.
    Codes = "codes";
    /// A venue with its fence.
    Venue = "venue";
    /// A device with its certificate, counter and trust.
    Device = "device";
    /// The track and place evidence of one party of a stop.
    Track = "track";
    /// A driver.
    Driver = "driver";
    /// An API key by hash.
    ApiKey = "api_key";
    /// A person of the staff.
    Staff = "staff";
    /// A passkey by the hash of its name.
    Passkey = "passkey";
    /// What a sign-in of the staff gave, by hash.
    StaffToken = "staff_token";
    /// A one-time link or enrolment ticket by hash.
    Ticket = "ticket";
    /// How far a device's chain of statements has been read.
    Chain = "chain";
    /// A command, to find its session.
    Command = "command";
    /// A command's signed bytes as they were made.
    SignedCommand = "signed_command";
    /// A device's signed statement as it came.
    Receipt = "receipt";
    /// A decision with inputs and reasons.
    Decision = "decision";
    /// A dispute beside a stop.
    Dispute = "dispute";
    /// How often something was refused at a stop.
    Refusals = "refusals";
    /// How many exceptions of a stop were counted only.
    LeftOut = "left_out";
    /// The reply to a request with an idempotency key.
    Reply = "reply";
    /// Holds and trust settings of the tenant.
    Tenant = "tenant";
    /// That a customer's data is sealed, and how often its key was made.
    Subject = "subject";
    /// What was revoked: a device, a class or a firmware.
    Revocation = "revocation";
    /// The frontier of the partition's log.
    Log = "log";
    /// A hash tile of the partition's log.
    Tile = "tile";
    /// A signed checkpoint of the partition's log.
    Checkpoint = "checkpoint";
    /// The text of policies that decided.
    Policy = "policy";
    /// Which policies decide.
    PolicyInForce = "policy_in_force";
    /// A device's certificate and what leads to its root.
    Certificate = "certificate";
}

/// Where a record lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Whose.
    pub partition: Partition,
    /// Of which kind.
    pub kind: Kind,
    /// Its key within the kind.
    pub key: String,
}

/// A record's bytes and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Counts from one.
    pub version: u64,
    /// The bytes.
    pub body: Vec<u8>,
}

/// A typed record.
pub trait Record: Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: Kind;

    /// Its key within the kind.
    fn key(&self) -> String;

    /// Under which index values it is found.
    fn indexes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// First instant at which nobody needs it any more, not even to refuse; never if `None`. What happened stays in the
    /// log.
    fn until(&self) -> Option<Timestamp> {
        None
    }

    /// Its place in a partition.
    fn place(&self, partition: &Partition) -> RecordKey {
        RecordKey { partition: partition.clone(), kind: Self::KIND, key: self.key() }
    }

    /// The write that stores it.
    fn write(&self, partition: &Partition) -> Result<Write, JournalError> {
        let body =
            serde_json::to_vec(self).map_err(|error| JournalError::Corrupt(error.to_string()))?;
        let (key, indexes, until) = (self.place(partition), self.indexes(), self.until());
        Ok(Write { key, body: Some(body), indexes, until })
    }
}
