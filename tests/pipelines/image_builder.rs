//! Azure Image Builder: the template by Microsoft's own models, and its shell steps run as the service runs them, where
//! exit status 0 alone is good.

use super::{
    Ended, command,
    image::{Image, Kept, assert_junit, assert_reports},
    parts::{ours, tool},
    run,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const TEMPLATE: &str = "packaging/azure-image-builder/template.json";

fn check(arguments: &[&str], folder: &Path) -> Ended {
    run(command(tool("python"), folder).arg(ours("tests/pipelines/image_builder.py")).args(arguments))
}

#[test]
fn microsofts_models_take_the_template_and_refuse_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let template = ours(TEMPLATE);
    let ended = check(&["lint", template.to_str().unwrap()], folder.path());
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let text = fs::read_to_string(&template).unwrap();
    for (right, wrong, place) in [
        ("\"type\": \"Shell\"", "\"type\": \"Shel\"", "customize[1].type"),
        ("\"inline\"", "\"inlin\"", "customize[1].inlin"),
        ("\"inVMValidations\"", "\"inVmValidations\"", "validate.inVmValidations"),
        ("\"buildTimeoutInMinutes\": 120", "\"buildTimeoutInMinutes\": \"2h\"", "buildTimeoutInMinutes"),
        ("\"runOutputName\": \"class\",", "", "runOutputName is missing"),
        ("\"type\": \"PlatformImage\"", "\"type\": \"Platform\"", "source.type"),
        ("\"sha256Checksum\"", "\"sha256\"", "customize[0].sha256"),
        ("if test $status != 0; then", "[ $status = 0 ] ||", "expression"),
        ("parameters('target')", "parameters('targt')", "targt"),
    ] {
        assert!(text.contains(right), "{right}");
        let broken = folder.path().join("broken.json");
        fs::write(&broken, text.replace(right, wrong)).unwrap();
        let ended = check(&["lint", broken.to_str().unwrap()], folder.path());
        assert_eq!(ended.status, Some(1), "{wrong}");
        assert!(ended.said.contains(place), "{wrong}: {}", ended.said);
    }
}

/// A machine that the service builds on, or validates on.
struct Builder {
    folder: tempfile::TempDir,
    ended: Ended,
}

impl Builder {
    /// Runs a step where gpucheck was put by `bring`.
    fn ran(step: &str, uploaded: &str, bring: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let place = |path: &str| folder.path().join(path);
        bring(&place(uploaded));
        fs::create_dir_all(place("bin")).unwrap();
        fs::create_dir_all(place("tmp")).unwrap();
        fs::write(place("bin/sudo"), "#!/bin/sh\nexec \"$@\"\n").unwrap();
        fs::set_permissions(place("bin/sudo"), fs::Permissions::from_mode(0o755)).unwrap();
        let steps = check(&["steps", ours(TEMPLATE).to_str().unwrap(), step, "target=T4"], folder.path());
        assert_eq!(steps.status, Some(0), "{}", steps.said);
        let mut script = steps.said;
        for path in ["/tmp/", "/usr/local/", "/var/lib/gpucheck/"] {
            script = script.replace(path, &format!("{root}{path}"));
        }
        let ended = run(command("bash", folder.path())
            .env("PATH", format!("{root}/bin:/usr/bin:/bin"))
            .args(["-e", "-c", &script]));
        Self { folder, ended }
    }

    fn customized(image: &Image) -> Self {
        Self::ran("customize.2", "tmp/gpucheck", |file| image.write_gpucheck(file))
    }

    fn reports(&self) -> std::path::PathBuf {
        self.folder.path().join("var/lib/gpucheck/build")
    }

    /// The JUnit report in the log.
    fn logged(&self) -> Option<&str> {
        let (_, rest) = self.ended.said.split_once("--- gpucheck.xml\n")?;
        Some(rest.split_once("\n--- end of gpucheck.xml")?.0)
    }
}

#[test]
fn a_good_image_goes_through_and_has_its_reports_in_it() {
    let image = Image::good();
    let builder = Builder::customized(&image);
    assert_eq!(builder.ended.status, Some(0), "{}", builder.ended.said);
    assert_reports(&builder.reports(), Kept::Good);
    assert_eq!(builder.logged(), None);
}

#[test]
fn a_bad_image_stops_the_build_and_its_report_is_in_the_log() {
    let image = Image::bad();
    let builder = Builder::customized(&image);
    assert_eq!(builder.ended.status, Some(1), "{}", builder.ended.said);
    assert_junit(builder.logged().unwrap(), Kept::Bad);
}

#[test]
fn the_validation_takes_nothing_untried_for_good() {
    let installed = "usr/local/bin/gpucheck";
    let step = "validate.inVMValidations.0";
    for (image, status, kept) in [(Image::good(), 3, Kept::Good), (Image::bad(), 1, Kept::Bad)] {
        let builder = Builder::ran(step, installed, |file| image.write_gpucheck(file));
        assert_eq!(builder.ended.status, Some(status), "{}", builder.ended.said);
        assert_junit(builder.logged().unwrap(), kept);
    }
    // Of another root nothing can be tried in full, so what a machine with a GPU would answer has to be allowed here.
    let image = Image::good();
    let builder = Builder::ran(step, installed, |file| image.write_content_gpucheck(file));
    assert_eq!(builder.ended.status, Some(0), "{}", builder.ended.said);
    assert_eq!(builder.logged(), None);
}
