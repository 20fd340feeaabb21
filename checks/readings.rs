//! What checks of NVML's readings have in common.

use crate::{
    Finding, Judged, Outcome, Subject, Verdict,
    fact::{Facts, GpuProcess, NvmlDevice, Observed, PciAddress, Place, Process},
    judge,
};

/// `NVML_ERROR_NOT_SUPPORTED`, `NVML_ERROR_FUNCTION_NOT_FOUND`, `NVML_ERROR_VGPU_ECC_NOT_SUPPORTED`: the card or the
/// driver does not have it.
const NOT_THERE: [i64; 3] = [3, 13, 22];

/// Judges each GPU by NVML's device on it.
pub(crate) fn each_gpu(facts: &Facts, judge: impl Fn(Subject, &NvmlDevice) -> Finding) -> Judged {
    let judge_gpu = |gpu: PciAddress| match facts.nvml_device(&gpu) {
        Some(device) => judge(Subject::Gpu(gpu), device),
        None => Finding::unknown(Subject::Gpu(gpu), "NVML does not list it"),
    };
    facts.gpu_addresses().into_iter().map(judge_gpu).collect()
}

/// The value of a reading; what to say of it where there is none. What a card or a driver does not have is no trouble.
pub(crate) fn value<'a, T>(subject: &Subject, reading: &'a Observed<T>) -> Result<&'a T, Box<Finding>> {
    match reading.seen() {
        Some(value) => Ok(value),
        None if is_not_there(reading) => {
            Err(Box::new(Finding::not_applicable(subject.clone(), "this card or its driver does not tell")))
        }
        None => Err(Box::new(Finding::unknown(subject.clone(), reading.why_not()))),
    }
}

/// What is set now and what the card comes with; what to say where either is none of the `possible` values.
pub(crate) fn now_and_default(
    subject: &Subject,
    (now, default): (&Observed<u32>, &Observed<u32>),
    possible: &std::ops::Range<u32>,
    (what, unit): (&str, &str),
) -> Result<(u32, u32), Box<Finding>> {
    let (now, default) = (*value(subject, now)?, *value(subject, default)?);
    if possible.contains(&now) && possible.contains(&default) {
        return Ok((now, default));
    }
    let odd = format!("{what} of {now} and {default} {unit} are none that a card has");
    Err(Box::new(Finding::unknown(subject.clone(), odd)))
}

/// Whether the card or the driver has no such reading.
pub(crate) fn is_not_there<T>(reading: &Observed<T>) -> bool {
    reading.refusal_code().is_some_and(|code| NOT_THERE.contains(&code))
}

/// The outcomes of a check that are not as they should be.
pub(crate) fn troubled<'a>(outcomes: &'a [Outcome], id: &'a str) -> impl Iterator<Item = &'a Outcome> {
    outcomes
        .iter()
        .filter(move |outcome| outcome.id == id && matches!(outcome.verdict, Verdict::Fail | Verdict::Warn))
}

/// Used memory of an idle device that is no cause for concern, in bytes, and the part of all memory that comes on top:
/// what a driver and a console keep, and what drivers up to 470 count as used of what is reserved (a few hundred MiB).
const KEPT: u64 = 1 << 30;
const KEPT_PART: u64 = 64;

/// The memory in use that no living process on the device accounts for; none where that is as usual or cannot be told. Inside
/// a container and under WSL the processes of others cannot be seen, and a slice of a card (vGPU, MIG) has memory in
/// use that is not its own.
pub(crate) fn held_by_nobody(facts: &Facts, device: &NvmlDevice) -> Option<u64> {
    let memory = device.memory.seen().filter(|memory| memory.is_plausible())?;
    let whole = device.virtualization_mode.seen().is_none_or(|mode| matches!(mode, 0 | 1));
    let others_seen = !judge::in_container(facts) && facts.place() != Place::Wsl;
    let told = device.compute_processes.seen().is_some() && device.graphics_processes.seen().is_some();
    let nobody = told && !device.processes().any(|process| is_there(facts, process));
    let usual = KEPT + memory.total / KEPT_PART;
    (whole && !device.has_mig() && others_seen && nobody && memory.used > usual).then_some(memory.used)
}

/// Whether a process that NVML lists still exists: one that was ended may stay on the list for as long as its memory is
/// held.
pub(crate) fn is_there(facts: &Facts, process: &GpuProcess) -> bool {
    let all_seen = facts.processes.seen().is_some_and(|processes| processes.whole);
    process.name.is_some() || !all_seen || facts.process(process.pid).is_some()
}

/// A cause that is what these outcomes of one check say: the same finding under the disease's name.
pub(crate) fn as_told(outcomes: &[Outcome], id: &str) -> Vec<Finding> {
    let told = |outcome: &Outcome| judge::retold(outcome).accounting_for(id, &outcome.subject);
    troubled(outcomes, id).map(told).collect()
}

/// NVML's device of a finding about a GPU.
pub(crate) fn device<'a>(facts: &'a Facts, subject: &Subject) -> Option<&'a NvmlDevice> {
    match subject {
        Subject::Gpu(address) => facts.nvml_device(address),
        Subject::Host | Subject::Python(_) | Subject::Notebook(_) => None,
    }
}

/// The code with which CUDA refused a GPU: its context, or what was computed in it.
pub(crate) fn refusal(facts: &Facts, gpu: &PciAddress) -> Option<i64> {
    let device = facts.cuda_device(gpu)?;
    let computed = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    let mut sums = computed.filter(|computed| computed.ordinal == device.ordinal);
    device.context.refusal_code().or_else(|| sums.find_map(|computed| computed.vector_add.refusal_code()))
}

/// Accounts for what CUDA refused on this GPU, in whichever of its two calls.
pub(crate) fn accounting_for_refusal(finding: Finding, gpu: &PciAddress) -> Finding {
    let subject = Subject::Gpu(gpu.clone());
    let finding = finding.accounting_for("driver.opens_context", &subject);
    finding.accounting_for("compute.adds_vectors", &subject)
}

/// Accounts for the troubles of frameworks that are told in one of these words.
pub(crate) fn accounting_for_words(finding: Finding, outcomes: &[Outcome], words: &[&str]) -> Finding {
    let in_words = |text: &String| words.iter().any(|word| text.contains(word));
    let told = outcomes.iter().filter(|outcome| {
        matches!(outcome.subject, Subject::Python(_) | Subject::Notebook(_))
            && matches!(outcome.verdict, Verdict::Fail | Verdict::Warn)
            && (in_words(&outcome.summary) || outcome.evidence.iter().any(in_words))
    });
    told.fold(finding, |finding, outcome| finding.accounting_for(&outcome.id, &outcome.subject))
}

/// One disease of several GPUs is one finding, about the machine.
pub(crate) fn together(findings: Vec<Finding>) -> Judged {
    if findings.len() < 2 {
        return findings;
    }
    let summaries: Vec<String> =
        findings.iter().map(|finding| format!("{}: {}", finding.subject, finding.summary)).collect();
    let mut parts = findings.into_iter();
    let Some(mut whole) = parts.next() else { return Vec::new() };
    whole.subject = Subject::Host;
    whole.summary = summaries.join("; ");
    for part in parts {
        add_new(&mut whole.evidence, part.evidence);
        add_new(&mut whole.advice.commands, part.advice.commands);
        if let Some(told) = part.advice.accounts_for {
            add_new(whole.advice.accounts_for.get_or_insert_default(), told);
        }
    }
    vec![whole]
}

fn add_new<T: PartialEq>(to: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}

/// `CUDA_ERROR_OUT_OF_MEMORY`.
pub(crate) const OUT_OF_MEMORY: i64 = 2;
/// How frameworks put it, and how cuBLAS and cuDNN hide it.
pub(crate) const OUT_OF_MEMORY_WORDS: &[&str] = &[
    "out of memory",
    "OUT_OF_MEMORY",
    "OOM when allocating",
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Could not create cudnn handle",
];

/// Whose a process is, and how old.
pub(crate) fn owner_and_age(process: &Process) -> Option<String> {
    let uid = process.uid.map(|uid| format!("user {uid}"));
    let age = process.age_s.map(|age| format!("for {}", time(age)));
    let parts: Vec<String> = uid.into_iter().chain(age).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A number of seconds, as people read it.
pub(crate) fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A number of bytes, as people read it.
pub(crate) fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= 10 << 30 {
        format!("{} GiB", bytes >> 30)
    } else if bytes >= 1 << 30 {
        format!("{}.{} GiB", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30)
    } else {
        format!("{} MiB", bytes / MIB)
    }
}

/// A number of bytes in the unit in which nvidia-smi tells memory.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, text) in [
            (0, "0 MiB"),
            (300 << 20, "300 MiB"),
            (1 << 30, "1.0 GiB"),
            ((1 << 30) + (512 << 20), "1.5 GiB"),
            (15 << 30, "15 GiB"),
            (u64::MAX, "17179869183 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn one_disease_of_two_gpus_is_one_finding() {
        let gpu = |name| Subject::Gpu(PciAddress::new(name));
        let finding = |name| {
            Finding::fail(gpu(name), "off").run("sudo reboot").accounting_for("driver.sees_gpu", &gpu(name))
        };
        let alone = together(vec![finding("0000:01:00.0")]);
        assert_eq!(alone.first().map(|finding| &finding.subject), Some(&gpu("0000:01:00.0")));
        let both = together(vec![finding("0000:01:00.0"), finding("0000:02:00.0")]);
        let [one] = both.as_slice() else { panic!("{both:?}") };
        assert_eq!(one.subject, Subject::Host);
        assert_eq!(one.summary, "0000:01:00.0: off; 0000:02:00.0: off");
        assert_eq!(one.advice.commands, ["sudo reboot"]);
        assert_eq!(one.advice.accounts_for.as_ref().map(Vec::len), Some(2));
        assert!(together(Vec::new()).is_empty());
    }
}
