//! What checks of clones have in common.

use crate::{
    Finding, Judged, Subject,
    fact::{Facts, Homes, OwnEnvironment, PersonsHome},
    judge::{self, quoted},
    jupyter, users,
};

/// Judges homes, where they were looked at.
pub(crate) fn homes(facts: &Facts, judge: impl FnOnce(&Homes) -> Finding) -> Judged {
    match facts.clones.seen() {
        Some(clones) => judge::asked(&clones.homes, judge),
        None => facts
            .clones
            .failure()
            .map(|by| Finding::unknown(Subject::Host, by.to_string()))
            .into_iter()
            .collect(),
    }
}

/// The users who log in beside this one: the students' where that is known, otherwise everybody but root.
pub(crate) fn others<'a>(homes: &'a Homes, owner: &str) -> Vec<&'a str> {
    let people = homes.homes.iter().map(|home| home.user.as_str()).filter(|user| *user != "root");
    let all: Vec<&str> = match &homes.student {
        Some(student) => vec![student.user.as_str()],
        None => people.collect(),
    };
    all.into_iter().filter(|user| *user != owner).collect()
}

/// Whether a path lies in a folder.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Adds the commands that make an environment of this user's anew for everybody, and its kernel: of the same name, for
/// notebooks store that.
pub(crate) fn make_for_everybody(
    finding: Finding,
    homes: &Homes,
    owner: &str,
    environment: &OwnEnvironment,
    kernel: Option<&str>,
) -> Finding {
    let OwnEnvironment { prefix, conda, base, version } = environment;
    let name = shared_name(homes, owner, prefix);
    let kernel = quoted(kernel.unwrap_or(&name));
    let kernel =
        format!("sudo /opt/{name}/bin/python -m ipykernel install --prefix=/usr/local --name {kernel}");
    if *conda {
        let prefix = quoted(prefix);
        // `conda` itself is a function of the shell.
        let clone = format!("sudo \"$CONDA_EXE\" create --yes --prefix /opt/{name} --clone {prefix}");
        return finding.run(clone).run(kernel);
    }
    let finding = match (base, version) {
        (None, Some(version)) => {
            finding.because(format!("{prefix} is of Python {version}: take that where python3 is another"))
        }
        _ => finding,
    };
    let python = quoted(&format!("{prefix}/bin/python"));
    let list = users::run_as(owner, &format!("{python} -m pip freeze"));
    let base = quoted(base.as_deref().unwrap_or("python3"));
    finding
        .run(format!("sudo {base} -m venv /opt/{name}"))
        .run(format!("{list} | sudo /opt/{name}/bin/python -m pip install -r /dev/stdin ipykernel"))
        .run(kernel)
}

/// What an environment is called below /opt: after its folder, and after its owner where others of that name are here.
fn shared_name(homes: &Homes, owner: &str, prefix: &str) -> String {
    let name_of = |prefix: &str| jupyter::name_after(&jupyter::environment_name(prefix).unwrap_or_default());
    let name = name_of(prefix);
    let is_alike = |own: &&OwnEnvironment| name_of(&own.prefix) == name;
    let of = |home: &'_ PersonsHome| home.environments.iter().filter(is_alike).count();
    if homes.homes.iter().map(of).sum::<usize>() < 2 {
        return name;
    }
    let own = homes.homes.iter().filter(|home| home.user == owner).flat_map(|home| &home.environments);
    let before = own.filter(is_alike).position(|own| own.prefix == prefix).unwrap_or_default();
    let number = if before == 0 { String::new() } else { format!("-{}", before + 1) };
    jupyter::name_after(&format!("{name}-{owner}{number}"))
}

/// Adds what was seen beyond the first, which the summary names.
pub(crate) fn and_more(finding: Finding, more: impl Iterator<Item = String>) -> Finding {
    more.take(MOST).fold(finding, Finding::because)
}

/// `/etc/environment:3`.
pub(crate) fn place(file: &str, line: u32) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}

/// Adds a command for each file that opens it where the first of its lines stands. What to write there is for a person.
pub(crate) fn edit<'a>(finding: Finding, lines: impl Iterator<Item = (&'a str, u32)>) -> Finding {
    let mut known: Vec<&str> = Vec::new();
    lines.fold(finding, |finding, (file, line)| {
        if known.contains(&file) || known.len() >= MOST {
            return finding;
        }
        known.push(file);
        let at = if line == 0 { String::new() } else { format!("+{line} ") };
        finding.run(format!("sudo nano {at}{}", judge::quoted(file)))
    })
}

/// Lines and files that are named, at most.
pub(crate) const MOST: usize = 8;
