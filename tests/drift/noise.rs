//! What differs between healthy clones is no change, and any two machines can be compared.

use super::*;
use gpucheck_checks::fact::Facts;
use proptest::prelude::*;

static ALL: LazyLock<Vec<Facts>> =
    LazyLock::new(|| Machine::all().into_iter().map(|machine| machine.facts).collect());

/// Another clone of a template: its GPU sits elsewhere on the bus and is another one, its processes, times, temperatures
/// and free memory are its own.
fn clone_of(facts: &Facts) -> Facts {
    let text = serde_json::to_string(facts).unwrap();
    let text = text.replace("0001:00:00.0", "3e3f:00:00.0").replace("GPU-", "GPU-9");
    let mut clone: Value = serde_json::from_str(&text).unwrap();
    let set = [
        ("/taken_at", json!("2026-11-24T08:00:00Z")),
        ("/platform/seen/memory/seen/available", json!(41_000_000_000_u64)),
        ("/platform/seen/disks/seen/0/available", json!(77_000_000_000_u64)),
        ("/nvml/seen/devices/seen/0/seen/temperature/gpu", json!({"seen": 61})),
        ("/nvml/seen/devices/seen/0/seen/power/usage", json!({"seen": 31_000})),
        ("/nvml/seen/devices/seen/0/seen/uuid", json!({"seen": "GPU-00000000-1111"})),
        ("/nvml/seen/start_ms", json!(444)),
        ("/processes", json!({"not_probed": {"why": "another time"}})),
    ];
    for (pointer, value) in set {
        *clone.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    }
    serde_json::from_value(clone).unwrap()
}

#[test]
fn a_clone_of_a_template_has_no_changes() {
    let template = with("template-t4", &[nothing()]);
    let clone = clone_of(&template);
    assert_ne!(template, clone);
    let drift = compare(&template, &clone);
    assert!(drift.changes.is_empty() && drift.roots.is_empty() && drift.untold.is_empty(), "{drift:#?}");
    assert!(!drift.matters());
}

#[test]
fn what_ailed_the_template_ails_its_clone_at_another_address() {
    let before = with("memory-nearly-full", &[nothing()]);
    let text = serde_json::to_string(&before).unwrap().replace("0001:00:00.0", "3e3f:00:00.0");
    let drift = compare(&before, &serde_json::from_str(&text).unwrap());
    assert!(!drift.roots.is_empty());
    assert!(drift.roots.iter().all(|root| root.since == Since::Already), "{drift:#?}");
}

#[test]
fn another_size_with_the_same_gpu_is_told_and_fine() {
    let size = |name: &str| ("/platform/seen/cloud/metadata", json!({"seen": {"vm_size": name}}));
    let before = with("template-t4", &[nothing(), size("Standard_NC4as_T4_v3")]);
    let report = report(&before, &with("template-t4", &[nothing(), size("Standard_NC8as_T4_v3")]));
    let drift = report.drift.as_ref().unwrap();
    let change = &drift.changes[0];
    assert_eq!(told(change).0, What::Size);
    assert!(drift.changes.len() == 1 && change.explains.is_empty() && change.may_explain.is_empty());
    assert!(report.roots.is_empty());
}

#[test]
fn the_shell_of_another_person_is_no_change() {
    let variables = json!({"LD_LIBRARY_PATH": "/opt/x/lib"});
    let before = with("template-t4", &[nothing(), ("/platform/seen/user/uid", json!(0))]);
    let now = with(
        "template-t4",
        &[
            inventory(&json!({}), &json!({}), &variables, &json!([])),
            ("/platform/seen/user/uid", json!(1000)),
        ],
    );
    assert!(compare(&before, &now).changes.is_empty());
    let same = with("template-t4", &[nothing(), ("/platform/seen/user/uid", json!(1000))]);
    assert_eq!(compare(&same, &now).changes.len(), 1);
}

#[test]
fn what_lies_in_roots_home_is_not_missed_by_a_student() {
    let stock = json!({"seen": {"python": "/root/venv/bin/python", "version": "3.12.3"}});
    let refused =
        |code: i64| json!({"failed": {"refused": {"step": "open", "code": code, "name": "", "message": ""}}});
    let look = |environments: Value, uid: u32| {
        let inventory = json!({"seen": {"environments": environments}});
        with("template-t4", &[("/inventory", inventory), ("/platform/seen/user/uid", json!(uid))])
    };
    let before = look(json!({"/root/venv": stock, "/home/user/venv": stock}), 0);
    let now = look(json!({"/root/venv": refused(13), "/home/user/venv": refused(2)}), 1000);
    let drift = compare(&before, &now);
    assert!(drift.changes.is_empty() && drift.untold.is_empty(), "{drift:#?}");
}

#[test]
fn a_machine_beside_itself_has_no_changes() {
    assert!(ALL.len() > 300);
    for (facts, machine) in ALL.iter().zip(Machine::all()) {
        let drift = compare(facts, facts);
        assert!(drift.changes.is_empty(), "{}: {:#?}", machine.name, drift.changes);
        let are_known = drift.roots.iter().all(|root| root.since == Since::Already);
        assert!(are_known, "{}: {:#?}", machine.name, drift.roots);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever two machines are compared: every root is told of, and what explains one names it.
    #[test]
    fn any_two_machines_can_be_compared(one in 0..ALL.len(), other in 0..ALL.len()) {
        let report = report(&ALL[one], &ALL[other]);
        let drift = report.drift.as_ref().unwrap();
        prop_assert_eq!(drift.roots.len(), report.roots.len());
        for change in &drift.changes {
            prop_assert!(change.from != change.to);
            for reference in change.explains.iter().chain(&change.may_explain) {
                let compared = drift.roots.iter().find(|root| root.root == *reference);
                let since = compared.map(|compared| compared.since);
                prop_assert!(matches!(since, Some(Since::Explained | Since::PerhapsExplained)));
            }
        }
        let text = serde_json::to_string(drift).unwrap();
        let again: Drift = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, drift);
    }
}
