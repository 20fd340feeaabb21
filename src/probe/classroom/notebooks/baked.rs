//! What in a line of code fits one machine alone.
//!
//! Invariant: only what is written out is told; a value that is computed, or a text that only mentions one, is not.
//!
//! Source: <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars> (CUDA_VISIBLE_DEVICES: devices
//! before the first invalid one count), <https://pytorch.org/docs/stable/tensor_attributes.html#torch.device>,
//! <https://www.tensorflow.org/guide/gpu>, <https://docs.cupy.dev/en/stable/reference/generated/cupy.cuda.Device.html>.

use super::code::{Kind, Line};
use crate::root::Root;
use gpucheck_checks::fact::BakedWhat;

const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
/// Calls that take the number of a GPU as their only argument.
const CALLS: [&str; 5] =
    [".cuda(", "cuda.set_device(", "cuda.Device(", "cuda.device(", "cuda.select_device("];
/// What a text begins with that names a GPU by its number, without the quotes.
const NAMES: [&str; 5] = ["cuda:", "/gpu:", "/device:gpu:", "gpu:", "device:gpu:"];
/// Folders of one user, or of another machine: Colab's, Kaggle's.
const PLACES: [&str; 4] = ["/home/", "/Users/", "/content/", "/kaggle/"];
/// Packages whose installation changes what uses a GPU.
const PACKAGES: [&str; 17] = [
    "cudatoolkit",
    "cudf",
    "cupy",
    "jax",
    "jaxlib",
    "keras",
    "numpy",
    "protobuf",
    "pytorch",
    "pytorch-cuda",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-gpu",
    "tf-nightly",
    "torch",
    "torchaudio",
    "torchvision",
];
/// What names of further such packages begin with.
const FAMILIES: [&str; 3] = ["cupy-cuda", "nvidia-cu", "cudf-cu"];
/// Drives of Windows that are written out in paths.
const DRIVES: [char; 3] = ['C', 'D', 'E'];

/// What a line names.
pub(super) fn of(root: &Root, line: &Line) -> Vec<BakedWhat> {
    let mut found = Vec::new();
    let visible = match line.kind {
        Kind::Python => visible_in_python(&line.text),
        Kind::Shell | Kind::Magic => visible_in_shell(&line.text),
    };
    found.extend(visible.and_then(|value| of_visible(&value)));
    match line.kind {
        Kind::Python => {
            found.extend(literals(&line.text).iter().filter_map(|text| named(text)).map(BakedWhat::Index));
            found.extend(called(&line.text).map(BakedWhat::Index));
            found.extend(of_tensorflow(&line.text));
            found.extend(of_map(&line.text).map(BakedWhat::Index));
            found.extend(literals(&line.text).iter().filter_map(|text| place(root, text)));
        }
        Kind::Shell | Kind::Magic => {
            found.extend(installed(&line.text));
            found.extend(
                line.text.split_whitespace().filter_map(|word| place(root, word.trim_matches(['"', '\'']))),
            );
        }
    }
    found.dedup();
    found
}

/// The value that Python sets, where it is written out: `os.environ["CUDA_VISIBLE_DEVICES"] = "1"`.
fn visible_in_python(text: &str) -> Option<String> {
    let (_, after) = text.split_once(VISIBLE)?;
    let after = after.strip_prefix(['"', '\''])?.trim_start();
    let after = after.strip_prefix(']').unwrap_or(after).trim_start();
    let after = after.strip_prefix(['=', ',', ':'])?.trim_start();
    let quote = after.chars().next().filter(|c| ['"', '\''].contains(c))?;
    after.get(1..)?.split_once(quote).map(|(value, _)| value.to_owned())
}

/// `%env CUDA_VISIBLE_DEVICES=1`, `!CUDA_VISIBLE_DEVICES=1 python train.py`.
fn visible_in_shell(text: &str) -> Option<String> {
    let (before, after) = text.split_once(VISIBLE)?;
    if before.ends_with(|c: char| c.is_alphanumeric() || "_$\"'{".contains(c)) {
        return None;
    }
    let is_set_by_name = ["env", "set_env"].contains(&before.trim());
    let after = match after.trim_start().strip_prefix('=') {
        Some(after) if is_set_by_name => after.trim_start(),
        Some(_) => after.strip_prefix('=')?,
        None if is_set_by_name && !after.trim().is_empty() => after.trim_start(),
        None => return None,
    };
    let end = after.find([' ', ';', '&', '\t']).unwrap_or(after.len());
    let value = after.get(..end).unwrap_or_default().trim_matches(['"', '\'']);
    (!value.contains(['$', '{', '('])).then(|| value.to_owned())
}

/// What a value of the variable means: the first device decides whether there is any.
fn of_visible(value: &str) -> Option<BakedWhat> {
    let first = value.split(',').next().unwrap_or_default().trim();
    if first.starts_with("GPU-") || first.starts_with("MIG-") {
        return Some(BakedWhat::Uuid(first.to_owned()));
    }
    match first.parse::<i64>() {
        Ok(0) => None,
        Ok(index) if index > 0 => u32::try_from(index).ok().map(BakedWhat::Index),
        Ok(_) => Some(BakedWhat::Hidden),
        Err(_) if first.is_empty() => Some(BakedWhat::Hidden),
        Err(_) => None,
    }
}

/// The texts in quotes of a line.
fn literals(text: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest.get(at..).is_some_and(|rest| rest.starts_with('"')) { '"' } else { '\'' };
        let Some((inner, after)) = rest.get(at + 1..).and_then(|rest| rest.split_once(quote)) else { break };
        texts.push(inner);
        rest = after;
    }
    texts
}

/// The GPU that a text names and nothing else, beyond the first.
fn named(text: &str) -> Option<u32> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_prefix("/job:localhost/replica:0/task:0").unwrap_or(&text);
    let index = NAMES.into_iter().find_map(|name| text.strip_prefix(name))?;
    index.parse().ok().filter(|index| *index > 0)
}

/// `torch.cuda.set_device(1)`, `model.cuda(1)`.
fn called(text: &str) -> Option<u32> {
    CALLS.into_iter().find_map(|call| {
        let (_, after) = text.split_once(call)?;
        let (argument, _) = after.split_once(')')?;
        argument.trim().trim_start_matches("device=").parse().ok().filter(|index| *index > 0)
    })
}

/// `tf.config.set_visible_devices([], "GPU")`, `tf.config.set_visible_devices(gpus[1], "GPU")`.
fn of_tensorflow(text: &str) -> Option<BakedWhat> {
    let (_, after) = text.split_once("set_visible_devices(")?;
    let (devices, kind) = after.rsplit_once(',')?;
    if !kind.contains("GPU") {
        return None;
    }
    let devices = devices.trim();
    if devices == "[]" {
        return Some(BakedWhat::Hidden);
    }
    let (_, index) = devices.trim_end_matches(']').rsplit_once('[')?;
    index.trim().parse().ok().filter(|index| *index > 0).map(BakedWhat::Index)
}

/// `device_map={"": 1}`.
fn of_map(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("device_map")?;
    let (map, _) = after.trim_start().strip_prefix('=')?.trim_start().strip_prefix('{')?.split_once('}')?;
    let index = map.trim().strip_prefix("\"\"").or_else(|| map.trim().strip_prefix("''"))?;
    index.trim().strip_prefix(':')?.trim().parse().ok().filter(|index| *index > 0)
}

/// A path of one user or of another machine, where nothing of it is here.
fn place(root: &Root, text: &str) -> Option<BakedWhat> {
    if is_of_windows(text) {
        return Some(BakedWhat::Path(text.to_owned()));
    }
    let is_place = PLACES.iter().any(|place| text.strip_prefix(place).is_some_and(|rest| !rest.is_empty()));
    // What may be filled in, and what is a pattern, is not written out.
    if !is_place || text.contains(['{', '%', '*', '$', '\\']) {
        return None;
    }
    let text = text.trim_end_matches('/');
    let parent =
        text.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| parent.matches('/').count() > 1);
    let is_here = root.exists(text) || parent.is_some_and(|parent| root.exists(parent));
    (!is_here).then(|| BakedWhat::Path(text.to_owned()))
}

/// `C:\Users\kim`, and not `A:\n`.
fn is_of_windows(text: &str) -> bool {
    let mut chars = text.chars();
    let starts = [chars.next(), chars.next(), chars.next()];
    let [Some(drive), Some(':'), Some('\\')] = starts else { return false };
    DRIVES.contains(&drive) && chars.next().is_some_and(|c| c == '\\' || c.is_ascii_uppercase() || c == 'd')
}

/// An installation that changes what uses a GPU, or the system.
fn installed(text: &str) -> Option<BakedWhat> {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "sudo").collect();
    let at = words.iter().position(|word| *word == "install")?;
    let first = words.first()?;
    let tool = words.get(at.checked_sub(1)?)?.rsplit('/').next()?;
    let is_system = first.starts_with("apt");
    let is_of_python = ["pip", "pip3", "conda", "mamba", "uv"].contains(&tool);
    let packages = words.get(at + 1..)?.iter().filter(|word| !word.starts_with('-'));
    let is_told = is_system || (is_of_python && packages.into_iter().any(|word| is_framework(word)));
    is_told.then(|| BakedWhat::Install(words.join(" ")))
}

/// Whether a requirement, `torch==2.6.0`, is a framework's.
fn is_framework(requirement: &str) -> bool {
    let name = requirement.trim_matches(['"', '\'']).to_ascii_lowercase().replace('_', "-");
    let name = name.split(['=', '<', '>', '[', '~', '!', ';', '@']).next().unwrap_or_default();
    PACKAGES.contains(&name) || FAMILIES.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{super::code, *};
    use BakedWhat::{Hidden, Index, Install, Path, Uuid};

    fn told(source: &str) -> Vec<BakedWhat> {
        let here = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(here.path().join("home/student/data")).unwrap();
        let root = Root::new(here.path());
        code::lines(source).iter().flat_map(|line| of(&root, line)).collect()
    }

    #[test]
    fn what_fits_one_machine_alone_is_told() {
        let path = |path: &str| Path(path.to_owned());
        let install = |words: &str| Install(words.to_owned());
        for (source, expected) in [
            (r#"os.environ["CUDA_VISIBLE_DEVICES"] = "1""#, Index(1)),
            ("os.environ['CUDA_VISIBLE_DEVICES']='2,3'", Index(2)),
            (r#"os.environ["CUDA_VISIBLE_DEVICES"] = "-1""#, Hidden),
            (r#"os.environ["CUDA_VISIBLE_DEVICES"] = """#, Hidden),
            (r#"os.environ.setdefault("CUDA_VISIBLE_DEVICES", "1")"#, Index(1)),
            (r#"os.environ["CUDA_VISIBLE_DEVICES"] = "GPU-8a5b""#, Uuid("GPU-8a5b".to_owned())),
            ("%env CUDA_VISIBLE_DEVICES=1", Index(1)),
            ("%env CUDA_VISIBLE_DEVICES 1", Index(1)),
            ("!export CUDA_VISIBLE_DEVICES=1", Index(1)),
            ("!CUDA_VISIBLE_DEVICES=1 python train.py", Index(1)),
            ("%%bash\nexport CUDA_VISIBLE_DEVICES=-1\n", Hidden),
            (r#"device = torch.device("cuda:1" if torch.cuda.is_available() else "cpu")"#, Index(1)),
            ("x = x.to('cuda:3')", Index(3)),
            (r#"with tf.device("/GPU:1"):"#, Index(1)),
            ("with tf.device('/device:GPU:2'):", Index(2)),
            ("model = model.cuda(1)", Index(1)),
            ("torch.cuda.set_device(1)", Index(1)),
            ("with cp.cuda.Device(1):", Index(1)),
            (r#"m = AutoModel.from_pretrained(n, device_map={"": 1})"#, Index(1)),
            ("tf.config.set_visible_devices([], 'GPU')", Hidden),
            ("tf.config.set_visible_devices(gpus[1], 'GPU')", Index(1)),
            ("d = pd.read_csv('/home/kim/data/x.csv')", path("/home/kim/data/x.csv")),
            ("drive.mount('/content/drive')", path("/content/drive")),
            (r"d = open(r'C:\Users\kim\x.csv')", path(r"C:\Users\kim\x.csv")),
            ("!pip install -q tensorflow==2.15", install("pip install -q tensorflow==2.15")),
            ("%pip install torch torchvision", install("pip install torch torchvision")),
            ("!sudo apt-get -y install libcudnn8", install("apt-get -y install libcudnn8")),
            ("!cat /home/kim/notes.txt", path("/home/kim/notes.txt")),
        ] {
            assert_eq!(told(source), [expected], "{source}");
        }
    }

    #[test]
    fn what_every_machine_has_is_not() {
        for source in [
            r#"os.environ["CUDA_VISIBLE_DEVICES"] = "0""#,
            r#"os.environ["CUDA_VISIBLE_DEVICES"] = "0,1,2,3""#,
            r#"os.environ["CUDA_VISIBLE_DEVICES"] = str(rank)"#,
            r#"if os.environ["CUDA_VISIBLE_DEVICES"] == "1": pass"#,
            r#"print(os.environ.get("CUDA_VISIBLE_DEVICES"))"#,
            r#"print("CUDA_VISIBLE_DEVICES=1")"#,
            "!echo $CUDA_VISIBLE_DEVICES",
            "%env CUDA_VISIBLE_DEVICES",
            "%env CUDA_VISIBLE_DEVICES=0",
            "!export CUDA_VISIBLE_DEVICES=$GPU",
            "# torch.device('cuda:1')",
            "device = torch.device('cuda:0')",
            "device = 'cuda'",
            "device = f'cuda:{rank}'",
            r#"print("use cuda:1 for the second GPU")"#,
            "torch.cuda.set_device(rank)",
            "torch.cuda.set_device(0)",
            "model.cuda()",
            r#"m = f(device_map="auto")"#,
            "tf.config.set_visible_devices(gpus[0], 'GPU')",
            "tf.config.set_visible_devices([], 'CPU')",
            "tf.config.set_visible_devices(gpus, 'GPU')",
            "open('/home/student/data/x.csv')",
            "open('/home/student/out.txt', 'w')",
            "open(f'/home/{user}/x')",
            r#"print("A:\n")"#,
            r#"print("C:\n")"#,
            "!pip install tqdm",
            "!pip install torch-geometric",
            "!pip list",
            "%%writefile a.py\nx = 'cuda:1'",
        ] {
            assert_eq!(told(source), [], "{source}");
        }
    }
}
