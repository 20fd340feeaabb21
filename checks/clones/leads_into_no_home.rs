//! What is there for everybody leads into nobody's home.
//!
//! # Meaning
//! A kernel that everybody is offered, an environment below /opt or a command in /usr/local/bin may start a program in the
//! home of whoever made it. Homes are closed to other users on Ubuntu since 21.04 and by `useradd` elsewhere, /root
//! everywhere: for its owner all works, and others get "Permission denied".
//!
//! # Detection
//! Absolute paths into the home of an account, root's too, in the commands of kernels of the system and of environments
//! outside of homes; in `home` of `pyvenv.cfg`, in the links and first lines of programs of such environments and of
//! the Pythons, Jupyters and condas of /usr/local/bin. It fails where a folder on the way has no right for others, and
//! another account may log in, or students do as `--student` says. Lines of conda's or of an environment in files that
//! everybody's shell reads (/etc/environment, /etc/profile.d, /etc/skel) are a warning; what else those name is told
//! alone. Permission bits decide; lists of access control are not read.
//!
//! # Fix
//! Make the environment below /opt with a Python that everybody may start, and install its kernel from there.
//!
//! # Source
//! <https://discourse.ubuntu.com/t/private-home-directories-for-ubuntu-21-04-onwards/19533>,
//! <https://docs.astral.sh/uv/reference/environment/#uv_python_install_dir>, path_resolution(7)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, cloned,
    fact::{ClosedFolder, Facts, Homes, WayIntoHome, WayKind},
    judge::quoted,
    users,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    cloned::homes(facts, judge_homes)
}

/// Programs and scripts that conda's line in a shell's file names, and those of an environment.
const SETS_UP: [&str; 6] = ["conda", "conda.sh", "mamba", "mamba.sh", "micromamba", "activate"];

/// A way, and the folder on it that is closed.
type Shut<'a> = (&'a WayIntoHome, &'a ClosedFolder);

fn judge_homes(homes: &Homes) -> Finding {
    let closed = homes.ways_in.iter().filter_map(|way| Some((way, way.closed.as_ref()?)));
    let shut = closed.filter(|(way, _)| !cloned::others(homes, &way.user).is_empty());
    let (lines, started): (Vec<Shut<'_>>, Vec<Shut<'_>>) =
        shut.partition(|(way, _)| way.kind == WayKind::Shell);
    if let Some(first) = started.first() {
        return failed(homes, *first, &started);
    }
    if let Some(line) = lines.iter().find(|(way, _)| sets_up(homes, way)) {
        return shells_lack(homes, *line);
    }
    let is_nobody_here = homes.student.is_none() && homes.homes.iter().all(|home| home.user == "root");
    match (homes.ways_in.first(), lines.first()) {
        (Some(way), _) if is_nobody_here => {
            Finding::not_applicable(Subject::Host, "no account of a person is here").because(leads(way))
        }
        (_, Some((way, _))) => {
            Finding::pass(Subject::Host, "no kernel, environment or Python of everybody's does")
                .because(leads(way))
        }
        (Some(way), None) => {
            Finding::pass(Subject::Host, "nobody who logs in is shut out").because(leads(way))
        }
        (None, None) => Finding::pass(Subject::Host, "none was found that does"),
    }
}

/// Whether a line of a shell's file sets up conda or an environment; others name what no class needs.
fn sets_up(homes: &Homes, way: &WayIntoHome) -> bool {
    let name = way.to.rsplit('/').next().unwrap_or_default();
    let mut environments = homes.homes.iter().flat_map(|home| &home.environments);
    SETS_UP.contains(&name) || environments.any(|own| cloned::is_below(&way.to, &own.prefix))
}

/// The finding of one way.
fn shut_out(homes: &Homes, verdict: Verdict, (way, folder): Shut<'_>) -> Finding {
    let others = users::list(cloned::others(homes, &way.user).into_iter());
    let summary = format!("{}, and {} is closed to {others}", leads(way), folder.path);
    Finding::new(Subject::Host, verdict, summary)
        .because(format!("{} has mode {:04o}", folder.path, folder.mode))
        .with("place", way.place.clone())
        .with("to", way.to.clone())
        .with("owner", way.user.clone())
        .with("others", others)
}

fn failed(homes: &Homes, first: Shut<'_>, shut: &[Shut<'_>]) -> Finding {
    let finding = shut_out(homes, Verdict::Fail, first);
    let finding = cloned::and_more(finding, shut.iter().skip(1).map(|(way, _)| leads(way)));
    let environments =
        homes.homes.iter().flat_map(|home| home.environments.iter().map(move |own| (home, own)));
    let mut led_into = environments.filter_map(|(home, own)| {
        let (way, _) = shut.iter().find(|(way, _)| cloned::is_below(&way.to, &own.prefix))?;
        Some((home, own, kernel(&way.place)))
    });
    match led_into.next() {
        Some((home, environment, kernel)) => {
            cloned::make_for_everybody(finding, homes, &home.user, environment, kernel)
        }
        None => finding.run(format!("namei -l {}", quoted(&first.0.to))).variant("base"),
    }
}

fn shells_lack(homes: &Homes, line: Shut<'_>) -> Finding {
    let finding = shut_out(homes, Verdict::Warn, line).variant("shell");
    cloned::edit(finding, std::iter::once((line.0.place.as_str(), 0)))
}

/// The name of the kernel that a `kernel.json` is of.
fn kernel(place: &str) -> Option<&str> {
    place.strip_suffix("/kernel.json")?.rsplit('/').next()
}

fn leads(way: &WayIntoHome) -> String {
    format!("{} leads to {}", way.place, way.to)
}
