//! One leg of a stop: how far a service got, and the release under which it got there.
//! What moves it is the business of `decide`, `observe` and `evolve`.

use serde::{Deserialize, Serialize};

use crate::id::{CommandId, ReleaseId};
use crate::order::LegTerms;
use crate::time::Timestamp;

/// Position of a leg within its order, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegIndex(pub u8);

/// One service of the stop and how far it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What is to be done, and by which device.
    pub terms: LegTerms,
    /// How far it got.
    pub state: LegState,
    /// How often it was released.
    pub releases: u8,
    /// The command of its last release, kept after the leg has ended so that repeated reports are known as such.
    pub last_command: Option<CommandId>,
}

/// The two kinds of legs; each has its own states between release and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegKind {
    /// Goods into a compartment.
    Goods,
    /// Fuel into the tank.
    Fuel,
}

/// One release and the command that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The release, which is also the action that callers follow.
    pub release: ReleaseId,
    /// The signed command.
    pub command: CommandId,
    /// The device counter it carries.
    pub counter: u64,
    /// First instant at which the device refuses it.
    pub expires_at: Timestamp,
}

/// How far a leg got. Goods: pending, released, commanded, open, transferred, secured. Fuel: pending, authorised,
/// commanded, dispensing, dispensed, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegState {
    /// Nothing was released.
    Pending,
    /// A goods release is durable and provably unsent.
    Released(Release),
    /// A fuel release is durable and provably unsent.
    Authorised(Release),
    /// The command may have left; a receipt is awaited.
    Commanded(Release),
    /// The compartment is open, or was locked again before the driver confirmed.
    Open {
        /// Under which release.
        release: Release,
        /// Whether the lock has reported itself locked since.
        locked: bool,
    },
    /// The driver confirmed that the goods are inside.
    Transferred {
        /// Under which release.
        release: Release,
    },
    /// The compartment is locked with the goods inside.
    Secured,
    /// The pump is armed or running.
    Dispensing {
        /// Under which release.
        release: Release,
        /// What the meter shows so far, in millilitres.
        metered_ml: u32,
    },
    /// The pump has stopped; readings may still be missing.
    Dispensed {
        /// Under which release.
        release: Release,
        /// What the meter shows, in millilitres.
        metered_ml: u32,
    },
    /// The metered quantity is settled.
    Settled {
        /// Exactly what was metered, in millilitres.
        metered_ml: u32,
    },
    /// Nobody knows whether the command was executed; no second one until that is resolved (M-FLO-5).
    Indeterminate(Release),
    /// It will not be done.
    Failed(LegFailure),
    /// A person found that the command was carried out, and took the leg over by hand. What the pump gave is settled when
    /// its end is told after all.
    TakenOver,
}

/// The leg states without their facts, as the transition table names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegStateKind {
    /// [`LegState::Pending`].
    Pending,
    /// [`LegState::Released`].
    Released,
    /// [`LegState::Authorised`].
    Authorised,
    /// [`LegState::Commanded`].
    Commanded,
    /// [`LegState::Open`].
    Open,
    /// [`LegState::Transferred`].
    Transferred,
    /// [`LegState::Secured`].
    Secured,
    /// [`LegState::Dispensing`].
    Dispensing,
    /// [`LegState::Dispensed`].
    Dispensed,
    /// [`LegState::Settled`].
    Settled,
    /// [`LegState::Indeterminate`].
    Indeterminate,
    /// [`LegState::Failed`].
    Failed,
    /// [`LegState::TakenOver`].
    TakenOver,
}

/// Why a leg will not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegFailure {
    /// The lock jammed; "did not open" means "not delivered" (M-ACT-2).
    Jammed,
    /// The pump ended without dispensing anything.
    NothingDispensed,
    /// The window closed first.
    WindowClosed,
}

impl Leg {
    /// Which kind of leg this is.
    pub const fn kind(&self) -> LegKind {
        if self.terms.service.is_fuel() { LegKind::Fuel } else { LegKind::Goods }
    }
}

impl LegKind {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Goods, Self::Fuel];

    /// The states that a leg of this kind can be in, in the order of the flow.
    pub const fn states(self) -> &'static [LegStateKind] {
        use LegStateKind as L;
        match self {
            Self::Goods => &[
                L::Pending,
                L::Released,
                L::Commanded,
                L::Indeterminate,
                L::Open,
                L::Transferred,
                L::Secured,
                L::Failed,
                L::TakenOver,
            ],
            Self::Fuel => &[
                L::Pending,
                L::Authorised,
                L::Commanded,
                L::Indeterminate,
                L::Dispensing,
                L::Dispensed,
                L::Settled,
                L::Failed,
                L::TakenOver,
            ],
        }
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Fuel => "fuel",
        }
    }
}

impl LegState {
    /// Which state this is.
    pub const fn kind(&self) -> LegStateKind {
        match self {
            Self::Pending => LegStateKind::Pending,
            Self::Released(_) => LegStateKind::Released,
            Self::Authorised(_) => LegStateKind::Authorised,
            Self::Commanded(_) => LegStateKind::Commanded,
            Self::Open { .. } => LegStateKind::Open,
            Self::Transferred { .. } => LegStateKind::Transferred,
            Self::Secured => LegStateKind::Secured,
            Self::Dispensing { .. } => LegStateKind::Dispensing,
            Self::Dispensed { .. } => LegStateKind::Dispensed,
            Self::Settled { .. } => LegStateKind::Settled,
            Self::Indeterminate(_) => LegStateKind::Indeterminate,
            Self::Failed(_) => LegStateKind::Failed,
            Self::TakenOver => LegStateKind::TakenOver,
        }
    }

    /// Whether its device has something to say yet: what came of the command, that the compartment is locked, what was
    /// metered.
    pub const fn expects_word(&self) -> bool {
        match self {
            Self::Open { locked, .. } => !*locked,
            Self::Commanded(_)
            | Self::Indeterminate(_)
            | Self::Transferred { .. }
            | Self::Dispensing { .. }
            | Self::Dispensed { .. } => true,
            Self::Pending
            | Self::Released(_)
            | Self::Authorised(_)
            | Self::Secured
            | Self::Settled { .. }
            | Self::Failed(_)
            | Self::TakenOver => false,
        }
    }

    /// Of a compartment: whether its door has been heard to stand open since it was released, and not to be shut. A door
    /// that is shut and not confirmed stands open no more; one whose goods are in and whose bolt nobody heard still does.
    pub const fn stands_open(&self) -> bool {
        matches!(self, Self::Open { locked: false, .. } | Self::Transferred { .. })
    }

    /// The release in force, if one is.
    pub const fn release(&self) -> Option<&Release> {
        match self {
            Self::Released(release)
            | Self::Authorised(release)
            | Self::Commanded(release)
            | Self::Indeterminate(release)
            | Self::Open { release, .. }
            | Self::Transferred { release }
            | Self::Dispensing { release, .. }
            | Self::Dispensed { release, .. } => Some(release),
            Self::Pending
            | Self::Secured
            | Self::Settled { .. }
            | Self::Failed(_)
            | Self::TakenOver => None,
        }
    }
}

impl LegStateKind {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Released,
        Self::Authorised,
        Self::Commanded,
        Self::Open,
        Self::Transferred,
        Self::Secured,
        Self::Dispensing,
        Self::Dispensed,
        Self::Settled,
        Self::Indeterminate,
        Self::Failed,
        Self::TakenOver,
    ];

    /// Whether the leg has ended, well or not.
    pub const fn is_end(self) -> bool {
        self.is_done() || matches!(self, Self::Failed | Self::TakenOver)
    }

    /// Whether the leg has ended well.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Secured | Self::Settled)
    }

    /// Whether something has been released and has not ended.
    pub const fn is_under_way(self) -> bool {
        !self.is_end() && !matches!(self, Self::Pending)
    }

    /// Whether the command may have left and nothing is known about it.
    pub const fn is_awaited(self) -> bool {
        matches!(self, Self::Commanded | Self::Indeterminate)
    }

    /// Whether its command may still move metal, as far as anybody has heard. A pump runs on after its command is dead.
    pub const fn may_act(self) -> bool {
        self.is_awaited() || matches!(self, Self::Dispensing)
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Released => "released",
            Self::Authorised => "authorised",
            Self::Commanded => "commanded",
            Self::Open => "open",
            Self::Transferred => "transferred",
            Self::Secured => "secured",
            Self::Dispensing => "dispensing",
            Self::Dispensed => "dispensed",
            Self::Settled => "settled",
            Self::Indeterminate => "indeterminate",
            Self::Failed => "failed",
            Self::TakenOver => "taken_over",
        }
    }
}
