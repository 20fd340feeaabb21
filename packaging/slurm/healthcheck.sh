#!/bin/sh
# Slurm's HealthCheckProgram: drains a node whose GPU does not compute, and resumes it when it does again.
#
# In slurm.conf, with this file on each node as /usr/lib/gpucheck/slurm-healthcheck.sh, beside health.sh (packaging/health):
#
#   HealthCheckProgram=/usr/lib/gpucheck/slurm-healthcheck.sh
#   HealthCheckInterval=300
#   HealthCheckNodeState=IDLE
#
# IDLE: a node that runs jobs is left alone, and one that is drained without jobs is still looked at.
# Only nodes with a gres gpu are looked at. A drain with somebody else's reason is never touched, and what could not be told
# changes nothing, nor does a GPU that somebody uses. It always ends with 0: Slurm keeps a node out until this program has
# ended so, and kills it after 60 seconds, which is more than all that it waits for.
set -u
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

node=${SLURMD_NODENAME:-$(hostname -s)}
slurm() { timeout -k 1 4 scontrol "$@"; }
show() { shown=$(slurm --oneliner show node "$node" 2>/dev/null); }

show || exit 0
gres=${shown#* Gres=}
case ${gres%% *} in
    *gpu*) ;;
    *) exit 0 ;;
esac

said=$("${0%/*}/health.sh")
case $? in
    0) is=good ;;
    1) is=bad ;;
    *) exit 0 ;;
esac

# Only now: somebody may have drained it while its GPU was looked at.
show || exit 0
state=${shown#* State=}
state=${state%% *}
# It may say anything, and who said it comes behind it.
reason=
case $shown in
    *' Reason='*) reason=${shown#* Reason=} ;;
esac
reason=${reason%% \[*}
case $state in
    *DRAIN*) drained=yes ;;
    *) drained=no ;;
esac
case $reason in
    'gpucheck: '*) ours=yes ;;
    *) ours=no ;;
esac

case $is.$drained.$ours in
    bad.no.*) slurm update "NodeName=$node" State=DRAIN "Reason=$said" ;;
    bad.yes.yes) [ "$reason" = "$said" ] || slurm update "NodeName=$node" State=DRAIN "Reason=$said" ;;
    good.yes.yes) slurm update "NodeName=$node" State=RESUME ;;
esac
exit 0
