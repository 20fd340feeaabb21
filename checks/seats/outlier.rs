//! Seats that are unlike the template, or unlike most seats.
//!
//! Invariants: what a seat does not tell of its machine is no difference, for a cause says why it does not, and what could
//! not be looked at is not missing; a Python that is only where few seats have one, or where the template has none, is a student's own.

use super::{
    SomeSeats,
    read::{SeatMachine, SeatReport},
    table::{Key, Kind},
};
use crate::{
    Machine, Subject,
    report::{GpuSummary, PythonSummary},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Longest text that is kept, in bytes.
const LONGEST: usize = 256;
/// Most values of one thing that are told.
const VALUES: usize = 20;

/// With what seats are compared.
#[derive(Clone, Debug)]
pub struct Template {
    /// When it was looked at, RFC 3339 in UTC.
    pub taken_at: String,
    /// What it is.
    pub machine: Machine,
}

/// A kind of thing that seats can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The driver.
    Driver,
    /// The GPUs.
    Gpus,
    /// The size of the virtual machine.
    Size,
    /// The operating system.
    Os,
    /// Linux.
    Linux,
    /// A Python.
    Python,
    /// A framework in a Python.
    Framework,
}

/// A thing in which seats differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outlier {
    /// Its kind.
    pub what: What,
    /// The framework, such as `torch`; null for anything else.
    pub name: Option<String>,
    /// The Python; null for what a machine has once.
    pub place: Option<String>,
    /// What it is on the template, or on most seats; null where no value is that of most.
    pub expected: Option<String>,
    /// Seats on which it is that.
    pub as_expected: u64,
    /// Seats that tell what it is.
    pub of: u64,
    /// What it is on the others, by the number of seats.
    pub others: Vec<Reading>,
    /// Seats with values beyond these.
    pub others_left_out: u64,
}

/// A value that some seats have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The value; null where a Python has no such framework, or there is no such Python.
    pub value: Option<String>,
    /// The seats.
    pub seats: SomeSeats,
}

/// A thing in which seats can differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Thing {
    what: What,
    place: Option<String>,
    name: Option<&'static str>,
}

/// What it is somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Trait {
    thing: Thing,
    value: String,
}

impl Trait {
    fn new(what: What, value: Option<String>) -> Option<Self> {
        let value = short(value.filter(|value| !value.is_empty())?);
        Some(Self { thing: Thing { what, place: None, name: None }, value })
    }

    pub(super) fn key(&self) -> Key {
        let kind = if self.thing.place.is_some() { Kind::Python } else { Kind::Machine };
        Key::of(kind, self)
    }
}

/// The traits of a seat.
pub(super) fn of_seat(machine: &SeatMachine) -> Vec<Trait> {
    let SeatMachine { host, gpus, driver, pythons } = machine;
    let version = driver.version.as_ref().or(driver.module.as_ref());
    let own = [
        Trait::new(What::Driver, version.cloned()),
        Trait::new(What::Gpus, models(gpus)),
        Trait::new(What::Size, host.cloud.clone()),
        Trait::new(What::Os, host.os.clone()),
        Trait::new(What::Linux, host.linux.clone()),
    ];
    own.into_iter().flatten().chain(pythons.iter().flat_map(of_python)).collect()
}

/// Which Pythons a seat has, and which of them were looked at whole: their version is told, and nothing failed that was
/// about them. Only there a framework that is not told is none.
pub(super) fn pythons_of(report: &SeatReport) -> Vec<Key> {
    let subjects = report.unverified.iter().map(|unverified| &unverified.subject);
    let subjects = subjects.chain(report.roots.iter().map(|root| &root.subject));
    let in_doubt: BTreeSet<&str> = subjects
        .filter_map(|subject| match subject {
            Subject::Python(name) => Some(name.as_str()),
            Subject::Host | Subject::Gpu(_) | Subject::Notebook(_) => None,
        })
        .collect();
    let keys = report.machine.pythons.iter().flat_map(|python| {
        let is_whole = python.version.is_some() && !in_doubt.contains(python.name.as_str());
        let place = short(python.name.clone());
        let looked = is_whole.then(|| Key::of(Kind::Looked, &place));
        std::iter::once(Key::of(Kind::Present, &place)).chain(looked)
    });
    keys.collect()
}

/// The traits of the template.
fn of_template(machine: &Machine) -> Vec<Trait> {
    let Machine { host, gpus, driver, pythons, .. } = machine.clone();
    of_seat(&SeatMachine { host, gpus, driver, pythons })
}

/// The models of a machine's GPUs and how many there are of each.
fn models(gpus: &[GpuSummary]) -> Option<String> {
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    for gpu in gpus {
        *models.entry(gpu.name.clone()?).or_default() += 1;
    }
    let model =
        |(name, count): (&String, &usize)| if *count == 1 { name.clone() } else { format!("{count} {name}") };
    Some(models.iter().map(model).collect::<Vec<_>>().join(", "))
}

fn of_python(python: &PythonSummary) -> Vec<Trait> {
    let tensorflow = python.tensorflow.as_ref().map(|tensorflow| tensorflow.distribution.clone());
    let values = [
        (What::Python, None, python.version.clone()),
        (What::Framework, Some("TensorFlow"), tensorflow),
        (What::Framework, Some("PyTorch"), python.torch.clone()),
        (What::Framework, Some("JAX"), python.jax.clone()),
        (What::Framework, Some("CuPy"), python.cupy.clone()),
        (What::Framework, Some("cuDF"), python.cudf.clone()),
    ];
    let place = short(python.name.clone());
    let of_value = |(what, name, value)| {
        let found = Trait::new(what, value)?;
        Some(Trait { thing: Thing { place: Some(place.clone()), name, ..found.thing }, ..found })
    };
    values.into_iter().filter_map(of_value).collect()
}

fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

/// Finds the seats that have one of the first keys and none of the others.
type Without<'a> = dyn Fn(&dyn Fn(Key) -> bool, &[Key]) -> SomeSeats + 'a;

/// What is known of the seats: the traits, and the seats of each.
pub(super) struct Known<'a> {
    /// Every trait that is kept, and its seats.
    pub(super) traits: Vec<(&'a Trait, SomeSeats)>,
    /// Seats whose report counts.
    pub(super) told: u64,
    /// Those that have one of the first and none of the others.
    pub(super) without: &'a Without<'a>,
}

impl Known<'_> {
    /// What differs from the template, or from most seats.
    pub(super) fn outliers(&self, template: Option<&Template>) -> Vec<Outlier> {
        let mut things: BTreeMap<&Thing, Vec<(&Trait, &SomeSeats)>> = BTreeMap::new();
        for (found, seats) in self.traits.iter().filter(|(_, seats)| seats.count > 0) {
            things.entry(&found.thing).or_default().push((found, seats));
        }
        let expected = template.map(|template| of_template(&template.machine));
        let Some(expected) = &expected else {
            return things.into_iter().filter_map(|(thing, values)| self.among(thing, values)).collect();
        };
        let mut outliers: Vec<(&Thing, Outlier)> = expected
            .iter()
            .filter_map(|found| {
                let values = things.remove(&found.thing).unwrap_or_default();
                Some((&found.thing, self.outlier(&found.thing, Some(&found.value), values)?))
            })
            .collect();
        outliers.sort_by_key(|(thing, _)| *thing);
        outliers.into_iter().map(|(_, outlier)| outlier).collect()
    }

    /// What differs from most seats. A Python that fewer than half of the seats have is nobody's but theirs.
    fn among(&self, thing: &Thing, values: Vec<(&Trait, &SomeSeats)>) -> Option<Outlier> {
        let of: u64 = values.iter().map(|(_, seats)| seats.count).sum();
        if thing.place.is_some() && of * 2 <= self.told {
            return None;
        }
        let most =
            values.iter().find(|(_, seats)| seats.count * 2 > of).map(|(found, _)| found.value.clone());
        self.outlier(thing, most.as_deref(), values)
    }

    /// The seats that lack a Python, of those that have any; or a framework, of those on which its Python was looked at.
    fn lacking(&self, place: &str, what: What, keys: &[Key]) -> SomeSeats {
        match what {
            What::Framework => {
                let looked = Key::of(Kind::Looked, place);
                (self.without)(&|key| key == looked, keys)
            }
            What::Python | What::Driver | What::Gpus | What::Size | What::Os | What::Linux => {
                (self.without)(&|key| key.is(Kind::Present), &[Key::of(Kind::Present, place)])
            }
        }
    }

    fn outlier(
        &self,
        thing: &Thing,
        expected: Option<&str>,
        values: Vec<(&Trait, &SomeSeats)>,
    ) -> Option<Outlier> {
        let keys: Vec<Key> = values.iter().map(|(found, _)| found.key()).collect();
        let is_expected = |found: &Trait| Some(found.value.as_str()) == expected;
        let (usual, others): (Vec<_>, Vec<_>) = values.into_iter().partition(|(found, _)| is_expected(found));
        let as_expected = usual.iter().map(|(_, seats)| seats.count).sum();
        let reading = |(found, seats): (&Trait, &SomeSeats)| Reading {
            value: Some(found.value.clone()),
            seats: seats.clone(),
        };
        let mut others: Vec<Reading> = others.into_iter().map(reading).collect();
        if let Some(place) = &thing.place {
            let seats = self.lacking(place, thing.what, &keys);
            others.extend((seats.count > 0).then_some(Reading { value: None, seats }));
        }
        others.sort_by(|one, other| {
            other.seats.count.cmp(&one.seats.count).then_with(|| one.value.cmp(&other.value))
        });
        let of = as_expected + others.iter().map(|other| other.seats.count).sum::<u64>();
        let left_out = others.split_off(others.len().min(VALUES));
        (!others.is_empty()).then(|| Outlier {
            what: thing.what,
            name: thing.name.map(str::to_owned),
            place: thing.place.clone(),
            expected: expected.map(str::to_owned),
            as_expected,
            of,
            others,
            others_left_out: left_out.iter().map(|other| other.seats.count).sum(),
        })
    }
}
