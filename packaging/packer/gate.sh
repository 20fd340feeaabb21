#!/bin/sh
# Runs in the image that is being built, as root: judges it by `gpucheck bake`, and keeps the reports.
#
# It ends with 0 whatever the image is like, and leaves gpucheck's exit status in the file `status` beside the reports:
# a build that stops here could not fetch them any more. The build has to fetch reports.tar, and then to end by that
# status.
# Statuses: 0 good, 1 not usable, 2 wrong command line, 3 incomplete, 4 gpucheck's own trouble, 126 and 127: it cannot
# be started.
#
# Variables, all of which may be left out:
#   GPUCHECK_WORK      folder for this script's own: reports.tar is made in it, and it may hold an uploaded gpucheck
#   GPUCHECK           where gpucheck lies in the image; an uploaded one is put there
#   GPUCHECK_TARGETS   sizes of Azure's, or GPUs, that the image is to work on, separated by blanks
#   GPUCHECK_ROOT      judge the image that is mounted there, instead of the machine that runs this
#   GPUCHECK_OPTIONS   more of the command line: --allow-unverified, --strict
set -eu
umask 022

work=${GPUCHECK_WORK:-/tmp/gpucheck}
gpucheck=${GPUCHECK:-/usr/local/bin/gpucheck}
reports=$work/reports

# Reports of an earlier run would pass for this one's.
rm -rf "$reports"
mkdir -p "$reports"

# An empty file means that nothing was uploaded, and that the image brings gpucheck.
if [ -s "$work/gpucheck" ]; then
    install -D -m 755 "$work/gpucheck" "$gpucheck"
fi

# shellcheck disable=SC2086 # GPUCHECK_OPTIONS is several words, or none
set -- ${GPUCHECK_OPTIONS:-}
for target in ${GPUCHECK_TARGETS:-}; do
    set -- "$@" --target "$target"
done
if [ -n "${GPUCHECK_ROOT:-}" ]; then
    set -- "$@" --root "$GPUCHECK_ROOT"
fi

# Provisioners of Packer run under `sh -e`: without the `||` nothing below would happen on a bad image.
status=0
"$gpucheck" bake "$@" \
    --report "$reports/gpucheck.xml" --report "$reports/gpucheck.json" --report "$reports/gpucheck.html" || status=$?
echo "$status" >"$reports/status"
tar -cf "$work/reports.tar" -C "$reports" .
