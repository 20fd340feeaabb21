#!/usr/bin/env bash
# The life of a package in the root of a Debian that no systemd runs: installed, edited, upgraded, removed, installed
# again, purged. For tests/packages.sh, which has `holds`, in a mount namespace of its own: the root is an overlay over
# the image, so what a package leaves is what the upper folder has.
#
#   life.sh IMAGE DEB RPM NEXT-DEB NEXT-RPM
set -euo pipefail
image=$1 deb=$2 rpm=$3 next_deb=$4 next_rpm=$5
# shellcheck disable=SC2154 # the caller's folder
upper=$work/upper root=$work/root
config=/etc/gpucheck/gpucheckd.toml

# fresh: the image as it was.
fresh() {
    ! mountpoint --quiet "$root" || umount --recursive "$root"
    rm -rf "$upper" "$work/overlay" "$root"
    mkdir -p "$upper" "$work/overlay" "$root"
    mount -t overlay overlay -o "lowerdir=$image,upperdir=$upper,workdir=$work/overlay" "$root" || {
        echo "life.sh: skipped: no overlay can be mounted" >&2
        exit 77
    }
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
}
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

# left: what differs from the image, but for the books and locks of dpkg, of the list of users and of man.
left() {
    find "$upper" -mindepth 1 -printf '/%P\n' | sort | while read -r path; do
        case $path in
        /var/lib/dpkg/* | /var/log/dpkg.log | /var/log/alternatives.log | /var/lib/rpm* | /var/cache/man/*) continue ;;
        /etc/passwd- | /etc/group- | /etc/shadow- | /etc/gshadow- | /etc/.pwd.lock | /etc/subuid- | /etc/subgid-) continue ;;
        esac
        if [ -d "$upper$path" ] && [ -d "$image$path" ]; then continue; fi
        if [ -f "$upper$path" ] && cmp --silent "$upper$path" "$image$path"; then continue; fi
        echo "$path"
    done
}
nothing_left() { [ -z "$(left)" ] || { left; return 1; }; }

# in_place: the files that people and systemd look for, and the user.
in_place() {
    inside gpucheck --version && inside getent passwd gpucheck && inside test -f "$config" &&
        inside groups gpucheck | grep -qw video && inside man --where gpucheck && inside test -f /lib/systemd/system/gpucheckd.service
}
# lived: what a machine keeps once gpucheck has run on it.
lived() {
    inside mkdir -p /var/lib/gpucheck/daemon /var/cache/gpucheck /var/cache/gpucheckd/gpucheck
    inside touch /var/lib/gpucheck/baseline.json /var/lib/gpucheck/daemon/report.json /var/cache/gpucheck/look.json
    inside chown -R gpucheck: /var/lib/gpucheck/daemon /var/cache/gpucheckd
    echo '# mine' >>"$root$config"
}
mine() { grep -qx '# mine' "$root$config"; }
gone() { [ ! -e "$root/usr/bin/gpucheck" ]; }

fresh
cp "$deb" "$root/tmp/first.deb"
# A version whose own configuration is another: dpkg has to choose.
dpkg-deb --raw-extract "$next_deb" "$work/next_deb"
echo '# new' >>"$work/next_deb$config"
dpkg-deb --build "$work/next_deb" "$root/tmp/next.deb" >/dev/null
holds "deb: installs" inside dpkg --install /tmp/first.deb
holds "deb: is in place" in_place
holds "deb: its files are as dpkg knows them" silent inside dpkg --verify gpucheck
holds "deb: the daemon is enabled" inside systemctl is-enabled gpucheckd.service
lived
holds "deb: upgrades" inside dpkg --force-confdef --force-confold --install /tmp/next.deb
holds "deb: the next version is there" sh -c "chroot '$root' gpucheck --version | grep -q 99"
holds "deb: an edited configuration stays" mine
inside systemctl disable gpucheckd.service 2>"$work/said"
holds "deb: upgrades once more" inside dpkg --force-confdef --force-confold --install /tmp/next.deb
holds "deb: whoever disabled the daemon has it so" sh -c "! chroot '$root' systemctl is-enabled gpucheckd.service"
inside systemctl enable gpucheckd.service 2>"$work/said"
holds "deb: is removed" inside dpkg --remove gpucheck
holds "deb: the program is gone" gone
holds "deb: the configuration stays" mine
holds "deb: what was kept stays" test -e "$root/var/lib/gpucheck/baseline.json"
holds "deb: installs again" inside dpkg --force-confdef --force-confold --install /tmp/first.deb
holds "deb: is in place again" in_place
holds "deb: the daemon is enabled again" inside systemctl is-enabled gpucheckd.service
holds "deb: the configuration is the edited one" mine
holds "deb: is purged" inside dpkg --purge gpucheck
rm "$root"/tmp/*.deb
holds "deb: nothing is left" nothing_left

of_rpm() { rpm --root "$root" --dbpath /var/lib/rpm --force-debian "$@"; }
fresh
# Debian's packages are not in rpm's books, so nothing that it requires is.
holds "rpm: installs" of_rpm --nodeps --install "$rpm"
holds "rpm: is in place" in_place
holds "rpm: its files are as rpm knows them" of_rpm --verify --nodeps gpucheck
lived
holds "rpm: upgrades" of_rpm --nodeps --upgrade "$next_rpm"
holds "rpm: the next version is there" sh -c "chroot '$root' gpucheck --version | grep -q 99"
holds "rpm: an edited configuration stays" mine
holds "rpm: is removed" of_rpm --nodeps --erase gpucheck
holds "rpm: the program is gone" gone
holds "rpm: what was kept stays" test -e "$root/var/lib/gpucheck/baseline.json"
holds "rpm: the edited configuration is kept beside" grep -qx '# mine' "$root$config.rpmsave"
umount --recursive "$root"
