#!/usr/bin/env bash
# Tests the packages of packaging/packages.sh around the program of packaging/portable.sh: the same commit makes the same
# bytes, lintian has nothing to say, manual pages and completions read, and what is installed, upgraded, removed and
# purged leaves nothing behind. Prints a line for each thing that holds; ends with 1 at the first that does not.
#
#   tests/packages.sh [GPUCHECK]     default: target/portable/gpucheck
#
# Wants tests/parts/packages.sh, and for the chroot tests/parts/image.sh; ends with 77 and the reason where what the former
# installs is missing, and at the chroot without root.
set -euo pipefail

cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target
parts=$(realpath "${GPUCHECK_TEST_PARTS:-$target/test-parts}")
program=$(realpath "${1:-$target/portable/gpucheck}")
missing=
for tool in lintian rpm2cpio cpio man zsh fish "$parts/packages/glibc-2.31/lib/x86_64-linux-gnu/ld-2.31.so"; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || { echo "packages.sh: skipped: missing$missing; tests/parts/packages.sh installs them as root" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# holds WHAT COMMAND...: says that it holds, or shows what the command said, and ends.
holds() {
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what: $*"
        cat "$work/said"
        exit 1
    fi
}
# silent COMMAND...: it ends well, and has nothing to say.
silent() {
    if "$@" >"$work/silent" 2>&1 && [ ! -s "$work/silent" ]; then return 0; fi
    cat "$work/silent"
    return 1
}

# Twice, and nothing of the second is as it was but the commit and the program.
GPUCHECK=$program packaging/packages.sh "$work/packages" >/dev/null
mkdir -p "$work/of another name/tmp"
(
    umask 077
    cd "$work/of another name"
    GPUCHECK=$program LC_ALL=C.UTF-8 LANG=ko_KR.UTF-8 TZ=Pacific/Apia TMPDIR="$work/of another name/tmp" USER=somebody \
        "$OLDPWD/packaging/packages.sh" packages >/dev/null
)
holds "the same commit makes the same bytes, in another folder, time, zone and umask" \
    diff --recursive "$work/packages" "$work/of another name/packages"
version=$("$program" --version | cut -d ' ' -f 2)
deb=$work/packages/gpucheck_$version-1_amd64.deb
rpm=$work/packages/gpucheck-$version-1.x86_64.rpm
archive=gpucheck-$version-x86_64-linux
wheel=$work/packages/gpucheck-$version-py3-none-manylinux_2_27_x86_64.whl

# The program, in each of them, is the one whose symbols portable.sh has read.
mkdir "$work/deb" "$work/rpm" "$work/tar" "$work/wheel"
dpkg-deb --extract "$deb" "$work/deb"
rpm2cpio "$rpm" | (cd "$work/rpm" && cpio --extract --make-directories --quiet)
tar --extract --file "$work/packages/$archive.tar.gz" --directory "$work/tar"
python3 -m zipfile -e "$wheel" "$work/wheel"
for copy in deb/usr/bin/gpucheck rpm/usr/bin/gpucheck "tar/$archive/gpucheck" "wheel/gpucheck-$version.data/scripts/gpucheck"; do
    holds "${copy%%/*}: the program of portable.sh" cmp "$program" "$work/$copy"
done
old=$parts/packages/glibc-2.31
holds "it runs with the C library of Debian 11" "$old/lib/x86_64-linux-gnu/ld-2.31.so" \
    --library-path "$old/lib/x86_64-linux-gnu" "$work/deb/usr/bin/gpucheck" explain pci.gpu_present
# What monitoring.md tells of, where it says that it is.
for package in deb rpm; do
    for script in health notify slurm-healthcheck; do
        holds "$package: $script.sh" test -x "$work/$package/usr/lib/gpucheck/$script.sh"
    done
    for example in gpucheck.ipynb monitoring.md prometheus/gpucheck-textfile.service prometheus/gpucheck-textfile.timer \
        prometheus/gpucheck.rules.yml prometheus/gpucheck.rules.test.yml prometheus/prometheus.yml \
        node-problem-detector/gpucheck.json grafana/gpucheck.json; do
        holds "$package: $example" test -f "$work/$package/usr/share/doc/gpucheck/examples/$example"
    done
done
holds "lintian" lintian --allow-root --fail-on error,warning "$deb"

# A page for the command and one for each of its commands, as its help lists them.
commands=$("$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx help)
[ "$(wc -w <<<"$commands")" -ge 8 ]
# shellcheck disable=SC2086 # a word each
for page in gpucheck $(printf 'gpucheck-%s ' $commands); do
    file=$work/deb/usr/share/man/man1/$page.1.gz
    holds "$page.1: its name" sh -c "lexgrog '$file' | grep -q '\"$page - '"
    holds "$page.1: man has nothing to say of it" silent env LC_ALL=C.UTF-8 \
        sh -c "man --warnings=w --local-file '$file' >/dev/null"
done
for command in $commands; do
    # shellcheck disable=SC2016 # the other bash's variables
    holds "bash completes $command" bash -c '
        . "$1"; COMP_WORDS=(gpucheck "${2:0:3}"); COMP_CWORD=1
        _gpucheck gpucheck "${2:0:3}" gpucheck; printf "%s\n" "${COMPREPLY[@]}" | grep -qx "$2"
    ' bash "$work/deb/usr/share/bash-completion/completions/gpucheck" "$command"
done
holds "fish completes drift" sh -c "fish --no-config --command \"
    source '$work/deb/usr/share/fish/vendor_completions.d/gpucheck.fish'; complete --do-complete 'gpucheck dr'\" | grep -q ^drift"
holds "zsh reads its completions" silent zsh -n "$work/deb/usr/share/zsh/vendor-completions/_gpucheck"

# The wheel, in an environment of its own.
python3 -m venv "$work/venv"
before=$(find "$work/venv" ! -type d | sort)
holds "pip install" "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index --no-compile "$wheel"
holds "the wheel's command" "$work/venv/bin/gpucheck" explain pci.gpu_present
holds "the wheel's extension of Jupyter" test -f "$work/venv/etc/jupyter/jupyter_server_config.d/gpucheck.json"
holds "the wheel's module" "$work/venv/bin/python" -B -c "import gpucheck; assert gpucheck.__version__ == '$version'"
holds "pip uninstall" "$work/venv/bin/pip" uninstall --quiet --disable-pip-version-check --yes gpucheck
holds "nothing of the wheel is left" diff <(echo "$before") <(find "$work/venv" ! -type d | sort)

[ "$(id -u)" = 0 ] || { echo "packages.sh: skipped: installing into a root needs root" >&2; exit 77; }
unshare --mount true 2>/dev/null || { echo "packages.sh: skipped: no namespaces can be made here" >&2; exit 77; }
# The next version, of a program that says so and does nothing else.
printf '#!/bin/sh\necho gpucheck 99.0.0\n' >"$work/next"
chmod +x "$work/next"
GPUCHECK=$work/next packaging/packages.sh "$work/packages" >/dev/null
export -f holds silent
export work
unshare --mount tests/packages/life.sh "$parts/image" "$deb" "$rpm" \
    "$work/packages/gpucheck_99.0.0-1_amd64.deb" "$work/packages/gpucheck-99.0.0-1.x86_64.rpm"
