//! From facts to the report: judge everything, find the roots, name the causes, give the verdict.
//!
//! Invariants: every check is judged, whatever came out of the ones before it; a pass is never taken back; a
//! failure is somebody's consequence only if a check that it needs failed for a subject that reaches its own.

use crate::{
    Advice, Cause, Finding, Knowledge, Outcome, Registered, Report, Root, Selection, Severity, Subject,
    Unverified, Verdict, Who,
    fact::{Facts, PciAddress, Targets},
    registry::{self, CAUSES, CHECKS},
    report::{Fix, Machine, MachineVerdict, REPORT_SCHEMA, Wording},
    texts::{self, Language, Texts},
    usable_from, users,
    verdict::{PROOFS, REFUTATIONS, verdict},
};

/// Failures that account for others without being needed: CUDA does without NVML, and both ask one driver. Where that
/// driver refuses NVML, or starts no GPU for it, CUDA's refusal is the same trouble told again.
const SAME_TROUBLE: [(&str, &str); 2] =
    [("nvml.initializes", "driver.initializes"), ("nvml.sees_gpu", "driver.initializes")];

/// The checks of a framework's libraries, which compute without it.
const LIBRARIES: [&str; 2] = ["libraries.cublas_works", "libraries.cudnn_works"];

/// Judges facts. Any facts give a report.
pub fn diagnose(facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
    let (judged, named) = conclude(facts, knowledge, |id| selection.judges(id));
    verdict_of(facts, knowledge, judged, named, "check")
}

/// The report of a profile that asks whether the GPU is usable.
pub(crate) fn verdict_of(
    facts: &Facts,
    knowledge: &Knowledge,
    judged: Vec<JudgedOutcome>,
    named: Vec<(usize, Root)>,
    profile: &str,
) -> Report {
    let usable_from = usable_from::rows(facts, &judged, &named);
    let mut roots: Vec<Root> = named.into_iter().map(|(_, root)| root).collect();
    let verdict = verdict(facts, &judged, &roots, &usable_from);
    if verdict == MachineVerdict::Usable {
        // What was proven to work is not unusable, whatever looks wrong on the way to it.
        for root in &mut roots {
            root.severity = root.severity.max(Severity::Degraded);
        }
    }
    Report { usable_from, ..report(facts, knowledge, judged, (profile, verdict, roots)) }
}

/// Judges what is asked for, and names what is wrong: every outcome, and the roots, each with the index of its outcome.
pub(crate) fn conclude(
    facts: &Facts,
    knowledge: &Knowledge,
    is_judged: impl Fn(&str) -> bool,
) -> (Vec<JudgedOutcome>, Vec<(usize, Root)>) {
    conclude_amended(facts, knowledge, is_judged, |_, finding| finding)
}

/// The same, where the profile knows more of a check's finding than the check.
pub(crate) fn conclude_amended(
    facts: &Facts,
    knowledge: &Knowledge,
    is_judged: impl Fn(&str) -> bool,
    amend: impl Fn(&str, Finding) -> Finding,
) -> (Vec<JudgedOutcome>, Vec<(usize, Root)>) {
    let mut judged = judge(facts, knowledge, is_judged, amend);
    resolve_roots(&mut judged);
    let named = name_roots(facts, knowledge, &mut judged);
    (judged, named)
}

/// The report of a profile, with its verdict and its roots.
pub(crate) fn report(
    facts: &Facts,
    knowledge: &Knowledge,
    judged: Vec<JudgedOutcome>,
    (profile, verdict, roots): (&str, MachineVerdict, Vec<Root>),
) -> Report {
    let name_of = |address: &PciAddress| {
        let gpu = facts.gpus().find(|gpu| gpu.address == *address)?;
        knowledge.gpu(gpu.device).map(|model| model.name.clone())
    };
    let unverified = judged
        .iter()
        .map(|judged| &judged.outcome)
        .filter(|outcome| outcome.verdict == Verdict::Unknown && outcome.root.is_none())
        .map(|outcome| Unverified {
            id: outcome.id.clone(),
            subject: outcome.subject.clone(),
            why: outcome.summary.clone(),
        })
        .collect();
    Report {
        schema: REPORT_SCHEMA,
        gpucheck: facts.gpucheck.clone(),
        taken_at: facts.taken_at.clone(),
        profile: profile.to_owned(),
        verdict,
        roots,
        usable_from: Vec::new(),
        measured: None,
        readiness: None,
        targets: facts.targets.seen().map(targets_of).unwrap_or_default(),
        allowed_unverified: false,
        class: None,
        holds: Vec::new(),
        cost: None,
        drift: None,
        outcomes: judged.into_iter().map(|judged| judged.outcome).collect(),
        unverified,
        machine: Machine::of(facts, name_of),
    }
}

fn targets_of(targets: &Targets) -> Vec<String> {
    targets.machines.iter().map(|target| target.name.clone()).collect()
}

/// Whether the outcome that a root shows in is a failure; otherwise it is a warning.
pub(crate) fn has_failed(judged: &[JudgedOutcome], (index, _): &(usize, Root)) -> bool {
    judged.get(*index).is_some_and(|judged| judged.outcome.verdict == Verdict::Fail)
}

/// An outcome, with what a root would need beyond it.
pub(crate) struct JudgedOutcome {
    pub(crate) outcome: Outcome,
    finding: Finding,
    /// Index of the outcome that it is a consequence of; its own where it is a root.
    pub(crate) root: Option<usize>,
}

fn judge(
    facts: &Facts,
    knowledge: &Knowledge,
    is_judged: impl Fn(&str) -> bool,
    amend: impl Fn(&str, Finding) -> Finding,
) -> Vec<JudgedOutcome> {
    let mut judged = Vec::new();
    for check in CHECKS.iter().filter(|check| is_judged(check.id)) {
        for finding in (check.item.judge)(facts, knowledge) {
            let finding = amend(check.id, finding);
            let outcome = Outcome {
                id: check.id.to_owned(),
                subject: finding.subject.clone(),
                verdict: finding.verdict,
                summary: finding.summary.clone(),
                evidence: finding.evidence.clone(),
                root: None,
            };
            judged.push(JudgedOutcome { outcome, finding, root: None });
        }
    }
    judged
}

/// Gives each failure and each unknown the first failure that explains it and is itself explained by none.
fn resolve_roots(judged: &mut [JudgedOutcome]) {
    let roots: Vec<Option<usize>> = (0..judged.len()).map(|index| root_of(judged, index)).collect();
    set_roots(judged, &roots);
}

fn set_roots(judged: &mut [JudgedOutcome], roots: &[Option<usize>]) {
    let ids: Vec<String> = judged.iter().map(|judged| judged.outcome.id.clone()).collect();
    for (judged, root) in judged.iter_mut().zip(roots) {
        judged.root = *root;
        judged.outcome.root = root.and_then(|root| ids.get(root).cloned());
    }
}

fn root_of(judged: &[JudgedOutcome], index: usize) -> Option<usize> {
    let outcome = &judged.get(index)?.outcome;
    if !matches!(outcome.verdict, Verdict::Fail | Verdict::Warn | Verdict::Unknown) {
        return None;
    }
    let first = judged.iter().position(|other| explains(judged, &other.outcome, outcome));
    match first {
        // What explains it may itself be explained by something that is judged later or is about the host.
        Some(first) => root_of(judged, first),
        None if outcome.verdict == Verdict::Unknown => None,
        None => Some(index),
    }
}

fn explains(judged: &[JudgedOutcome], reason: &Outcome, outcome: &Outcome) -> bool {
    reason.verdict == Verdict::Fail
        && reason.subject.reaches(&outcome.subject)
        && (registry::all_needs(&outcome.id).contains(&reason.id.as_str())
            || SAME_TROUBLE.contains(&(reason.id.as_str(), outcome.id.as_str()))
            || is_refuted(reason, outcome))
        && (reason.subject == outcome.subject
            || !holds_for_another_gpu(judged, reason)
            || is_broken_in_part(outcome))
}

/// A framework, or a library of one, that fails on a GPU whose own work went wrong. It does not need that work to be
/// judged.
fn is_refuted(reason: &Outcome, outcome: &Outcome) -> bool {
    REFUTATIONS.contains(&reason.id.as_str())
        && (PROOFS.contains(&outcome.id.as_str()) || LIBRARIES.contains(&outcome.id.as_str()))
        && reason.subject != outcome.subject
}

/// A framework that computes on some GPUs and not on others: one GPU in trouble is reason enough.
fn is_broken_in_part(outcome: &Outcome) -> bool {
    outcome.verdict == Verdict::Warn && PROOFS.contains(&outcome.id.as_str())
}

/// One GPU in trouble explains nothing beyond itself while another one is fine.
fn holds_for_another_gpu(judged: &[JudgedOutcome], reason: &Outcome) -> bool {
    matches!(reason.subject, Subject::Gpu(_))
        && judged.iter().any(|other| other.outcome.id == reason.id && other.outcome.verdict == Verdict::Pass)
}

/// The causes that are recognized. One that is about a Python comes before one about the whole machine: where both
/// explain a failure, the narrower knows more of it.
fn recognized(
    facts: &Facts,
    knowledge: &Knowledge,
    outcomes: &[Outcome],
) -> Vec<(&'static Registered<Cause>, Finding)> {
    let of = |cause: &'static Registered<Cause>| {
        (cause.item.recognize)(facts, knowledge, outcomes).into_iter().map(move |finding| (cause, finding))
    };
    let mut recognized: Vec<_> = CAUSES.iter().flat_map(of).collect();
    recognized.sort_by_key(|(_, finding)| match finding.subject {
        Subject::Python(_) | Subject::Notebook(_) => 0,
        Subject::Gpu(_) => 1,
        Subject::Host => 2,
    });
    recognized
}

/// Whether a cause that was recognized is the reason of this outcome.
fn accounts_for(cause: &Cause, finding: &Finding, outcome: &Outcome) -> bool {
    match &finding.advice.accounts_for {
        Some(told) => told.iter().any(|(id, subject)| *id == outcome.id && *subject == outcome.subject),
        None => cause.explains.contains(&outcome.id.as_str()) && finding.subject.reaches(&outcome.subject),
    }
}

/// Lets the causes take over the roots that they explain, and words what remains; each with the index of its outcome.
fn name_roots(facts: &Facts, knowledge: &Knowledge, judged: &mut [JudgedOutcome]) -> Vec<(usize, Root)> {
    let outcomes: Vec<Outcome> = judged.iter().map(|judged| judged.outcome.clone()).collect();
    let mut owner: Vec<Option<usize>> = judged.iter().map(|judged| judged.root).collect();
    let mut named = Vec::new();
    for (cause, finding) in recognized(facts, knowledge, &outcomes) {
        let claimed: Vec<usize> = (0..outcomes.len())
            .filter(|index| owner.get(*index) == Some(&Some(*index)))
            .filter(|index| !named.iter().any(|(first, ..): &(usize, _, _, _)| first == index))
            .filter(|index| {
                outcomes.get(*index).is_some_and(|outcome| accounts_for(cause.item, &finding, outcome))
            })
            .collect();
        let Some(first) = claimed.first().copied() else { continue };
        for of in &mut owner {
            if of.is_some_and(|root| claimed.contains(&root)) {
                *of = Some(first);
            }
        }
        // A cause is no worse than the worst of what it explains here.
        let checks = claimed.iter().filter_map(|index| registry::check(&outcomes.get(*index)?.id));
        let worst = checks.map(|check| check.item.severity).min().unwrap_or(Severity::Unusable);
        named.push((first, cause, finding, cause.item.severity.max(worst)));
    }
    set_roots(judged, &owner);
    let in_container = crate::judge::in_container(facts);
    let user_of = |finding: &Finding| users::user_of(facts, &finding.subject);
    let mut roots: Vec<(usize, Root)> = (0..judged.len())
        .filter(|index| owner.get(*index) == Some(&Some(*index)))
        .filter_map(|index| {
            let of = judged.get(index)?;
            let explained = consequences(judged, index);
            if let Some((_, cause, finding, severity)) = named.iter().find(|(first, ..)| *first == index) {
                let texts = texts::cause(Language::English, cause.id, finding.advice.variant)?;
                let (severity, who, user) = (*severity, cause.item.who, user_of(finding));
                let kind = Kind { cause: Some(cause.id), severity, who, in_container, user };
                return Some((index, root(&of.outcome.id, &kind, finding, &texts, explained)));
            }
            let check = registry::check(&of.outcome.id)?;
            let texts = texts::check(Language::English, check.id, of.finding.advice.variant)?;
            let severity = severity(check.item.severity, of.outcome.verdict);
            let user = user_of(&of.finding);
            let kind = Kind { cause: None, severity, who: check.item.who, in_container, user };
            Some((index, root(check.id, &kind, &of.finding, &texts, explained)))
        })
        .collect();
    roots.sort_by_key(|(_, root)| (root.severity, registry::position(&root.id)));
    roots
}

/// A warning never makes a GPU unusable.
fn severity(of_failure: Severity, verdict: Verdict) -> Severity {
    if verdict == Verdict::Warn { of_failure.max(Severity::Degraded) } else { of_failure }
}

struct Kind<'a> {
    cause: Option<&'static str>,
    severity: Severity,
    who: Who,
    in_container: bool,
    /// Whose it is, where it is not everybody's.
    user: Option<&'a str>,
}

impl Kind<'_> {
    /// Whether a container cannot mend it for itself: driver, module and settings of the card are not its own.
    fn is_underneath(&self, advice: &Advice) -> bool {
        let asks_root = advice.commands.iter().any(|command| command.contains("sudo "));
        let installs = advice.url == Some(crate::judge::INSTALLATION_GUIDE);
        self.in_container && advice.variant != Some("container") && (asks_root || installs)
    }
}

fn root(id: &str, kind: &Kind<'_>, finding: &Finding, texts: &Texts, explains: Vec<String>) -> Root {
    let advice = &finding.advice;
    let values = advice.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let wording = Wording {
        variant: advice.variant.map(str::to_owned),
        values,
        underneath: kind.is_underneath(advice),
    };
    let texts = wording.fill(texts, &finding.subject, Language::English);
    let commands = advice.commands.iter().map(|command| match kind.user {
        Some(user) => users::run_as(user, command),
        None => command.clone(),
    });
    Root {
        id: id.to_owned(),
        cause: kind.cause.map(str::to_owned),
        subject: finding.subject.clone(),
        severity: kind.severity,
        who: advice.who.unwrap_or(kind.who),
        title: texts.title,
        meaning: texts.meaning,
        summary: finding.summary.clone(),
        evidence: finding.evidence.clone(),
        fix: Fix { text: texts.fix, commands: commands.collect(), url: advice.url.map(str::to_owned) },
        explains,
        wording,
    }
}

/// The ids of the outcomes that this one is the root of, itself left out.
fn consequences(judged: &[JudgedOutcome], root: usize) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for (index, judged) in judged.iter().enumerate() {
        if judged.root == Some(root) && index != root && !ids.contains(&judged.outcome.id) {
            ids.push(judged.outcome.id.clone());
        }
    }
    ids
}
