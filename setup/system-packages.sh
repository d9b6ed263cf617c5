#!/bin/sh
# Installs the packages of packages.txt that are missing; calls apt only if there are any.
#
#   SKIP_SYSTEM_PACKAGES=1   believe that all is there (for a distribution without dpkg)
set -eu
here=$(dirname "$0")

stop() {
    cat >&2 <<END
set-up stopped: $1
missing (names as in Debian 12): $(echo $missing)
Install these, then run make again${2:-}.
END
    exit 1
}

[ -z "${SKIP_SYSTEM_PACKAGES:-}" ] || exit 0

wanted=$(grep -v -e '^#' -e '^$' "$here/packages.txt")
if command -v dpkg-query >/dev/null; then
    present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p')
    missing=$(echo "$wanted" | while read -r name; do echo "$present" | grep -qx "$name" || echo "$name"; done)
else
    missing=$wanted
fi
[ -n "$missing" ] || exit 0

release=$(. "${OS_RELEASE_FILE:-/etc/os-release}" 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || release=
[ "$release" = "debian 12" ] || stop "packages are installed by themselves on Debian 12 only" \
    ", with SKIP_SYSTEM_PACKAGES=1 if your names differ"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    stop "neither root nor sudo"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        stop "apt-get $1 failed"
    }
}
echo "set-up: installing" $missing >&2
apt update
apt install --no-install-recommends $missing
