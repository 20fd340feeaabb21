//! Which cuDNN a TensorFlow wants, and which it gets.

use super::{pair, release};
use crate::{
    Knowledge,
    fact::{LibraryFolder, LibraryPlace, Observed, Python, TensorFlow},
};

/// How TensorFlow begins to complain of its cuDNN.
const LOADED: &str = "Loaded runtime CuDNN library: ";
/// How it goes on.
const COMPILED: &str = " but source was compiled with: ";

/// What TensorFlow said of a cuDNN that does not fit.
pub(crate) struct Misfit {
    pub(crate) loaded: String,
    pub(crate) wanted: String,
}

/// What it said in a log or an error.
///
/// Source: `CudnnSupport::Init` in xla/stream_executor/cuda/cuda_dnn.cc.
pub(crate) fn said(tensorflow: &TensorFlow) -> Option<Misfit> {
    let operations = |look: &crate::fact::Look| {
        let listing = look.listing.seen();
        let operations = listing.into_iter().flat_map(|listing| &listing.operations);
        operations.map(|operation| operation.correct.why_not()).collect::<Vec<_>>().join("\n")
    };
    tensorflow
        .looks
        .iter()
        .flat_map(|look| [look.log.clone(), look.listing.why_not(), operations(look)])
        .find_map(|text| misfit(&text))
}

fn misfit(text: &str) -> Option<Misfit> {
    let (_, rest) = text.split_once(LOADED)?;
    let (loaded, rest) = rest.split_once(COMPILED)?;
    let is_version = |text: &&str| text.len() < 16 && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let wanted = rest.get(..end)?.trim_end_matches('.');
    let [loaded, wanted] = [Some(loaded).filter(is_version)?, Some(wanted).filter(is_version)?];
    Some(Misfit { loaded: loaded.to_owned(), wanted: wanted.to_owned() })
}

/// The cuDNN that it was built with, by its extra, else by the table.
pub(crate) fn wanted(knowledge: &Knowledge, tensorflow: &TensorFlow) -> Option<(i32, i32)> {
    let mut extra = tensorflow.cuda_extra.iter();
    let asked = extra.find(|asked| asked.name.starts_with("nvidia-cudnn-cu")).and_then(|asked| {
        let mut bounds = asked.versions.split(',').map(str::trim);
        bounds.find_map(|bound| pair(bound.strip_prefix(">=").or_else(|| bound.strip_prefix("=="))?))
    });
    asked.or_else(|| release(knowledge, tensorflow).map(|release| release.cudnn))
}

/// A cuDNN that PyTorch's wish keeps older than TensorFlow's.
pub(crate) struct Pinned {
    /// The version that PyTorch asks for.
    pub(crate) by: String,
    /// The version that TensorFlow was built with.
    pub(crate) wanted: String,
    /// TensorFlow's name and version.
    pub(crate) tensorflow: String,
    /// The major version of CUDA that PyTorch's cuDNN is for.
    pub(crate) cuda: String,
}

/// What keeps TensorFlow's cuDNN too old, where it is that PyTorch in the same environment asks for it.
pub(crate) fn pinned(knowledge: &Knowledge, python: &Python) -> Option<Pinned> {
    let tensorflow = python.tensorflow.seen()?.as_ref()?;
    let pin = python.packages.seen()?.torch.as_ref()?.cudnn()?;
    let installed = pin.installed.as_deref()?;
    let asked = pin.versions.strip_prefix("==")?.trim();
    let wanted = wanted(knowledge, tensorflow)?;
    let is_its_own = super::is_cuda_build(tensorflow) == Some(true) && asked == installed;
    // By one of another major version TensorFlow finds none; that is another trouble.
    let version = pair(asked).filter(|asked| asked.0 == wanted.0 && *asked < wanted)?;
    let loads_it = match said(tensorflow) {
        Some(misfit) => pair(&misfit.loaded)? == version,
        None => first(python, wanted.0)?.version == version && !convolves(tensorflow),
    };
    (is_its_own && loads_it).then(|| Pinned {
        by: asked.to_owned(),
        wanted: format!("{}.{}", wanted.0, wanted.1),
        tensorflow: tensorflow.label(),
        cuda: pin.name.trim_start_matches("nvidia-cudnn-cu").to_owned(),
    })
}

/// Whether a convolution was tried, and none went wrong.
pub(crate) fn convolves(found: &TensorFlow) -> bool {
    let listing = found.full_look().and_then(|look| look.listing.seen());
    let operations = listing.into_iter().flat_map(|listing| &listing.operations);
    let mut convolutions = operations.filter(|operation| operation.name == "nn.conv2d").peekable();
    convolutions.peek().is_some() && convolutions.all(|tried| tried.correct == Observed::Seen(true))
}

/// A cuDNN in an environment.
pub(crate) struct Found {
    pub(crate) version: (i32, i32),
    /// Where it is, and what tells its version.
    pub(crate) place: String,
}

/// The cuDNN of this major version that the loader finds first, where its version can be told.
pub(crate) fn first(python: &Python, major: i32) -> Option<Found> {
    let parts = super::parts(python)?;
    let name = format!("libcudnn.so.{major}");
    let mut folders = parts.folders_with(&name).filter(|folder| folder.place != LibraryPlace::Toolkit);
    let folder = folders.next()?;
    let (version, by) = match by_file(folder, &name) {
        Some(version) => (version, "its file"),
        None => by_package(python, folder)?,
    };
    Some(Found { version: pair(&version)?, place: format!("{}/{name}, {version} by {by}", folder.path) })
}

/// `libcudnn.so.9.1.0` beside `libcudnn.so.9`.
fn by_file(folder: &LibraryFolder, name: &str) -> Option<String> {
    let mut versions =
        folder.names().filter(|file| file.strip_prefix(name).is_some_and(|rest| rest.contains('.')));
    versions.next()?.strip_prefix("libcudnn.so.").map(str::to_owned)
}

/// The version of the package that owns the folder.
fn by_package(python: &Python, folder: &LibraryFolder) -> Option<(String, &'static str)> {
    let parts = super::parts(python)?;
    if folder.path.ends_with("/nvidia/cudnn/lib") {
        let mut owners = parts.distributions.iter().filter(|found| found.name.starts_with("nvidia-cudnn-cu"));
        let owner = owners.next()?;
        // Two of them write to one folder, and which came last is not told.
        return owners.next().is_none().then(|| (owner.version.clone(), "its distribution"));
    }
    let is_conda_s =
        parts.folders.iter().any(|known| known.place == LibraryPlace::Conda && known.path == folder.path);
    let package = parts.conda_package("cudnn").filter(|_| is_conda_s)?;
    Some((package.version.clone(), "conda's package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tensorflow_says_of_a_misfit() {
        // tensorflow/tensorflow#60913 and Kaggle/docker-python#1435.
        for (text, loaded, wanted) in [
            (
                "E cuda_dnn.cc:460] Loaded runtime CuDNN library: 8.5.0 but source was compiled with: 8.6.0.  CuDNN library \
                 needs to have matching major version and equal or higher minor version.",
                "8.5.0",
                "8.6.0",
            ),
            (
                "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0. CuDNN",
                "9.1.0",
                "9.3.0",
            ),
        ] {
            let found = misfit(text).unwrap();
            assert_eq!((found.loaded.as_str(), found.wanted.as_str()), (loaded, wanted));
        }
        assert!(misfit("Loaded runtime CuDNN library: ").is_none());
        assert!(misfit("Loaded runtime CuDNN library: rm -rf but source was compiled with: 1").is_none());
    }
}
