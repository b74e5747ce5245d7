//! What a seed makes of a world: how big it is, how long things take, and how often each fault strikes. In most worlds
//! most faults never do, so that each is calm in one respect and wild in another.
//!
//! A plan is also what a failure is reproduced by: it is written as one line and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::chance::Chance;
pub use crate::town::dice::{Fault, Rate, Roll};

/// A world before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many servers share the journal.
    pub servers: u8,
    /// How many tenants there are.
    pub tenants: u8,
    /// The stops.
    pub stops: Vec<StopPlan>,
    /// Whether the real cryptography runs, and not the quick one.
    pub real_crypto: bool,
    /// How often each fault strikes when it is asked for, in a million; what is missing never does.
    pub odds: BTreeMap<Fault, u32>,
    /// Rolls of the dice that strike all the same.
    pub forced: BTreeSet<Roll>,
    /// Rolls of the dice that do not strike all the same.
    pub spared: BTreeSet<Roll>,
    /// How long faults strike.
    pub wild_ms: u64,
    /// How often a step of a server lets others go first, in a million.
    pub restless_per_million: u32,
    /// Whether it is [`Plan::one_stop`]: with goods, with fuel.
    pub one: Option<(bool, bool)>,
}

/// One stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct StopPlan {
    /// Its number within the seed; what it is told apart by when others are taken away.
    pub number: u8,
    /// Of which tenant.
    pub tenant: u8,
    /// When its order is placed, after the start.
    pub begins_ms: u64,
    /// How long its window is.
    pub window_ms: u64,
    /// Which goods it brings.
    pub goods: bool,
    /// Whether it brings fuel.
    pub fuel: bool,
    /// Whether it uses the tenant's common lock instead of one of its own.
    pub common_lock: bool,
    /// Whether its goods go behind two doors, with a lock each.
    pub two_doors: bool,
}

impl Plan {
    /// The world of a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "plan");
        let servers = pick(&mut chance, &[1, 1, 1, 2, 2, 3]);
        let tenants = pick(&mut chance, &[1, 1, 2]);
        let wild_ms = chance.span(2, 30) * 60_000;
        let count = u8::try_from(chance.span(1, 9)).unwrap_or(1);
        let stops = (0..count).map(|number| stop(seed, &mut chance, number, tenants)).collect();
        Self {
            seed,
            servers,
            tenants,
            stops,
            real_crypto: chance.strikes(REAL_CRYPTO_PER_MILLION),
            odds: odds(seed, &mut chance),
            forced: BTreeSet::new(),
            spared: BTreeSet::new(),
            wild_ms,
            restless_per_million: pick(&mut chance, &[0, 50_000, 300_000, 900_000]),
            one: None,
        }
    }

    /// The same world in which nothing goes wrong.
    pub fn calm(self) -> Self {
        Self { odds: BTreeMap::new(), ..self }
    }

    /// The same world without one kind of fault.
    pub fn without(&self, fault: Fault) -> Self {
        let mut plan = self.clone();
        plan.odds.remove(&fault);
        plan
    }

    /// A world of one stop, one server, and nothing that goes wrong but what is forced.
    pub fn one_stop(seed: u64, goods: bool, fuel: bool) -> Self {
        let number = 0;
        let stop = StopPlan {
            number,
            tenant: 0,
            begins_ms: 0,
            window_ms: 20 * 60_000,
            goods,
            fuel,
            common_lock: false,
            two_doors: false,
        };
        let calm = Self::from_seed(seed).calm();
        let (servers, tenants) = (1, 1);
        let one = Some((goods, fuel));
        Self { servers, tenants, stops: vec![stop], real_crypto: false, one, ..calm }
    }
}

fn stop(seed: u64, chance: &mut Chance, number: u8, tenants: u8) -> StopPlan {
    let kind = chance.below(4);
    StopPlan {
        number,
        tenant: u8::try_from(chance.below(tenants.into())).unwrap_or_default(),
        begins_ms: chance.span(0, 120_000),
        window_ms: chance.span(10, 45) * 60_000,
        goods: kind != 1,
        fuel: kind == 1 || kind == 2,
        common_lock: chance.below(4) == 0,
        two_doors: Chance::new(seed, &format!("doors of {number}")).below(4) == 0,
    }
}

/// A world is calm, or most kinds of faults never strike in it.
fn odds(seed: u64, chance: &mut Chance) -> BTreeMap<Fault, u32> {
    let kinds = pick(chance, &[0, 1, 2, 3, 5, 8, 13]);
    let share = kinds * SHARE_PER_KIND_PER_MILLION;
    let mut odds = BTreeMap::new();
    for fault in Fault::ALL {
        // Each draws for itself, so that a kind that is added leaves the others of a seed as they were.
        let mut chance = Chance::new(seed, &format!("odds of {}", fault.name()));
        let (least, most) = match fault.rate() {
            Rate::Step => (500, 30_000),
            Rate::Message => (2_000, 100_000),
            Rate::Seldom => (5_000, 80_000),
            Rate::Hour | Rate::Stop => (100_000, 900_000),
        };
        let is_on = chance.strikes(share);
        let drawn = chance.span(least, most);
        if is_on {
            odds.insert(*fault, u32::try_from(drawn).unwrap_or_default());
        }
    }
    odds
}

fn pick<T: Copy>(chance: &mut Chance, from: &[T]) -> T {
    from[chance.below(from.len())]
}

/// One line that says what differs from what the seed alone makes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        let whole = match self.one {
            Some((goods, fuel)) => {
                write!(f, " one={goods},{fuel}")?;
                Self::one_stop(self.seed, goods, fuel)
            }
            None => Self::from_seed(self.seed),
        };
        let without: Vec<_> = whole.odds.keys().filter(|it| !self.odds.contains_key(it)).collect();
        if !without.is_empty() {
            let names: Vec<_> = without.iter().map(|fault| fault.name()).collect();
            write!(f, " without={}", names.join(","))?;
        }
        if self.servers != whole.servers {
            write!(f, " servers={}", self.servers)?;
        }
        if self.restless_per_million != whole.restless_per_million {
            write!(f, " restless={}", self.restless_per_million)?;
        }
        if self.stops.len() != whole.stops.len() {
            let kept: Vec<_> = self.stops.iter().map(|stop| stop.number.to_string()).collect();
            write!(f, " stops={}", kept.join(","))?;
        }
        if let Some(stop) = self.stops.iter().find(|stop| !whole.stops.contains(stop)) {
            write!(f, " window={}", stop.window_ms / 60_000)?;
        }
        let raised: Vec<_> =
            self.odds.iter().filter(|(it, odds)| whole.odds.get(*it) != Some(*odds)).collect();
        if !raised.is_empty() {
            let each: Vec<_> =
                raised.iter().map(|(fault, odds)| format!("{}:{odds}", fault.name())).collect();
            write!(f, " odds={}", each.join(","))?;
        }
        for (name, rolls) in [("force", &self.forced), ("spare", &self.spared)] {
            if !rolls.is_empty() {
                let rolls: Vec<_> =
                    rolls.iter().map(|(fault, roll)| format!("{}:{roll}", fault.name())).collect();
                write!(f, " {name}={}", rolls.join(","))?;
            }
        }
        Ok(())
    }
}

/// A line that is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of a plan")]
pub struct NoPlan(String);

impl FromStr for Plan {
    type Err = NoPlan;

    fn from_str(line: &str) -> Result<Self, NoPlan> {
        let mut plan = None;
        for word in line.split_whitespace() {
            let bad = || NoPlan(word.to_owned());
            let (name, value) = word.split_once('=').ok_or_else(bad)?;
            if name == "seed" {
                plan = Some(Self::from_seed(value.parse().map_err(|_| bad())?));
                continue;
            }
            let plan = plan.as_mut().ok_or_else(bad)?;
            match name {
                "one" => {
                    let (goods, fuel) = value.split_once(',').ok_or_else(bad)?;
                    let parse = |word: &str| word.parse().map_err(|_| bad());
                    *plan = Self::one_stop(plan.seed, parse(goods)?, parse(fuel)?);
                }
                "without" => {
                    for fault in value.split(',') {
                        plan.odds.remove(&Fault::named(fault).ok_or_else(bad)?);
                    }
                }
                "window" => {
                    let minutes: u64 = value.parse().map_err(|_| bad())?;
                    plan.stops.iter_mut().for_each(|stop| stop.window_ms = minutes * 60_000);
                }
                "restless" => plan.restless_per_million = value.parse().map_err(|_| bad())?,
                "servers" => plan.servers = value.parse().map_err(|_| bad())?,
                "stops" => {
                    let kept: Result<BTreeSet<u8>, _> = value.split(',').map(str::parse).collect();
                    let kept = kept.map_err(|_| bad())?;
                    plan.stops.retain(|stop| kept.contains(&stop.number));
                }
                "odds" => {
                    for (fault, odds) in rolls(value).ok_or_else(bad)? {
                        plan.odds.insert(fault, u32::try_from(odds).map_err(|_| bad())?);
                    }
                }
                "force" => plan.forced = rolls(value).ok_or_else(bad)?,
                "spare" => plan.spared = rolls(value).ok_or_else(bad)?,
                _ => return Err(bad()),
            }
        }
        plan.ok_or_else(|| NoPlan(line.to_owned()))
    }
}

fn rolls(value: &str) -> Option<BTreeSet<Roll>> {
    let roll = |word: &str| {
        let (fault, roll) = word.split_once(':')?;
        Some((Fault::named(fault)?, roll.parse().ok()?))
    };
    value.split(',').map(roll).collect()
}

/// How likely each kind strikes at all, for each kind that is to strike: there are about fifty.
const SHARE_PER_KIND_PER_MILLION: u32 = 20_000;
/// The share of worlds in which the real cryptography runs.
const REAL_CRYPTO_PER_MILLION: u32 = 40_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_one_line_and_comes_back_from_it() {
        for seed in 0..200 {
            let mut plan = Plan::from_seed(seed);
            assert_eq!(plan.to_string().parse(), Ok(plan.clone()));
            if let Some(fault) = plan.odds.keys().next().copied() {
                plan = plan.without(fault);
                plan.spared.insert((Fault::AskLost, seed));
                plan.forced.insert((Fault::CrashAtLease, 3));
                plan.odds.insert(Fault::Raced, 1_000_000);
                plan.stops.truncate(1);
                plan.servers = 1;
                assert_eq!(plan.to_string().parse(), Ok(plan.clone()), "{plan}");
            }
        }
        let one = Plan::one_stop(3, true, false);
        assert_eq!(one.to_string().parse(), Ok(one));
        let long: Plan = "seed=3 one=true,true window=50 restless=7".parse().unwrap();
        assert_eq!(long.to_string().parse(), Ok(long));
        for line in ["", "stops=1", "seed=x", "seed=1 without=thunder", "seed=1 force=ask_lost"] {
            assert!(line.parse::<Plan>().is_err(), "{line}");
        }
    }

    #[test]
    fn worlds_are_calm_in_one_respect_and_wild_in_another() {
        let plans: Vec<Plan> = (0..500).map(Plan::from_seed).collect();
        assert!(plans.iter().any(|plan| plan.odds.is_empty()));
        for fault in Fault::ALL {
            let wild = plans.iter().filter(|plan| plan.odds.contains_key(fault)).count();
            assert!(wild > 10 && wild < 250, "{} in {wild}", fault.name());
        }
        assert!(plans.iter().any(|plan| plan.real_crypto) && plans.iter().any(|p| p.tenants == 2));
        assert!(plans.iter().any(|plan| plan.servers == 3 && plan.stops.len() == 8));
    }
}
