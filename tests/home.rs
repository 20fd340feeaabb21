//! A person's home with environments of the system's Python and with notebook kernels.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A home; others may look into it.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let system = Path::new("/usr/bin/python3");
        assert!(system.exists(), "no Python at {}: apt-get install python3", system.display());
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// An environment with nothing in it but the metadata of ipykernel; its interpreter.
    pub(crate) fn python(&self, name: &str) -> String {
        let environment = self.path().join(name);
        fs::create_dir_all(environment.join("bin")).unwrap();
        symlink("/usr/bin/python3", environment.join("bin/python")).unwrap();
        symlink("python", environment.join("bin/python3")).unwrap();
        fs::write(environment.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
        fs::create_dir_all(self.site(name)).unwrap();
        self.distribution(name, "ipykernel-6.29.5");
        environment.join("bin/python").to_str().unwrap().to_owned()
    }

    /// The folder of an environment's packages.
    pub(crate) fn site(&self, name: &str) -> PathBuf {
        let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let python = self.path().join(name).join("bin/python");
        let output = Command::new(python).args(["-c", script]).output().unwrap();
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    }

    /// The metadata of a distribution, such as `torch-2.6.0`.
    pub(crate) fn distribution(&self, environment: &str, name: &str) {
        fs::create_dir_all(self.site(environment).join(format!("{name}.dist-info"))).unwrap();
    }

    /// A module or a package's file in an environment.
    pub(crate) fn file(&self, environment: &str, name: &str, text: &str) {
        let file = self.site(environment).join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A kernel with this command before `-m ipykernel_launcher`, and more of its JSON.
    pub(crate) fn kernel(&self, name: &str, command: &[&str], more: &str) -> PathBuf {
        let command = command.join("\", \"");
        let text = format!(
            r#"{{"argv": ["{command}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], "language": "python"{more}}}"#
        );
        self.kernel_json(name, &text)
    }

    /// A kernel with this `kernel.json`; its path.
    pub(crate) fn kernel_json(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.path().join(".local/share/jupyter/kernels").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("kernel.json"), text).unwrap();
        folder.join("kernel.json")
    }
}
