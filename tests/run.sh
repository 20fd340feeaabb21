#!/usr/bin/env bash
# Installs what the tests need (below target/test-parts, nothing elsewhere) and runs all of them.
# Wants: Rust, gcc, CPython 3.10 or 3.11, apt, the package registries. No GPU, no driver, no CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export GPUCHECK_TEST_PARTS="${GPUCHECK_TEST_PARTS:-$CARGO_TARGET_DIR/test-parts}"

say "real parts: NVIDIA's user-space libraries and compilers, TensorFlow, Jupyter, JAX, CuPy, PyTorch"
tests/parts/nvidia.sh "$GPUCHECK_TEST_PARTS/nvidia"
tests/parts/tensorflow.sh "$GPUCHECK_TEST_PARTS/python"
tests/parts/ptx.sh "$GPUCHECK_TEST_PARTS/ptx"
tests/parts/frameworks.sh "$GPUCHECK_TEST_PARTS/python"
tests/parts/cuda_libraries.sh "$GPUCHECK_TEST_PARTS"
say "real parts: initramfs, apt's configuration, JUnit's schema, a browser, an image, pipelines"
tests/parts/initramfs.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]
tests/parts/updates.sh "$GPUCHECK_TEST_PARTS"
tests/parts/junit.sh "$GPUCHECK_TEST_PARTS/junit"
tests/parts/browser.sh "$GPUCHECK_TEST_PARTS/browser"
tests/parts/pipelines.sh "$GPUCHECK_TEST_PARTS/pipelines"
tests/parts/image.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]

say "form and lints"
cargo fmt --check
# The build script lists these files, so cargo does not know them.
find checks -name '*.rs' -print0 | xargs -0 rustfmt --edition 2024 --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

say "tests"
# Whoever starts this with signals ignored (nohup) has them tested all the same.
env --default-signal=HUP,INT,QUIT,PIPE,TERM cargo test --workspace --locked -- --skip simulated::sweep
# Alone and aloud: it prints how many cases there were.
cargo test --test suite --locked -- --nocapture simulated::sweep

say "one file for glibc 2.27 and newer"
packaging/portable.sh
"$CARGO_TARGET_DIR/portable/gpucheck" --version

say "figures"
cargo build --release --locked
tests/figures.sh
tests/bake_figures.sh || [ $? = 77 ]
GPUCHECK="$CARGO_TARGET_DIR/release/gpucheck" tests/class_figures.sh
GPUCHECK="$CARGO_TARGET_DIR/release/gpucheck" cargo simulate --matrix | tail -n 1
