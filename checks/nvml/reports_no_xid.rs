//! The driver has logged no error of the GPU.
//!
//! # Meaning
//! The driver numbers what goes wrong: Xids. Some are a program's own fault (13, 31, 43, 45, 68, 69) and say nothing of
//! the card. Others tell that the card, its memory or its firmware failed; it may compute for the moment.
//!
//! # Detection
//! "NVRM: Xid" in the kernel log of this boot, and the Xids that NVML told while it was sampled, by NVIDIA's catalogue.
//! Those of the card are a finding, with their number, name and count and with what NVIDIA says is to be done. A card that
//! fell off the bus (79) and was listed afterwards was reset. An Xid that the table does not know is not judged. Where the log cannot be
//! read and NVML told none, nothing is said.
//!
//! # Fix
//! What the catalogue names: mostly a reset, which in a virtual machine is to stop (deallocate) and start it. If it
//! returns, take another host and report this one.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, PciAddress},
    xid::{self, Told},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Log, Source::Nvml, Source::Load],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge_gpu = |gpu: PciAddress| {
        let told = xid::of(facts, &gpu)?;
        let is_back = xid::is_back(facts, &gpu);
        let whole = facts.log.seen().is_some_and(|log| log.whole_boot);
        Some(judge_xids(Subject::Gpu(gpu), &told, (is_back, whole), knowledge))
    };
    facts.gpu_addresses().into_iter().filter_map(judge_gpu).collect()
}

fn judge_xids(
    subject: Subject,
    told: &[Told],
    (is_back, whole): (bool, bool),
    knowledge: &Knowledge,
) -> Finding {
    let of_card = told.iter().filter_map(|told| Some((told, knowledge.xid(told.number)?)));
    let of_card: Vec<_> = of_card.filter(|(_, known)| xid::is_of_card(known, is_back)).collect();
    let unknown = told.iter().find(|told| knowledge.xid(told.number).is_none());
    if !of_card.is_empty() {
        let summary: Vec<String> = of_card
            .iter()
            .map(|(told, known)| format!("Xid {} ({})", told.number, known.description))
            .collect();
        let finding = Finding::new(subject, Verdict::Warn, summary.join(", "));
        return of_card.into_iter().fold(finding, |finding, (told, known)| {
            let action = known.action.as_deref().and_then(|action| knowledge.action_on_xid(action));
            let action = action.map(|words| format!("; NVIDIA: {words}")).unwrap_or_default();
            finding
                .because(format!("{}, {}{action}", known.mnemonic, times(told.count)))
                .because(told.text.clone())
        });
    }
    if let Some(unknown) = unknown {
        let text = format!("Xid {} is not in the table", unknown.number);
        return Finding::unknown(subject, text).because(unknown.text.clone());
    }
    let (mended, others): (Vec<&Told>, Vec<&Told>) = told
        .iter()
        .partition(|told| knowledge.xid(told.number).is_some_and(|known| xid::is_mended(known, is_back)));
    let summary = match (mended.as_slice(), others.as_slice(), whole) {
        ([], [], true) => "no Xid since the machine was started".to_owned(),
        ([], [], false) => {
            return Finding::unknown(subject, "no Xid in what is left of the kernel log of this boot");
        }
        ([], others, _) => format!("none of the card: Xid {}", numbers(others)),
        (mended, _, _) => format!("Xid {}, and the card is back", numbers(mended)),
    };
    Finding::pass(subject, summary)
}

fn numbers(told: &[&Told]) -> String {
    told.iter().map(|told| told.number.to_string()).collect::<Vec<_>>().join(", ")
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
