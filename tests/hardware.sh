#!/bin/sh
# Takes a built gpucheck to a machine with a GPU: runs all of it, measures it, and leaves what the machine said.
#
#   tests/hardware.sh [--python PYTHON] [--soak] [--output DIR] GPUCHECK
#
#   --python PYTHON  one with PyTorch or CuPy: its copies and products are held against gpucheck's, in the same run
#   --soak           also works for a minute without a pause
#   --output DIR     where the capture goes; gpucheck-hardware-TIME in this folder where it is not given
#
# Wants a POSIX shell; this file, hardware.py and hardware_measure.py beside each other; and Python 3.6 or newer as python3
# (or PYTHON) to judge what was measured. No Rust, no CUDA, no root. Nothing else should compute on the GPUs meanwhile.
# GPUCHECK_ARGS holds more arguments for each gpucheck, between blanks.
#
# The capture has no serial numbers, no UUIDs, no names of users and notebooks: recorded facts and the reports that are made
# of them, what nvidia-smi said, every figure with its bar (figures.txt), and machine.json, which is a machine for
# tests/machines once somebody has reviewed it.
#
# Exit status: 0 every bar is met, 1 one is missed, 2 usage, 3 one could not be told, 77 there is no GPU (skipped).
set -u

say() { echo "hardware.sh: $*" >&2; }

usage() {
    say "$1"
    sed -n 's/^#   \(tests.*\)/usage: \1/p' "$0" >&2
    exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
gpucheck=
python=
soak=
output=
while [ $# -gt 0 ]; do
    case $1 in
    --python | --output)
        [ $# -ge 2 ] || usage "$1 wants a value"
        if [ "$1" = --python ]; then python=$2; else output=$2; fi
        shift
        ;;
    --soak) soak=60 ;;
    -*) usage "unknown switch $1" ;;
    *)
        [ -z "$gpucheck" ] || usage "one gpucheck is enough"
        gpucheck=$1
        ;;
    esac
    shift
done
[ -n "$gpucheck" ] || usage "no gpucheck was given"
gpucheck=$(command -v "$gpucheck") || usage "there is no such program"
case $("$gpucheck" --version 2>&1) in
"gpucheck "*) ;;
*) usage "$gpucheck is no gpucheck that this machine can run" ;;
esac
[ -z "$python" ] || python=$(command -v "$python") || usage "there is no such Python"
judge=$(command -v python3 || echo "$python")

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
raw=$work/raw
said=$work/said
mkdir "$raw" "$said"
mark=GPUCHECK_HARDWARE_RUN=$$.$(date +%s)

# The Python that is measured by is one that gpucheck looks at: its cuBLAS is what the two have in common.
[ -z "$python" ] || PATH=$(dirname "$python"):$PATH

# gpucheck_with ARGUMENT...: gpucheck, marked so that what it leaves behind is found.
gpucheck_with() {
    # shellcheck disable=SC2086 # the words are arguments
    env "$mark" "$gpucheck" "$@" ${GPUCHECK_ARGS:-}
}

# now: milliseconds; whole seconds where date knows nothing finer.
now() {
    case $(date +%s%N) in
    *N) echo "$(date +%s)000" ;;
    *) date +%s%N | sed 's/......$//' ;;
    esac
}

# ours: processes that carry the mark.
ours() {
    grep -lF "$mark" /proc/[0-9]*/environ 2>/dev/null | sed 's|^/proc/||; s|/environ$||'
}

smi() { nvidia-smi "$1" --format=csv,noheader,nounits 2>/dev/null; }

# used: memory in use, a line a GPU: bus id, tab, MiB.
used() { smi --query-gpu=pci.bus_id,memory.used | sed 's/, */	/'; }

# on_gpus: processes that compute on GPUs, and those of ours wherever they are.
on_gpus() {
    smi --query-compute-apps=pid | grep -x '[0-9][0-9]*'
    ours
}

# look WHEN: notes what is taken. After a run the driver has some seconds to give back what was: so has every program.
look() {
    for wait in 1 1 1 1 1 0; do
        used | sed "s/^/$1	/" >"$work/memory"
        on_gpus | sort -u | sed "s/^/$1	/" >"$work/processes"
        # shellcheck disable=SC2015 # the break is meant for both
        [ "$1" != before ] && [ "$wait" = 1 ] || break
        sed "s/^before/$1/" "$raw/memory.tsv" | grep "^$1	" | sort -u >"$work/wanted"
        sort -u "$work/memory" | cmp -s - "$work/wanted" && [ -z "$(ours)" ] && break
        sleep 1
    done
    cat "$work/memory" >>"$raw/memory.tsv"
    cat "$work/processes" >>"$raw/processes.tsv"
}

# run NAME ARGUMENT...: one gpucheck. What it says names people and notebooks, so only a complaint is kept.
run() {
    name=$1
    shift
    say "gpucheck $*"
    began=$(now)
    gpucheck_with "$@" >"$said/$name.txt" 2>"$said/$name.err"
    status=$?
    case $status in
    0 | 1 | 3) ;;
    *) cp "$said/$name.err" "$raw/$name.err" ;;
    esac
    printf '%s\t%s\t%s\n' "$name" "$status" "$(($(now) - began))" >>"$raw/runs.tsv"
    look "$name"
}

# facts NAME ARGUMENT...: the same for facts, NAME.json.
facts() {
    name=$1
    shift
    run "$name" record --output "$raw/$name.json" "$@"
}

# measure NAME: what PyTorch or CuPy reaches, in CUDA's order as gpucheck has it.
measure() {
    [ -n "$python" ] || return
    say "$python hardware_measure.py"
    env -u CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER=PCI_BUS_ID "$python" "$here/hardware_measure.py" \
        >"$raw/$1.json" 2>"$raw/$1.err" || say "$python could not measure: $(tail -n 1 "$raw/$1.err")"
}

# A shell starts what runs beside it with Ctrl-C ignored; this undoes it.
undo='import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])'

# interrupt: Ctrl-C for deep work, once it has taken memory or some seconds have passed.
interrupt() {
    [ -n "$judge" ] || return
    say "gpucheck --deep, and Ctrl-C"
    # shellcheck disable=SC2086 # the words are arguments
    env "$mark" "$judge" -c "$undo" "$gpucheck" --deep ${GPUCHECK_ARGS:-} >"$said/interrupted.txt" 2>&1 &
    process=$!
    for _ in 1 2 3 4 5; do
        sleep 1
        used | sed 's/^/before	/' | cmp -s - "$work/idle" || break
    done
    began=$(now)
    kill -INT "$process" 2>/dev/null
    wait "$process"
    status=$?
    printf 'interrupted\t%s\t%s\n' "$status" "$(($(now) - began))" >>"$raw/runs.tsv"
    look interrupted
}

# redact: what names a card or a person, replaced.
hexadecimal='[0-9A-Fa-f]'
uuid="$hexadecimal\{8\}-$hexadecimal\{4\}-$hexadecimal\{4\}-$hexadecimal\{4\}-$hexadecimal\{12\}"
name=$(id -un | sed 's/[^A-Za-z0-9_-]//g')
redact() {
    sed -e "s/$uuid/removed/g" \
        -e 's/^\( *[A-Za-z ]*Serial[A-Za-z ]* *: \).*/\1removed/' \
        -e 's/^\( *[A-Za-z ]*[GU]UID[A-Za-z ]* *: \).*/\1removed/' \
        -e 's/^\( *VM ID *: \).*/\1removed/' \
        -e 's|/home/[^/ "]*|/home/user|g' \
        -e "s|/${name:-user}\([/ \"]\)|/$([ "$name" = root ] && echo root || echo user)\1|g"
}

# No GPU, no run. Any other trouble is a result.
answer=$(gpucheck_with --only pci.gpu_present --quiet)
status=$?
case $status in
0 | 3) ;;
1)
    say "skipped, no GPU: $answer"
    exit 77
    ;;
*)
    say "gpucheck ended with $status: $answer"
    exit 1
    ;;
esac

: >"$raw/memory.tsv"
: >"$raw/processes.tsv"
look before
cp "$raw/memory.tsv" "$work/idle"
if command -v nvidia-smi >/dev/null; then
    nvidia-smi -q >"$raw/nvidia-smi.txt" 2>&1
fi

measure measured-before
run usual --lang en
run usual-json --format json
facts facts-usual
run full --full --lang en
run deep --deep --lang en
facts facts-deep --full --deep
measure measured-after
run slow slow --seconds 5 --lang en
facts facts-slow --seconds 5
if [ -n "$soak" ]; then
    echo "$soak" >"$raw/soak-seconds.txt"
    facts facts-soak --soak "${soak}s"
fi
interrupt
# Reports of redacted facts are redacted.
for level in usual deep soak; do
    facts=$raw/facts-$level.json
    [ ! -s "$facts" ] || "$gpucheck" judge "$facts" --lang en >"$raw/report-$level.txt" 2>/dev/null
done
[ ! -s "$raw/facts-slow.json" ] || "$gpucheck" judge "$raw/facts-slow.json" --lang en >"$raw/report-slow.txt" 2>/dev/null
if [ -s "$raw/facts-deep.json" ]; then
    "$gpucheck" judge "$raw/facts-deep.json" --format json >"$raw/judged.json"
    echo $? >"$raw/judged-status.txt"
fi

output=${output:-gpucheck-hardware-$(date -u +%Y%m%dT%H%M%SZ)}
mkdir -p "$output" || exit 2
for file in "$raw"/*; do
    redact <"$file" >"$output/${file##*/}"
done
say "the capture is in $output"

if [ -z "$judge" ]; then
    say "there is no python3 here: python3 hardware.py judge $output tells the figures on any machine"
    exit 3
fi
"$judge" "$here/hardware.py" machine "$output"
"$judge" "$here/hardware.py" judge "$output" >"$output/figures.txt"
status=$?
cat "$output/figures.txt"
exit "$status"
