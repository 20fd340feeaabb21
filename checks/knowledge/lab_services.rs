//! What Azure's labs cost.

use super::{Knowledge, Sourced, rows, twice, unsourced};
use crate::cost::Decimal;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    price: Sourced<Price>,
    units: Vec<Sourced<Units>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    /// Of one unit.
    unit: Decimal,
    currency: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    /// Azure's name of the size.
    size: String,
    /// Units of an hour.
    an_hour: Decimal,
}

impl Knowledge {
    /// Lab units of an hour of a machine of this size; none where the table does not know it.
    pub fn lab_units(&self, size: &str) -> Option<Decimal> {
        rows(&self.lab_services.units).find(|row| row.size.eq_ignore_ascii_case(size)).map(|row| row.an_hour)
    }

    /// The price of a lab unit, and its currency.
    pub fn lab_unit_price(&self) -> (Decimal, String) {
        let price = rows(std::slice::from_ref(&self.lab_services.price)).next();
        price.map_or_else(|| (Decimal::from(0), String::new()), |price| (price.unit, price.currency.clone()))
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        let price = std::slice::from_ref(&self.price);
        let one_price = || (self.price.row.len() != 1).then(|| "one price of a unit, not several".to_owned());
        let size = || twice(rows(&self.units).map(|row| &row.size));
        unsourced(price)
            .or_else(|| unsourced(&self.units))
            .or_else(one_price)
            .or_else(|| Some(format!("{} stands twice", size()?)))
    }
}
