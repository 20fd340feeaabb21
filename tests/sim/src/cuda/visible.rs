//! Which devices a process has: CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER and MIG.
//!
//! Invariants, from the CUDA programming guide and NVIDIA's MIG user guide: the list is cut at its first entry that
//! is none; of instances one is enumerated, the first, and then no GPU beside it; a divided GPU is no device itself.

use crate::{
    address::Address,
    scenario::{Gpu, Instance, Reading, Scenario},
};

/// A CUDA device: a GPU, by its place in the list, or an instance on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visible {
    pub(crate) gpu: usize,
    pub(crate) instance: Option<usize>,
}

/// The devices in CUDA's order.
pub(crate) fn devices(scenario: &Scenario, wanted: Option<&str>, order: Option<&str>) -> Vec<Visible> {
    let all = enumerate(scenario, order == Some("PCI_BUS_ID"));
    let chosen = match wanted {
        None => all.clone(),
        Some(wanted) => choose(scenario, &all, wanted),
    };
    match chosen.iter().find(|device| device.instance.is_some()) {
        Some(instance) => vec![*instance],
        None => chosen,
    }
}

/// Every GPU that CUDA counts, or its instances. Without an order it is the fastest first.
fn enumerate(scenario: &Scenario, by_bus: bool) -> Vec<Visible> {
    let mut gpus: Vec<_> = scenario.gpus.iter().enumerate().filter(|(_, gpu)| gpu.in_cuda).collect();
    if by_bus {
        gpus.sort_by_key(|(_, gpu)| Address::parse(&gpu.pci));
    } else {
        gpus.sort_by_key(|(_, gpu)| std::cmp::Reverse(speed(gpu)));
    }
    gpus.into_iter().flat_map(|(place, gpu)| on(place, gpu)).collect()
}

/// Multiprocessors times their greatest clock: what a GPU computes in a second, but for a factor.
fn speed(gpu: &Gpu) -> u64 {
    let clock = match gpu.nvml.max_clocks.sm {
        Some(Reading::Told(clock)) => clock,
        Some(Reading::Refused { .. }) | None => 1,
    };
    u64::from(gpu.multiprocessors) * u64::from(clock)
}

fn on(place: usize, gpu: &Gpu) -> Vec<Visible> {
    match divided(gpu) {
        Some(instances) => {
            (0..instances.len()).map(|one| Visible { gpu: place, instance: Some(one) }).collect()
        }
        None => vec![Visible { gpu: place, instance: None }],
    }
}

/// The instances of a GPU that is divided.
fn divided(gpu: &Gpu) -> Option<&[Instance]> {
    gpu.mig.as_ref().filter(|mig| mig.mode).map(|mig| mig.instances.as_slice())
}

/// The devices that a list names, up to its first entry that is none or that names one again.
fn choose(scenario: &Scenario, all: &[Visible], wanted: &str) -> Vec<Visible> {
    let mut chosen = Vec::new();
    for entry in wanted.split(',') {
        match named(scenario, all, entry.trim()) {
            Some(device) if !chosen.contains(&device) => chosen.push(device),
            // CUDA takes a list that repeats a device for one with no device.
            Some(_) => return Vec::new(),
            None => break,
        }
    }
    chosen
}

fn named(scenario: &Scenario, all: &[Visible], entry: &str) -> Option<Visible> {
    if let Ok(index) = entry.parse::<usize>() {
        return all.get(index).copied();
    }
    let gpu = |device: &Visible| scenario.gpus.get(device.gpu);
    if let Some(of) = entry.strip_prefix("MIG-GPU-") {
        let (uuid, place) = of.split_once('/')?;
        let uuid = format!("GPU-{uuid}");
        return all.iter().copied().find(|device| {
            gpu(device).is_some_and(|gpu| {
                gpu.uuid.eq_ignore_ascii_case(&uuid) && old_place(gpu, device).as_deref() == Some(place)
            })
        });
    }
    let is_so = |uuid: &str| begins(uuid, entry);
    let mut matching = all.iter().copied().filter(|device| {
        gpu(device).is_some_and(|gpu| match device.instance {
            Some(one) => divided(gpu).and_then(|all| all.get(one)).is_some_and(|one| is_so(&one.uuid)),
            None => is_so(&gpu.uuid),
        })
    });
    let first = matching.next();
    // A beginning that fits several devices names none.
    first.filter(|_| matching.next().is_none())
}

/// `GPU INSTANCE/COMPUTE INSTANCE`, by which R450 and R460 name an instance.
fn old_place(gpu: &Gpu, device: &Visible) -> Option<String> {
    let place = device.instance?;
    let instance = divided(gpu)?.get(place)?;
    Some(format!("{}/{}", instance.gpu_instance(place), instance.compute_instance))
}

/// Whether a UUID begins so; the kind alone is no beginning.
fn begins(uuid: &str, entry: &str) -> bool {
    let long_enough = entry
        .strip_prefix("GPU-")
        .or_else(|| entry.strip_prefix("MIG-"))
        .is_some_and(|rest| !rest.is_empty());
    long_enough && uuid.get(..entry.len()).is_some_and(|head| head.eq_ignore_ascii_case(entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gpu(pci: &str, uuid: &str, multiprocessors: u32) -> serde_json::Value {
        json!({"pci": pci, "pci_device_id": 0x1eb8_10de, "name": "GPU", "uuid": uuid, "compute_capability": [8, 0],
               "memory": {"total": 1 << 30}, "multiprocessors": multiprocessors})
    }

    fn scenario(gpus: &[serde_json::Value]) -> Scenario {
        let whole = json!({"driver": {"version": "535.161.08", "cuda": 12020}, "gpus": gpus});
        serde_json::from_value(whole).unwrap()
    }

    fn two() -> Scenario {
        scenario(&[gpu("0001:00:00.0", "GPU-aa11", 40), gpu("0002:00:00.0", "GPU-ab22", 108)])
    }

    fn with_instances() -> Scenario {
        let mut divided = gpu("0001:00:00.0", "GPU-aa11", 108);
        let instance = |uuid: &str| json!({"name": "1g.5gb", "uuid": uuid, "memory": {"total": 5}, "multiprocessors": 14});
        divided["mig"] =
            json!({"mode": true, "pending": true, "instances": [instance("MIG-01"), instance("MIG-02")]});
        scenario(&[divided, gpu("0002:00:00.0", "GPU-ab22", 108)])
    }

    fn seen(scenario: &Scenario, wanted: Option<&str>) -> Vec<(usize, Option<usize>)> {
        let devices = devices(scenario, wanted, Some("PCI_BUS_ID"));
        devices.into_iter().map(|device| (device.gpu, device.instance)).collect()
    }

    #[test]
    fn a_list_is_cut_at_what_is_no_device() {
        let (first, second) = ((0, None), (1, None));
        for (wanted, expected) in [
            (None, vec![first, second]),
            (Some(""), vec![]),
            (Some("-1"), vec![]),
            (Some("1,0"), vec![second, first]),
            (Some("1,9,0"), vec![second]),
            (Some("0,-1,1"), vec![first]),
            (Some("GPU-aa"), vec![first]),
            (Some("GPU-a"), vec![]),
            (Some("GPU-"), vec![]),
            (Some("gpu"), vec![]),
            (Some("0,0"), vec![]),
            (Some("NoDevFiles"), vec![]),
        ] {
            assert_eq!(seen(&two(), wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn the_fastest_comes_first_unless_the_bus_is_asked_for() {
        assert_eq!(devices(&two(), None, None)[0].gpu, 1);
        assert_eq!(devices(&two(), None, Some("PCI_BUS_ID"))[0].gpu, 0);
    }

    #[test]
    fn one_instance_is_all_that_is_enumerated() {
        let machine = with_instances();
        for (wanted, expected) in [
            (None, vec![(0, Some(0))]),
            (Some("MIG-02"), vec![(0, Some(1))]),
            (Some("MIG-02,MIG-01"), vec![(0, Some(1))]),
            (Some("MIG-GPU-aa11/2/0"), vec![(0, Some(1))]),
            (Some("GPU-aa11"), vec![]),
            (Some("GPU-ab22"), vec![(1, None)]),
            (Some("MIG-09"), vec![]),
        ] {
            assert_eq!(seen(&machine, wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_divided_gpu_without_instances_is_no_device() {
        let mut divided = gpu("0001:00:00.0", "GPU-aa11", 108);
        divided["mig"] = json!({"mode": true, "pending": true});
        assert_eq!(seen(&scenario(&[divided]), None), []);
    }
}
