#!/bin/sh
# Functions that the scripts make real Pythons with; sourced, never run.
#
# The script sets `dir` and `me` (its name, for messages) first. Complete environments carry a stamp with what they
# were made from and are left alone.
# shellcheck disable=SC2154 # dir and me are the script's

# says TEXT...: a message of the script.
says() {
    echo "$me: $*" >&2
}

# fits PYTHON: whether it is CPython 3.10 or 3.11, the two that every pinned version has wheels for, with venv.
fits() {
    "$1" -c 'import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null
}

# wants_python: makes sure of a python3 that fits, with Debian's package of venv where root may install it.
wants_python() {
    fits python3 && return
    if ! python3 -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y -q python3-venv
    fi
    fits python3 || {
        says "python3 must be CPython 3.10 or 3.11, with the venv module"
        exit 1
    }
}

# begins: makes `dir` and its path whole, makes sure of a Python, and makes `work`, a folder that goes when the script does.
begins() {
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    wants_python
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
}

# made NAME WHAT...: whether the environment carries the stamp of these.
made() {
    stamp="$dir/$1/gpucheck-stamp"
    shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ]
}

# environment PYTHON NAME ARGUMENT...: a fresh environment with what pip makes of the arguments.
environment() {
    python=$1
    name=$2
    shift 2
    says "making $name ($*)"
    rm -rf "${dir:?}/$name"
    "$python" -m venv "$dir/$name"
    if [ $# -gt 0 ]; then
        "$dir/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# stamp NAME WHAT...: marks it as complete.
stamp() {
    name=$1
    shift
    echo "$*" >"$dir/$name/gpucheck-stamp"
}

site_packages() {
    "$dir/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}
