//! The pure half of gpucheck: what we know, how we conclude.
//!
//! [`fact`] holds what a machine said. A [`check`](Check) judges facts about one thing and knows nothing of
//! other checks but their ids. A [`cause`](Cause) is a named disease that shows as a pattern across outcomes.
//! [`diagnose`] puts them together: facts in, [`Report`] out.
//!
//! Invariants, held by `clippy.toml` and tests: nothing here looks at a machine, a clock, a file or the
//! environment; the same facts and knowledge give the same report, byte for byte; any facts give a report.

mod at_work;
mod bake;
mod boot;
mod bottleneck;
mod check;
mod class;
mod cloned;
mod compiled;
mod cost;
mod cuda_libraries;
mod diagnose;
pub mod drift;
pub mod fact;
mod finding;
mod holder;
mod in_class;
mod installed;
mod judge;
mod jupyter;
pub mod kernels;
mod knowledge;
mod libraries_missing;
mod measured;
mod persistence;
mod profile;
mod publish;
mod readings;
mod reasons;
mod registry;
mod report;
pub mod seats;
mod select;
mod selection;
mod slow;
mod speed;
mod targets;
mod tensorflow;
mod texts;
mod updated;
mod usable_from;
mod users;
mod verdict;
mod wheels;
mod work;
mod xid;

pub use bottleneck::is_watched;
pub use check::{Cause, Check, Source};
pub use class::{ClassSummary, NotebookRow, Ran, WayInRow};
pub use cost::{Class, Cost, CostError, Decimal};
pub use diagnose::diagnose;
pub use drift::{Drift, drift};
pub use finding::{Advice, Finding, Judged, Severity, Subject, Verdict, Who};
pub use knowledge::{
    Architecture, ArchitectureRow, Bar, DriverBranch, DriverKind, Fit, GpuModel, JaxPlugin, Knowledge,
    KnowledgeError, Modules, TargetGpu, TargetMachine, TensorFlowRelease, TorchWheel, VmSize, Xid, XidClass,
    branch, fits,
};
pub use measured::{Measured, MeasuredGpu, NothingMeasured};
pub use profile::Profile;
pub use publish::{Hold, Readiness};
pub use registry::{CAUSES, CHECKS, Registered, layer};
pub use report::{
    DriverSummary, Fix, GpuSummary, HostSummary, Machine, MachineVerdict, Outcome, PythonSummary,
    REPORT_SCHEMA, Report, Root, TensorFlowSummary, Unverified, Wording,
};
pub use select::{Selection, UnknownId};
pub use slow::{slow, slow_sources};
pub use texts::{
    AnswerWords, ClassWords, DriftWords, FixWords, HeadingWords, Language, LoginWords, MachineWords,
    PageWords, Phrase, PublishWords, QuestionWords, SeatStateWords, SeatsWords, SeverityWords, SlowWords,
    StatusWords, Texts, UsableWords, VerdictWords, WhatWords, WhoWords, Words,
};
pub use usable_from::{AskedFrom, RootReference, Usable, UsableFrom};
pub use verdict::PROOFS;
