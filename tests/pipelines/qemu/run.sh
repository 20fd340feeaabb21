#!/bin/sh
# Packer's QEMU builder and cloud-init in machines that really boot, each with a good image and with a bad one.
#
#   tests/pipelines/qemu/run.sh GPUCHECK [DIR]
#
# GPUCHECK is a gpucheck for Debian 12 (target/release/gpucheck, target/portable/gpucheck). DIR gets the images and all
# that comes of them; default target/qemu. Wants root, what image.sh wants, packer (or tests/parts/pipelines.sh), debugfs
# and qemu-system-x86_64 with qemu-img; QEMU names another one. Takes minutes: nothing is virtualized by hardware.
# Not part of tests/run.sh. Ends with 0 when all went both ways as it has to.
# shellcheck disable=SC2317 # `must` calls functions by their names
set -eu

cd "$(dirname "$0")/../../.."
usage="usage: run.sh GPUCHECK [DIR]"
gpucheck=$(realpath "${1:?$usage}")
target=${CARGO_TARGET_DIR:-target}
dir=${2:-$target/qemu}
qemu=${QEMU:-qemu-system-x86_64}
parts=${GPUCHECK_TEST_PARTS:-$target/test-parts}/pipelines/debian/usr/bin
PATH=$parts:$PATH
export CHECKPOINT_DISABLE=1 PACKER_CONFIG_DIR="$dir" PACKER_CACHE_DIR="$dir/cache"

tests/pipelines/qemu/image.sh "$dir"
dir=$(cd "$dir" && pwd)
wrong=0

# must WHAT COMMAND...: says whether it holds.
must() {
    what=$1
    shift
    if "$@"; then
        echo "ok    $what"
    else
        echo "WRONG $what"
        wrong=1
    fi
}

# fails REPORTS: whether the JUnit report counts a failure.
fails() {
    grep -q 'failures="[1-9]' "$1/gpucheck.xml"
}

passes() {
    grep -q 'failures="0"' "$1/gpucheck.xml"
}

# build IMAGE: runs Packer; sets `ended`.
build() {
    rm -rf "$dir/output"
    ended=0
    packer build -color=false -var directory="$dir" -var image="$1" -var gpucheck="$gpucheck" -var qemu="$qemu" \
        -var output="$dir/output" -var reports="$dir/packer-$1" tests/pipelines/qemu >"$dir/packer-$1.log" 2>&1 || ended=$?
    tail -n 4 "$dir/packer-$1.log"
}

# clone DISK NAME USER_DATA: boots a copy once, with that for cloud-init, until it powers itself off.
clone() {
    disk=$dir/$2.raw
    cp --sparse=always "$1" "$disk"
    { cat "$3" && printf '\npower_state: {mode: poweroff, timeout: 30}\n'; } >"$dir/$2.yaml"
    # A clone is another machine to cloud-init, by its id.
    echo "instance-id: $2" >"$dir/$2.id"
    printf '%s\n' "rm /var/lib/cloud/seed/nocloud/meta-data" "write $dir/$2.id /var/lib/cloud/seed/nocloud/meta-data" \
        "rm /var/lib/cloud/seed/nocloud/user-data" "write $dir/$2.yaml /var/lib/cloud/seed/nocloud/user-data" \
        "rm /usr/local/bin/gpucheck" "write $gpucheck /usr/local/bin/gpucheck" \
        "set_inode_field /usr/local/bin/gpucheck mode 0100755" | debugfs -w -f - "$disk" >/dev/null 2>&1
    timeout 900 "$qemu" -accel tcg -m 1024 -smp 2 -display none -no-reboot -nic none \
        -drive "file=$disk,format=raw,if=virtio" -kernel "$dir/vmlinuz" -initrd "$dir/initrd.img" \
        -append "root=/dev/vda rw console=ttyS0 quiet" -serial "file:$dir/$2.log" || echo "$2 did not end"
    e2fsck -fp "$disk" >/dev/null || true
    rm -rf "${dir:?}/$2"
    mkdir "$dir/$2"
    debugfs -R "rdump /var/lib/gpucheck $dir/$2" "$disk" 2>/dev/null
    debugfs -R "dump /var/lib/cloud/data/result.json $dir/$2/result.json" "$disk" 2>/dev/null
}

has_status() {
    [ "$(cat "$1/status")" = "$2" ]
}

build good
must "Packer builds the good image" [ "$ended" = 0 ]
must "the image is there" [ -s "$dir/output/image.raw" ]
must "its JUnit report is here, and has no failure" passes "$dir/packer-good"
[ ! -s "$dir/output/image.raw" ] || mv "$dir/output/image.raw" "$dir/built.raw"

build broken
must "Packer stops at the broken one" [ "$ended" = 1 ]
must "there is no image" [ ! -e "$dir/output/image.raw" ]
must "its JUnit report is here, and has the failure" fails "$dir/packer-broken"

for image in good broken; do
    clone "$dir/$image.raw" "cloud-init-$image" packaging/cloud-init/bake.yaml
done
bake=gpucheck/bake
must "cloud-init's gate passes the good image" has_status "$dir/cloud-init-good/$bake" 0
must "cloud-init's gate stops the broken one" has_status "$dir/cloud-init-broken/$bake" 1
must "cloud-init has no error of the good one" grep -q '"errors": \[\]' "$dir/cloud-init-good/result.json"
must "cloud-init has the broken one's" grep -q scripts "$dir/cloud-init-broken/result.json"
must "the good one's report has no failure" passes "$dir/cloud-init-good/$bake"
must "the broken one's report has the failure" fails "$dir/cloud-init-broken/$bake"

# This machine has no GPU, which is what the report has to say; the clone comes up all the same.
clone "$dir/built.raw" first-boot packaging/cloud-init/first-boot.yaml
must "a clone of the built image has its report after the first boot" has_status "$dir/first-boot/gpucheck/first-boot" 1
must "the report says that there is no GPU" grep -q 'no NVIDIA GPU' "$dir/first-boot/gpucheck/first-boot/gpucheck.log"
must "cloud-init has no error" grep -q '"errors": \[\]' "$dir/first-boot/result.json"
exit "$wrong"
