//! What a person is told who writes a machine wrongly: the file, the line, the column, and the name that was meant.

use gpucheck_machines::{facts, folder, machine::Machine, run::Staged};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A machine that is written well. Tests break a line of it.
const GOOD: &str = r#"about = "a machine"
source = "this test"

[host]
os = "ubuntu-22.04"

[driver]
version = "535.161.08"

[[gpu]]
card = "t4"
at = "0001:00:00.0"
nvml.power_usage = 9000

[[fault]]
call = "cuInit"
do = { return = 999 }

[expect]
verdict = "unusable"
exit = 1
not = ["uvm-missing"]

[[expect.root]]
id = "driver.initializes"
explains = ["driver.sees_gpu"]
"#;

fn shelf() -> TempDir {
    let shelf = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder().join("cards"), shelf.path().join("cards")).unwrap();
    shelf
}

fn write(shelf: &Path, name: &str, file: &str, text: &str) {
    fs::create_dir_all(shelf.join(name)).unwrap();
    fs::write(shelf.join(name).join(file), text).unwrap();
}

/// What is said of a machine written so, after the path of its file.
fn said(text: &str) -> String {
    let shelf = shelf();
    write(shelf.path(), "good", "machine.toml", GOOD);
    write(shelf.path(), "machine", "machine.toml", text);
    let error = Machine::load(shelf.path(), "machine").unwrap_err().to_string();
    let path = shelf.path().join("machine/machine.toml");
    error.strip_prefix(&format!("{}:", path.display())).unwrap_or_else(|| panic!("{error}")).to_owned()
}

/// The same for the good one with a line of it replaced.
fn said_of(line: &str, by: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    said(&GOOD.replacen(line, by, 1))
}

#[test]
fn a_good_one_is_taken() {
    let shelf = shelf();
    write(shelf.path(), "good", "machine.toml", GOOD);
    let machine = Machine::load(shelf.path(), "good").unwrap();
    assert_eq!((machine.gpus.len(), machine.faults.len(), machine.expected.roots.len()), (1, 1, 1));
}

#[test]
fn unknown_names_are_told_with_their_place_and_the_nearest_one() {
    for (line, by, told) in [
        ("[host]\nos =", "[host]\nso =", "5:1: unknown field `so`; did you mean \"os\"?"),
        ("[driver]", "[drivers]", "7:2: unknown field `drivers`; did you mean \"driver\"?"),
        (
            "ubuntu-22.04",
            "ubuntu-22.40",
            "5:6: unknown system \"ubuntu-22.40\"; did you mean \"ubuntu-22.04\"?",
        ),
        ("535.161.08", "536.161.08", "8:11: unknown driver branch 536; the nearest is 535"),
        ("535.161.08", "the newest", "8:11: \"the newest\" is no driver version; write it as 535.161.08"),
        ("\"t4\"", "\"t40\"", "11:8: unknown card \"t40\"; did you mean \"t4\"?"),
        ("0001:00:00.0", "1:0.0", "12:6: \"1:0.0\" is no PCI address; write it as 0001:00:00.0"),
        ("card = \"t4\"\n", "", "11:6: say which card sits at 0001:00:00.0: card = \"...\""),
        ("power_usage", "pwer_usage", "13:6: unknown field `pwer_usage`; did you mean \"power_usage\"?"),
        ("= 9000", "= \"9 W\"", "13:20: a reading is a value of its kind, or { error = CODE }"),
        ("cuInit", "cuInt", "16:8: unknown call \"cuInt\"; did you mean \"cuInit\"?"),
        (
            "cuInit",
            "nvmlDeviceGetNam",
            "16:8: unknown call \"nvmlDeviceGetNam\"; did you mean \"nvmlDeviceGetName\"?",
        ),
        ("{ return = 999 }", "\"hangs\"", "17:6: unknown variant `hangs`; did you mean \"hang\"?"),
        ("\"unusable\"", "\"unuseable\"", "20:11: unknown variant `unuseable`; did you mean \"unusable\"?"),
        (
            "uvm-missing",
            "uvm-mising",
            "22:8: unknown cause or check \"uvm-mising\"; did you mean \"uvm-missing\"?",
        ),
        (
            "driver.initializes",
            "driver.initialises",
            "25:6: unknown check \"driver.initialises\"; did you mean \"driver.initializes\"?",
        ),
        (
            "driver.sees_gpu",
            "driver.sees_gpus",
            "26:13: unknown check \"driver.sees_gpus\"; did you mean \"driver.sees_gpu\"?",
        ),
        (
            "explains = ",
            "cause = \"uvm-mising\"\nexplains = ",
            "26:9: unknown cause \"uvm-mising\"; did you mean \"uvm-missing\"?",
        ),
        ("[host]", "on = \"god\"\n[host]", "4:6: unknown machine \"god\"; did you mean \"good\"?"),
        (
            "[host]",
            "profile = \"publsh\"\n[host]",
            "4:11: unknown variant `publsh`; did you mean \"publish\"?",
        ),
        ("do =", "gpu = 1\ndo =", "16:8: there is no GPU 1, they are numbered from 0 to 0"),
    ] {
        assert_eq!(said_of(line, by), told, "{by}");
    }
}

#[test]
fn what_does_not_parse_is_told_with_its_place() {
    for (line, by, told) in [
        ("about = \"a machine\"", "about = a machine", "1:9: "),
        ("source = \"this test\"\n", "", "1:1: missing field `source`"),
        ("exit = 1", "exit = 1000", "21:8: "),
        ("[expect]", "[expect", "19:8: "),
    ] {
        let said = said_of(line, by);
        assert!(said.starts_with(told), "{said}");
    }
}

#[test]
fn what_cannot_be_meant_is_told_with_its_place() {
    let twice = "nvml.power_usage = 9000\n\n[[gpu]]\ncard = \"t4\"\nat = \"0001:00:00.0\"";
    for (line, by, told) in [
        ("nvml.power_usage = 9000", twice, "17:6: 0001:00:00.0 is there twice"),
        (
            "[[fault]]",
            "[[pci]]\nat = \"1:0\"\nvendor = 1\ndevice = 1\nclass = 1\n[[fault]]",
            "16:6: \"1:0\" is no PCI address; write it as 0001:00:00.0",
        ),
        (
            "{ return = 999 }",
            "{ return = 999, exit = 3 }",
            "17:6: give one action, such as { return = 999 }; two take two faults",
        ),
        (
            "call = \"cuInit\"",
            "call = \"cuInit\"\nnth = 0",
            "16:8: calls are counted from 1; give nth or from",
        ),
        (
            "[driver]",
            "[driver]\nlacks = [\"libcuda.so\"]",
            "8:10: unknown library \"libcuda.so\"; did you mean \"libcuda.so.1\"?",
        ),
        (
            "explains",
            "subject = \"0001:00:01.0\"\nexplains",
            "26:11: unknown subject \"0001:00:01.0\"; did you mean \"0001:00:00.0\"?",
        ),
    ] {
        assert_eq!(said_of(line, by), told, "{by}");
    }
}

#[test]
fn a_path_outside_the_machine_is_refused() {
    for path in ["/../x", "/etc/../../x", "etc/x", "/", "/etc//x"] {
        let told = format!("{path:?} is no path of a machine; write it as /etc/hostname, without ..");
        for (table, place) in [
            (format!("[files]\n\"{path}\" = \"\""), "20:1"),
            (format!("[links]\n\"{path}\" = \"/etc\""), "20:1"),
            (format!("[nodes]\n\"{path}\" = {{ major = 1 }}"), "20:1"),
        ] {
            assert_eq!(said_of("[expect]", &format!("{table}\n[expect]")), format!("{place}: {told}"));
        }
        let remove = format!("remove = [\"{path}\"]\n[host]");
        assert_eq!(said_of("[host]", &remove), format!("4:11: {told}"));
    }
}

#[test]
fn no_link_leads_what_is_written_out_of_the_machine() {
    let (shelf, outside) = (shelf(), tempfile::tempdir().unwrap());
    let target = outside.path().display();
    let tables = format!("[links]\n\"/a\" = \"{target}\"\n[files]\n\"/a/b/c\" = \"\"\n[expect]");
    write(shelf.path(), "machine", "machine.toml", &GOOD.replacen("[expect]", &tables, 1));
    let machine = Machine::load(shelf.path(), "machine").unwrap();
    let Err(error) = Staged::new(&machine) else { panic!("it was laid") };
    assert_eq!(error.to_string(), "machine: its files: /a/b/c: it leads out of the machine's folder");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn machines_that_stand_on_each_other_are_told() {
    let shelf = shelf();
    for (name, on) in [("one", "other"), ("other", "one")] {
        write(
            shelf.path(),
            name,
            "machine.toml",
            &GOOD.replacen("[host]", &format!("on = \"{on}\"\n[host]"), 1),
        );
    }
    let error = Machine::load(shelf.path(), "one").unwrap_err().to_string();
    assert!(error.ends_with("machine.toml:4:6: machines that stand on each other"), "{error}");
}

#[test]
fn a_machine_that_is_not_there_is_told_with_the_nearest_one() {
    let error = Machine::load(&folder(), "azure-t4-355").unwrap_err().to_string();
    assert!(
        error.starts_with("azure-t4-355: there is no ") && error.ends_with("did you mean \"azure-t4-535\"?"),
        "{error}"
    );
}

#[test]
fn a_fact_machine_is_held_to_the_same() {
    let good = r#"{"about": "", "source": "",
 "on": "t4-535", "set": {"/pci/seen/function_count": 3},
 "expect": {"verdict": "usable", "exit": 0, "roots": [],
  "not": ["uvm-missing"]}}"#;
    let healthy = fs::read_to_string(folder().join("t4-535/machine.json")).unwrap();
    for (line, by, told) in [
        ("\"source\"", "\"sauce\"", "1:21: unknown field `sauce`; did you mean \"source\"?"),
        ("\"t4-535\"", "\"t4-533\"", "2:8: unknown machine \"t4-533\"; did you mean \"t4-535\"?"),
        ("/pci/seen/", "/pci/sen/", "2:26: nothing is at \"/pci/sen\""),
        (
            "function_count",
            "functon_count",
            "2:26: no fact is at \"/pci/seen/functon_count\"; did you mean \"function_count\"?",
        ),
        (
            "_count\": 3",
            "_count\": \"many\"",
            "2:26: \"/pci/seen/function_count\": no facts: invalid type: string \"many\", expected usize",
        ),
        (
            "uvm-missing",
            "uvm-mising",
            "4:11: unknown cause or check \"uvm-mising\"; did you mean \"uvm-missing\"?",
        ),
        (
            "\"roots\": []",
            r#""roots": [{"id": "pci.gpu_presents", "cause": null, "subject": "this machine"}]"#,
            "3:62: unknown check \"pci.gpu_presents\"; did you mean \"pci.gpu_present\"?",
        ),
        ("\"usable\"", "\"useable\"", "3:32: unknown variant `useable`; did you mean \"usable\"?"),
    ] {
        let shelf = shelf();
        write(shelf.path(), "t4-535", "machine.json", &healthy);
        write(shelf.path(), "machine", "machine.json", good);
        assert!(facts::Machine::load(shelf.path(), "machine").is_ok());
        write(shelf.path(), "machine", "machine.json", &good.replacen(line, by, 1));
        let Err(error) = facts::Machine::load(shelf.path(), "machine") else { panic!("{by}") };
        let path = shelf.path().join("machine/machine.json");
        assert_eq!(error.to_string(), format!("{}:{told}", path.display()), "{by}");
    }
}
