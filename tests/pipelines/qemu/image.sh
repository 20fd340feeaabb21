#!/bin/sh
# Makes the two images that tests/pipelines/qemu/run.sh boots: a Debian with NVIDIA's real driver, and the same one whose
# Linux has lost the driver's module.
#
#   tests/pipelines/qemu/image.sh DIR
#
# Afterwards DIR holds good.raw, broken.raw (ext4, without a boot loader), vmlinuz, initrd.img and key (SSH, for root).
# Wants root, debootstrap, mke2fs, ssh-keygen and Debian's packages; the module is compiled, so it takes minutes.
# What is there already is left alone.
set -eu

dir=${1:?usage: image.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
root=$dir/root
[ "$(id -u)" = 0 ] || {
    echo "image.sh: only root can make images (debootstrap, chroot)" >&2
    exit 1
}

# A PEM key: Packer 1.6 reads no newer form.
[ -f "$dir/key" ] || ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f "$dir/key"

in_image() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

debian() {
    rm -rf "$root"
    debootstrap --variant=minbase --components=main,contrib,non-free,non-free-firmware \
        --include=systemd-sysv,udev \
        bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$dir/debootstrap.log"
    # Nothing is started while packages are installed.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    mount -t proc proc "$root/proc"
    trap 'umount "$root/proc"' EXIT
    in_image apt-get install -y -q --no-install-recommends openssh-server cloud-init initramfs-tools \
        linux-image-cloud-amd64 linux-headers-cloud-amd64 >"$dir/linux.log" 2>&1
    in_image apt-get install -y -q --no-install-recommends \
        nvidia-kernel-dkms nvidia-smi libcuda1 libnvidia-ml1 nvidia-persistenced >"$dir/nvidia.log" 2>&1
    umount "$root/proc"
    trap - EXIT
    rm "$root/usr/sbin/policy-rc.d"
    in_image apt-get clean
}

# What makes it a machine that Packer can log on to: network by DHCP, a root that takes the key.
machine() {
    mkdir -p "$root/root/.ssh"
    cp "$dir/key.pub" "$root/root/.ssh/authorized_keys"
    # Packer 1.6 signs with ssh-rsa alone.
    printf 'PermitRootLogin prohibit-password\nPubkeyAcceptedAlgorithms +ssh-rsa\nUseDNS no\n' \
        >"$root/etc/ssh/sshd_config.d/packer.conf"
    printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/dhcp.network"
    in_image systemctl --quiet enable systemd-networkd ssh
    # A machine without network must not wait for one.
    in_image systemctl --quiet mask systemd-networkd-wait-online
    echo template >"$root/etc/hostname"
    echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
    # QEMU boots Linux itself; the menu is what tells which one, as on a machine with a disk of its own.
    mkdir -p "$root/boot/grub"
    linux=$(basename "$root"/lib/modules/*)
    printf 'set default="0"\nmenuentry "Debian GNU/Linux" {\n\tlinux /boot/vmlinuz-%s root=/dev/vda ro\n\tinitrd /boot/initrd.img-%s\n}\n' \
        "$linux" "$linux" >"$root/boot/grub/grub.cfg"
    # cloud-init takes its part when the seed says so; see run.sh.
    printf 'datasource_list: [NoCloud, None]\nnetwork: {config: disabled}\nssh_deletekeys: false\ndisable_root: false\nlocale: false\n' \
        >"$root/etc/cloud/cloud.cfg.d/99-here.cfg"
    mkdir -p "$root/var/lib/cloud/seed/nocloud"
    echo 'instance-id: clone-1' >"$root/var/lib/cloud/seed/nocloud/meta-data"
    printf '#cloud-config\n{}\n' >"$root/var/lib/cloud/seed/nocloud/user-data"
}

raw() {
    rm -f "$1"
    truncate -s 4G "$1"
    mke2fs -q -t ext4 -d "$root" "$1"
}

[ -f "$dir/made" ] && exit 0
debian
machine
cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp "$root"/boot/initrd.img-* "$dir/initrd.img"
raw "$dir/good.raw"
# As an update of Linux leaves a machine for whose headers nobody cared.
find "$root/lib/modules" -path '*/updates/dkms/*' -name 'nvidia*.ko*' -print -delete
in_image depmod -a "$(basename "$root"/lib/modules/*)"
raw "$dir/broken.raw"
touch "$dir/made"
echo "image.sh: $dir holds good.raw and broken.raw"
