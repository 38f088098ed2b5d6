#!/usr/bin/env bash
# Lets shellcheck read all scripts, those of the packages as they are put together. CI has to have it.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v shellcheck >/dev/null; then
	echo "shellcheck is not installed (apt-get install shellcheck): the scripts were not checked"
	[ -z "${CI:-}" ] || exit 1
	exit 0
fi
shellcheck --severity=warning -x .ci/run scripts/*.sh scripts/packaging/*.sh scripts/rig/*.sh
for part in scripts/packaging/maintainer/*.*.sh; do
	# SC2317: no package uses all that they share.
	cat scripts/packaging/maintainer/common.sh "$part" | shellcheck --severity=warning --exclude=SC2317 - || {
		echo "in common.sh and $part, one after the other" >&2
		exit 1
	}
done
