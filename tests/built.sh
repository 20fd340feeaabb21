#!/bin/sh
# Builds what the scripts here run; sourced, never run, in the project's root.
target=${CARGO_TARGET_DIR:-target}

# release_build: GPUCHECK is the release build, where the caller names no other program.
release_build() {
    [ -z "${GPUCHECK:-}" ] || return 0
    cargo build --release --locked --quiet
    GPUCHECK=$target/release/gpucheck
}

# own_programs: $target/debug/simulate and $target/debug/examples/pages. Of the whole workspace and with an example, as
# `cargo test` builds it: else all that they rest on would be built once more.
own_programs() {
    cargo build --locked --quiet --workspace --bin simulate --example pages
}
