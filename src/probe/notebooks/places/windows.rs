//! The folders in which Jupyter looks for kernels on Windows, from variables alone.
//!
//! Source: `jupyter_core/paths.py` 5.9 (`%PROGRAMDATA%` counts from 5.8 on only where `JUPYTER_USE_PROGRAMDATA` is set),
//! `Lib/site.py` (`_getuserbase`), platformdirs' `windows.py`.

/// The variables that decide; each none where it is not set or empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    /// `JUPYTER_PATH`.
    pub(crate) jupyter_path: Option<String>,
    /// `JUPYTER_DATA_DIR`.
    pub(crate) data: Option<String>,
    /// `JUPYTER_CONFIG_DIR`.
    pub(crate) config: Option<String>,
    /// `JUPYTER_PLATFORM_DIRS` is set and not to no.
    pub(crate) platform_dirs: bool,
    /// `JUPYTER_USE_PROGRAMDATA` is set and not to no.
    pub(crate) use_program_data: bool,
    /// `JUPYTER_PREFER_ENV_PATH`, or whether the Python is in an environment of the person's own.
    pub(crate) prefers_environment: bool,
    /// `APPDATA`.
    pub(crate) app_data: Option<String>,
    /// `LOCALAPPDATA`.
    pub(crate) local_app_data: Option<String>,
    /// `PROGRAMDATA`.
    pub(crate) program_data: Option<String>,
    /// `USERPROFILE`, the home.
    pub(crate) home: Option<String>,
    /// `sys.prefix` of the server.
    pub(crate) prefix: String,
    /// `site.getuserbase()`, usually `%APPDATA%\Python`; none in a virtual environment, where it does not count.
    pub(crate) user_base: Option<String>,
}

/// The folders of kernels, in the order in which Jupyter looks, each once.
pub(crate) fn folders(variables: &Variables) -> Vec<String> {
    let listed = variables.jupyter_path.iter().flat_map(|path| path.split(';'));
    let mut folders: Vec<String> =
        listed.map(|path| path.trim_end_matches('\\').to_owned()).filter(|path| !path.is_empty()).collect();
    let environment = joined(&variables.prefix, "share\\jupyter");
    let own = own(variables);
    if variables.prefers_environment {
        folders.push(environment.clone());
        folders.extend(own);
    } else {
        folders.extend(own);
        folders.push(environment.clone());
    }
    folders.push(of_system(variables).unwrap_or(environment));
    let mut kernels: Vec<String> = Vec::new();
    for folder in folders.iter().map(|folder| joined(folder, "kernels")) {
        if !kernels.contains(&folder) {
            kernels.push(folder);
        }
    }
    kernels
}

fn own(variables: &Variables) -> Vec<String> {
    let home = variables.home.as_deref().unwrap_or_default();
    let config = || variables.config.clone().unwrap_or_else(|| joined(home, ".jupyter"));
    let usual = || match (&variables.local_app_data, &variables.app_data) {
        (Some(local), _) if variables.platform_dirs => joined(local, "Jupyter"),
        (_, Some(roaming)) => joined(roaming, "jupyter"),
        _ => joined(&config(), "data"),
    };
    let mut own = vec![variables.data.clone().unwrap_or_else(usual)];
    own.extend(variables.user_base.iter().map(|base| joined(base, "share\\jupyter")));
    own
}

/// `%PROGRAMDATA%\jupyter`, where it is trusted; in its place the environment's own folder.
fn of_system(variables: &Variables) -> Option<String> {
    let folder = variables.program_data.as_deref().filter(|_| variables.use_program_data)?;
    Some(joined(folder, if variables.platform_dirs { "Jupyter" } else { "jupyter" }))
}

fn joined(folder: &str, name: &str) -> String {
    format!("{}\\{name}", folder.trim_end_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a Windows sets for a person, and a Python of Anaconda.
    fn variables() -> Variables {
        Variables {
            app_data: Some(r"C:\Users\kim\AppData\Roaming".to_owned()),
            local_app_data: Some(r"C:\Users\kim\AppData\Local".to_owned()),
            program_data: Some(r"C:\ProgramData".to_owned()),
            home: Some(r"C:\Users\kim".to_owned()),
            prefix: r"C:\anaconda3".to_owned(),
            user_base: Some(r"C:\Users\kim\AppData\Roaming\Python".to_owned()),
            ..Variables::default()
        }
    }

    #[test]
    fn the_usual_folders() {
        // `jupyter --paths` of jupyter_core 5.8 and later on Windows, by its `jupyter_path`.
        assert_eq!(
            folders(&variables()),
            [
                r"C:\Users\kim\AppData\Roaming\jupyter\kernels",
                r"C:\Users\kim\AppData\Roaming\Python\share\jupyter\kernels",
                r"C:\anaconda3\share\jupyter\kernels",
            ]
        );
    }

    #[test]
    fn each_variable_moves_what_it_names() {
        let set = |change: &dyn Fn(&mut Variables)| {
            let mut variables = variables();
            change(&mut variables);
            folders(&variables)
        };
        let trusted = set(&|variables| variables.use_program_data = true);
        assert_eq!(trusted.last().unwrap(), r"C:\ProgramData\jupyter\kernels");
        let first = |change: &dyn Fn(&mut Variables)| set(change)[0].clone();
        assert_eq!(first(&|v| v.jupyter_path = Some(r"D:\lab\;;E:\x".to_owned())), r"D:\lab\kernels");
        assert_eq!(first(&|v| v.data = Some(r"D:\data".to_owned())), r"D:\data\kernels");
        assert_eq!(first(&|v| v.platform_dirs = true), r"C:\Users\kim\AppData\Local\Jupyter\kernels");
        assert_eq!(first(&|v| v.app_data = None), r"C:\Users\kim\.jupyter\data\kernels");
        assert_eq!(first(&|v| v.prefers_environment = true), r"C:\anaconda3\share\jupyter\kernels");
    }
}
