//! What a distribution requires, read from its METADATA.
//!
//! Requirements with a marker or an extra hold only sometimes and are passed over: their absence proves nothing.
//! Source: <https://packaging.python.org/en/latest/specifications/core-metadata/>.

use pep440_rs::{Version, VersionSpecifiers};
use std::str::FromStr;

/// One `Requires-Dist` line that always holds.
#[derive(Debug, PartialEq)]
pub(super) struct Requirement {
    /// In the normal form of distribution names.
    pub(super) name: String,
    specifiers: VersionSpecifiers,
}

impl Requirement {
    /// The versions that it takes.
    pub(super) fn versions(&self) -> String {
        self.specifiers.to_string()
    }

    /// Why an installed version does not meet it, as a fragment; none where it does.
    pub(super) fn unmet_by(&self, installed: Option<&str>) -> Option<String> {
        let Self { name, specifiers } = self;
        let Some(installed) = installed else { return Some(format!("{name}{specifiers}: not installed")) };
        let version = Version::from_str(installed).ok()?;
        (!specifiers.contains(&version)).then(|| format!("{name}{specifiers}: {installed} is installed"))
    }
}

/// The requirements in the headers of a METADATA text.
pub(super) fn requirements(metadata: &str) -> Vec<Requirement> {
    required(metadata).filter_map(requirement).collect()
}

/// The requirements that hold with this extra and on no other condition.
pub(super) fn of_extra(metadata: &str, extra: &str) -> Vec<Requirement> {
    let markers = [format!("extra == '{extra}'"), format!("extra == \"{extra}\"")];
    let of_it = |text: &'_ str| {
        let (text, marker) = text.split_once(';')?;
        if markers.iter().any(|wanted| wanted == marker.trim()) { requirement(text.trim()) } else { None }
    };
    required(metadata).filter_map(of_it).collect()
}

/// The requirements that hold on Linux on this kind of processor, and on no other condition.
pub(super) fn on_linux(metadata: &str) -> Vec<Requirement> {
    let of_it = |text: &'_ str| match text.split_once(';') {
        Some((text, marker)) if is_linux(marker) => requirement(text.trim()),
        Some(_) => None,
        None => requirement(text),
    };
    required(metadata).filter_map(of_it).collect()
}

fn is_linux(marker: &str) -> bool {
    marker.split(" and ").all(|clause| {
        let Some((name, value)) = clause.split_once("==") else { return false };
        let value = value.trim().trim_matches(['"', '\'']);
        match name.trim() {
            "platform_system" => value == "Linux",
            "sys_platform" => value == "linux",
            "platform_machine" => value == std::env::consts::ARCH,
            _ => false,
        }
    })
}

/// Whether one of these is required, on whatever condition but an extra that somebody has to name.
pub(super) fn requires_one_of(metadata: &str, names: &[&str]) -> bool {
    let of_no_extra = |text: &&str| !text.split_once(';').is_some_and(|(_, marker)| marker.contains("extra"));
    required(metadata).filter(of_no_extra).any(|text| names.contains(&normal(name_and_rest(text).0).as_str()))
}

fn required(metadata: &str) -> impl Iterator<Item = &str> {
    let headers = metadata.lines().take_while(|line| !line.is_empty());
    headers.filter_map(|line| Some(line.strip_prefix("Requires-Dist:")?.trim()))
}

/// `name>=1,<2` and, from older tools, `name (>=1,<2)`.
fn requirement(text: &str) -> Option<Requirement> {
    let (name, rest) = name_and_rest(text);
    let rest = rest.trim();
    if name.is_empty() || rest.contains([';', '@', '[']) {
        return None;
    }
    let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    let specifiers = VersionSpecifiers::from_str(rest).ok()?;
    Some(Requirement { name: normal(name), specifiers })
}

fn name_and_rest(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    text.split_at(end.unwrap_or(text.len()))
}

/// The normal form of a distribution's name: small letters, one hyphen for each run of `-`, `_` and `.`.
pub(super) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.extend(other.to_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmet(metadata: &str, name: &str, installed: Option<&str>) -> Option<String> {
        let requirements = requirements(metadata);
        requirements.iter().find(|requirement| requirement.name == name).unwrap().unmet_by(installed)
    }

    /// Lines of tensorflow_cpu-2.12.1.dist-info/METADATA.
    const TF_2_12: &str = "Metadata-Version: 2.1
Name: tensorflow-cpu
Version: 2.12.1
Requires-Dist: gast (<=0.4.0,>=0.2.1)
Requires-Dist: keras (<2.13,>=2.12.0)
Requires-Dist: numpy (<=1.24.3,>=1.22)
Requires-Dist: packaging
Requires-Dist: protobuf (!=4.21.0,!=4.21.1,!=4.21.2,!=4.21.3,!=4.21.4,!=4.21.5,<5.0.0dev,>=3.20.3)
Requires-Dist: tensorflow-io-gcs-filesystem (>=0.23.1) ; platform_machine != \"arm64\" or platform_system != \"Darwin\"
Requires-Dist: tensorflow-intel (==2.12.1) ; platform_system == \"Windows\"

Requires-Dist: nothing-of-the-description
";

    /// Lines of tensorflow-2.21.0.dist-info/METADATA.
    const TF_2_21: &str = "Name: tensorflow
Version: 2.21.0
Requires-Dist: google_pasta>=0.1.1
Requires-Dist: protobuf<8.0.0,>=6.31.1
Requires-Dist: numpy>=1.26.0
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == \"and-cuda\"
Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (sys_platform != \"win32\" and python_version < \"3.13\") and extra == \"gcs-filesystem\"
";

    #[test]
    fn tensorflow_2_12_1() {
        let names: Vec<_> = requirements(TF_2_12).into_iter().map(|requirement| requirement.name).collect();
        assert_eq!(names, ["gast", "keras", "numpy", "packaging", "protobuf"]);
        assert_eq!(unmet(TF_2_12, "numpy", Some("1.24.3")), None);
        assert_eq!(unmet(TF_2_12, "protobuf", Some("4.25.8")), None);
        assert_eq!(unmet(TF_2_12, "packaging", Some("26.0")), None);
        assert_eq!(
            unmet(TF_2_12, "numpy", Some("2.3.5")).as_deref(),
            Some("numpy>=1.22, <=1.24.3: 2.3.5 is installed")
        );
        assert_eq!(unmet(TF_2_12, "keras", None).as_deref(), Some("keras>=2.12.0, <2.13: not installed"));
    }

    #[test]
    fn tensorflow_2_21_0() {
        let names: Vec<_> = requirements(TF_2_21).into_iter().map(|requirement| requirement.name).collect();
        assert_eq!(names, ["google-pasta", "protobuf", "numpy"]);
        assert_eq!(unmet(TF_2_21, "protobuf", Some("7.34.1")), None);
        assert!(unmet(TF_2_21, "protobuf", Some("4.25.8")).is_some());
    }

    #[test]
    fn an_extra_has_requirements_of_its_own() {
        // Lines of tensorflow-2.15.1.dist-info/METADATA and of 2.21.0's.
        for (line, versions) in [
            ("Requires-Dist: nvidia-cudnn-cu12 (==8.9.4.25) ; extra == 'and-cuda'", "==8.9.4.25"),
            ("Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == \"and-cuda\"", ">=9.3.0.75, <10.0"),
        ] {
            let other = "Requires-Dist: tensorflow-io; (sys_platform != \"win32\") and extra == \"gcs\"";
            let found = of_extra(&format!("Name: tensorflow\n{line}\n{other}\n\n{line}\n"), "and-cuda");
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(
                (found[0].name.as_str(), found[0].versions().as_str()),
                ("nvidia-cudnn-cu12", versions)
            );
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn torch_pins_what_it_wants_on_linux() {
        // Lines of the METADATA of torch 2.6.0 and 2.9.0.
        let metadata = "Name: torch
Requires-Dist: filelock
Requires-Dist: setuptools ; python_version >= \"3.12\"
Requires-Dist: nvidia-cudnn-cu12 (==9.1.0.70) ; platform_system == \"Linux\" and platform_machine == \"x86_64\"
Requires-Dist: nvidia-nccl-cu12==2.27.5; platform_system == \"Linux\" and platform_machine == \"x86_64\"
Requires-Dist: opt-einsum (>=3.3) ; extra == 'opt-einsum'
Requires-Dist: pywin; platform_system == \"Windows\"
";
        let found: Vec<_> =
            on_linux(metadata).iter().map(|found| format!("{}{}", found.name, found.versions())).collect();
        assert_eq!(found, ["filelock", "nvidia-cudnn-cu12==9.1.0.70", "nvidia-nccl-cu12==2.27.5"]);
    }

    #[test]
    fn what_only_an_extra_brings_is_not_required() {
        for (line, required) in [
            ("Requires-Dist: jax (>=0.3.15)", true),
            ("Requires-Dist: jaxlib<=0.4.38,>=0.4.38", true),
            ("Requires-Dist: jax[cpu]>=0.4; python_version >= \"3.9\"", true),
            ("Requires-Dist: jax; extra == \"jax\"", false),
            ("Requires-Dist: jaxtyping", false),
            ("\nRequires-Dist: jax", false),
        ] {
            assert_eq!(
                requires_one_of(&format!("Name: x\n{line}\n"), &["jax", "jaxlib"]),
                required,
                "{line}"
            );
        }
    }

    #[test]
    fn a_version_that_is_none_says_nothing() {
        assert_eq!(unmet(TF_2_21, "numpy", Some("git")), None);
    }

    #[test]
    fn names_have_one_form() {
        assert_eq!(normal("Typing_Extensions"), "typing-extensions");
        assert_eq!(normal("ruamel.-yaml"), "ruamel-yaml");
    }
}
