//! The language of whoever asks, from the locale.
//!
//! Invariant: what a terminal could not show is not chosen: Korean needs UTF-8.

use gpucheck_checks::Language;

/// The language that the environment asks for, English where it asks for none that there is.
///
/// The locale is the first that is set of `LC_ALL`, `LC_MESSAGES` and `LANG`, as POSIX has it. `LANGUAGE` lists
/// languages by preference and comes before it unless it is `C`, as gettext has it. `LC_CTYPE` counts for the letters
/// that can be shown.
pub fn language(variable: impl Fn(&str) -> Option<String>) -> Language {
    let first = |names: [&str; 3]| {
        names.into_iter().filter_map(&variable).find(|value| !value.is_empty()).unwrap_or_default()
    };
    let messages = first(["LC_ALL", "LC_MESSAGES", "LANG"]);
    let letters = first(["LC_ALL", "LC_CTYPE", "LANG"]);
    if ["", "C", "POSIX"].contains(&messages.as_str()) || !shows_korean(&messages) || !shows_korean(&letters)
    {
        return Language::English;
    }
    let preferred = variable("LANGUAGE").unwrap_or_default();
    preferred.split(':').chain([messages.as_str()]).find_map(of_locale).unwrap_or_default()
}

/// Whether the terminal shows Unicode: the locale says so, the first that is set of `LC_ALL`, `LC_CTYPE` and `LANG`.
pub fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(&variable).find(|value| !value.is_empty());
    set.is_some_and(|locale| names_set(&locale).is_some_and(is_unicode))
}

/// The character set of a locale such as `ko_KR.UTF-8@hanja`.
fn names_set(locale: &str) -> Option<&str> {
    locale.split('@').next().and_then(|locale| locale.split_once('.')).map(|(_, set)| set)
}

fn is_unicode(set: &str) -> bool {
    set.eq_ignore_ascii_case("UTF-8") || set.eq_ignore_ascii_case("utf8")
}

/// The language of a locale such as `ko_KR.UTF-8`.
fn of_locale(locale: &str) -> Option<Language> {
    match locale.split(['_', '.', '@']).next() {
        Some("en") => Some(Language::English),
        Some("ko") => Some(Language::Korean),
        _ => None,
    }
}

/// Whether a locale names no character set that has no Korean, or whose Korean is not ours.
fn shows_korean(locale: &str) -> bool {
    names_set(locale).is_none_or(is_unicode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Korean};

    fn of(environment: &[(&str, &str)]) -> Language {
        language(|name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_locale_names_a_language_and_letters() {
        for (locale, language) in [
            ("ko_KR.UTF-8", Korean),
            ("ko_KR.utf8", Korean),
            ("ko_KR", Korean),
            ("ko", Korean),
            ("ko.UTF-8", Korean),
            ("ko_KR.UTF-8@hanja", Korean),
            ("ko_KR@hanja", Korean),
            ("ko_KR.eucKR", English),
            ("ko_KR.eucKR@hanja", English),
            ("ko_KR.CP949", English),
            ("kok_IN.UTF-8", English),
            ("korean", English),
            ("KO", English),
            ("en_US.UTF-8", English),
            ("de_DE.UTF-8", English),
            ("C", English),
            ("C.UTF-8", English),
            ("POSIX", English),
            ("", English),
            (".", English),
            ("\u{0}\u{fffd}", English),
        ] {
            assert_eq!(of(&[("LANG", locale)]), language, "{locale}");
        }
        assert_eq!(of(&[]), English);
    }

    #[test]
    fn unicode_is_shown_where_the_locale_says_so() {
        let shows = |environment: &[(&str, &str)]| {
            is_utf8(|name| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, set)| (*set).to_owned())
            })
        };
        assert!(shows(&[("LANG", "en_US.UTF-8")]) && shows(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        for none in [&[][..], &[("LANG", "C")], &[("LANG", "ko_KR")], &[("LC_ALL", "C"), ("LANG", "C.UTF-8")]]
        {
            assert!(!shows(none), "{none:?}");
        }
    }

    #[test]
    fn the_first_that_is_set_counts() {
        let korean = "ko_KR.UTF-8";
        for (environment, language) in [
            (&[("LC_ALL", "C"), ("LC_MESSAGES", korean), ("LANG", korean)][..], English),
            (&[("LC_ALL", korean), ("LC_MESSAGES", "C"), ("LANG", "C")], Korean),
            (&[("LC_ALL", ""), ("LC_MESSAGES", korean), ("LANG", "en_US.UTF-8")], Korean),
            (&[("LC_MESSAGES", "en_US.UTF-8"), ("LANG", korean)], English),
            (&[("LC_MESSAGES", korean)], Korean),
            (&[("LC_TIME", korean)], English),
        ] {
            assert_eq!(of(environment), language, "{environment:?}");
        }
    }

    #[test]
    fn the_list_of_languages_comes_before_the_locale_unless_that_is_c() {
        for (list, locale, language) in [
            ("ko:en", "en_US.UTF-8", Korean),
            ("en:ko", "ko_KR.UTF-8", English),
            ("fr:ko", "en_US.UTF-8", Korean),
            ("fr", "ko_KR.UTF-8", Korean),
            ("ko", "C", English),
            ("ko", "", English),
            ("ko", "C.UTF-8", Korean),
            ("ko", "en_US.ISO-8859-1", English),
            ("", "ko_KR.UTF-8", Korean),
            (":::", "ko_KR.UTF-8", Korean),
        ] {
            assert_eq!(of(&[("LANGUAGE", list), ("LANG", locale)]), language, "{list:?}, {locale:?}");
        }
    }

    #[test]
    fn letters_that_cannot_be_shown_are_not_chosen() {
        assert_eq!(of(&[("LC_MESSAGES", "ko_KR.UTF-8"), ("LC_CTYPE", "ko_KR.eucKR")]), English);
        assert_eq!(of(&[("LC_MESSAGES", "ko_KR.UTF-8"), ("LANG", "en_US.ISO-8859-1")]), English);
        let letters = [("LANG", "ko_KR.eucKR"), ("LC_CTYPE", "en_US.UTF-8"), ("LC_MESSAGES", "ko_KR.UTF-8")];
        assert_eq!(of(&letters), Korean);
    }
}
