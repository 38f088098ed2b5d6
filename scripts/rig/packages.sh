#!/usr/bin/env bash
# Makes what run.sh wants out of an agent for this machine, below build/rig: an older and a newer package of it, and a release
# with the older one. `make rig` calls it.
#
#   VERSION=1.2.0 scripts/rig/packages.sh OLDER_AGENT NEWER_AGENT
#
# The newer agent says of itself that its version is VERSION+newer.
set -euo pipefail
cd "$(dirname "$0")/../.."

: "${VERSION:?the version of the older package}"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
export SOURCE_DATE_EPOCH
arch=$(dpkg --print-architecture)
rm -rf build/rig
mkdir -p build/rig/release
scripts/packaging/share.sh "$1" "$VERSION" "$1"
older=$(scripts/packaging/package.sh deb "$arch" "$1" "$VERSION" build/rig/release)
newer=$(scripts/packaging/package.sh deb "$arch" "$2" "$VERSION+newer" build/rig)
ln -f "$older" build/rig/older.deb
mv "$newer" build/rig/newer.deb
cp scripts/install.sh build/rig/release/
(cd build/rig/release && sha256sum -- *.deb >SHA256SUMS)
