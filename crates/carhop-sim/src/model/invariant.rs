//! The names of what must always hold. What each means exactly, the file of its checks says.

use crate::happening::Broken;

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// Something that must always hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[$doc])* $variant,)*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

invariants! {
    /// No byte of a command leaves before the decision behind it, and that it is leaving, are durable; each leaves once.
    DurableBeforeSent = "durable_before_sent";
    /// What was acknowledged, to a server or to a person, is in every later recovered journal.
    AcknowledgedIsRemembered = "acknowledged_is_remembered";
    /// A person who is refused something finds the refusal in the journal.
    RefusalsAreJournaled = "refusals_are_journaled";
    /// However often somebody is refused, the journal takes only so many of one stop.
    RefusalsAreBounded = "refusals_are_bounded";
    /// What is asked again is not done again.
    AskedOnceIsDoneOnce = "asked_once_is_done_once";
    /// At most one release of a stop is under way, its legs are served in order, and silence ends nothing.
    OneReleaseUnderWay = "one_release_under_way";
    /// A lock or pump serves one stop at a time.
    OneStopPerDevice = "one_stop_per_device";
    /// A release ends as not executed only where that is proven.
    NotExecutedIsProven = "not_executed_is_proven";
    /// Nothing is released or sent at a stop that has ended, and it ends once.
    EndsAreFinal = "ends_are_final";
    /// Nothing is released or sent while the stop or its tenant is on hold.
    HoldsFreeze = "holds_freeze";
    /// A command leaves only within its own time and that of its order.
    SentInTime = "sent_in_time";
    /// What metal did that nothing explains, or that came too late, is raised for somebody to look at.
    AlarmsAreRaised = "alarms_are_raised";
    /// Every acceptance is of a journaled release with its decision, its policies, its token and the keys behind it.
    AcceptanceIsExplained = "acceptance_is_explained";
    /// What a release relied on was fresh when it was judged, and nothing stale or unknown counted as better.
    EvidenceIsFresh = "evidence_is_fresh";
    /// A release is made under a live token of this order for this device in these hands.
    TokensAreObeyed = "tokens_are_obeyed";
    /// Tokens, codes and tickets work once, and a wrong code costs a try.
    SecretsWorkOnce = "secrets_work_once";
    /// Nothing is released or sent to or by what was revoked.
    NothingForTheRevoked = "nothing_for_the_revoked";
    /// After a revocation is settled nothing that was commanded before is obeyed any more.
    SettledIsSettled = "settled_is_settled";
    /// A revocation says what becomes of everything that was released, and cancels what may have left.
    RevocationIsFollowed = "revocation_is_followed";
    /// At the device, a release is accepted at most once, and acted on at most once.
    OneAcceptancePerRelease = "one_acceptance_per_release";
    /// A device moves metal only under what it has made durable.
    PersistedBeforeActed = "persisted_before_acted";
    /// A device moves metal only before the expiry of the command.
    ObeyedInTime = "obeyed_in_time";
    /// What a device signs about a command agrees with itself and with what its metal did.
    ReceiptsAgree = "receipts_agree";
    /// What is heard of a device is what it said, and nothing else.
    HeardWasTold = "heard_was_told";
    /// Nothing that a device said is heard twice.
    HeardOnce = "heard_once";
    /// What a device said is heard in the end.
    ToldIsHeard = "told_is_heard";
    /// Counters of commands, epochs of trust and positions of statements never fall.
    EpochsAndCountersNeverFall = "epochs_and_counters_never_fall";
    /// Every millilitre that flowed is settled, once, within the limit and the declared overrun.
    DispensedIsSettled = "dispensed_is_settled";
    /// A reading that does not follow the one before it is raised for somebody to look at.
    DoubtsAreRaised = "doubts_are_raised";
    /// What a server shows is what replaying the journal gives, bit for bit.
    ReplayGivesTheLiveState = "replay_gives_the_live_state";
    /// No tenant sees, signs for or writes to another.
    TenantsAreApart = "tenants_are_apart";
    /// The log is gapless, its tree is the tree over its leaves, and each state of it continues the one before.
    LogIsConsistent = "log_is_consistent";
    /// Once all faults are healed, every stop ends or asks for a person.
    EveryStopEnds = "every_stop_ends";
}

impl Invariant {
    /// This one does not hold, as `why` shows.
    pub fn broken(self, why: impl Into<String>) -> Broken {
        Broken::new(self.name(), why)
    }

    /// Holds if `holds` is so; what shows that it does not is said only if it does not.
    pub(super) fn require(self, holds: bool, why: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(self.broken(why())) }
    }
}
