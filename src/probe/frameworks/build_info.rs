//! TensorFlow's build information, read from its file without running it.
//!
//! The file is generated: from TensorFlow 2.3 on it is one literal,
//! `build_info = collections.OrderedDict([('cuda_version', '12.5.1'), ...])`; 1.15 has plain assignments.
//! Source: `tensorflow/tools/build_info/gen_build_info.py`.
//!
//! Invariant: a reader for those two shapes, not for Python; what it does not know it passes over.

use gpucheck_checks::fact::TensorFlowBuild;

/// A Python literal, of the kinds that the file holds.
#[derive(Debug, PartialEq)]
enum Literal {
    Text(String),
    Bool(bool),
    List(Vec<String>),
}

/// Reads `build_info.py`; none where it holds nothing that is known.
pub(super) fn parse(source: &str) -> Option<TensorFlowBuild> {
    let entries = match source.split_once("build_info = collections.OrderedDict([") {
        Some((_, literal)) => pairs(literal),
        None => source.lines().filter_map(assignment).collect(),
    };
    let mut build = TensorFlowBuild::default();
    for (name, value) in &entries {
        match (name.as_str(), value) {
            ("is_cuda_build", Literal::Bool(value)) => build.is_cuda_build = Some(*value),
            ("cuda_version" | "cuda_version_number", Literal::Text(value)) => {
                build.cuda_version = Some(value.clone());
            }
            ("cudnn_version" | "cudnn_version_number", Literal::Text(value)) => {
                build.cudnn_version = Some(value.clone());
            }
            ("cuda_compute_capabilities", Literal::List(values)) => {
                build.compute_capabilities.clone_from(values);
            }
            _ => {}
        }
    }
    (build != TensorFlowBuild::default()).then_some(build)
}

/// `('name', value), ...`
fn pairs(mut rest: &str) -> Vec<(String, Literal)> {
    let mut entries = Vec::new();
    while let Some((_, after)) = rest.split_once('(') {
        let Some((name, after)) = text(after) else { break };
        let Some((value, after)) = after.trim_start().strip_prefix(',').and_then(literal) else { break };
        entries.push((name, value));
        rest = after;
    }
    entries
}

/// `name = value`
fn assignment(line: &str) -> Option<(String, Literal)> {
    let (name, value) = line.split_once('=')?;
    let (value, rest) = literal(value)?;
    rest.trim().is_empty().then(|| (name.trim().to_owned(), value))
}

fn literal(source: &str) -> Option<(Literal, &str)> {
    let source = source.trim_start();
    if let Some(rest) = source.strip_prefix("True") {
        return Some((Literal::Bool(true), rest));
    }
    if let Some(rest) = source.strip_prefix("False") {
        return Some((Literal::Bool(false), rest));
    }
    if let Some(rest) = source.strip_prefix('[') {
        return list(rest);
    }
    text(source).map(|(text, rest)| (Literal::Text(text), rest))
}

fn list(mut rest: &str) -> Option<(Literal, &str)> {
    let mut values = Vec::new();
    loop {
        rest = rest.trim_start().trim_start_matches(',').trim_start();
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((Literal::List(values), rest));
        }
        let (value, after) = text(rest)?;
        values.push(value);
        rest = after;
    }
}

/// A quoted text; the generator's values need no escapes.
fn text(source: &str) -> Option<(String, &str)> {
    let source = source.trim_start();
    let quote = source.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (text, rest) = source.strip_prefix(quote)?.split_once(quote)?;
    (!text.contains('\\')).then(|| (text.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensorflow_2_21_0() {
        let source = r#""""Auto-generated module providing information about the build."""
import collections

build_info = collections.OrderedDict([('cpu_compiler', 'clang'), ('cuda_compute_capabilities', ['sm_60', 'sm_70', 'sm_80', 'sm_89', 'compute_90']), ('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True), ('is_rocm_build', False), ('is_tensorrt_build', False)])
"#;
        let build = parse(source).unwrap();
        assert_eq!(build.is_cuda_build, Some(true));
        assert_eq!(build.cuda_version.as_deref(), Some("12.5.1"));
        assert_eq!(build.cudnn_version.as_deref(), Some("9"));
        assert_eq!(build.compute_capabilities, ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]);
    }

    #[test]
    fn tensorflow_cpu_2_12_1() {
        let source = r"import collections

build_info = collections.OrderedDict([('is_cuda_build', False), ('is_rocm_build', False), ('is_tensorrt_build', False)])
";
        let expected = TensorFlowBuild { is_cuda_build: Some(false), ..TensorFlowBuild::default() };
        assert_eq!(parse(source), Some(expected));
    }

    #[test]
    fn tensorflow_1_15_5() {
        let build = parse("\nis_rocm_build = False\nis_cuda_build = False\n\n").unwrap();
        assert_eq!(build.is_cuda_build, Some(false));
    }

    #[test]
    fn anything_else_is_no_build_information() {
        for source in
            ["", "build_info = collections.OrderedDict([", "is_cuda_build = maybe", "x = ['a'", "import os\n"]
        {
            assert_eq!(parse(source), None, "{source}");
        }
    }
}
