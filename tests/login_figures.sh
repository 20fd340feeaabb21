#!/bin/sh
# Prints how long a login waits for `gpucheck motd`, and fails where that is more than 5 ms: the median of 50 runs over that of
# /bin/true. Arguments: [RUNS]
#
# GPUCHECK names another binary than the release build.
set -eu

cd "$(dirname "$0")/.."
# shellcheck source=tests/built.sh
. tests/built.sh
release_build
exec python3 tests/login_figures.py "$GPUCHECK" "$@"
