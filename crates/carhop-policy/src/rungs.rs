//! The choice of the authorisation model from a reviewed table: goods, value and place, with floors (M-POL-2).
//!
//! What a rung asks for is not known here; the policies say it.

use std::collections::{BTreeMap, BTreeSet};

use carhop_kernel::order::{Currency, PlaceKind, Sensitivity, Value};
use carhop_kernel::verdict::Rung;
use thiserror::Error;

use crate::facts::{Facts, OrderFacts, Risk, Services};

/// The table, checked.
#[derive(Debug)]
pub(crate) struct RungTable {
    /// Most that counts as small and as medium, by currency.
    bands: BTreeMap<String, [u64; 2]>,
    /// By sensitivity, value band and place.
    goods: [[[Rung; PLACES.len()]; BANDS.len()]; SENSITIVITIES.len()],
    /// In the order of [`FLOORS`].
    floors: [Rung; FLOORS.len()],
}

/// Why a table of rungs was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RungsError {
    /// A line that is neither blank nor a comment has the wrong words.
    #[error("line {0} does not read as a band, a row of goods or a floor")]
    Line(usize),
    /// A line says again what an earlier one said.
    #[error("line {0} repeats an earlier one")]
    Repeated(usize),
    /// A row of goods or a floor is missing.
    #[error("a row of goods or a floor is missing")]
    Incomplete,
    /// Costlier or more delicate goods would get a weaker rung.
    #[error("costlier or more delicate goods get a weaker rung")]
    Falling,
    /// `otp_only` is for goods of low sensitivity alone.
    #[error("`otp_only` is for goods of low sensitivity alone")]
    CodeAlone,
    /// Fuel would go below `otp_token_fence`.
    #[error("fuel goes below `otp_token_fence`")]
    Fuel,
}

impl RungTable {
    /// Reads and checks the table.
    pub(crate) fn parse(text: &str) -> Result<Self, RungsError> {
        let mut rows = Rows::default();
        for (index, line) in text.lines().enumerate() {
            let words: Vec<&str> =
                line.split('#').next().unwrap_or_default().split_whitespace().collect();
            if !words.is_empty() {
                rows.read(&words, index + 1)?;
            }
        }
        let table = rows.complete().ok_or(RungsError::Incomplete)?;
        table.check()?;
        Ok(table)
    }

    /// The least intrusive rung that suffices for the leg that is asked about, or for the whole order where no leg is.
    pub(crate) fn choose(&self, facts: &Facts) -> Rung {
        let order = &facts.order;
        let (goods, fuel) = match (facts.leg, order.services) {
            (Some(leg), _) => (!leg.is_fuel(), leg.is_fuel()),
            (None, Services::Goods) => (true, false),
            (None, Services::Fuel) => (false, true),
            (None, Services::Hybrid) => (true, true),
        };
        let applies = [
            fuel,
            order.services == Services::Hybrid,
            goods && order.age_gated,
            facts.risk >= Risk::Raised,
            facts.risk >= Risk::High,
        ];
        let floors = self.floors.into_iter().zip(applies).filter(|(_, applies)| *applies);
        let cell = if goods { self.cell(order) } else { Rung::OtpOnly };
        floors.fold(cell, |rung, (floor, _)| rung.max(floor))
    }

    fn cell(&self, order: &OrderFacts) -> Rung {
        let sensitivity = match order.sensitivity {
            Sensitivity::Low => 0,
            Sensitivity::Moderate => 1,
            Sensitivity::High => 2,
        };
        let place = match order.place_kind {
            PlaceKind::Lot => 0,
            PlaceKind::Garage => 1,
            PlaceKind::Driveway => 2,
            PlaceKind::Kerb => 3,
            PlaceKind::Depot => 4,
        };
        self.goods[sensitivity][self.band(order.value)][place]
    }

    fn band(&self, value: Value) -> usize {
        let highest = BANDS.len() - 1;
        self.bands.get(value.currency.code()).map_or(highest, |limits| {
            limits.iter().position(|limit| value.amount_minor <= *limit).unwrap_or(highest)
        })
    }

    fn check(&self) -> Result<(), RungsError> {
        let not_weaker = |weaker: &[Rung; PLACES.len()], stronger: &[Rung; PLACES.len()]| {
            weaker.iter().zip(stronger).all(|(weaker, stronger)| weaker <= stronger)
        };
        let by_value = self.goods.iter().all(|bands| bands.is_sorted_by(not_weaker));
        let by_sensitivity = (0..BANDS.len())
            .all(|band| self.goods.is_sorted_by(|a, b| not_weaker(&a[band], &b[band])));
        if !by_value || !by_sensitivity {
            return Err(RungsError::Falling);
        }
        if self.goods[1..].iter().flatten().flatten().any(|rung| *rung == Rung::OtpOnly) {
            return Err(RungsError::CodeAlone);
        }
        if self.floors[0] < Rung::OtpTokenFence {
            return Err(RungsError::Fuel);
        }
        Ok(())
    }
}

/// What was read so far.
#[derive(Default)]
struct Rows {
    bands: BTreeMap<String, [u64; 2]>,
    goods: [[[Option<Rung>; PLACES.len()]; BANDS.len()]; SENSITIVITIES.len()],
    floors: [Option<Rung>; FLOORS.len()],
    seen: BTreeSet<String>,
}

impl Rows {
    fn read(&mut self, words: &[&str], number: usize) -> Result<(), RungsError> {
        let named = match words {
            ["band", currency, ..] => vec!["band", currency],
            ["goods", sensitivity, band, ..] => vec!["goods", sensitivity, band],
            ["floor", floor, ..] => vec!["floor", floor],
            _ => return Err(RungsError::Line(number)),
        };
        if !self.seen.insert(named.join(" ")) {
            return Err(RungsError::Repeated(number));
        }
        self.place(words).ok_or(RungsError::Line(number))
    }

    fn place(&mut self, words: &[&str]) -> Option<()> {
        match words {
            ["band", currency, small, medium] => {
                let key = Currency::new(currency)?.code().to_owned();
                let limits = [small.parse().ok()?, medium.parse().ok()?];
                (limits[0] < limits[1]).then(|| self.bands.insert(key, limits))?;
            }
            ["goods", sensitivity, band, rungs @ ..] if rungs.len() == PLACES.len() => {
                let row = self.goods.get_mut(position(&SENSITIVITIES, sensitivity)?)?;
                let row = row.get_mut(position(&BANDS, band)?)?;
                for (cell, name) in row.iter_mut().zip(rungs) {
                    *cell = Some(rung(name)?);
                }
            }
            ["floor", floor, name] => {
                *self.floors.get_mut(position(&FLOORS, floor)?)? = Some(rung(name)?);
            }
            _ => return None,
        }
        Some(())
    }

    fn complete(self) -> Option<RungTable> {
        let mut goods = [[[Rung::HardwareLock; PLACES.len()]; BANDS.len()]; SENSITIVITIES.len()];
        for (cell, read) in
            goods.iter_mut().flatten().flatten().zip(self.goods.iter().flatten().flatten())
        {
            *cell = (*read)?;
        }
        let mut floors = [Rung::HardwareLock; FLOORS.len()];
        for (floor, read) in floors.iter_mut().zip(self.floors) {
            *floor = read?;
        }
        Some(RungTable { bands: self.bands, goods, floors })
    }
}

fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|candidate| *candidate == name)
}

fn rung(name: &str) -> Option<Rung> {
    Rung::ALL.iter().copied().find(|rung| rung.name() == name)
}

const SENSITIVITIES: [&str; 3] = ["low", "moderate", "high"];
const BANDS: [&str; 3] = ["small", "medium", "large"];
/// The columns of a row of goods.
const PLACES: [&str; 5] = ["lot", "garage", "driveway", "kerb", "depot"];
const FLOORS: [&str; 5] = ["fuel", "hybrid", "age_gated", "risk_raised", "risk_high"];

#[cfg(test)]
mod tests {
    use carhop_kernel::verdict::PolicyAction;

    use super::*;
    use crate::sample;

    const TABLE: &str = include_str!("../../../policies/rungs.txt");

    fn replaced(from: &str, to: &str) -> Result<RungTable, RungsError> {
        let text = TABLE.replacen(from, to, 1);
        assert_ne!(text, TABLE, "`{from}` is not in the table");
        RungTable::parse(&text)
    }

    #[test]
    fn a_careless_table_is_refused() {
        let rows = [
            ("floor   fuel ", "floor   fule ", RungsError::Line(32)),
            ("floor   hybrid       otp_token_fence", "", RungsError::Incomplete),
            ("floor   hybrid ", "floor   fuel ", RungsError::Repeated(33)),
            ("floor   fuel         otp_token_fence", "floor fuel otp_fence", RungsError::Fuel),
            ("moderate     small    otp_fence ", "moderate small otp_only", RungsError::Falling),
            ("high         large    hardware_lock", "high large otp_fence", RungsError::Falling),
            (
                "moderate     small    otp_fence        otp_fence        otp_fence  ",
                "moderate     small    otp_fence        otp_fence        otp_only   ",
                RungsError::CodeAlone,
            ),
            ("EUR        5000    25000", "EUR 25000 5000", RungsError::Line(14)),
            ("band  EUR ", "band  Eur ", RungsError::Line(14)),
        ];
        for (from, to, error) in rows {
            assert_eq!(replaced(from, to).unwrap_err(), error, "{from} -> {to}");
        }
    }

    #[test]
    fn the_rung_is_the_strongest_of_cell_and_floors() {
        let table = RungTable::parse(TABLE).unwrap();
        let goods = sample::well(PolicyAction::ReleaseCompartment);
        let rung = |change: fn(&mut Facts)| {
            let mut facts = goods.clone();
            change(&mut facts);
            table.choose(&facts)
        };
        assert_eq!(rung(|_| ()), Rung::OtpFence);
        assert_eq!(rung(|facts| facts.order.place_kind = PlaceKind::Driveway), Rung::OtpOnly);
        assert_eq!(rung(|facts| facts.order.sensitivity = Sensitivity::High), Rung::OtpTokenFence);
        assert_eq!(rung(|facts| facts.order.services = Services::Hybrid), Rung::OtpTokenFence);
        assert_eq!(rung(|facts| facts.risk = Risk::Raised), Rung::OtpTokenFence);
        assert_eq!(rung(|facts| facts.risk = Risk::High), Rung::HardwareLock);
        assert_eq!(rung(|facts| facts.order.value.amount_minor = u64::MAX), Rung::OtpTokenFence);
        let forints = Value { amount_minor: 1, currency: Currency::new("HUF").unwrap() };
        let mut unlisted = goods.clone();
        unlisted.order.value = forints;
        assert_eq!(table.choose(&unlisted), Rung::OtpTokenFence);
        let fuel = sample::well(PolicyAction::DispenseFuel);
        assert_eq!(table.choose(&fuel), Rung::OtpTokenFence);
    }

    #[test]
    fn fuel_never_goes_below_code_token_and_fence_whatever_the_order_is_like() {
        let table = RungTable::parse(TABLE).unwrap();
        for place_kind in [PlaceKind::Lot, PlaceKind::Driveway, PlaceKind::Depot] {
            for services in [Services::Fuel, Services::Hybrid] {
                let mut facts = sample::well(PolicyAction::DispenseFuel);
                facts.order.place_kind = place_kind;
                facts.order.services = services;
                assert!(table.choose(&facts) >= Rung::OtpTokenFence);
                facts.leg = None;
                assert!(table.choose(&facts) >= Rung::OtpTokenFence);
            }
        }
    }
}
