#!/bin/sh
# Whether this machine's GPUs compute, as node-problem-detector asks its plugins: 0 all do, 1 one does not or there is none
# that does, 2 that cannot be told, also because somebody uses one so that nobody else can. Says why in a line of at most 80
# letters.
#
#   health.sh [FILE]
#
# FILE is a report as metrics that something else keeps (the daemon's /var/lib/gpucheck/daemon/metrics.prom, or that of
# node_exporter's textfile collector), and counts for three hours, or for as long as the daemon finds nothing against it
# while somebody computes. Without it gpucheck looks, at the GPUs alone, in a second
# where nothing hangs. Install it as /usr/lib/gpucheck/health.sh.
set -u
LC_ALL=C PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

ends() {
    status=$1
    shift
    printf '%.80s\n' "gpucheck: $*"
    exit "$status"
}

if [ $# -gt 0 ]; then
    if [ ! -f "$1" ]; then ends 2 "no report at $1"; fi
    # A report is some kilobytes.
    report=$(head -c 1000000 "$1") 2>/dev/null || ends 2 "$1 cannot be read"
    number='\([1-9][0-9]\{0,11\}\)$'
    last() { printf '%s\n' "$report" | sed -n "s/^$1 $number/\\1/p" | head -n 1; }
    taken=$(last 'gpucheck_report_timestamp_seconds{.*}')
    if [ -z "$taken" ]; then ends 2 "no report in $1"; fi
    confirmed=$(last gpucheck_daemon_confirmed_timestamp_seconds)
    if [ "${confirmed:-0}" -gt "$taken" ]; then taken=$confirmed; fi
    age=$(($(date +%s) - taken))
    if [ "$age" -gt 10800 ] || [ "$age" -lt -300 ]; then ends 2 "the report is $((age / 3600)) h old"; fi
else
    # Whoever asks kills what takes a minute, and Slurm's program asks for more than this.
    { report=$(timeout -k 3 40 gpucheck --only pci,module,nvml,driver,compute --format prometheus); } 2>/dev/null
fi

count() { printf '%s\n' "$report" | grep -c "$1"; }

# The first is the answer. A quote in a value is \", so no value can look like a label.
root=$(printf '%s\n' "$report" | grep -m 1 '^gpucheck_root{')
cause=$(printf '%s\n' "$root" | sed -n 's/.*[{,]cause="\([a-z0-9-]*\)".*/\1/p')
[ -n "$cause" ] || cause=$(printf '%s\n' "$root" | sed -n 's/.*[{,]id="\([a-z0-9._]*\)".*/\1/p')

gpus=$(count '^gpucheck_gpu_info{')
right=$(count '^gpucheck_gpu_computes{.*} 1$')
wrong=$(count '^gpucheck_gpu_computes{.*} 0$')
if [ "$wrong" -gt 0 ]; then ends 1 "$right of $gpus GPUs compute: ${cause:-see gpucheck}"; fi
if [ "$gpus" -gt 0 ] && [ "$right" -eq "$gpus" ]; then ends 0 "$right of $gpus GPUs compute"; fi
used=$(count '^gpucheck_gpu_in_use{.*} 1$')
if [ "$used" -gt 0 ]; then ends 2 "$used of $gpus GPUs in use: ${cause:-see gpucheck}"; fi
if [ "$right" -eq 0 ] && [ "$(count '^gpucheck_verdict{.*verdict="unusable".*} 1$')" -gt 0 ]; then
    ends 1 "no GPU computes: ${cause:-see gpucheck}"
fi
ends 2 "$right of $gpus GPUs are known to compute"
