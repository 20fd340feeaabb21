//! Variables in `kernel.json` have values that Jupyter can put in.
//!
//! # Meaning
//! In the `env` of a `kernel.json` Jupyter puts the value of a variable in the place of `${NAME}`. Where the server does not
//! have that variable, the text stays as it is: `/opt/cuda/lib64:${LD_LIBRARY_PATH}` then names a folder that is called
//! `${LD_LIBRARY_PATH}`, and `CUDA_VISIBLE_DEVICES` set to `${CUDA_VISIBLE_DEVICES}` names no GPU, which hides all. A value
//! that is no text, such as a number without quotes, cannot be put in: Jupyter's "TypeError: expected string or bytes-like
//! object" then keeps the kernel from starting.
//!
//! # Detection
//! `LD_LIBRARY_PATH`, `XLA_FLAGS` and `CUDA_VISIBLE_DEVICES` in each `kernel.json` that refer to one of the three, beside
//! the environment of each Jupyter server that runs as the asking user; where none runs, beside the shell's. It fails
//! where a running server leaves the text in `CUDA_VISIBLE_DEVICES`, else it warns. An environment without a framework has
//! no use for the three. It fails too where any variable's value is no text.
//!
//! # Fix
//! Put quotes around a value that has none. Write the value itself into `kernel.json`, or give the server the variable.
//!
//! # Source
//! <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs> (env); `_apply_env_substitutions` in
//! jupyter_client/provisioning/provisioner_base.py; <https://docs.python.org/3/library/string.html#string.Template>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Kernelspec, Notebooks, Spec},
    judge::quoted,
    jupyter,
};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks],
    needs: &["notebooks.interpreter_exists"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

/// The variables whose values are known here, of servers and of the shell.
const KNOWN: [&str; 3] = ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "XLA_FLAGS"];

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let notebooks = facts.notebooks.seen();
    jupyter::each_kernel(facts, |subject, kernel, spec| judge_kernel(notebooks?, subject, kernel, spec))
}

fn judge_kernel(
    notebooks: &Notebooks,
    subject: Subject,
    kernel: &Kernelspec,
    spec: &Spec,
) -> Option<Finding> {
    if !spec.odd_values.is_empty() {
        return Some(not_starting(subject, kernel, &spec.odd_values));
    }
    let referring: Vec<(&String, &String)> =
        spec.env.iter().filter(|(_, value)| !references(value).is_empty()).collect();
    referring.first()?;
    if kernel.lacks_framework() {
        return Some(Finding::not_applicable(subject, jupyter::NO_FRAMEWORK));
    }
    let servers = notebooks.servers.iter().map(|server| {
        (format!("the Jupyter server {} ({})", server.pid, server.program), &server.environment)
    });
    let shell = [("this shell".to_owned(), &notebooks.shell)];
    let starting: Vec<_> =
        if notebooks.servers.is_empty() { shell.into() } else { servers.collect::<Vec<_>>() };
    let left = referring.iter().find_map(|(variable, value)| {
        let (who, name) = starting.iter().find_map(|(who, has)| Some((who, lacking(value, has)?)))?;
        Some((*variable, *value, who, name))
    });
    let Some((variable, value, who, name)) = left else {
        return Some(Finding::pass(subject, "its variables have values where kernels are started"));
    };
    let hides = variable == "CUDA_VISIBLE_DEVICES" && !notebooks.servers.is_empty();
    let file = format!("{}/kernel.json", kernel.folder);
    let verdict = if hides { Verdict::Fail } else { Verdict::Warn };
    let finding = Finding::new(subject, verdict, format!("{variable}={value:?}, and {who} has no {name}"))
        .because(file.clone())
        .run(format!("grep -n {variable} {}", quoted(&file)))
        .with("file", file)
        .with("variable", variable.clone())
        .with("name", name);
    Some(if hides { finding.variant("hides") } else { finding })
}

/// A kernel with values that are no text.
fn not_starting(subject: Subject, kernel: &Kernelspec, names: &[String]) -> Finding {
    const MOST: usize = 3;
    let more = if names.len() > MOST { " and more" } else { "" };
    let listed =
        format!("{}{more}", names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", "));
    let file = format!("{}/kernel.json", kernel.folder);
    let finding = Finding::fail(subject, format!("not text in `env`: {listed}")).because(file.clone());
    let quoted_file = quoted(&file);
    let first = names.first().map(|name| format!("grep -n -e {} {quoted_file}", quoted(name)));
    let finding = first.into_iter().fold(finding, Finding::run);
    finding.variant("odd").with("file", file).with("variable", listed)
}

/// The variable that a value refers to and that is not there.
fn lacking(value: &str, environment: &BTreeMap<String, String>) -> Option<&'static str> {
    references(value).into_iter().find(|name| !environment.contains_key(*name))
}

/// The known variables that a value refers to, as `string.Template` reads it: `$NAME`, `${NAME}`; `$$` is a dollar.
fn references(value: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(escaped) = after.strip_prefix('$') {
            rest = escaped;
            continue;
        }
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').map_or("", |(name, _)| name),
            None => after.split(|c| !is_of_name(c)).next().unwrap_or_default(),
        };
        found.extend(KNOWN.iter().copied().filter(|known| *known == name));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `string.Template(...).safe_substitute({})` was seen to leave as it is.
    #[test]
    fn references_are_those_of_pythons_templates() {
        for (value, names) in [
            ("/opt/x:${LD_LIBRARY_PATH}", &["LD_LIBRARY_PATH"][..]),
            ("$LD_LIBRARY_PATH:/opt/x", &["LD_LIBRARY_PATH"]),
            ("$$LD_LIBRARY_PATH ${HOME} $LD_LIBRARY_PATH_OLD ${LD_LIBRARY_PATH", &[]),
            ("--a=b $XLA_FLAGS$CUDA_VISIBLE_DEVICES", &["XLA_FLAGS", "CUDA_VISIBLE_DEVICES"]),
            ("", &[]),
        ] {
            assert_eq!(references(value), names, "{value}");
        }
    }
}
