//! The lines themselves.

use super::{Looked, report};
use crate::machine::Machine;
use gpucheck::render::motd;
use gpucheck_checks::{Knowledge, Language, MachineVerdict, Profile, Selection};
use unicode_width::UnicodeWidthStr;

fn said(machine: &str, language: Language) -> String {
    motd(&report(machine), 7_300, language)
}

#[test]
fn a_line_or_two_within_80_columns_and_nothing_of_what_could_not_be_told() {
    let knowledge = Knowledge::built_in().unwrap();
    let mut silent = 0;
    for machine in Machine::all() {
        let report = Profile::Check.judge(&machine.facts, &knowledge, &Selection::default());
        for language in Language::ALL {
            let text = motd(&report, 7_300, language);
            let lines: Vec<&str> = text.lines().collect();
            let is_told = report.verdict != MachineVerdict::Incomplete;
            assert_eq!(!lines.is_empty(), is_told, "{}: {text}", machine.name);
            silent += usize::from(!is_told);
            assert!(lines.len() <= 2, "{}: {text}", machine.name);
            for line in lines {
                assert!(line.width() <= 80, "{}, {}: {line}", machine.name, line.width());
            }
            let names_root = report.roots.first().is_none_or(|_| text.contains("gpucheck explain "));
            assert!(names_root || !is_told, "{}: {text}", machine.name);
        }
    }
    assert!(silent > 0);
}

#[test]
fn it_says_from_how_many_kernels_and_which_one_cannot() {
    assert_eq!(said("t4-535", Language::English), "GPU: Tesla T4, usable (seen 2 h ago)\n");
    assert_eq!(said("t4-535", Language::Korean), "GPU: Tesla T4, 사용 가능 (2 h 전에 확인)\n");
    for (language, first, second) in [
        (Language::English, "GPU: Tesla T4, usable from ", "' cannot use it: "),
        (Language::Korean, "GPU: Tesla T4, 노트북 커널 ", "' 커널 사용 불가: "),
    ] {
        let text = said("kernelspec-gone", language);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(first), "{text}");
        assert!(lines[1].starts_with('\'') && lines[1].contains(second), "{text}");
        assert!(lines[1].contains(": gpucheck explain "), "{text}");
    }
}

#[test]
fn it_says_what_is_wrong_and_how_to_read_on() {
    assert_eq!(
        said("module-missing-new-kernel", Language::English),
        "GPU not usable: Linux was updated to 6.8.0-1032-azure, and the NVIDIA driver...\n\
         More: gpucheck explain module-missing-new-kernel (seen 2 h ago)\n"
    );
    let korean = said("module-missing-new-kernel", Language::Korean);
    assert!(korean.starts_with("GPU 사용 불가: Linux가 6.8.0-1032-azure 버전으로 "), "{korean}");
}

#[test]
fn the_language_is_that_of_who_asks() {
    let looked = Looked::at("t4-535", 7_500);
    assert_eq!(looked.says(), "GPU: Tesla T4, usable (seen 2 h ago)\n");
    let korean = String::from_utf8(looked.output(&["--lang", "ko"]).stdout).unwrap();
    assert_eq!(korean, "GPU: Tesla T4, 사용 가능 (2 h 전에 확인)\n");
}
