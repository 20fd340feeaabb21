#!/bin/sh
# Prints the figures that the daemon is held to, and fails where one is missed. The machine should have nothing else to do.
#
# GPUCHECK names another binary than the release build.
set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/built.sh
. tests/built.sh
release_build
own_programs
exec python3 tests/daemon_figures.py "$GPUCHECK" "$target/debug/simulate"
