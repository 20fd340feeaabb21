//! From which notebook kernels and Pythons a GPU can be used: the table that a student reads before picking one.
//!
//! Invariants: every kernel has a row, and every Python that no kernel starts; a row that says yes rests on a proof
//! computed in that very Python with that kernel's own variables, on GPUs of which none is known to be wrong.

use crate::{
    Outcome, Root, Subject, Verdict,
    diagnose::JudgedOutcome,
    fact::{Asking, Environment, Facts, FoundBy, Frameworks, Kernelspec, Notebooks, Program, Python},
    jupyter,
    verdict::{Proof, Proofs, fared_together, proofs_in, refutation},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A notebook kernel, or a Python that no kernel starts, and whether a GPU can be used from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsableFrom {
    /// The kernel or the Python.
    pub subject: Subject,
    /// What Jupyter's menu calls the kernel.
    pub shown_as: Option<String>,
    /// The name of the Python that was looked at for it.
    pub python: Option<String>,
    /// Whether a GPU can be used from it.
    pub usable: Usable,
    /// Its frameworks, such as `tensorflow 2.21.0`; those that were proven come first.
    pub frameworks: Vec<String>,
    /// What was seen, where the answer is not yes.
    pub why: Option<String>,
    /// The root that it comes from.
    pub root: Option<RootReference>,
    /// Seconds since the look that this rests on, where an earlier run took it.
    pub retold_s: Option<u64>,
    /// Visual Studio Code offers it for notebooks.
    #[serde(default)]
    pub vscode: bool,
    /// It is where gpucheck was asked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_from: Option<AskedFrom>,
}

/// From where gpucheck was asked, where that is a Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskedFrom {
    /// The kernel of a notebook.
    Notebook,
    /// A program.
    Program,
}

/// Whether a GPU can be used from somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Usable {
    /// A framework computed on a GPU, and none failed to.
    Yes,
    /// By some of its frameworks, or on some of the GPUs.
    InPart,
    /// No framework can.
    No,
    /// It could not be told.
    Unknown,
    /// There is nothing in it that could use one.
    NotApplicable,
}

/// Which of the roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootReference {
    /// [`Root::id`].
    pub id: String,
    /// [`Root::cause`].
    pub cause: Option<String>,
    /// [`Root::subject`].
    pub subject: Subject,
}

impl RootReference {
    /// What `gpucheck explain` is given for it: its cause, or its check where it has none.
    pub fn page(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.id)
    }
}

/// The rows: whoever asks, kernels in the order in which Jupyter looks for them, then Pythons.
pub(crate) fn rows(facts: &Facts, judged: &[JudgedOutcome], roots: &[(usize, Root)]) -> Vec<UsableFrom> {
    let table = Table { facts, judged, roots };
    let notebooks = facts.notebooks.seen();
    let of_kernels = notebooks.into_iter().flat_map(|notebooks| {
        notebooks.kernelspecs.iter().map(|kernel| table.of_kernel(notebooks, kernel)).collect::<Vec<_>>()
    });
    let started = |python: &Python| {
        notebooks.is_some_and(|notebooks| {
            notebooks.kernelspecs.iter().any(|kernel| starts(kernel, python, notebooks))
        })
    };
    let asking = facts.frameworks.seen().and_then(Frameworks::asking);
    let asks = |python: &Python| asking.is_some_and(|(_, asking)| std::ptr::eq(asking, python));
    let of_pythons = facts
        .pythons()
        .filter(|python| !started(python) && !asks(python))
        .map(|python| table.of_python(python));
    let asking = asking.map(|(asking, python)| table.of_asking(asking, python));
    asking.into_iter().chain(of_kernels).chain(of_pythons).collect()
}

/// Whether a kernel starts this Python; where facts are older than that knowledge, whether it lies in its environment.
fn starts(kernel: &Kernelspec, python: &Python, notebooks: &Notebooks) -> bool {
    if python.found_by == FoundBy::Kernel || !python.kernels.is_empty() {
        return python.kernels.contains(&notebooks.name_of(kernel));
    }
    jupyter::of(python, notebooks).iter().any(|other| other.folder == kernel.folder)
}

struct Table<'a> {
    facts: &'a Facts,
    judged: &'a [JudgedOutcome],
    roots: &'a [(usize, Root)],
}

impl Table<'_> {
    fn of_kernel(&self, notebooks: &Notebooks, kernel: &Kernelspec) -> UsableFrom {
        let name = notebooks.name_of(kernel);
        let subject = Subject::Notebook(name.clone());
        let spec = kernel.spec.seen();
        let started = self.facts.pythons().find(|python| python.kernels.contains(&name));
        let shells = self.facts.pythons().find(|python| starts(kernel, python, notebooks));
        let mut row = match (started, shells) {
            (Some(python), _) => self.of_python(python),
            (None, Some(python)) => self.as_of_shell(python),
            (None, None) => self.without_python(notebooks, kernel),
        };
        if spec.is_some_and(|spec| !spec.is_python()) {
            let language = spec.and_then(|spec| spec.language.as_deref()).unwrap_or("another language");
            row = row_of(Usable::NotApplicable, Some(format!("a kernel for {language}")));
        } else if let Some(failed) = self.failed(&subject).or_else(|| self.unreadable(&subject)) {
            // Nobody looks for a GPU in a kernel that has nothing for one, broken or not.
            if row.usable != Usable::NotApplicable || !kernel.lacks_framework() {
                row = self.because_of(failed, row);
            }
        }
        row.shown_as = spec.and_then(|spec| spec.display_name.clone());
        UsableFrom { subject, vscode: false, ..row }
    }

    /// What a Python that the shell starts tells of a kernel in its environment: what is wrong with it, and not that all
    /// is well, for a kernel has other variables.
    fn as_of_shell(&self, python: &Python) -> UsableFrom {
        let row = self.of_python(python);
        let of_kernels = |judged: &&JudgedOutcome| {
            let Outcome { id, subject, verdict, .. } = &judged.outcome;
            id.starts_with("notebooks.")
                && *verdict == Verdict::Fail
                && (*subject == Subject::Host || *subject == python.subject())
        };
        match self.judged.iter().find(of_kernels) {
            Some(_) if row.usable == Usable::NotApplicable => row,
            Some(failed) => self.because_of(failed, row),
            None if matches!(row.usable, Usable::Yes | Usable::InPart) => {
                let why = "its Python was looked at as the shell starts it, not as the kernel does";
                UsableFrom { usable: Usable::Unknown, why: Some(why.to_owned()), ..row }
            }
            None => row,
        }
    }

    fn because_of(&self, failed: &JudgedOutcome, row: UsableFrom) -> UsableFrom {
        let why = Some(failed.outcome.summary.clone());
        UsableFrom { usable: Usable::No, why, root: self.root_of(failed), ..row }
    }

    /// What can be said of a kernel whose Python was not looked at.
    fn without_python(&self, notebooks: &Notebooks, kernel: &Kernelspec) -> UsableFrom {
        let not_started = self.facts.frameworks.seen().map(|seen| &seen.notebooks_not_started);
        if let Some(why) = not_started.and_then(|reasons| reasons.get(&notebooks.name_of(kernel))) {
            return row_of(Usable::Unknown, Some(why.clone()));
        }
        match (kernel.spec.seen(), &kernel.environment) {
            (None, _) => row_of(Usable::No, Some(kernel.spec.why_not())),
            (Some(_), Some(_)) if kernel.lacks_framework() => {
                row_of(Usable::NotApplicable, Some(jupyter::NO_FRAMEWORK.to_owned()))
            }
            (Some(_), None) if kernel.program == Program::OfServer => {
                let why = "it runs in the Python of a Jupyter server, and none was found";
                row_of(Usable::NotApplicable, Some(why.to_owned()))
            }
            (Some(_), _) => row_of(Usable::Unknown, Some("its Python was not looked at".to_owned())),
        }
    }

    /// What asks. It does as a new process of its Python would, but for the frameworks that run in it already: these keep
    /// what they found.
    fn of_asking(&self, asking: &Asking, python: &Python) -> UsableFrom {
        let row = self.of_python(python);
        let subject = python.subject();
        let stale = self.judged.iter().find(|judged| {
            is(judged, "notebooks.frameworks_are_current", &subject)
                && judged.outcome.verdict == Verdict::Fail
        });
        let has_one = asking.running.iter().find(|(_, gpus)| **gpus > 0);
        let row = match (stale, has_one) {
            (Some(stale), _) => self.because_of(stale, row),
            (None, Some((framework, _))) if row.usable == Usable::No => {
                let why = format!("{framework} took a GPU in it earlier; started anew it would have none");
                UsableFrom { usable: Usable::Unknown, why: Some(why), root: None, ..row }
            }
            (None, _) => row,
        };
        let asked_from = if asking.notebook { AskedFrom::Notebook } else { AskedFrom::Program };
        UsableFrom { asked_from: Some(asked_from), ..row }
    }

    fn of_python(&self, python: &Python) -> UsableFrom {
        let subject = python.subject();
        let proofs = proofs_in(python, self.judged);
        let (usable, why) = match fared_together(&proofs) {
            Proofs::All => (Usable::Yes, None),
            Proofs::Some => (Usable::InPart, None),
            Proofs::None => (Usable::No, None),
            Proofs::Untold => (Usable::Unknown, None),
            Proofs::Nobody => (Usable::NotApplicable, Some(jupyter::NO_FRAMEWORK.to_owned())),
        };
        let culprit = self.culprit(&subject, &proofs);
        let starts = self.judged.iter().find(|judged| is(judged, "frameworks.python_starts", &subject));
        let (usable, culprit) = match starts.filter(|starts| starts.outcome.verdict == Verdict::Fail) {
            Some(broken) => (Usable::No, Some(broken)),
            None => {
                (usable, culprit.filter(|_| matches!(usable, Usable::No | Usable::InPart | Usable::Unknown)))
            }
        };
        let (usable, culprit) = self.refuted(usable).unwrap_or((usable, culprit));
        let environments = self.facts.frameworks.seen().map(|frameworks| &frameworks.environments);
        let is_offered = |place: &Environment| place.vscode && place.python == python.path;
        let in_order = [true, false]
            .into_iter()
            .flat_map(|passed| proofs.iter().filter(move |proof| (proof.verdict == Verdict::Pass) == passed));
        UsableFrom {
            subject,
            shown_as: None,
            python: Some(python.name()),
            usable,
            frameworks: in_order.map(|proof| proof.framework.clone()).collect(),
            why: why.or_else(|| culprit.map(|judged| judged.outcome.summary.clone())),
            root: culprit.and_then(|judged| self.root_of(judged)),
            retold_s: python.retold_s,
            vscode: environments.into_iter().flatten().any(is_offered),
            asked_from: None,
        }
    }

    /// What is left of a yes where a GPU's own work went wrong: a framework may have met the good part of it.
    fn refuted(&self, usable: Usable) -> Option<(Usable, Option<&JudgedOutcome>)> {
        let gpus = self.facts.gpu_addresses();
        let wrong = gpus.iter().filter_map(|gpu| refutation(self.judged, &Subject::Gpu(gpu.clone())));
        let wrong: Vec<&JudgedOutcome> = wrong.collect();
        let left = if wrong.len() == gpus.len() { Usable::No } else { Usable::InPart };
        let first = wrong.first().filter(|_| matches!(usable, Usable::Yes | Usable::InPart))?;
        Some((left, Some(*first)))
    }

    /// The first proof that is no pass.
    fn culprit(&self, subject: &Subject, proofs: &[Proof]) -> Option<&JudgedOutcome> {
        let proof = proofs.iter().find(|proof| proof.verdict != Verdict::Pass)?;
        let of_it = |judged: &&JudgedOutcome| {
            is(judged, proof.id, subject) && judged.outcome.verdict != Verdict::Pass
        };
        self.judged.iter().find(of_it).or_else(|| self.failed(subject))
    }

    fn failed(&self, subject: &Subject) -> Option<&JudgedOutcome> {
        let is_failed = |outcome: &Outcome| outcome.subject == *subject && outcome.verdict == Verdict::Fail;
        self.judged.iter().find(|judged| is_failed(&judged.outcome))
    }

    /// The warning about a specification that cannot be read: Jupyter leaves such a kernel out.
    fn unreadable(&self, subject: &Subject) -> Option<&JudgedOutcome> {
        let warned = |judged: &&JudgedOutcome| {
            is(judged, "notebooks.interpreter_exists", subject) && judged.outcome.verdict == Verdict::Warn
        };
        self.judged.iter().find(warned)
    }

    /// The root that an outcome follows from.
    fn root_of(&self, judged: &JudgedOutcome) -> Option<RootReference> {
        let (_, root) = self.roots.iter().find(|(index, _)| Some(*index) == judged.root)?;
        Some(RootReference { id: root.id.clone(), cause: root.cause.clone(), subject: root.subject.clone() })
    }
}

fn is(judged: &JudgedOutcome, id: &str, subject: &Subject) -> bool {
    judged.outcome.id == id && judged.outcome.subject == *subject
}

fn row_of(usable: Usable, why: Option<String>) -> UsableFrom {
    UsableFrom {
        subject: Subject::Host,
        shown_as: None,
        python: None,
        usable,
        frameworks: Vec::new(),
        why,
        root: None,
        retold_s: None,
        vscode: false,
        asked_from: None,
    }
}
