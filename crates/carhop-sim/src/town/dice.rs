//! The faults of a town, each with its own dice: whether and how one strikes says nothing about any other, so that one
//! kind can be taken away and the rest stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use carhop_kernel::id::SessionId;

use crate::chance::Chance;

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident;)*) => {
        /// The kinds of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How often it is asked for.
            pub const fn rate(self) -> Rate {
                match self { $(Self::$variant => Rate::$kind),* }
            }
        }
    };
}

/// How often a fault is asked for, which is what its odds are drawn by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// At each durable step.
    Step,
    /// At each message.
    Message,
    /// Some times in an hour, for each server or device.
    Hour,
    /// The same, but most hours it does not strike at all: nothing goes on while it lasts.
    Seldom,
    /// Once for each stop.
    Stop,
}

faults! {
    /// A server dies before an append.
    CrashBeforeAppend = "crash_before_append", Step;
    /// A server dies in an append that is lost.
    CrashAppendLost = "crash_append_lost", Step;
    /// A server dies in an append that is durable.
    CrashUnacknowledged = "crash_unacknowledged", Step;
    /// A server dies after an append.
    CrashAfterAppend = "crash_after_append", Step;
    /// A server dies when it leases effects.
    CrashAtLease = "crash_at_lease", Step;
    /// A server dies before it hands a command over.
    CrashBeforeCommand = "crash_before_command", Message;
    /// A server dies after it has handed a command over.
    CrashAfterCommand = "crash_after_command", Message;
    /// A server dies when a statement has come in.
    CrashAtStatement = "crash_at_statement", Message;
    /// A server dies at any other time.
    CrashAnyTime = "crash_any_time", Hour;
    /// An append fails and says so.
    AppendFails = "append_fails", Step;
    /// A flush fails: nobody knows whether the append is durable, and the server takes nothing any more.
    FlushFails = "flush_fails", Step;
    /// A flush takes half a minute.
    FlushSlow = "flush_slow", Step;
    /// The disk is full for a while.
    DiskFull = "disk_full", Hour;
    /// A frame is lost, and everything behind it on that connection.
    FrameLost = "frame_lost", Message;
    /// A frame arrives a second time, perhaps hours later and by another way.
    FrameRepeated = "frame_repeated", Message;
    /// A frame to a device is kept by whoever carries it, and arrives again at any time within hours.
    FrameKept = "frame_kept", Message;
    /// A frame is late, and everything behind it.
    FrameLate = "frame_late", Message;
    /// The connection of a device breaks.
    LinkBreaks = "link_breaks", Message;
    /// A device does not hear, is not heard, or both, for a while.
    LinkSilent = "link_silent", Hour;
    /// A question to a server is lost.
    AskLost = "ask_lost", Message;
    /// An answer of a server is lost.
    AnswerLost = "answer_lost", Message;
    /// A question comes a second time, perhaps much later.
    AskRepeated = "ask_repeated", Message;
    /// A question takes long.
    AskSlow = "ask_slow", Message;
    /// An answer takes long, and perhaps comes after one that was given later.
    AnswerSlow = "answer_slow", Message;
    /// Somebody does not hear, is not heard, or both, for a while.
    PersonSilent = "person_silent", Hour;
    /// A server's clock jumps, by seconds.
    ClockJumps = "clock_jumps", Hour;
    /// A server's clock jumps by minutes, and back after some.
    ClockStrays = "clock_strays", Seldom;
    /// A server's clock goes too fast or too slow.
    ClockDrifts = "clock_drifts", Stop;
    /// A server stands still for a minute.
    ServerPauses = "server_pauses", Hour;
    /// A device's oscillator is as wrong as it may be.
    DeviceDrifts = "device_drifts", Stop;
    /// A device loses its power.
    DeviceReboots = "device_reboots", Message;
    /// A device's flash is slow.
    DeviceDiskSlow = "device_disk_slow", Message;
    /// A second driver tries to get the same stop released.
    SecondDriver = "second_driver", Stop;
    /// The order is replaced in the middle of its stop.
    Amended = "amended", Stop;
    /// Somebody ends the stop in its middle.
    RevokedMidway = "revoked_midway", Stop;
    /// Somebody holds the stop in its middle.
    HeldMidway = "held_midway", Stop;
    /// The trust in a device of the stop is withdrawn in its middle.
    DeviceWithdrawn = "device_withdrawn", Stop;
    /// Every release of the tenant is frozen for a while.
    TenantHeld = "tenant_held", Stop;
    /// The driver's phone is stolen at the car.
    PhoneStolen = "phone_stolen", Stop;
    /// A code is replayed, relayed or guessed.
    CodeReplayed = "code_replayed", Stop;
    /// The driver mistypes a code.
    CodeMistyped = "code_mistyped", Stop;
    /// The customer says that the car stands elsewhere.
    Relocated = "relocated", Stop;
    /// The car drives off.
    CarDrivesOff = "car_drives_off", Stop;
    /// A bolt jams.
    LockJams = "lock_jams", Stop;
    /// A door is forced open.
    DoorForced = "door_forced", Stop;
    /// A lock reports what did not happen.
    LockLies = "lock_lies", Stop;
    /// A door is left open for long.
    DoorLeftOpen = "door_left_open", Stop;
    /// A meter stands still, runs backwards, or its valve does not say that it closed; or an interlock trips.
    MeterLies = "meter_lies", Stop;
    /// A meter leaps: it counts what never flowed.
    MeterLeaps = "meter_leaps", Stop;
    /// Nobody lifts the nozzle.
    NobodyFuels = "nobody_fuels", Stop;
    /// The customer never comes.
    CustomerAbsent = "customer_absent", Stop;
    /// Other policies decide for a while.
    PolicyReplaced = "policy_replaced", Stop;
    /// The journal is brought back from a backup while a command is on its way.
    Restored = "restored", Stop;
    /// A command never arrives, until its device has lost its power and knows no time yet.
    CommandKept = "command_kept", Stop;
    /// Somebody with a copy of a device's key and memory connects beside it.
    KeyCopied = "key_copied", Stop;
    /// Somebody who holds a device's key signs what is not so.
    DeviceLies = "device_lies", Stop;
    /// A driver tries the token of one door at another.
    TokenMisused = "token_misused", Stop;
    /// A token is revoked that others were derived from.
    TokenRevoked = "token_revoked", Stop;
    /// Somebody asks for what is refused, hundreds of times.
    Pestered = "pestered", Stop;
    /// People of one tenant reach for what is another's.
    Pried = "pried", Stop;
    /// Two wrong codes are tried in one instant.
    CodeGuessed = "code_guessed", Stop;
    /// A release is asked for in the very instant in which something is done that speaks against it.
    Raced = "raced", Stop;
    /// A driver asks in the very instant in which a token or an attestation ends.
    OnTheDot = "on_the_dot", Stop;
}

impl Fault {
    /// The fault with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// One answer of one dice: the how-manieth of its kind.
pub type Roll = (Fault, u64);

/// The dice of one run.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    each: BTreeMap<Fault, One>,
    /// Rolls that strike whatever the dice say.
    forced: BTreeSet<Roll>,
    /// Rolls that do not strike whatever the dice say.
    spared: BTreeSet<Roll>,
    struck: Vec<Roll>,
    /// What was planned for a stop and came about, at which.
    befell: Vec<(Fault, SessionId)>,
    /// Whether anything may strike yet.
    awake: bool,
    healed: bool,
}

#[derive(Clone, Debug)]
struct One {
    chance: Chance,
    per_million: u32,
    rolled: u64,
}

impl Dice {
    pub(crate) fn new(
        seed: u64,
        odds: &BTreeMap<Fault, u32>,
        forced: BTreeSet<Roll>,
        spared: BTreeSet<Roll>,
    ) -> Self {
        let one = |fault: &Fault| {
            let chance = Chance::new(seed, fault.name());
            let per_million = odds.get(fault).copied().unwrap_or_default();
            (*fault, One { chance, per_million, rolled: 0 })
        };
        let each = Fault::ALL.iter().map(one).collect();
        Self {
            each,
            forced,
            spared,
            struck: Vec::new(),
            befell: Vec::new(),
            awake: false,
            healed: false,
        }
    }

    /// Whether the fault strikes now. Each roll draws, whatever comes of it.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let awake = self.awake || fault.rate() == Rate::Stop;
        let Some(one) = self.each.get_mut(&fault).filter(|_| awake) else { return false };
        let roll = (fault, one.rolled);
        one.rolled += u64::from(!self.healed);
        let drawn = one.per_million > 0 && one.chance.strikes(one.per_million);
        let strikes =
            !self.healed && (self.forced.contains(&roll) || drawn && !self.spared.contains(&roll));
        if strikes {
            self.struck.push(roll);
        }
        strikes
    }

    /// What was planned for a stop comes about.
    pub(crate) fn befall(&mut self, fault: Fault, session: SessionId) {
        self.befell.push((fault, session));
    }

    /// What came about since the last time it was asked for.
    pub(crate) fn befell(&mut self) -> Vec<(Fault, SessionId)> {
        std::mem::take(&mut self.befell)
    }

    /// A number that belongs to a fault.
    pub(crate) fn span(&mut self, fault: Fault, start: u64, end: u64) -> u64 {
        self.each.get_mut(&fault).map_or(start, |one| one.chance.span(start, end))
    }

    /// Faults may strike from now on.
    pub(crate) fn wake(&mut self) {
        self.awake = true;
    }

    /// Nothing strikes any more.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
    }

    /// Whether nothing strikes any more.
    pub(crate) const fn is_healed(&self) -> bool {
        self.healed
    }

    /// What struck, in order.
    pub(crate) fn struck(&self) -> &[Roll] {
        &self.struck
    }

    /// How often each fault could have struck: was asked for before everything healed.
    pub(crate) fn rolled(&self, fault: Fault) -> u64 {
        self.each.get(&fault).map_or(0, |one| one.rolled)
    }
}
