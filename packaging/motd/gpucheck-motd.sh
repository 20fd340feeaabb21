# What gpucheckd last said of this machine's GPU, at each login: a line or two, or nothing. For /etc/profile.d, where pam_motd
# runs no scripts (RHEL, Fedora). Silent in scripts, for scp and rsync, in shells within shells, and for who has ~/.hushlogin.
# shellcheck shell=sh
case $- in
    *i*)
        # shellcheck disable=SC3028 # a shell that does not count its depth is taken for the first
        if [ -t 1 ] && [ "${SHLVL:-1}" -le 1 ] && [ -x /usr/bin/gpucheck ] && [ ! -e /etc/update-motd.d/60-gpucheck ] &&
            [ ! -e "${HOME:-/}/.hushlogin" ]; then
            /usr/bin/gpucheck motd 2>/dev/null </dev/null || :
        fi
        ;;
esac
