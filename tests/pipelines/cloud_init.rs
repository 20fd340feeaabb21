//! cloud-init: its own schema of the files, and its own modules running them.

use super::{
    Ended, command,
    image::{Image, Kept, assert_reports},
    parts::{cloud_init, ours, tool},
    run,
};
use std::{fs, path::Path};

fn schema(file: &Path, folder: &Path) -> Ended {
    run(command(tool("python"), folder)
        .env("PYTHONPATH", cloud_init())
        .args(["-m", "cloudinit.cmd.main", "schema", "-c"])
        .arg(file))
}

/// A machine on which the file has run.
struct Machine {
    folder: tempfile::TempDir,
    ended: Ended,
}

impl Machine {
    fn started(file: &str, bring: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        bring(&folder.path().join("usr/local/bin/gpucheck"));
        let ended = run(command(tool("python"), folder.path())
            .env("PYTHONPATH", cloud_init())
            .arg(ours("tests/pipelines/cloud_init.py"))
            .arg(ours(file))
            .arg(folder.path()));
        Self { folder, ended }
    }

    fn reports(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("var/lib/gpucheck").join(name)
    }

    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(self.reports(name).join("status"));
        status.unwrap_or_else(|error| panic!("{error}\n{}", self.ended.said)).trim().to_owned()
    }
}

const BAKE: &str = "packaging/cloud-init/bake.yaml";
const FIRST_BOOT: &str = "packaging/cloud-init/first-boot.yaml";

#[test]
fn cloud_init_takes_the_files_and_refuses_broken_ones() {
    let folder = tempfile::tempdir().unwrap();
    for file in [BAKE, FIRST_BOOT] {
        let ended = schema(&ours(file), folder.path());
        assert_eq!(ended.status, Some(0), "{file}: {}", ended.said);
        let text = fs::read_to_string(ours(file)).unwrap();
        for (right, wrong) in
            [("runcmd:", "runcmd: gate #"), ("permissions:", "permisions:"), ("#cloud-config", "")]
        {
            let broken = folder.path().join("broken.yaml");
            assert!(text.contains(right));
            fs::write(&broken, text.replace(right, wrong)).unwrap();
            let ended = schema(&broken, folder.path());
            assert_ne!(ended.status, Some(0), "{file} with {wrong:?}: {}", ended.said);
        }
    }
}

#[test]
fn a_good_image_leaves_status_0_and_its_reports() {
    let image = Image::good();
    let machine = Machine::started(BAKE, |file| image.write_gpucheck(file));
    assert_eq!(machine.ended.status, Some(0), "{}", machine.ended.said);
    assert_eq!(machine.status("bake"), "0");
    assert_reports(&machine.reports("bake"), Kept::Good);
}

#[test]
fn a_bad_image_makes_cloud_init_fail_and_leaves_its_reports() {
    let image = Image::bad();
    let machine = Machine::started(BAKE, |file| image.write_gpucheck(file));
    assert_eq!(machine.ended.status, Some(1), "{}", machine.ended.said);
    assert_eq!(machine.status("bake"), "1");
    assert_reports(&machine.reports("bake"), Kept::Bad);
}

#[test]
fn an_image_without_gpucheck_makes_cloud_init_fail() {
    let machine = Machine::started(BAKE, |_| ());
    assert_eq!(machine.ended.status, Some(127), "{}", machine.ended.said);
    assert_eq!(machine.status("bake"), "127");
}

#[test]
fn a_clone_starts_whatever_gpucheck_says_and_keeps_the_report() {
    for (name, status, verdict) in
        [("azure-t4-535", "0", "usable"), ("module-missing-new-kernel", "1", "unusable")]
    {
        let image = Image::of(name);
        let machine = Machine::started(FIRST_BOOT, |file| image.write_running_gpucheck(file));
        assert_eq!(machine.ended.status, Some(0), "{name}: {}", machine.ended.said);
        assert_eq!(machine.status("first-boot"), status, "{name}");
        let json = fs::read_to_string(machine.reports("first-boot").join("gpucheck.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["verdict"], verdict, "{name}");
        assert!(machine.reports("first-boot").join("gpucheck.html").is_file());
    }
    let without = Machine::started(FIRST_BOOT, |_| ());
    assert_eq!((without.ended.status, without.status("first-boot").as_str()), (Some(0), "127"));
}
