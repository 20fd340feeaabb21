//! What counts of one report. The rest, which is most of it, is passed over and never kept.

use crate::{
    MachineVerdict, REPORT_SCHEMA, Readiness, Root, Unverified,
    publish::Hold,
    report::{DriverSummary, GpuSummary, HostSummary, PythonSummary},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Most things of one kind that are kept of a report: a machine has fewer, and what says more must not fill memory.
const MOST: usize = 64;

/// What counts of one report.
#[derive(Clone, Debug, Deserialize)]
pub struct SeatReport {
    schema: u64,
    /// When the looking began.
    pub taken_at: String,
    /// The seat's name, where somebody has added it: a report has none of its own.
    pub seat: Option<String>,
    profile: String,
    pub(super) verdict: MachineVerdict,
    #[serde(deserialize_with = "first")]
    pub(super) roots: Vec<Root>,
    pub(super) readiness: Option<Readiness>,
    #[serde(default, deserialize_with = "first")]
    pub(super) holds: Vec<Hold>,
    #[serde(deserialize_with = "first")]
    pub(super) unverified: Vec<Unverified>,
    pub(super) machine: SeatMachine,
}

/// What a seat's machine is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SeatMachine {
    pub(super) host: HostSummary,
    #[serde(deserialize_with = "first")]
    pub(super) gpus: Vec<GpuSummary>,
    pub(super) driver: DriverSummary,
    #[serde(deserialize_with = "first")]
    pub(super) pythons: Vec<PythonSummary>,
}

impl SeatReport {
    /// Why it does not say whether a seat is ready, if it does not.
    pub fn is_no_answer(&self) -> Option<String> {
        if self.schema > REPORT_SCHEMA.into() {
            let schema = self.schema;
            return Some(format!(
                "a report of layout {schema}, this gpucheck reads up to {REPORT_SCHEMA}: merge with a newer one"
            ));
        }
        (self.profile == "slow").then(|| {
            "a report of `gpucheck slow`, which does not say whether the GPU is usable: run `gpucheck` there".to_owned()
        })
    }
}

/// The first elements of a list.
fn first<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(First(PhantomData))
}

struct First<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for First<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut first = Vec::new();
        while first.len() < MOST {
            match list.next_element()? {
                Some(element) => first.push(element),
                None => return Ok(first),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}
