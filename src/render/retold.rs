//! Since when a report of the daemon's stands.

use super::usable_from::age;
use gpucheck_checks::Language;

/// How old what the daemon saw is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retold {
    /// Seconds since it looked.
    pub seconds: u64,
    /// Seconds since it last found nothing against that, without touching a GPU.
    pub confirmed: Option<u64>,
}

/// The line that says so.
pub fn retold(Retold { seconds, confirmed }: Retold, language: Language) -> String {
    let words = &language.words().heading;
    let taken = age(seconds);
    match confirmed {
        Some(confirmed) => words.confirmed.with(&[("age", &taken), ("confirmed", &age(confirmed))]),
        None => words.looked.with(&[("age", &taken)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_told_in_both_languages() {
        let say = |language, confirmed| retold(Retold { seconds: 240, confirmed }, language);
        assert_eq!(
            say(Language::English, None),
            "Looked 4 min ago by gpucheckd; gpucheck --fresh looks anew"
        );
        let confirmed = say(Language::English, Some(30));
        assert!(confirmed.contains("4 min") && confirmed.contains("30 s"), "{confirmed}");
        for confirmed in [None, Some(30)] {
            let korean = say(Language::Korean, confirmed);
            assert!(korean.contains("4 min") && korean.contains("--fresh"), "{korean}");
        }
    }
}
