#!/bin/sh
# What gpucheckd last said of this machine's GPU, as one notification when a desktop starts (X2Go, xrdp); nothing where there is
# nothing to say or nobody to show it. Installed as /usr/lib/gpucheck/notify.sh, and started by gpucheck.desktop in
# /etc/xdg/autostart.
command -v notify-send >/dev/null || exit 0
said=$(/usr/bin/gpucheck motd 2>/dev/null </dev/null)
[ -n "$said" ] || exit 0
first=${said%%
*}
rest=${said#"$first"}
# The text below the first line is markup to some desktops.
rest=$(printf '%s' "$rest" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')
notify-send --app-name=gpucheck --icon=video-display "$first" "${rest#
}" 2>/dev/null
exit 0
