#!/usr/bin/env bash
# Makes the release of the last commit twice, in two folders of different names, and compares every byte.
#
#   scripts/packaging/twice.sh
#   COLD=1 scripts/packaging/twice.sh       the second time everything is compiled anew (10 minutes on two cores)
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=$(mktemp -d)
trap 'chmod -R u+w "$dir" && rm -rf "$dir"' EXIT
git() { command git -c safe.directory='*' "$@"; }

# once FOLDER [CACHE] makes the release of the last commit in a new folder.
once() {
	local began=$SECONDS
	git clone -q --shared . "$1"
	# The tools are built with the usual cache: they make the release, they are not in it.
	if ! ${2:+env GOCACHE="$2"} make -C "$1" --no-print-directory dist NFPM="$nfpm" >"$dir/log" 2>&1; then
		tail -n 40 "$dir/log" >&2
		exit 1
	fi
	printf 'made in %s: %d files, %d s\n' "${1#"$dir"/}" "$(find "$1/dist/release" -type f | wc -l)" $((SECONDS - began))
}

nfpm=$dir/nfpm
env -u GOFLAGS go build -modfile=scripts/packaging/nfpm.mod -o "$nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
once "$dir/first"
once "$dir/a folder of another name/second" ${COLD:+"$dir/cache"}
if ! diff -r "$dir/first/dist/release" "$dir/a folder of another name/second/dist/release"; then
	echo "the same source has given different files" >&2
	exit 1
fi
echo "$(wc -l <"$dir/first/dist/release/SHA256SUMS") files are the same, byte by byte"
