//! What the stops of a demo are: who, what, and how each is expected to end.
//!
//! It makes them from dice and runs none of them.

use super::seed::Dice;

/// A kind of stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Groceries into the trunk, then fuel.
    AllWell,
    /// Groceries alone.
    GroceriesOnly,
    /// Fuel alone.
    FuelOnly,
}

/// How the driver's place is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceShown {
    /// By the fence.
    Fence,
    /// By the tag that hangs at the venue, because positions alone do not get there.
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
    /// What is to be done.
    pub(crate) scenario: Scenario,
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
    /// Worth of it all, in minor units.
    pub(crate) amount_minor: u64,
    /// Which fuel.
    pub(crate) grade: &'static str,
    /// At most so much fuel, in millilitres.
    pub(crate) limit_ml: u32,
    /// What the tank takes, in millilitres; at times more than the limit.
    pub(crate) tank_ml: u32,
}

/// How a stop must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// How often a lock opens.
    pub(crate) openings: u32,
    /// How much is metered and settled, in millilitres.
    pub(crate) metered_ml: u32,
    /// How the driver's place is shown.
    pub(crate) place: PlaceShown,
}

impl Scenario {
    const ALL: [Self; 3] = [Self::AllWell, Self::GroceriesOnly, Self::FuelOnly];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AllWell => "all well",
            Self::GroceriesOnly => "groceries only",
            Self::FuelOnly => "fuel only",
        }
    }

    /// Whether something goes into the trunk.
    pub(crate) const fn has_goods(self) -> bool {
        matches!(self, Self::AllWell | Self::GroceriesOnly)
    }

    /// Whether something goes into the tank.
    pub(crate) const fn has_fuel(self) -> bool {
        matches!(self, Self::AllWell | Self::FuelOnly)
    }
}

impl Plan {
    /// The stop with this number, of this kind.
    pub(crate) fn roll(
        number: usize,
        scenario: Scenario,
        place: PlaceShown,
        dice: &mut Dice,
    ) -> Self {
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
        let code = if number.is_multiple_of(2) { CodeShown::Scanned } else { CodeShown::Typed };
        Self {
            number,
            scenario,
            place,
            code,
            customer: dice.pick(&CUSTOMERS).unwrap_or_default(),
            vehicle: dice.pick(&VEHICLES).unwrap_or_default(),
            plate: format!("{letters}{digits:04}"),
            basket,
            amount_minor: u64::from(dice.between(1_800, 14_900)),
            grade: dice.pick(&["regular", "midgrade", "premium", "diesel"]).unwrap_or_default(),
            limit_ml: 1_000 * dice.between(20, 40),
            tank_ml: 10 * dice.between(1_200, 4_500),
        }
    }

    /// The stops of a demo: kinds in turn, every third place shown by tag.
    pub(crate) fn deal(stops: usize, seed: u64) -> Vec<Self> {
        let mut dice = Dice::new(seed);
        let deal = |number: usize| {
            let scenario = Scenario::ALL[(number - 1) % Scenario::ALL.len()];
            let place = if dice.between(0, 2) == 0 { PlaceShown::Tag } else { PlaceShown::Fence };
            Self::roll(number, scenario, place, &mut dice)
        };
        (1..=stops).map(deal).collect()
    }

    /// How it must end: a tank that takes more than the limit gets the limit.
    pub(crate) const fn expected(&self) -> Expected {
        let metered_ml = if self.tank_ml < self.limit_ml { self.tank_ml } else { self.limit_ml };
        Expected {
            openings: if self.scenario.has_goods() { 1 } else { 0 },
            metered_ml: if self.scenario.has_fuel() { metered_ml } else { 0 },
            place: self.place,
        }
    }
}

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
    use super::*;

    #[test]
    fn the_same_seed_deals_the_same_stops() {
        let deal = |seed| format!("{:?}", Plan::deal(12, seed));
        assert_eq!(deal(3), deal(3));
        assert_ne!(deal(3), deal(4));
    }

    #[test]
    fn every_scenario_and_both_ways_of_code_and_place_occur() {
        let plans = Plan::deal(12, 1);
        for scenario in Scenario::ALL {
            assert!(plans.iter().any(|plan| plan.scenario == scenario), "{scenario:?}");
        }
        for place in [PlaceShown::Fence, PlaceShown::Tag] {
            assert!(plans.iter().any(|plan| plan.place == place), "{place:?}");
        }
        for code in [CodeShown::Typed, CodeShown::Scanned] {
            assert!(plans.iter().any(|plan| plan.code == code), "{code:?}");
        }
    }

    #[test]
    fn what_is_expected_follows_from_the_scenario() {
        let mut dice = Dice::new(5);
        let mut roll = |scenario| Plan::roll(1, scenario, PlaceShown::Fence, &mut dice);
        let rows = [
            (Scenario::AllWell, 1, true),
            (Scenario::GroceriesOnly, 1, false),
            (Scenario::FuelOnly, 0, true),
        ];
        for (scenario, openings, has_fuel) in rows {
            let plan = Plan { limit_ml: 20_000, tank_ml: 45_000, ..roll(scenario) };
            let expected = plan.expected();
            assert_eq!(expected.openings, openings, "{scenario:?}");
            assert_eq!(expected.metered_ml, if has_fuel { 20_000 } else { 0 }, "{scenario:?}");
        }
    }
}
