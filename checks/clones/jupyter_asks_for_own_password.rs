//! Jupyter lets nobody into a clone by what all clones share.
//!
//! # Meaning
//! A password, a token and the secret that signs cookies are copied into every clone: whoever knows one knows all of them, and
//! who has the cookie of one is let into the others. Where neither password nor token is asked for and the server listens to the
//! network, everybody is let in, and runs what he likes.
//!
//! # Detection
//! Lines of `jupyter_server_config`, `jupyter_notebook_config` and their like, and of services that start Jupyter: `token` or
//! `password` is empty, no other secret is set, and `ip` is every address: fails. A password or a token stands there, or a file of the secret
//! that signs cookies is left: warns. No secret is read into the facts.
//!
//! # Fix
//! Remove them; Jupyter then makes a token at each start, and a secret for cookies at the first.
//!
//! # Source
//! <https://jupyter-server.readthedocs.io/en/latest/operators/security.html>,
//! <https://jupyterhub.readthedocs.io/en/stable/reference/config-reference.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, cloned,
    fact::{AccessValue, Clones, Facts, JupyterAccess, SecretFile},
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
    if let Some(open) = open(clones) {
        return open;
    }
    let shared: Vec<&JupyterAccess> =
        clones.jupyter.iter().filter(|line| line.to == AccessValue::Secret).collect();
    let cookies: Vec<&SecretFile> = clones.secrets.iter().filter(|secret| secret.signs_cookies).collect();
    let said: Vec<String> = shared
        .iter()
        .map(|line| format!("{} sets {}", cloned::place(&line.file, line.line), line.setting))
        .chain(cookies.iter().map(|secret| format!("{} signs cookies", secret.path)))
        .collect();
    let Some((first, more)) = said.split_first() else {
        return Finding::pass(host, "no secret of Jupyter's is stored");
    };
    let finding = Finding::new(host, Verdict::Warn, format!("{first}, in every clone alike"));
    let finding = cloned::and_more(finding, more.iter().cloned());
    let files: Vec<String> = cookies.iter().take(cloned::MOST).map(|secret| quoted(&secret.path)).collect();
    let finding =
        if files.is_empty() { finding } else { finding.run(format!("sudo rm -f {}", files.join(" "))) };
    cloned::edit(finding, shared.iter().map(|line| (line.file.as_str(), line.line)))
}

/// What is to be said where everybody may come in.
fn open(clones: &Clones) -> Option<Finding> {
    let is = |name: &'static str, to: AccessValue| {
        clones.jupyter.iter().find(move |line| line.to == to && line.setting.rsplit('.').next() == Some(name))
    };
    let everywhere = is("ip", AccessValue::Everywhere)?;
    let asks = clones.jupyter.iter().any(|line| line.to == AccessValue::Secret);
    let empty = is("token", AccessValue::Empty).filter(|_| !asks)?;
    let (address, token) =
        (cloned::place(&everywhere.file, everywhere.line), cloned::place(&empty.file, empty.line));
    let finding = Finding::fail(
        Subject::Host,
        format!("{token} asks for no token, and {address} listens to the network"),
    )
    .variant("open")
    .because(format!("{} and {}", empty.setting, everywhere.setting));
    Some(cloned::edit(finding, [empty, everywhere].map(|line| (line.file.as_str(), line.line)).into_iter()))
}
