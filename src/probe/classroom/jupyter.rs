//! Jupyter, started as a student's session starts it, asked, and ended.
//!
//! Invariants: it listens on loopback and lets nobody in without a token that only its own process and ours know; its
//! files of configuration count; its notes and its working directory are folders of ours; what it leaves behind is swept.

use super::{Ask, sweep};
use crate::{
    child::{self, Finished, Follower, Job, Name},
    probe::{
        frameworks::{self, Vouched},
        notebooks,
    },
};
use gpucheck_checks::fact::{JupyterAnswer, JupyterServer, Notebooks, Observed, ProbeFailure};
use std::{
    env,
    ffi::OsString,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use sweep::Scratch;

/// Time to start and to answer. A JupyterLab with many extensions on a cold disk takes half a minute.
const DEADLINE: Duration = Duration::from_secs(90);
/// From one look at whether it answers to the next.
const EVERY: Duration = Duration::from_millis(200);
/// Its private memory, in bytes.
const MEMORY: u64 = 8 << 30;
/// What a student opens, the likeliest first.
const PROGRAMS: [(&str, &str); 3] =
    [("jupyter-lab", "lab"), ("jupyter-notebook", "notebook"), ("jupyter-server", "server")];
/// Folders of programs beyond those that are known otherwise.
const FOLDERS: [&str; 5] =
    ["/opt/tljh/user/bin", "/opt/conda/bin", "/anaconda/bin", "/usr/local/bin", "/usr/bin"];
/// Files of Jupyter's configuration, without their ends.
const CONFIGURATION: [&str; 4] =
    ["jupyter_config", "jupyter_server_config", "jupyter_notebook_config", "jupyter_lab_config"];
/// Last lines of what it says that are kept, and their characters.
const LINES: usize = 16;
/// What it says of a file of its configuration that it cannot read (traitlets/config/application.py).
const OF_CONFIGURATION: &str = "loading config file";
const LONGEST: usize = 300;

/// A Jupyter that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    /// The Python that it runs in.
    pub(super) python: PathBuf,
    /// The program.
    script: PathBuf,
    /// What it is in words: `lab`.
    what: &'static str,
}

/// The Jupyter that a student is likeliest to meet: that of a server that runs, that on the path, that of a kernel's
/// environment, that where installers put it.
pub(super) fn installed(notebooks: &Notebooks) -> Option<Installed> {
    let servers = notebooks.servers.iter().filter_map(|server| notebooks::prefix_of(&server.program));
    let servers = servers.map(|prefix| PathBuf::from(prefix).join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let own = env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/bin"));
    let kernels = notebooks.kernelspecs.iter().filter_map(|spec| spec.environment.as_ref());
    let kernels = kernels.map(|environment| PathBuf::from(&environment.prefix).join("bin"));
    let places = servers.chain(path).chain(own).chain(kernels).chain(FOLDERS.map(PathBuf::from));
    places.into_iter().find_map(|folder| installed_in(&folder))
}

fn installed_in(folder: &Path) -> Option<Installed> {
    PROGRAMS.iter().find_map(|(name, what)| {
        let script = folder.join(name);
        let python = frameworks::python_of_script(&script)?;
        Some(Installed { python, script, what })
    })
}

/// Starts it; nothing where none is installed.
pub(super) fn start(ask: &Ask, installed: Option<&Installed>) -> Observed<Option<JupyterServer>> {
    if !ask.here {
        return Observed::not_probed("programs of another root are not started");
    }
    let Some(installed) = installed else { return Observed::Seen(None) };
    let vouched = match frameworks::vouch(&installed.python, std::slice::from_ref(&installed.script)) {
        Ok(vouched) => vouched,
        Err(why) => return Observed::not_probed(why),
    };
    match try_start(ask, installed, &vouched) {
        Ok(server) => Observed::Seen(Some(server)),
        Err(error) => Observed::Failed(ProbeFailure::NotStarted { message: error.to_string() }),
    }
}

fn try_start(ask: &Ask, installed: &Installed, vouched: &Vouched) -> std::io::Result<JupyterServer> {
    let deadline = ask.class.jupyter_deadline.unwrap_or(DEADLINE);
    let gid = vouched.identity.as_ref().map(|identity| identity.gid);
    let scratch = Scratch::new(&ask.worker.program, vouched.uid, gid)?;
    let token = sweep::random()?;
    let asker = Asker::start(scratch.folder.clone(), vouched.uid);
    let finished: Finished<()> =
        child::run_followed(job(installed, vouched, &scratch, &token, deadline)?, &mut asker.follower());
    let answer = match (asker.end(), finished.observed) {
        (Some(Ok(answer)), _) => Observed::Seen(answer),
        (Some(Err(why)), Observed::Failed(ProbeFailure::TimedOut { .. })) => {
            Observed::Failed(ProbeFailure::Garbled {
                step: "ask the Jupyter server".to_owned(),
                message: why,
            })
        }
        (_, Observed::Failed(by) | Observed::Interrupted { by, .. }) => Observed::Failed(by),
        (_, Observed::NotProbed { why }) => Observed::not_probed(why),
        (_, Observed::Seen(())) => Observed::not_probed("it ended before it could be asked"),
    };
    Ok(JupyterServer {
        program: format!("{} {}", installed.script.with_file_name("jupyter").display(), installed.what),
        configuration: configuration(installed, vouched.home.as_deref()),
        answer,
        log: lines(&finished.log.replace(&token, "...")),
        elapsed_ms: finished.elapsed_ms,
    })
}

fn job(
    installed: &Installed,
    vouched: &Vouched,
    scratch: &Scratch,
    token: &str,
    deadline: Duration,
) -> std::io::Result<Job> {
    let mut args = vec![installed.script.clone().into_os_string()];
    // A port of 0 is noted as 0 by old servers; with this one taken meanwhile it looks for another.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    args.extend(["--no-browser", "--ip=127.0.0.1", &format!("--port={port}")].map(OsString::from));
    args.extend(vouched.is_root().then(|| "--allow-root".into()));
    let mut env = surroundings(vouched, scratch);
    let mut set = |name: &'static str, value: OsString| env.push((Name::from(name), Some(value)));
    set("JUPYTER_TOKEN", token.into());
    set("PYTHONDONTWRITEBYTECODE", "1".into());
    set("JUPYTERLAB_WORKSPACES_DIR", scratch.path("workspaces").into_os_string());
    Ok(Job {
        program: installed.python.clone().into_os_string(),
        args,
        base: vouched.base.clone(),
        env,
        folder: Some(scratch.folder.clone()),
        deadline,
        memory: MEMORY,
        files: Vec::new(),
        identity: vouched.identity.clone(),
        may_make_nodes: false,
        stack_at_deadline: true,
    })
}

/// Variables of everything that is started: its mark, and folders of ours for what it writes.
pub(super) fn surroundings(vouched: &Vouched, scratch: &Scratch) -> Vec<(Name, Option<OsString>)> {
    let mut env = vouched.changes.clone();
    env.push((sweep::MARK.into(), Some(scratch.mark.clone().into())));
    env.push(("JUPYTER_RUNTIME_DIR".into(), Some(scratch.folder.clone().into_os_string())));
    env.push(("PYTHONFAULTHANDLER".into(), Some("1".into())));
    let has_ipython = vouched.home.as_ref().is_some_and(|home| home.join(".ipython").exists());
    let is_told = vouched.identity.is_none() && env::var_os("IPYTHONDIR").is_some();
    if !has_ipython && !is_told {
        // Else one is made in the home.
        env.push(("IPYTHONDIR".into(), Some(scratch.path("ipython").into_os_string())));
    }
    env
}

/// Asks in a thread of its own, so that what the server prints is read meanwhile.
struct Asker {
    answered: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    answer: Arc<Mutex<Option<Result<JupyterAnswer, String>>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Asker {
    fn start(folder: PathBuf, uid: u32) -> Self {
        let (answered, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let answer = Arc::new(Mutex::new(None));
        let (tell, ends, put) = (answered.clone(), over.clone(), answer.clone());
        let thread = thread::spawn(move || {
            // One that has just begun may answer the second time.
            let mut tries = 0;
            while !ends.load(Ordering::SeqCst) {
                if let Some(said) = notebooks::answer_of(&folder, uid) {
                    tries += 1;
                    let is_last = said.is_ok() || tries >= 3;
                    *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
                    if is_last {
                        tell.store(true, Ordering::SeqCst);
                        return;
                    }
                }
                thread::sleep(EVERY);
            }
        });
        Self { answered, over, answer, thread: Some(thread) }
    }

    fn follower(&self) -> Answered {
        Answered(self.answered.clone())
    }

    fn end(mut self) -> Option<Result<JupyterAnswer, String>> {
        self.over.store(true, Ordering::SeqCst);
        // It waits for an answer for some seconds at most.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Answered(Arc<AtomicBool>);

impl Follower for Answered {
    fn has_enough(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Files of configuration that are there, the weakest first.
fn configuration(installed: &Installed, home: Option<&Path>) -> Vec<String> {
    let prefix = installed.script.parent().and_then(Path::parent).map(|prefix| prefix.join("etc/jupyter"));
    let own = env::var_os("JUPYTER_CONFIG_DIR").map(PathBuf::from).or_else(|| Some(home?.join(".jupyter")));
    let system = ["/etc/jupyter", "/usr/local/etc/jupyter"].map(PathBuf::from);
    let folders = system.into_iter().chain(prefix).chain(own);
    let files = folders.flat_map(|folder| {
        let file = move |name: &str| [folder.join(format!("{name}.json")), folder.join(format!("{name}.py"))];
        CONFIGURATION.into_iter().flat_map(file).collect::<Vec<_>>()
    });
    let mut files: Vec<String> =
        files.filter(|file| file.is_file()).map(|file| file.to_string_lossy().into_owned()).collect();
    files.dedup();
    files
}

/// A line without the token that opens the server.
fn without_token(line: &str) -> String {
    let Some((before, after)) = line.split_once("token=") else { return line.to_owned() };
    let end = after.find(|c: char| c.is_whitespace() || c == '&').unwrap_or(after.len());
    format!("{before}token=...{}", without_token(after.get(end..).unwrap_or_default()))
}

/// What it said of a file of its configuration, and its last lines.
pub(super) fn lines(log: &str) -> Vec<String> {
    let cut = |line: &str| without_token(line.trim_end()).chars().take(LONGEST).collect::<String>();
    let lines: Vec<String> = log.lines().map(cut).filter(|line| !line.is_empty()).collect();
    let last = lines.len().saturating_sub(LINES);
    let told = lines.iter().position(|line| line.contains(OF_CONFIGURATION)).unwrap_or(last).min(last);
    let end = (told + LINES).min(last);
    let first = lines.get(told..end).unwrap_or_default();
    first.iter().chain(lines.get(last..).unwrap_or_default()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_configuration_is_kept_with_the_end() {
        let line = |number: u32| {
            if number == 40 {
                "Exception while loading config file /x".to_owned()
            } else {
                number.to_string()
            }
        };
        let log: Vec<String> = (0..200).map(line).collect();
        let kept = lines(&log.join("\n"));
        assert_eq!(kept.len(), 2 * LINES);
        assert_eq!(kept.first().map(String::as_str), Some("Exception while loading config file /x"));
        assert_eq!(kept.last().map(String::as_str), Some("199"));
        assert_eq!(
            lines("at http://127.0.0.1:1/?token=5ec7e7 or token=a&b"),
            ["at http://127.0.0.1:1/?token=... or token=...&b"]
        );
        assert_eq!(lines("a\n\nb\n"), ["a", "b"]);
        assert_eq!(lines(""), [""; 0]);
    }
}
