#!/usr/bin/env bash
# Installs what the tests need and runs all of them. All of it goes below target/test-parts, but for programs of Debian's
# packages (tests/parts/*.sh name them), which apt-get installs where they are missing and this runs as root.
# Wants: Rust, gcc, CPython 3.10 or 3.11, apt, the package registries. No GPU, no driver, no CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export GPUCHECK_TEST_PARTS="${GPUCHECK_TEST_PARTS:-$CARGO_TARGET_DIR/test-parts}"
# What a second build would gain by it is gigabytes.
export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"

# While the registries send, the processors build what the tests run, and the program that ships.
# shellcheck source=tests/built.sh
. tests/built.sh
build() {
    cargo test --workspace --locked --no-run
    own_programs
    packaging/portable.sh
}
mkdir -p "$CARGO_TARGET_DIR"
build >"$CARGO_TARGET_DIR/build.log" 2>&1 &
building=$!
trap 'kill "$building" 2>/dev/null || true' EXIT

say "real parts: NVIDIA's user-space libraries and compilers, TensorFlow, Jupyter, JAX, CuPy, PyTorch"
tests/parts/nvidia.sh "$GPUCHECK_TEST_PARTS/nvidia"
tests/parts/tensorflow.sh "$GPUCHECK_TEST_PARTS/python"
tests/parts/ptx.sh "$GPUCHECK_TEST_PARTS/ptx"
tests/parts/frameworks.sh "$GPUCHECK_TEST_PARTS/python"
tests/parts/jupyterlab.sh "$GPUCHECK_TEST_PARTS/python"
tests/parts/cuda_libraries.sh "$GPUCHECK_TEST_PARTS"
say "real parts: initramfs, apt's configuration, JUnit's schema, a browser, pipelines, metrics, an image, packages"
tests/parts/initramfs.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]
tests/parts/updates.sh "$GPUCHECK_TEST_PARTS"
tests/parts/junit.sh "$GPUCHECK_TEST_PARTS/junit"
tests/parts/browser.sh "$GPUCHECK_TEST_PARTS/browser"
tests/parts/pipelines.sh "$GPUCHECK_TEST_PARTS/pipelines"
tests/parts/metrics.sh "$GPUCHECK_TEST_PARTS/metrics"
tests/parts/image.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]
tests/parts/boot.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]
tests/parts/service.sh || [ $? = 77 ]
tests/parts/packages.sh "$GPUCHECK_TEST_PARTS" || [ $? = 77 ]

say "form and lints"
wait "$building" || {
    cat "$CARGO_TARGET_DIR/build.log"
    exit 1
}
trap - EXIT
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

say "figures, of the program that ships"
export GPUCHECK="$CARGO_TARGET_DIR/portable/gpucheck"
tests/figures.sh
tests/bake_figures.sh || [ $? = 77 ]
tests/login_figures.sh
tests/daemon_figures.sh
tests/class_figures.sh
"$CARGO_TARGET_DIR/debug/simulate" --matrix | tail -n 1

say "packages"
tests/packages.sh "$GPUCHECK" || [ $? = 77 ]

say "the package under a real systemd, and a class of such machines"
tests/systemd.sh "$GPUCHECK" || [ $? = 77 ]
