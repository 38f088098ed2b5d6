#!/usr/bin/env bash
# Lets two packages of the agent, an older and a newer one, live through what happens to a service: in a container that boots a
# real systemd, and in one that boots OpenRC. Needs root, systemd-nspawn and debootstrap; the network only to fill the cache.
#
#   scripts/rig/run.sh OLDER.deb NEWER.deb RELEASE [systemd|openrc]...
#
# RELEASE is a folder as `make dist` makes it, for install.sh. The roots are kept in $RIG_CACHE (/var/cache/acs-agent-rig).
set -euo pipefail
here=$(realpath "$(dirname "$0")")
pages=$(realpath "$here/../../docs")

if [ $# -lt 3 ]; then
	echo "usage: $0 OLDER.deb NEWER.deb RELEASE [systemd|openrc]..." >&2
	exit 2
fi
if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then
	exec sudo -n "CI=${CI:-}" "RIG_CACHE=${RIG_CACHE:-}" "$0" "$@"
fi
older=$(realpath "$1") newer=$(realpath "$2") release=$(realpath "$3")
shift 3
cache=${RIG_CACHE:-/var/cache/acs-agent-rig}

# cannot says why the rig does not run here. For a developer that is all; CI has to prove it.
cannot() {
	printf 'rig: %s\n' "$*" >&2
	[ -z "${CI:-}" ] || exit 1
	echo "rig: nothing was proved"
	exit 0
}
PATH=$PATH:/usr/sbin:/sbin
[ "$(uname -s)" = Linux ] || cannot "it needs Linux"
[ "$(id -u)" -eq 0 ] || cannot "it boots containers, which needs root: sudo make rig"
for program in systemd-nspawn debootstrap nsenter; do
	command -v $program >/dev/null || cannot "$program is not installed (apt-get install systemd-container debootstrap)"
done

run=$(mktemp -d /tmp/acs-rig.XXXXXX)
# shellcheck source=scripts/rig/box.sh
. "$here/box.sh"
# shellcheck source=scripts/rig/steps.sh
. "$here/steps.sh"
# shellcheck source=scripts/rig/site.sh
. "$here/site.sh"

finish() {
	local status=$?
	trap - EXIT
	set +e
	box_close
	rm -rf "$run"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

[ $# -gt 0 ] || set -- systemd openrc
for manager in "$@"; do
	printf '\n%s\n' "$manager"
	step "root" box_root "$manager"
	# shellcheck source=scripts/rig/systemd.sh
	. "$here/$manager.sh"
	box_close
done
printf '\nrig: %d steps passed in %d s\n' "$steps" $SECONDS
