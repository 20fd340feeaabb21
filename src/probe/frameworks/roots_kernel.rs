//! Whether root may start what a kernel specification says, and with its variables.
//!
//! Invariants: every place that a word or a variable names counts, be it an option's; what cannot be told counts as
//! somebody else's.

use super::{Vouched, accounts::Accounts, survey::Survey, template};
use std::path::{Path, PathBuf};

/// What stands between places in a word or a value.
const BETWEEN: [char; 12] = ['=', ':', ',', ';', '\'', '"', '(', ')', ' ', '\t', '\r', '\n'];

/// Why root may not start these words with these variables in the folder `here`, which is root's with its modules; the
/// program itself is vouched for otherwise.
pub(crate) fn only_root_leads(
    words: &[String],
    variables: &[(String, String)],
    here: &Path,
    vouched: &Vouched,
) -> Result<(), String> {
    let accounts = Accounts::of_this_machine();
    let mut survey = Survey::new(&accounts);
    for word in words.iter().skip(1) {
        for place in places(word, here) {
            survey.path(&place)?;
            only_roots(&survey, &place)?;
        }
    }
    for (name, value) in variables {
        let value = template::expand(value, |name| vouched.inherits(name)?.into_string().ok());
        for place in places(&value, here) {
            survey.path(&place)?;
            if name.starts_with("PYTHON") {
                survey.working_directory(&place)?;
            } else if name == "PATH" || name.starts_with("LD_") {
                survey.folder(&place)?;
            }
            only_roots(&survey, &place).map_err(|why| format!("{why}, and {name} leads there"))?;
        }
    }
    Ok(())
}

fn only_roots(survey: &Survey<'_>, place: &Path) -> Result<(), String> {
    match survey.owners.first() {
        Some(uid) => Err(format!("{}, and the user {uid} can write to {}", survey.reason, place.display())),
        None => Ok(()),
    }
}

/// The places that a word names, but for the folder itself: whatever has a slash, and what is there.
fn places(word: &str, here: &Path) -> Vec<PathBuf> {
    let whole = word.starts_with('/').then_some(word);
    // As in `-I/opt/modules`.
    let place = |piece: &str| {
        let start = if piece.starts_with('-') { piece.find('/').unwrap_or(0) } else { 0 };
        here.join(piece.get(start..).unwrap_or_default())
    };
    let names = |piece: &&str| piece.contains('/') || here.join(piece).symlink_metadata().is_ok();
    let pieces = word.split(BETWEEN).chain(whole).filter(names).map(place);
    pieces.filter(|place| place != here).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown},
    };

    /// An id that no test machine has.
    const KIM: u32 = 54_343;

    /// Words and variables as kernels of Python, Julia and C++ have them.
    #[test]
    fn root_starts_only_what_leads_to_roots() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["kim", "roots", "mixed", "class"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["kim/launch.py", "roots/launch.py", "mixed/json.py", "mixed/libx.so.1", "class/run"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        for name in ["kim", "kim/launch.py", "mixed/json.py", "mixed/libx.so.1", "class/run"] {
            chown(folder.path().join(name), Some(KIM), None).unwrap();
        }
        let here = folder.path().join("class");
        let at = |text: &str| text.replace('@', &folder.path().display().to_string());
        let vouched =
            Vouched { identity: None, base: Some(Vec::new()), changes: Vec::new(), uid: 0, home: None };
        let tried = |words: &[&str], set: &[(&str, &str)]| {
            let words: Vec<String> = ["python"].iter().chain(words).map(|word| at(word)).collect();
            let set: Vec<_> = set.iter().map(|(name, value)| ((*name).to_owned(), at(value))).collect();
            only_root_leads(&words, &set, &here, &vouched)
        };
        for words in [
            &["-m", "ipykernel_launcher", "-f", "{connection_file}"][..],
            &["-i", "--color=yes", "--project=@.", "@/roots/launch.py", "{connection_file}"],
            &["-std=c++17", "-I@/roots", "."],
        ] {
            assert_eq!(tried(words, &[]), Ok(()), "{words:?}");
        }
        for word in [
            "@/kim/launch.py",
            "@/kim/gone.py",
            "../kim/launch.py",
            "--load=@/kim/launch.py",
            "-I@/kim",
            "run",
        ]
        .into_iter()
        .chain(["import sys; sys.path.insert(0, '@/kim')", "@/mixed/json.py"])
        {
            let why = tried(&["-f", word], &[]).unwrap_err();
            assert!(why.contains(&format!("the user {KIM} can write to ")), "{word}: {why}");
        }
        for set in [
            ("PYTHONPATH", "@/roots"),
            ("LD_LIBRARY_PATH", "@/roots:/usr/lib:${LD_LIBRARY_PATH}"),
            ("CUDA_VISIBLE_DEVICES", "0,1"),
            ("DATA", "@/mixed"),
        ] {
            assert_eq!(tried(&[], &[set]), Ok(()), "{set:?}");
        }
        for set in [
            ("PYTHONPATH", "/usr/lib:@/kim"),
            ("PYTHONPATH", "@/mixed"),
            ("PYTHONPATH", "../kim"),
            ("LD_LIBRARY_PATH", "@/mixed"),
            ("LD_PRELOAD", "@/mixed/libx.so.1"),
            ("PATH", "@/kim:/usr/bin"),
            ("IPYTHONDIR", "@/kim"),
        ] {
            let why = tried(&[], &[set]).unwrap_err();
            assert!(why.ends_with(&format!("and {} leads there", set.0)), "{why}");
        }
    }
}
