#!/bin/sh
# Real Pythons with real TensorFlows for the tests, under DIR (default target/test-parts/python).
#
#   tensorflow.sh [DIR]
#
# tensorflow      tensorflow 2.21.0
# tensorflow-2.12 tensorflow 2.12.1, which is built with CUDA 11.8
# tensorflow-cpu  tensorflow-cpu 2.12.1
# numpy2          the same 2.12.1, but a numpy 2 comes first on the path: the student's import fails
# empty           no TensorFlow
#
# Needs CPython 3.10 or 3.11 as python3 (the two that both versions have wheels for) and the package index.
# Complete environments carry a stamp with their versions and are left alone.
set -eu

dir=${1:-target/test-parts/python}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

if ! python3 -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; then
    if ! python3 -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y -q python3-venv
    fi
    python3 -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' || {
        echo "tensorflow.sh: python3 must be CPython 3.10 or 3.11, with the venv module" >&2
        exit 1
    }
fi

# complete NAME PACKAGE...: whether the environment carries the stamp of these packages.
complete() {
    stamp="$dir/$1/gpucheck-stamp"
    shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ]
}

# environment NAME PACKAGE...: a fresh environment with these packages.
environment() {
    name=$1
    shift
    echo "tensorflow.sh: making $name ($*)" >&2
    rm -rf "${dir:?}/$name"
    python3 -m venv "$dir/$name"
    if [ $# -gt 0 ]; then
        "$dir/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# stamp NAME PACKAGE...: marks it as complete.
stamp() {
    name=$1
    shift
    echo "$*" >"$dir/$name/gpucheck-stamp"
}

site_packages() {
    "$dir/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

for want in "tensorflow tensorflow==2.21.0" "tensorflow-2.12 tensorflow==2.12.1" \
    "tensorflow-cpu tensorflow-cpu==2.12.1" "empty"; do
    # shellcheck disable=SC2086 # the words are the arguments
    complete $want || {
        environment $want
        stamp $want
    }
done

complete numpy2 numpy==2.3.5 || {
    environment numpy2 numpy==2.3.5
    # Its own numpy comes before the directories that .pth files add.
    site_packages tensorflow-cpu >"$(site_packages numpy2)/tensorflow-cpu.pth"
    stamp numpy2 numpy==2.3.5
}
