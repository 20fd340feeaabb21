//! Files that hold secrets. None is read: a name is enough.

use super::places::{MOST_NAMES, Places};
use crate::root::Root;
use gpucheck_checks::fact::SecretFile;

/// Files of a home, and whose secret each holds.
const OWN: [(&str, &str); 14] = [
    (".kaggle/kaggle.json", "Kaggle"),
    (".netrc", "machines named in .netrc, such as api.wandb.ai"),
    (".git-credentials", "Git"),
    (".config/git/credentials", "Git"),
    (".config/gh/hosts.yml", "GitHub"),
    (".aws/credentials", "AWS"),
    (".azure/msal_token_cache.json", "Azure"),
    (".azure/msal_token_cache.bin", "Azure"),
    (".azure/accessTokens.json", "Azure"),
    (".config/gcloud/credentials.db", "Google Cloud"),
    (".config/gcloud/application_default_credentials.json", "Google Cloud"),
    (".cache/huggingface/token", "Hugging Face"),
    (".huggingface/token", "Hugging Face"),
    (".pypirc", "PyPI"),
];
/// What signs the cookies of a login.
const COOKIES: [&str; 3] = [
    "/srv/jupyterhub/jupyterhub_cookie_secret",
    "/opt/tljh/state/jupyterhub_cookie_secret",
    "/etc/jupyterhub/jupyterhub_cookie_secret",
];
const OWN_COOKIES: [&str; 2] = [
    ".local/share/jupyter/runtime/jupyter_cookie_secret",
    ".local/share/jupyter/runtime/notebook_cookie_secret",
];
/// Files that are told at most.
const MOST: usize = 200;

/// The files, by path.
pub(super) fn secrets(root: &Root, places: &Places) -> Vec<SecretFile> {
    let own = places.homes.iter().flat_map(|home| {
        let files = OWN.iter().map(move |(file, of)| (format!("{home}/{file}"), *of));
        let keys =
            root.some_names(&format!("{home}/.ssh"), MOST_NAMES).into_iter().filter(|name| is_key(name));
        files.chain(keys.map(move |name| (format!("{home}/.ssh/{name}"), "SSH")))
    });
    let cookies = COOKIES.map(str::to_owned).into_iter().chain(places.in_homes(&OWN_COOKIES));
    let own = own.map(|(path, of)| SecretFile { path, of: of.to_owned(), signs_cookies: false });
    let cookies =
        cookies.map(|path| SecretFile { path, of: "Jupyter's logins".to_owned(), signs_cookies: true });
    own.chain(cookies).filter(|secret| is_filled(root, &secret.path)).take(MOST).collect()
}

/// The private half of a pair of keys.
fn is_key(name: &str) -> bool {
    let is_public = name.rsplit_once('.').is_some_and(|(_, ending)| ending == "pub");
    name.starts_with("id_") && !is_public
}

/// An empty file holds nothing.
fn is_filled(root: &Root, path: &str) -> bool {
    root.stat(path).is_some_and(|found| found.st_mode & 0o170_000 == 0o100_000 && found.st_size > 0)
}
