//! The layouts of Facts and Report, held as goldens: whoever changes one sees it, and decides about its number.

use super::judge;
use crate::machine::Machine;
use gpucheck_checks::{Report, fact::Facts};
use serde_json::Value;

fn golden(name: &str, schema: &schemars::Schema) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../goldens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, serde_json::to_string_pretty(schema).unwrap()));
}

#[test]
fn the_layouts_are_the_goldens() {
    golden("facts.schema.json", &schemars::schema_for!(Facts));
    golden("report.schema.json", &schemars::schema_for!(Report));
}

#[test]
fn facts_and_reports_keep_to_their_schemas() {
    let facts = serde_json::to_value(schemars::schema_for!(Facts)).unwrap();
    let facts = jsonschema::validator_for(&facts).unwrap();
    let report = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    let report = jsonschema::validator_for(&report).unwrap();
    for machine in Machine::all() {
        check(&facts, &serde_json::to_value(&machine.facts).unwrap(), &machine.name);
        check(&report, &serde_json::to_value(judge(&machine.facts)).unwrap(), &machine.name);
    }
    assert!(!facts.is_valid(&Value::Null) && !report.is_valid(&Value::Null));
}

fn check(schema: &jsonschema::Validator, document: &Value, name: &str) {
    let errors: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
}
