//! What a class costs, and so what a template that fails it wastes.
//!
//! Invariants: amounts are exact decimals, never floating point; what is not known is asked for, never guessed.

use crate::Knowledge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Digits after the point that are read.
const MOST_DECIMALS: u32 = 6;
/// Digits before it.
const MOST_DIGITS: usize = 12;

/// What a class costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Machines, one for each student.
    pub seats: u32,
    /// Hours that each of them runs.
    pub hours: String,
    /// What is billed for an hour of one, in units of the unit price.
    pub units: String,
    /// The size of machine whose units these are; none where they were given.
    pub units_of: Option<String>,
    /// The price of a unit.
    pub unit_price: String,
    /// Of prices.
    pub currency: String,
    /// All of it together, exactly.
    pub total: String,
}

/// A class, as its instructor tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Machines, one for each student.
    pub seats: u32,
    /// Hours that each of them runs.
    pub hours: Decimal,
    /// Units an hour; none where the size of the machine is to tell them.
    pub units: Option<Decimal>,
    /// The price of a unit, and its currency; none where it is that of Azure's labs.
    pub price: Option<(Decimal, String)>,
}

/// Why no cost can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CostError {
    /// Nothing says how many units an hour of this machine has.
    UnknownUnits {
        /// Its size, as the cloud tells it.
        size: Option<String>,
    },
    /// The product has more digits than are counted.
    TooMuch,
}

impl Class {
    /// What it costs on a machine of this size.
    ///
    /// # Errors
    /// No units, or a product without measure.
    pub fn cost(&self, size: Option<&str>, knowledge: &Knowledge) -> Result<Cost, CostError> {
        let of_size = || Some((knowledge.lab_units(size?)?, size.map(str::to_owned)));
        let told = self.units.map(|units| (units, None));
        let (units, units_of) =
            told.or_else(of_size).ok_or_else(|| CostError::UnknownUnits { size: size.map(str::to_owned) })?;
        let (price, currency) = self.price.clone().unwrap_or_else(|| knowledge.lab_unit_price());
        let hours = Decimal::from(self.seats).times(self.hours).ok_or(CostError::TooMuch)?;
        let total = hours.times(units).and_then(|units| units.times(price)).ok_or(CostError::TooMuch)?;
        Ok(Cost {
            seats: self.seats,
            hours: self.hours.to_string(),
            units: units.to_string(),
            units_of,
            unit_price: price.to_string(),
            currency,
            total: total.as_money(),
        })
    }
}

/// A number as people write it: digits, and a point among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Decimal {
    digits: u128,
    decimals: u32,
}

impl Decimal {
    /// The exact product; none where it does not fit.
    fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self { digits, decimals: self.decimals.checked_add(other.decimals)? }.shortest())
    }

    fn shortest(mut self) -> Self {
        while self.decimals > 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.decimals -= 1;
        }
        self
    }

    /// With two digits after the point at least.
    fn as_money(self) -> String {
        let text = self.to_string();
        match text.split_once('.') {
            None => format!("{text}.00"),
            Some((_, decimals)) if decimals.len() < 2 => format!("{text}0"),
            Some(_) => text,
        }
    }
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Self {
        Self { digits: number.into(), decimals: 0 }
    }
}

impl FromStr for Decimal {
    type Err = String;

    /// Reads `25`, `1.5`, `0.01`; nothing below zero, and not zero.
    fn from_str(text: &str) -> Result<Self, String> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        if !is_number(whole) || (text.contains('.') && !is_number(decimals)) {
            return Err("a number is digits, with a point among them at most: 30, 1.5".to_owned());
        }
        if whole.len() > MOST_DIGITS || count > MOST_DECIMALS {
            let most = format!("{MOST_DIGITS} digits before the point and {MOST_DECIMALS} after it");
            return Err(format!("at most {most}"));
        }
        match format!("{whole}{decimals}").parse::<u128>() {
            Ok(0) => Err("zero costs nothing".to_owned()),
            Ok(digits) => Ok(Self { digits, decimals: count }.shortest()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl TryFrom<String> for Decimal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(unit) = 10_u128.checked_pow(self.decimals).filter(|_| self.decimals > 0) else {
            return write!(f, "{}", self.digits);
        };
        let width = usize::try_from(self.decimals).unwrap_or_default();
        write!(f, "{}.{:0width$}", self.digits / unit, self.digits % unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn class(seats: u32, hours: &str, units: Option<&str>) -> Class {
        Class { seats, hours: number(hours), units: units.map(number), price: None }
    }

    /// The estimate of Microsoft's own guide to a class with GPUs.
    ///
    /// Source: MicrosoftDocs/azure-docs, lab-services/class-type-deep-learning-natural-language-processing.md, "Cost"
    #[test]
    fn the_estimate_of_microsoft_s_guide() {
        let knowledge = Knowledge::built_in().unwrap();
        let cost = class(25, "30", Some("139")).cost(None, &knowledge).unwrap();
        assert_eq!((cost.total.as_str(), cost.currency.as_str()), ("1042.50", "USD"));
        assert_eq!((cost.unit_price.as_str(), cost.units_of), ("0.01", None));
        let by_size = class(25, "30", None).cost(Some("Standard_NC8as_T4_v3"), &knowledge).unwrap();
        assert_eq!(by_size.total, "1042.50");
        assert_eq!(by_size.units_of.as_deref(), Some("Standard_NC8as_T4_v3"));
    }

    #[test]
    fn units_that_nothing_tells_are_asked_for() {
        let knowledge = Knowledge::built_in().unwrap();
        for size in [None, Some("Standard_ND96isr_H100_v5")] {
            let unknown = Err(CostError::UnknownUnits { size: size.map(str::to_owned) });
            assert_eq!(class(1, "1", None).cost(size, &knowledge), unknown);
        }
    }

    #[test]
    fn amounts_are_exact() {
        let knowledge = Knowledge::built_in().unwrap();
        for (seats, hours, units, price, total) in [
            (3, "0.1", "1", "0.1", "0.03"),
            (1, "1", "1", "0.000001", "0.000001"),
            (7, "1.5", "20", "3", "630.00"),
            (1, "1", "1", "0.5", "0.50"),
            (u32::MAX, "999999999999", "1", "1", "4294967294995705032705.00"),
        ] {
            let price = Some((number(price), "EUR".to_owned()));
            let class = Class { price, ..class(seats, hours, Some(units)) };
            assert_eq!(class.cost(None, &knowledge).unwrap().total, total);
        }
    }

    #[test]
    fn more_than_can_be_counted_is_said() {
        let most = Some("999999999999.999999");
        let class = class(u32::MAX, "999999999999.999999", most);
        let price = Some((number("999999999999.999999"), "USD".to_owned()));
        let cost = Class { price, ..class }.cost(None, &Knowledge::built_in().unwrap());
        assert_eq!(cost, Err(CostError::TooMuch));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0", "0.00", "1.0000001", "9999999999999", "١"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!(number("007.50").to_string(), "7.5");
    }
}
