#!/bin/bash
# A real Slurm of one node, by Debian's packages, whose HealthCheckProgram is packaging/slurm/healthcheck.sh: the node is
# drained when its GPU stops computing, resumed when it computes again, and left alone by what could not be told and by
# somebody else's drain.
#
#   tests/pipelines/slurm.sh GOOD BAD
#
# GOOD and BAD are programs that are gpucheck on a machine whose GPU computes, and on one whose does not:
#   GPUCHECK=.../gpucheck target/debug/simulate azure-t4-535 "$@"
# Wants root, a private mount namespace and overlayfs. Nothing is installed: Slurm is laid over /usr for this script alone,
# and all its daemons end with it. Takes a minute, most of which is Slurm's.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${SLURM_TEST_INSIDE:-}" ]; then
    SLURM_TEST_INSIDE=$(mktemp -d)
    export SLURM_TEST_INSIDE
    trap 'rm -rf "$SLURM_TEST_INSIDE"' EXIT
    work=$SLURM_TEST_INSIDE
    # shellcheck source=tests/parts/debian.sh
    . tests/parts/debian.sh
    apt_lists main bookworm bookworm-security
    mkdir "$work/debs" "$work/slurm"
    (cd "$work/debs" && apt download slurmd slurmctld slurm-client slurm-wlm-basic-plugins munge libmunge2 libhwloc15 \
        libjson-c5 >/dev/null)
    for deb in "$work/debs"/*.deb; do dpkg-deb -x "$deb" "$work/slurm"; done
    # Debian's alternatives.
    for name in slurmctld slurmd slurmstepd; do ln -s "$name-wlm" "$work/slurm/usr/sbin/$name"; done
    unshare --mount --pid --fork --mount-proc --kill-child "$0" "$(realpath "$1")" "$(realpath "$2")"
    exit
fi

good=$1 bad=$2 work=$SLURM_TEST_INSIDE
mount -t overlay -o "lowerdir=$work/slurm/usr:/usr" overlay /usr
export LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/slurm-wlm
node=$(hostname -s)
here=$work/node
mkdir -p "$here/bin" "$here/state" "$here/spool" "$here/munge"
export PATH=$here/bin:$PATH

# health.sh and Slurm's program side by side, as they are installed; this gpucheck is the node's.
cp packaging/health/health.sh "$here/bin/health.sh"
cp packaging/slurm/healthcheck.sh "$here/bin/healthcheck.sh"
cat >"$here/bin/checked.sh" <<SH
#!/bin/sh
env >$here/given
SLURM_CONF=$here/slurm.conf PATH=$here/bin:/usr/bin:/bin:/usr/sbin:/sbin exec $here/bin/healthcheck.sh
SH
chmod +x "$here/bin/checked.sh"
is() { ln -sfn "$1" "$here/bin/gpucheck"; }

cat >"$here/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
GresTypes=gpu
HealthCheckProgram=$here/bin/checked.sh
HealthCheckInterval=2
HealthCheckNodeState=IDLE
NodeName=$node NodeAddr=127.0.0.1 CPUs=1 Gres=gpu:1 State=UNKNOWN
PartitionName=class Nodes=$node Default=YES State=UP
CONF
# The device need not be a GPU's: Slurm only counts it.
echo "NodeName=$node Name=gpu File=/dev/null" >"$here/gres.conf"
export SLURM_CONF=$here/slurm.conf

dd if=/dev/urandom of="$here/munge/key" bs=1024 count=1 status=none
chmod 700 "$here/munge" && chmod 400 "$here/munge/key"
munged --force --key-file "$here/munge/key" --socket "$here/munge/socket" --pid-file "$here/munge/pid" \
    --log-file "$here/munge/log" --seed-file "$here/munge/seed"

shown() { scontrol --oneliner show node "$node"; }
state() { shown | sed -n 's/.* State=\([^ ]*\).*/\1/p'; }
reason() { shown | sed -n 's/.* Reason=\(.*\) \[[^[]*\]$/\1/p'; }
failed() {
    echo "FAILED: $*" >&2
    shown >&2 || true
    tail -n 20 "$here"/slurm*.log "$here/given" >&2
    exit 1
}
# becomes PATTERN WHAT: waits until the node's state is so.
becomes() {
    local start=$SECONDS
    until [[ $(state) == "$1" ]]; do
        ((SECONDS - start < 40)) || failed "$2: not $1 within 40 s"
        sleep 0.2
    done
    echo "ok  $2: $(state) after $((SECONDS - start)) s, reason: $(reason)"
}
# stays PATTERN WHAT: sees it so for three checks.
stays() {
    sleep 7
    [[ $(state) == "$1" ]] || failed "$2: no longer $1"
    echo "ok  $2: still $(state), reason: $(reason)"
}

is "$good"
slurmctld || failed "slurmctld does not start"
slurmd || failed "slurmd does not start"
becomes IDLE "a node whose GPU computes comes up"
is "$bad"
becomes 'IDLE+DRAIN' "its GPU stops computing"
[[ $(reason) == gpucheck:* ]] || failed "the reason is not ours"
is /bin/false
stays 'IDLE+DRAIN' "nothing can be told"
is "$good"
becomes IDLE "it computes again"
scontrol update "NodeName=$node" State=DRAIN Reason="new disk on Monday"
stays 'IDLE+DRAIN' "somebody else has drained it"
[[ $(reason) == "new disk on Monday" ]] || failed "the reason is no longer theirs"
is "$bad"
stays 'IDLE+DRAIN' "and its GPU stops computing"
[[ $(reason) == "new disk on Monday" ]] || failed "the reason is no longer theirs"
scontrol update "NodeName=$node" State=RESUME
becomes 'IDLE+DRAIN' "they resume it, and it does not compute"
is "$good"
becomes IDLE "it computes again"
