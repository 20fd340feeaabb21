//! No credentials of a person lie in what is cloned.
//!
//! # Meaning
//! A clone is given to somebody else, with all files. Keys and tokens of whoever made the template let every student act as
//! that person.
//!
//! # Detection
//! Files by their names, in the homes of all people and of root: keys of SSH (`.ssh/id_*`), `.netrc` (where wandb keeps its key),
//! `.git-credentials`, `.kaggle/kaggle.json`, and those of AWS, Azure, Google Cloud, GitHub, Hugging Face and PyPI. None is read.
//!
//! # Fix
//! Remove the files before publishing; make keys anew that were in an image which others already have.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/linux/imaging>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, cloned,
    fact::{Clones, Facts, SecretFile},
    judge::{self, quoted},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.clones, judge_clones)
}

fn judge_clones(clones: &Clones) -> Finding {
    let host = Subject::Host;
    let secrets: Vec<&SecretFile> = clones.secrets.iter().filter(|secret| !secret.signs_cookies).collect();
    let Some(first) = secrets.first() else {
        return match clones.closed_homes.first() {
            Some(home) => {
                Finding::unknown(host, format!("{home} could not be looked into; run gpucheck with sudo"))
            }
            None => Finding::pass(host, "no file of a known name holds any"),
        };
    };
    let finding = Finding::new(
        host,
        Verdict::Warn,
        format!("{} lets clones act as its owner at {}", first.path, first.of),
    )
    .with("count", secrets.len().to_string());
    let more = secrets.iter().skip(1).map(|secret| format!("{}: {}", secret.path, secret.of));
    let finding = cloned::and_more(finding, more);
    let paths: Vec<String> = secrets.iter().map(|secret| quoted(&secret.path)).collect();
    finding.run(format!("sudo rm -f {}", paths.join(" ")))
}
