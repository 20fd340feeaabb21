//! Grafana's model of dashboards takes every field of ours, and Prometheus every query.

use super::{ours, part};
use serde_json::Value;
use std::{path::Path, process::Command};

/// The dashboard.
pub(super) fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(ours("grafana/gpucheck.json")).unwrap()).unwrap()
}

/// Each query by its panel's title, for all machines.
pub(super) fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for panel in dashboard()["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap().replace("$instance", ".*");
            assert!(!query.contains('$') || query.contains("\"$1\""), "{query}");
            queries.push((panel["title"].as_str().unwrap().to_owned(), query));
        }
    }
    queries
}

#[test]
fn grafanas_model_knows_every_field() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/dashboard.py");
    let check = |file: &Path| {
        let ran = Command::new(part("grafana").join("bin/python")).arg(&script).arg(file).output().unwrap();
        (ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
    };
    let (fits, said) = check(&ours("grafana/gpucheck.json"));
    assert!(fits, "{said}");
    // The model does tell.
    let mut wrong = dashboard();
    wrong["panels"][0]["fieldConfig"]["defaults"]["unitt"] = "none".into();
    wrong["panels"][1]["gridPos"]["w"] = "4".into();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wrong.to_string()).unwrap();
    let (fits, said) = check(file.path());
    assert!(!fits && said.contains("unitt") && said.contains("/panels/1/grid_pos/w"), "{said}");
}

#[test]
fn panels_have_titles_texts_and_places_of_their_own() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let number = |panel: &Value, key: &str| panel["gridPos"][key].as_u64().unwrap();
    let mut taken = std::collections::BTreeSet::new();
    for panel in panels {
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(panel["description"].as_str().unwrap().ends_with('.'), "{}", panel["title"]);
        for x in number(panel, "x")..number(panel, "x") + number(panel, "w") {
            for y in number(panel, "y")..number(panel, "y") + number(panel, "h") {
                assert!(x < 24 && taken.insert((x, y)), "{} lies on another at {x}, {y}", panel["title"]);
            }
        }
    }
}
