//! Results of several rounds, of several workers and of several looks, taken together.

use super::{plan::DevicePlan, told::untouched};
use gpucheck_checks::fact::{Arithmetic, MemoryTest, Observed, Product, Work};

/// Wrong words that are told one by one.
const MOST: usize = 16;

/// A result to which that of a further round can be added: what is wrong adds up.
pub(super) trait Rounds: Clone {
    fn add(&mut self, round: Self);
}

impl Rounds for Product {
    fn add(&mut self, round: Self) {
        self.wrong += round.wrong;
        self.first_wrong = self.first_wrong.or(round.first_wrong);
        self.device_us = round.device_us;
    }
}

impl Rounds for MemoryTest {
    fn add(&mut self, round: Self) {
        self.wrong += round.wrong;
        self.faults.extend(round.faults);
        self.faults.truncate(MOST);
        self.bytes = round.bytes;
        self.passes = round.passes;
    }
}

impl Rounds for Arithmetic {
    fn add(&mut self, round: Self) {
        self.wrong += round.wrong;
        // A fast card does more than fits in some days: what was before is left out of the rate then.
        let sum = self.operations.checked_add(round.operations);
        self.device_us = round.device_us + if sum.is_some() { self.device_us } else { 0 };
        self.operations = sum.unwrap_or(round.operations);
    }
}

/// What was seen before, and in one more round.
pub(super) fn add<T: Rounds>(before: &Observed<T>, round: Observed<T>) -> Observed<T> {
    let Some(mut all) = before.seen().cloned() else { return round };
    match round {
        Observed::Seen(one) => {
            all.add(one);
            Observed::Seen(all)
        }
        Observed::Interrupted { seen, by } => {
            all.add(seen);
            Observed::Interrupted { seen: all, by }
        }
        Observed::Failed(by) => Observed::Interrupted { seen: all, by },
        Observed::NotProbed { .. } => before.clone(),
    }
}

/// What workers that had one device each have told, in the order of the plan. How one ended is its device's.
pub(super) fn together(told: Vec<Observed<Work>>, devices: &[DevicePlan]) -> Observed<Work> {
    let mut all = Work::default();
    for (told, device) in told.into_iter().zip(devices) {
        match told {
            Observed::Seen(work) | Observed::Interrupted { seen: work, .. } => {
                all.level = work.level;
                all.soaked_s = all.soaked_s.max(work.soaked_s);
                all.devices.extend(work.devices);
            }
            Observed::Failed(by) => {
                let mut lost = untouched(device.ordinal, device.pci.clone(), "the work did not begin");
                lost.free = Observed::Failed(by);
                all.devices.push(lost);
            }
            Observed::NotProbed { why } => {
                all.devices.push(untouched(device.ordinal, device.pci.clone(), &why));
            }
        }
    }
    Observed::Seen(all)
}

/// Puts what some devices did at a second look in the place of what they did at the first. Where that had no answer the
/// first one stays.
pub(crate) fn replace(first: Observed<Work>, again: Observed<Work>) -> Observed<Work> {
    match (first, again) {
        (Observed::Seen(mut work), Observed::Seen(again)) => {
            work.devices.retain(|device| again.devices.iter().all(|other| other.ordinal != device.ordinal));
            work.devices.extend(again.devices);
            work.devices.sort_by_key(|device| device.ordinal);
            Observed::Seen(work)
        }
        (Observed::NotProbed { .. } | Observed::Failed(_), again) => again,
        (first, _) => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{MemoryFault, Pattern, ProbeFailure};

    fn fault(address: u64) -> MemoryFault {
        MemoryFault { address, pattern: Pattern::Address, written: 0, read: 1 }
    }

    fn test(wrong: u64, faults: Vec<MemoryFault>) -> MemoryTest {
        MemoryTest { bytes: 1 << 20, passes: Vec::new(), wrong, faults }
    }

    fn crashed() -> ProbeFailure {
        ProbeFailure::Crashed { signal: 11, step: "x".to_owned() }
    }

    #[test]
    fn what_is_wrong_in_any_round_stays_wrong() {
        let first = add(&Observed::not_probed("x"), Observed::Seen(test(1, vec![fault(8)])));
        let second = add(&first, Observed::Seen(test(0, Vec::new())));
        let third = add(&second, Observed::Seen(test(20, (0..20).map(fault).collect())));
        let seen = third.seen().unwrap();
        assert_eq!((seen.wrong, seen.faults.len(), seen.faults[0]), (21, 16, fault(8)));
        let ended = add(&third, Observed::Failed(crashed()));
        assert_eq!(ended, Observed::Interrupted { seen: seen.clone(), by: crashed() });
    }

    #[test]
    fn days_of_arithmetic_keep_their_rate() {
        let round = |operations| Arithmetic { operations, device_us: operations / 100_000_000, wrong: 1 };
        let mut all = round(u64::MAX - 7);
        all.add(round(200_000_000_000_000));
        assert_eq!(all.operations / all.device_us, 100_000_000);
        all.add(round(200_000_000_000_000));
        assert_eq!((all.operations, all.wrong), (400_000_000_000_000, 3));
    }

    #[test]
    fn one_workers_end_is_its_devices() {
        let plan = |ordinal| DevicePlan {
            ordinal,
            pci: None,
            most: None,
            untimed: None,
            without_host: None,
            stepped_back: None,
        };
        let one = Work { devices: vec![untouched(0, None, "x")], soaked_s: Some(9), ..Work::default() };
        let all = together(vec![Observed::Seen(one), Observed::Failed(crashed())], &[plan(0), plan(1)]);
        let Observed::Seen(all) = all else { panic!("{all:?}") };
        assert_eq!((all.soaked_s, all.devices.len()), (Some(9), 2));
        assert_eq!((all.devices[1].ordinal, &all.devices[1].free), (1, &Observed::Failed(crashed())));
    }

    #[test]
    fn a_second_look_replaces_what_it_looked_at() {
        let of = |ordinals: &[i32], why: &str| Work {
            devices: ordinals.iter().map(|ordinal| untouched(*ordinal, None, why)).collect(),
            ..Work::default()
        };
        let first = Observed::Seen(of(&[0, 1], "first"));
        let Observed::Seen(all) = replace(first.clone(), Observed::Seen(of(&[0, 2], "again"))) else {
            panic!()
        };
        let told: Vec<_> = all.devices.iter().map(|device| (device.ordinal, device.free.why_not())).collect();
        let expected = [(0, "again"), (1, "first"), (2, "again")];
        assert_eq!(told, expected.map(|(ordinal, why)| (ordinal, format!("not probed: {why}"))));
        assert_eq!(replace(first.clone(), Observed::Failed(crashed())), first);
    }
}
