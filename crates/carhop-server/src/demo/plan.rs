//! What the stops of a demo are: who, what, and which scenario each plays, dealt from dice.
//!
//! It runs none of them and does not know how they end; that stands in `scenarios`.

use super::scenario::{Place, Scenario};
use super::scenarios::{HAPPY, MISHAPS};
use super::seed::Dice;

/// How the driver's place is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceShown {
    /// By the fence.
    Fence,
    /// By the tag that hangs at the venue.
    Tag,
}

/// How the customer's code reaches the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeShown {
    /// Read aloud and typed.
    Typed,
    /// Scanned from the customer's screen.
    Scanned,
}

/// One stop to be made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// From one.
    pub(crate) number: usize,
    /// What happens.
    pub(crate) scenario: &'static Scenario,
    /// How the driver's place will be shown.
    pub(crate) place: PlaceShown,
    /// How the code travels.
    pub(crate) code: CodeShown,
    /// Who receives.
    pub(crate) customer: &'static str,
    /// The car, for people.
    pub(crate) vehicle: &'static str,
    /// The plate of the car.
    pub(crate) plate: String,
    /// What goes into the trunk.
    pub(crate) basket: Vec<String>,
    /// Worth of it all, in minor units; of a hundred stops in a row no two are worth the same.
    pub(crate) amount_minor: u64,
    /// Which fuel.
    pub(crate) grade: &'static str,
    /// At most so much fuel, in millilitres.
    pub(crate) limit_ml: u32,
    /// What the tank takes, in millilitres; at times more than the limit.
    pub(crate) tank_ml: u32,
}

impl Plan {
    /// The stop with this number, of this scenario.
    pub(crate) fn roll(number: usize, scenario: &'static Scenario, dice: &mut Dice) -> Self {
        let letter = |dice: &mut Dice| dice.pick(b"ABCDEFGHJKLMNPRSTUVWXYZ").unwrap_or(b'A').into();
        let letters: String = (0..3).map(|_| -> char { letter(dice) }).collect();
        let digits = dice.between(0, 9_999);
        let lines = dice.between(3, 9);
        let basket = (0..lines)
            .map(|_| {
                let what = dice.pick(&GROCERIES).unwrap_or_default();
                format!("{} x {what}", dice.between(1, 3))
            })
            .collect();
        let is_by_tag = match scenario.place {
            Place::Either => dice.between(0, 2) == 0,
            Place::Tag => true,
        };
        Self {
            number,
            scenario,
            place: if is_by_tag { PlaceShown::Tag } else { PlaceShown::Fence },
            code: dice.pick(&[CodeShown::Typed, CodeShown::Scanned]).unwrap_or(CodeShown::Typed),
            customer: dice.pick(&CUSTOMERS).unwrap_or_default(),
            vehicle: dice.pick(&VEHICLES).unwrap_or_default(),
            plate: format!("{letters}{digits:04}"),
            basket,
            amount_minor: u64::from(100 * dice.between(18, 148)) + number as u64 % 100,
            grade: dice.pick(&["regular", "midgrade", "premium", "diesel"]).unwrap_or_default(),
            limit_ml: 1_000 * dice.between(20, 40),
            tank_ml: 10 * dice.between(1_200, 4_500),
        }
    }

    /// The stops of a demo, numbered from `first` on: all well for at least a third of them, and one of each mishap, in an order that the dice
    /// say, as far as there is room; what room is left goes to stops at which all is well.
    pub(crate) fn deal(first: usize, stops: usize, seed: u64) -> Vec<Self> {
        let mut dice = Dice::new(seed);
        let mut mishaps: Vec<&'static Scenario> = MISHAPS.iter().collect();
        dice.shuffle(&mut mishaps);
        mishaps.truncate(stops - stops.div_ceil(HAPPY_SHARE).min(stops));
        let happy = HAPPY.iter().cycle().take(stops - mishaps.len());
        let mut dealt: Vec<&'static Scenario> = happy.chain(mishaps).collect();
        if let Some((_, rest)) = dealt.split_first_mut() {
            // The first stop is one at which all is well: somebody who watches sees that first.
            dice.shuffle(rest);
        }
        Self::deal_only(first, dealt.into_iter(), u64::from(dice.between(0, u32::MAX)))
    }

    /// One stop of each of these.
    pub(crate) fn deal_only(
        first: usize,
        scenarios: impl Iterator<Item = &'static Scenario>,
        seed: u64,
    ) -> Vec<Self> {
        let mut dice = Dice::new(seed);
        let plans = (first..).zip(scenarios);
        plans.map(|(number, scenario)| Self::roll(number, scenario, &mut dice)).collect()
    }

    /// What the pump gives if nothing goes wrong: a tank that takes more than the limit gets the limit.
    pub(crate) fn wanted_ml(&self) -> u32 {
        self.tank_ml.min(self.limit_ml)
    }
}

/// One in so many stops goes well at least.
const HAPPY_SHARE: usize = 4;

const CUSTOMERS: [&str; 12] = [
    "Ada Okafor",
    "Bruno Salas",
    "Chidi Lang",
    "Dana Petrov",
    "Elif Kaya",
    "Farah Nasser",
    "Goran Ilic",
    "Hana Mori",
    "Ines Duarte",
    "Jonas Weber",
    "Keira Walsh",
    "Liam Byrne",
];
const VEHICLES: [&str; 8] = [
    "blue Golf estate",
    "white Model Y",
    "red Fiesta",
    "grey RAV4",
    "green Octavia",
    "black F-150",
    "silver Corolla",
    "yellow Twingo",
];
const GROCERIES: [&str; 14] = [
    "oat milk",
    "eggs",
    "rye bread",
    "apples",
    "coffee",
    "rice",
    "tomatoes",
    "yoghurt",
    "olive oil",
    "spinach",
    "cheddar",
    "pasta",
    "lemons",
    "butter",
];

#[cfg(test)]
mod tests {
    use super::super::scenarios::all;
    use super::*;

    #[test]
    fn the_same_seed_deals_the_same_stops() {
        let deal = |seed| format!("{:?}", Plan::deal(1, 12, seed));
        assert_eq!(deal(3), deal(3));
        assert_ne!(deal(3), deal(4));
    }

    #[test]
    fn every_scenario_occurs_in_forty_stops_whatever_the_seed() {
        for seed in 0..50 {
            let plans = Plan::deal(1, 40, seed);
            assert_eq!(plans.len(), 40);
            for scenario in all() {
                let occurs = plans.iter().any(|plan| plan.scenario.name == scenario.name);
                assert!(occurs, "{}", scenario.name);
            }
        }
    }

    #[test]
    fn few_stops_are_a_mix_and_the_first_goes_well() {
        for stops in 0..12 {
            let plans = Plan::deal(1, stops, 5);
            assert_eq!(plans.len(), stops);
            let happy = |plan: &&Plan| HAPPY.iter().any(|happy| happy.name == plan.scenario.name);
            assert!(plans.first().iter().all(happy));
            assert!(stops < 2 || plans.iter().filter(happy).count() < stops);
        }
    }

    #[test]
    fn a_tank_that_takes_more_than_the_limit_gets_the_limit() {
        let plan = Plan::roll(1, &HAPPY[0], &mut Dice::new(5));
        for (tank_ml, wanted_ml) in [(12_340, 12_340), (45_000, 20_000)] {
            assert_eq!(Plan { limit_ml: 20_000, tank_ml, ..plan.clone() }.wanted_ml(), wanted_ml);
        }
    }
}
