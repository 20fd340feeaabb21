//! HTML: whole, strict, and readable by whoever reads it.

use super::{all, asked, code, samples};
use gpucheck::render::{answer, fragment, html};
use gpucheck_checks::{Language, Profile, Report};
use scraper::{ElementRef, Html, Selector};
use sha2::{Digest, Sha256};

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef) -> String {
    element.text().collect()
}

/// What must hold of each page.
pub(super) fn assert_sound(name: &str, report: &Report, language: Language) {
    let document = html(report, language);
    let page = Html::parse_document(&document);
    assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
    assert!(document.starts_with("<!doctype html>\n"), "{name}");
    assert_eq!(select(&page, "html")[0].attr("lang"), Some(code(language)), "{name}");
    for landmark in ["header", "main", "footer", "h1", "title", "main > details"] {
        assert_eq!(select(&page, landmark).len(), 1, "{name}: {landmark}");
    }
    // Characters that are none are not shown as they are.
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(200).collect::<String>();
    let (answer, banner) = (answer(report, language), text(select(&page, ".banner")[0]));
    assert!(letters(&banner).starts_with(&letters(&answer)), "{name}: {banner}\n{answer}");
    assert_headings_in_order(name, &page);
    for head in select(&page, "th") {
        assert!(["col", "row"].contains(&head.attr("scope").unwrap_or_default()), "{name}");
    }
    for row in select(&page, "tbody tr") {
        assert_eq!(row.child_elements().next().unwrap().value().name(), "th", "{name}");
    }
    // Commands are whole, and each box has its button.
    let boxes = select(&page, ".command");
    let with_commands = report.roots.iter().filter(|root| !root.fix.commands.is_empty());
    let next = usize::from(report.readiness.is_some());
    assert_eq!(boxes.len(), with_commands.clone().count() + next, "{name}");
    assert_eq!(select(&page, ".command button[type=button][hidden]").len(), boxes.len(), "{name}");
    assert_eq!(select(&page, "script").len(), 1, "{name}");
    assert_asks_for_nothing(name, &page);
    assert_embeds(name, &fragment(report, language));
}

/// What must hold of that which stands in a notebook's page: it is one element, and reaches nothing around it.
fn assert_embeds(name: &str, document: &str) {
    let page = Html::parse_fragment(document);
    assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
    let roots: Vec<ElementRef> = page.root_element().child_elements().collect();
    assert_eq!(roots.len(), 1, "{name}");
    assert_eq!(roots[0].attr("class"), Some("gpucheck"), "{name}");
    let reaching = "script, [id], [onclick], button, h1, h2, h3, h4, h5, h6, svg";
    assert_eq!(select(&page, reaching).len(), 0, "{name}");
    let style = text(select(&page, "style")[0]);
    let selectors =
        style.split('}').filter_map(|rule| rule.split_once('{')).flat_map(|(rule, _)| rule.split(','));
    for selector in selectors {
        assert!(selector.trim().starts_with("div.gpucheck"), "{name}: {selector}");
    }
    assert_asks_for_nothing(name, &page);
}

fn assert_headings_in_order(name: &str, page: &Html) {
    let mut level = 0;
    for heading in select(page, "h1, h2, h3, h4, h5, h6") {
        let own: usize = heading.value().name()[1..].parse().unwrap();
        assert!(own <= level + 1, "{name}: h{own} after h{level}: {}", text(heading));
        assert!(!text(heading).trim().is_empty(), "{name}: an empty heading");
        level = own;
    }
}

/// Nothing of the page is elsewhere, and nothing runs by an attribute.
fn assert_asks_for_nothing(name: &str, page: &Html) {
    let elsewhere =
        "[src], [srcset], [style], link, iframe, img, object, embed, form, base, [http-equiv=refresh]";
    assert!(select(page, elsewhere).is_empty(), "{name}");
    assert_eq!(select(page, "style").len(), 1, "{name}");
    for element in select(page, "*") {
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on"), "{name}: {attribute}");
            let is_page = value.starts_with("https://") || value.starts_with("http://");
            assert!(attribute != "href" || is_page, "{name}: leads to {value}");
        }
    }
}

#[test]
fn every_machine_has_a_sound_page_in_every_language() {
    let mut longest = 0;
    for (name, report) in all() {
        for language in Language::ALL {
            assert_sound(&name, &report, language);
            longest = longest.max(html(&report, language).len());
        }
    }
    println!("the longest page has {longest} bytes");
}

#[test]
fn a_usual_page_is_small() {
    for (name, report) in samples() {
        for language in Language::ALL {
            let size = html(&report, language).len();
            println!("{name}, {}: {size} bytes", code(language));
            assert!(size < 60_000, "{name}: {size} bytes");
        }
    }
}

#[test]
fn the_policy_knows_style_and_script_by_their_digests() {
    let document = html(&asked(Profile::Check, "t4-535"), Language::English);
    let page = Html::parse_document(&document);
    let policy = select(&page, "meta[http-equiv]")[0].attr("content").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let text = text(select(&page, element)[0]);
        let digest = base64(&Sha256::digest(text.as_bytes()));
        assert!(policy.contains(&format!("{directive} 'sha256-{digest}'")), "{policy}");
    }
}

/// By coreutils.
fn base64(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let ran = std::process::Command::new("base64").arg(file.path()).output().unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn commands_stand_in_their_box_as_they_are_to_be_run() {
    for (name, report) in samples() {
        let document = html(&report, Language::Korean);
        let page = Html::parse_document(&document);
        let boxes: Vec<String> = select(&page, ".command pre").into_iter().map(text).collect();
        let wanted: Vec<String> = report
            .roots
            .iter()
            .filter(|root| !root.fix.commands.is_empty())
            .map(|root| root.fix.commands.join("\n"))
            .collect();
        assert_eq!(boxes[..wanted.len()], wanted, "{name}");
    }
}

#[test]
fn findings_stand_in_the_order_of_the_report_with_their_fix() {
    let report = asked(Profile::Check, "two-diseases");
    assert!(report.roots.len() > 1);
    let document = html(&report, Language::English);
    let page = Html::parse_document(&document);
    let findings: Vec<String> = select(&page, "article").into_iter().map(text).collect();
    assert_eq!(findings.len(), report.roots.len());
    for (finding, root) in findings.iter().zip(&report.roots) {
        let parts = [&root.title, &root.meaning, &root.fix.text, &root.summary];
        for part in parts.into_iter().chain(&root.evidence) {
            assert!(finding.contains(part.as_str()), "{part}\n{finding}");
        }
    }
}

#[test]
fn what_a_machine_says_in_english_is_marked_in_a_korean_page() {
    let report = asked(Profile::Check, "two-diseases");
    let document = html(&report, Language::Korean);
    let page = Html::parse_document(&document);
    for item in select(&page, ".seen li") {
        assert_eq!(item.attr("lang"), Some("en"), "{}", text(item));
    }
    assert!(select(&Html::parse_document(&html(&report, Language::English)), "body [lang]").is_empty());
}
