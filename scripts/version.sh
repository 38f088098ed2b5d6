#!/usr/bin/env bash
# Prints the version of this tree, in the form that programs and packages share. It begins with a digit, and a later commit is
# always the higher version to dpkg and rpm:
#
#   1.2.0                                  the commit that has the tag v1.2.0
#   1.2.0+git20261122091733.82dd00c1       later than that
#   0.0.0~git20261122091733.82dd00c1       no tag yet; the ~ puts it below 0.0.0
#   ....dirty                              something is changed that is not committed
#
# The moment is that of the commit, in UTC. A tag with a -, like v1.2.0-rc1, becomes 1.2.0~rc1.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! commit=$(git -c safe.directory='*' rev-parse --short=8 HEAD 2>/dev/null); then
	echo 0.0.0~devel # not a checkout
	exit
fi
git() { command git -c safe.directory='*' "$@"; }
moment=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S)
dirty=""
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
	dirty=.dirty
fi
if tag=$(git describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null); then
	version=${tag#v}
	version=${version/-/\~}
	if [ -n "$dirty" ] || ! git describe --tags --match 'v[0-9]*' --exact-match >/dev/null 2>&1; then
		version+=+git$moment.$commit$dirty
	fi
else
	version=0.0.0~git$moment.$commit$dirty
fi
# Only what dpkg, rpm and file names allow alike; package.sh translates it for Alpine.
if [[ ! $version =~ ^[0-9][0-9A-Za-z.+~]*$ ]]; then
	echo "the tag $tag gives no version for packages: $version" >&2
	exit 1
fi
echo "$version"
