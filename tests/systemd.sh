#!/usr/bin/env bash
# Boots a Debian with the package in it under a real systemd, in systemd-nspawn: the daemon looks at boot, answers everybody,
# is there again when it was killed or hung, and is gone once it is purged; a login shows its message. Then 25 such machines
# at once, whose reports `gpucheck class` merges. Prints a line for each thing that holds; ends with 1 at the first that does
# not.
#
#   tests/systemd.sh [GPUCHECK]     default: target/portable/gpucheck
#
# tests/releases.sh does so with other releases. Wants tests/parts/image.sh and boot.sh; ends with 77 and the reason where no
# machine can be booted. Where the machine that runs this has no NVIDIA GPU, neither have those, which is what they have to say.
# The filters of devices and addresses are held to a control: where systemd cannot apply them, that is said.
set -euo pipefail

readonly SEATS=25
skip() {
    echo "systemd.sh: skipped: $*" >&2
    exit 77
}

# The machines live in namespaces of this script's: their processes and mounts end with it, however it ends.
if [ "${1:-}" != --inside ]; then
    cd "$(dirname "$0")/.."
    target=$(realpath "${CARGO_TARGET_DIR:-target}")
    export CARGO_TARGET_DIR=$target
    parts=$(realpath "${GPUCHECK_TEST_PARTS:-$target/test-parts}")
    program=$(realpath "${1:-$target/portable/gpucheck}")
    [ "$(id -u)" = 0 ] || skip "booting machines needs root"
    ! grep -qsx 0x10de /sys/bus/pci/devices/*/vendor || skip "there is an NVIDIA device, and no GPU is what is looked for"
    command -v systemd-nspawn >/dev/null || skip "there is no systemd-nspawn: run tests/parts/boot.sh"
    [ -e "$parts/boot.stamp" ] || skip "$parts/boot is missing: run tests/parts/boot.sh"
    unshare --mount --pid --fork true 2>/dev/null || skip "no namespaces can be made here"

    work=$(mktemp -d)
    group=gpucheck-systemd-$$
    inside=
    # shellcheck disable=SC2317 # the trap calls it
    ends() {
        if [ -n "$inside" ]; then
            pkill -KILL --parent "$inside" || true
            wait "$inside" 2>/dev/null || true
        fi
        # Control groups belong to no namespace.
        # shellcheck disable=SC2016 # the other shell's variables
        unshare --mount sh -c 'mount -t cgroup2 none "$1" 2>/dev/null || exit 0
            [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +' sh "$work" "$group" ||
            echo "systemd.sh: control groups are left: $group" >&2
        rm -rf "$work"
    }
    trap ends EXIT
    trap 'exit 1' HUP INT TERM

    GPUCHECK=$program packaging/packages.sh "$work/packages" >/dev/null
    unshare --mount --propagation private --pid --fork --mount-proc \
        bash tests/systemd.sh --inside "$program" "$parts" "$work" "$group" &
    inside=$!
    status=0
    wait "$inside" || status=$?
    inside=
    exit "$status"
fi

readonly ANSWER="NOT USABLE: no NVIDIA GPU"
readonly CLEAN=(/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb)
# A device of the driver's, the cloud's metadata, and an address that is nobody's (RFC 5737).
readonly PROBED="/dev/nvidia0 /dev/udp/169.254.169.254/9 /dev/udp/198.51.100.1/9"
program=$2 parts=$3 work=$4 group=/sys/fs/cgroup/$5
deb=$(echo "$work"/packages/*.deb)
below=$parts/boot:$parts/image
report=var/lib/gpucheck/daemon/report.json
trap 'echo "FAILED  line $LINENO: $BASH_COMMAND"; exit 1' ERR
umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup || skip "cgroup2 cannot be mounted"
mkdir "$group" || skip "no control group can be made"
machines=$work/machines
mkdir "$machines"
mount -t tmpfs -o mode=755 tmpfs "$machines"
# systemd-nspawn's own notes, which nobody else is to find.
mount -t tmpfs -o mode=755 tmpfs /run

# holds WHAT COMMAND...: says that it holds, or shows what was said and what the daemon logged, and ends.
holds() {
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what: $*"
        cat "$work/said"
        at lab systemctl --no-pager --failed 2>/dev/null
        at lab journalctl --no-pager --quiet --unit gpucheckd.service --lines 30 2>/dev/null || tail "$machines"/*/console
        exit 1
    fi
}
# within SECONDS COMMAND...: as soon as it ends well.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}
# fails STATUS COMMAND...: ends with this status.
fails() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" = "$wanted" ]
}

# lay NAME LOWER: the root of a machine over these layers.
lay() {
    local home=$machines/$1
    mkdir -p "$home/upper" "$home/overlay" "$home/root"
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$home/upper,workdir=$home/overlay" "$home/root"
}
# boot NAME [WORD...]: starts a machine, with these words for its systemd. Without all capabilities and bpf, systemd leaves its
# filters of devices and addresses out, and says nothing; with them it would load modules into the Linux of all.
boot() {
    local name=$1
    shift
    mkdir "$group/$name"
    (
        echo "$BASHPID" >"$group/$name/cgroup.procs"
        exec systemd-nspawn --quiet --register=no --keep-unit --directory "$machines/$name/root" --machine "$name" \
            --private-network --console=pipe --capability=all --system-call-filter=bpf \
            --boot systemd.mask=systemd-modules-load.service "$@"
    ) </dev/null >"$machines/$name/console" 2>&1 &
    echo $! >"$machines/$name/pid"
}
first_process() { pgrep --parent "$(cat "$machines/$1/pid")"; }
# is_up NAME: its systemd has started what it should.
is_up() { at "$1" systemctl is-system-running; }
# at NAME COMMAND...: in that machine, as root; `as_student COMMAND...`: in the first one, as somebody.
at() {
    local first
    first=$(first_process "$1") && [ -e "/proc/$first/root/run/systemd/private" ] || return 1
    shift
    timeout --kill-after 1 60 nsenter --target "$first" --all "${CLEAN[@]}" "$@"
}
as_student() { at lab runuser --login student --command "$*"; }
# power_off NAME...: as the power button does it.
power_off() {
    local name
    for name in "$@"; do
        kill -s RTMIN+4 "$(first_process "$name")"
    done
    for name in "$@"; do
        within 30 is_off "$name" && wait "$(cat "$machines/$name/pid")" || return 1
    done
}
is_off() { [ ! -d "/proc/$(cat "$machines/$1/pid")" ]; }

unit() { at lab systemctl show --value --property "$1" gpucheckd.service; }
daemon_is_active() { [ "$(unit ActiveState)/$(unit SubState)" = active/running ]; }
logged() { at lab journalctl --no-pager --quiet --unit gpucheckd.service --output cat | grep --fixed-strings -- "$1"; }
reads_kmsg() {
    at lab journalctl --no-pager --quiet --output cat "_PID=$(unit MainPID)" >"$work/log" && cat "$work/log" &&
        grep looking "$work/log" && ! grep /dev/kmsg "$work/log"
}
# restart: with the unit as it is now, and none of the starts counted that systemd allows in ten seconds.
restart() {
    at lab sh -c 'systemctl daemon-reload; systemctl reset-failed gpucheckd.service; systemctl restart gpucheckd.service'
}
answers() { at lab gpucheck daemon status | grep --fixed-strings -- "$1"; }

boot_look_is_kept() {
    python3 - "$1" <<'END'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
assert report["verdict"] == "unusable", report["verdict"]
assert [root["id"] for root in report["roots"]] == ["pci.gpu_present"], report["roots"]
END
}
is_the_services_own() {
    local pid
    pid=$(unit MainPID) && [ "$(at lab ps -o user= -p "$pid")" = gpucheck ] &&
        at lab grep -E '^CapEff:\s0000000400000000$' "/proc/$pid/status" &&
        at lab grep -E '^NoNewPrivs:\s1$' "/proc/$pid/status"
}
shown_at_login() {
    local message
    message=$(at lab gpucheck motd | head -n 1) && [ -n "$message" ] || return 1
    # A login, not a command: those get no message.
    at lab ssh -tt -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        student@127.0.0.1 <<<exit >"$work/login" 2>&1
    cat "$work/login"
    grep --fixed-strings -- "$message" "$work/login"
}

# confined NAME [LINE]: the unit with another program in it, which tells in /run/NAME.said what it reaches. No driver is behind
# its device: a filter says EPERM before Linux can say ENXIO.
confined() {
    # shellcheck disable=SC2016 # the other shell's variables
    at lab sh -euc '
        cp /lib/systemd/system/gpucheckd.service "/run/systemd/system/$1.service"
        mkdir -p "/run/systemd/system/$1.service.d"
        cat >"/run/systemd/system/$1.service.d/probe.conf"
        systemctl daemon-reload
        systemctl start "$1.service"
        cat "/run/$1.said"
    ' sh "$1" <<END
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
RuntimeDirectory=
StandardOutput=file:/run/$1.said
ExecStartPre=
ExecStart=
ExecStart=/bin/bash -c 'for to in $PROBED; do echo "\$\$to: \$\$( (echo >\$\$to) 2>&1)"; done'
${2:-}
END
}
told() { at lab grep --extended-regexp -- "$2" "/run/$1.said"; }

# starts_anew COMMAND...: after this, the unit has started its program once more, and it answers by what it knew.
starts_anew() {
    local before pid
    before=$(unit NRestarts) pid=$(unit MainPID)
    "$@" && within 15 is_another "$before" "$pid" && answers "$ANSWER"
}
is_another() { [ "$(unit NRestarts)" -gt "$1" ] && another_is_active "$2"; }
another_is_active() { daemon_is_active && [ "$(unit MainPID)" != "$1" ]; }
kill_it() { at lab kill "-$1" "$(unit MainPID)"; }
misconfigured() { at lab sh -c 'printf "# mine\nintervall = \"2h\"\n" >/etc/gpucheck/gpucheckd.toml'; }
stops_at_once() {
    local start=${EPOCHREALTIME/./}
    at lab systemctl stop gpucheckd.service && [ "$(unit ActiveState)/$(unit Result)" = inactive/success ] &&
        [ $((${EPOCHREALTIME/./} - start)) -lt 2000000 ]
}
# What is there of it while the machine runs, but for what systemd itself keeps of units that are gone; and what differs from
# the image afterwards, but for the books, logs and locks that any boot, login and package leaves.
none_runs() {
    ! at lab pgrep --list-full gpucheck && ! at lab getent passwd gpucheck &&
        [ "$(at lab systemctl show --value --property LoadState gpucheckd.service)" = not-found ] &&
        [ -z "$(at lab find /run /tmp /var/tmp /dev/shm \( -path /run/systemd/propagate -o -path '/run/user/*/systemd' \) -prune \
            -o \( -name '*gpucheck*' -o -uid "$1" \) -print | tee /dev/stderr)" ]
}
left() {
    local upper=$machines/lab/upper before=$machines/before
    find "$upper" -mindepth 1 -printf '/%P\n' | sort | while read -r path; do
        case $path in
        /var/lib/dpkg/* | /var/log/* | /var/cache/man/* | /var/lib/systemd/* | /run/* | /home/student/*) continue ;;
        /etc/passwd- | /etc/group- | /etc/shadow- | /etc/gshadow- | /etc/.pwd.lock | /etc/subuid- | /etc/subgid-) continue ;;
        /etc/machine-id | /etc/mtab | /etc/.updated | /var/.updated | /var/cache/ldconfig/*) continue ;;
        /var/cache/private | /var/lib/private | /var/cache/motd-news | /root/.ssh) continue ;;
        # A boot makes systemd's own users.
        /etc/passwd | /etc/group | /etc/shadow | /etc/gshadow) grep --quiet gpucheck "$upper$path" || continue ;;
        esac
        if [ -d "$upper$path" ] && [ -d "$before$path" ]; then continue; fi
        if [ -f "$upper$path" ] && cmp --silent "$upper$path" "$before$path"; then continue; fi
        echo "$path"
    done
}
nothing_left() { [ -z "$(left)" ] || { left; return 1; }; }

lay lab "$below"
lab=$machines/lab/root
cp "$deb" "$lab/root/gpucheck.deb"
holds "the package installs in an image" chroot "$lab" "${CLEAN[@]}" dpkg --install /root/gpucheck.deb
# What a seat is made of: the image as it is now.
cp -a "$machines/lab/upper" "$machines/baked"
boot lab
holds "the machine boots" within 30 is_up lab
holds "the boot's look is kept" within 60 test -e "$lab/$report"
holds "its verdict: unusable, no GPU" boot_look_is_kept "$lab/$report"
holds "the daemon is active" daemon_is_active
holds "it runs as gpucheck, with the right to read Linux's log and no other" is_the_services_own
holds "it looked because it has started" logged "looking: the daemon has started"
holds "systemctl status says the answer" sh -c "echo '$(unit StatusText)' | grep -F '$ANSWER'"
holds "gpucheck daemon status answers root" answers "$ANSWER"
holds "gpucheck daemon status answers a student" as_student "gpucheck daemon status | grep -F '$ANSWER'"
holds "gpucheck answers a student, with 1" fails 1 as_student "gpucheck --quiet"
holds "a deep look is refused to a student" fails 4 as_student "gpucheck daemon deep"
holds "and says why" as_student "gpucheck daemon deep 2>&1 | grep -F 'only root'"

at lab sh -c 'mknod -m 666 /dev/nvidia0 c 195 0
    ip address add 169.254.169.254/32 dev lo; ip address add 198.51.100.1/32 dev lo'
confined control DevicePolicy=closed >"$work/said"
if told control '^/dev/nvidia0: .*Operation not permitted' >/dev/null; then
    echo "ok      systemd's filter of devices is applied here"
    confined probe >"$work/said"
    holds "the unit's lets the driver's nodes through" told probe '^/dev/nvidia0: .*No such device'
    holds "the unit's filter of addresses lets the cloud's metadata through" told probe '^/dev/udp/169.254.169.254/9: $'
    holds "and nothing else outside" told probe '^/dev/udp/198.51.100.1/9: .*Operation not permitted'
else
    echo "untested the unit's filters of devices and addresses: systemd applies none here: $(cat "$work/said")"
fi
at lab sh -c 'rm /dev/nvidia0; ip address del 169.254.169.254/32 dev lo; ip address del 198.51.100.1/32 dev lo
    rm -rf /run/*.said /run/systemd/system/control.service* /run/systemd/system/probe.service*; systemctl daemon-reload'

# systemd-nspawn's machines have none; from the start, systemd would write to it.
at lab mknod -m 644 /dev/kmsg c 1 11
restart
holds "it reads Linux's log (dmesg_restrict=$(cat /proc/sys/kernel/dmesg_restrict))" reads_kmsg
at lab rm /dev/kmsg

at lab sh -c 'ssh-keygen -q -t ed25519 -N "" -f /run/key; install -d -o student -g student -m 700 /home/student/.ssh
    install -o student -g student -m 600 /run/key.pub /home/student/.ssh/authorized_keys'
holds "a login by ssh shows its message" shown_at_login

holds "killed, it starts anew" starts_anew kill_it KILL
# The unit's own two minutes are too long for a test.
at lab sh -c 'mkdir -p /run/systemd/system/gpucheckd.service.d
    printf "[Service]\nWatchdogSec=2s\n" >/run/systemd/system/gpucheckd.service.d/watchdog.conf'
restart
holds "hung, it starts anew (with WatchdogSec=2s)" starts_anew kill_it STOP
holds "the journal says that the watchdog did it" logged "Watchdog timeout"
at lab rm -r /run/systemd/system/gpucheckd.service.d
restart

misconfigured
at lab systemctl reload gpucheckd.service
holds "a wrong configuration is told with its line" within 10 logged "gpucheckd.toml:2: unknown field"
holds "it goes on with what it had" daemon_is_active
restart
holds "it starts with a wrong configuration, too" daemon_is_active
holds "by its defaults" logged "going on with the defaults"
holds "it stops at once" stops_at_once

restart
before=$(unit MainPID)
holds "the package is installed over itself" at lab dpkg --force-confold --install /root/gpucheck.deb
holds "another daemon is active" another_is_active "$before"
uid=$(at lab id -u gpucheck)
holds "the package is removed" at lab dpkg --remove gpucheck
holds "its daemon is stopped" fails 1 at lab pgrep --list-full gpucheck
holds "the package installs on a machine that runs" at lab dpkg --force-confold --install /root/gpucheck.deb
holds "the daemon is active at once" within 10 daemon_is_active
holds "the package is purged" at lab dpkg --purge gpucheck
holds "nothing of it runs or is known" none_runs "$uid"
rm "$lab/root/gpucheck.deb"
holds "the machine goes off" power_off lab
mkdir "$machines/before"
mount -t overlay overlay -o "ro,lowerdir=$below" "$machines/before"
holds "nothing of it is left" nothing_left

# A class: each seat is a clone of the image, with a name of its own. Three Pythons with frameworks, 25 times, are more than a
# test should take: a whiteout of overlayfs takes them away.
mkdir -p "$machines/baked/opt"
mknod "$machines/baked/opt/environments" c 0 0
# Linux gives all that root runs 128 inotify instances, as a rule: what takes one and is not asked here stays off.
without=$(printf ' systemd.mask=%s' dbus.socket dbus.service systemd-logind.service systemd-ask-password-wall.path \
    systemd-ask-password-console.path ssh.service cron.service networking.service)
seats=$(seq --format 'seat%02g' "$SEATS")
mkdir "$work/class"
start=$SECONDS
for seat in $seats; do
    lay "$seat" "$machines/baked:$below"
    echo "$seat" >"$machines/$seat/root/etc/hostname"
    # shellcheck disable=SC2086 # a word each
    boot "$seat" $without
done
are_merged() {
    python3 - "$1" "$SEATS" <<'END'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    answer = json.load(file)
count = int(sys.argv[2])
seats = answer["seats"]
assert (seats["all"], seats["ready"], seats["not_ready"]) == (count, 0, count), seats
(cause,) = answer["causes"]
assert (cause["id"], cause["seats"]["count"]) == ("pci.gpu_present", count), cause
END
}
collected() {
    local seat first
    for seat in $seats; do
        [ -e "$work/class/$seat.json" ] && continue
        first=$(first_process "$seat") && cp "/proc/$first/root/$report" "$work/class/$seat.json" 2>/dev/null || return 1
    done
}
holds "$SEATS machines at once end their boots' looks" within 60 collected
echo "        after $((SECONDS - start)) s"
holds "gpucheck class answers with 1" fails 1 "$program" class --output "$work/answer" "$work/class"
holds "0 of $SEATS seats are ready" grep "0 of $SEATS seats are ready" "$work/answer"
holds "for one cause: no GPU" grep "^no NVIDIA GPU .*($SEATS of $SEATS seats)$" "$work/answer"
"$program" class --format json --output "$work/answer.json" "$work/class" || true
holds "all of them are in the JSON" are_merged "$work/answer.json"
cat "$work/answer"
# shellcheck disable=SC2086 # a word each
holds "the $SEATS go off" power_off $seats
holds "no process of any machine is left" fails 1 pgrep --list-full 'systemd|gpucheck'
