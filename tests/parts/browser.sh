#!/bin/sh
# A real browser for the tests of the HTML report: Debian's Chromium with Korean fonts, and axe-core, which finds what
# keeps people from reading a page.
#
#   tests/parts/browser.sh [DIR]
#
# DIR is $GPUCHECK_TEST_PARTS/browser where none is given, else test-parts/browser under cargo's target directory.
# Afterwards `DIR/chromium` starts the browser, with the libraries under DIR/root; nothing is installed. 400 MB come over
# the network and 900 MB stay. axe-core (MPL-2.0) comes in a package of the Python index and is held to its digest. A
# complete DIR is left alone.
#
# Where there is no apt, or glibc is older than Debian 12's, DIR holds a file `skipped` with the reason, and the status is
# 0 too.
set -eu

dir=${1:-${GPUCHECK_TEST_PARTS:-${CARGO_TARGET_DIR:-target}/test-parts}/browser}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

say() { echo "browser.sh: $*" >&2; }

axe='axe-playwright-python==0.1.8 --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8'
made="chromium of bookworm with fonts-noto-cjk, $axe"
stamp=$dir/gpucheck-stamp
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$made" ]; then
    exit 0
fi

# skip REASON: says why there is no browser.
skip() {
    echo "$1" >"$dir/skipped"
    say "skipped: $1"
    exit 0
}

[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || skip "the packages are for Linux on x86-64"
for command in apt-get dpkg-deb python3; do
    command -v $command >/dev/null || skip "there is no $command"
done
ldd --version 2>/dev/null | awk 'NR == 1 { split($NF, v, "."); exit !(v[1] > 2 || v[2] >= 36) }' ||
    skip "Debian 12's Chromium needs glibc 2.36"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck source=tests/parts/debian.sh
. "$here/debian.sh"

say "fetching Chromium, its libraries and Korean fonts from Debian"
apt_lists main bookworm bookworm-updates bookworm-security
apt install --download-only --no-install-recommends --yes chromium fonts-noto-cjk fonts-dejavu-core >&2
rm -rf "$dir/root" "$dir/skipped" "$stamp"
mkdir -p "$dir/root"
for package in "$work"/archives/*.deb; do
    case $(basename "$package") in
    # The machine's own C library runs it: another one beside the machine's loader would not.
    libc6_* | libc-bin_* | base-files_* | dpkg_* | perl*_* | debconf_* | systemd*_*) ;;
    *) dpkg-deb --extract "$package" "$dir/root" ;;
    esac
done

say "fetching axe-core"
echo "$axe" >"$work/wanted"
python3 -m venv "$work/pip"
"$work/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --dest "$work" --requirement "$work/wanted"
python3 - "$work" "$dir/axe.min.js" <<'EOF'
import glob, sys, zipfile
folder, target = sys.argv[1:]
(wheel,) = glob.glob(folder + "/axe_playwright_python-*.whl")
with zipfile.ZipFile(wheel) as files, open(target, "wb") as file:
    file.write(files.read("axe_playwright_python/axe.min.js"))
EOF

cat >"$dir/fonts.conf" <<EOF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>$dir/root/usr/share/fonts</dir>
  <cachedir>$dir/fonts-cache</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family><family>Noto Sans CJK KR</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>DejaVu Sans</family><family>Noto Sans CJK KR</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family><family>Noto Sans Mono CJK KR</family></prefer></alias>
</fontconfig>
EOF
cat >"$dir/chromium" <<EOF
#!/bin/sh
# Chromium of Debian, not installed.
libraries=$dir/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH="$dir/root/usr/lib/chromium:\$libraries:$dir/root/lib/x86_64-linux-gnu:\$libraries/nss:\$libraries/pulseaudio"
export FONTCONFIG_FILE="$dir/fonts.conf"
export XDG_DATA_DIRS="$dir/root/usr/share"
exec "$dir/root/usr/lib/chromium/chromium" "\$@"
EOF
chmod +x "$dir/chromium"
"$dir/chromium" --version >&2
echo "$made" >"$stamp"
say "the browser is $dir/chromium"
