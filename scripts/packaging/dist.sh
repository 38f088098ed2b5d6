#!/usr/bin/env bash
# Makes dist/release out of the binaries that `make cross` has built: the binaries, packages, the bill of materials, SHA256SUMS.
#
#   VERSION=1.2.0 scripts/packaging/dist.sh dist/acs-agent-linux-amd64 ...
set -euo pipefail
cd "$(dirname "$0")/../.."

: "${VERSION:?the version of the release}"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
release=dist/release
rm -rf $release
mkdir -p $release

scripts/packaging/share.sh dist/acs-agent "$VERSION" "$@"
cp "$@" $release/
cp build/share/acs-agent.cdx.json build/share/LICENSES.txt scripts/install.sh $release/

# Which package holds which binary; docs/packages.md says why.
while read -r format arch binary; do
	scripts/packaging/package.sh "$format" "$arch" "dist/acs-agent-$binary" "$VERSION" $release
done <<-END
	deb amd64 linux-amd64
	deb arm64 linux-arm64
	deb armhf linux-armv6
	deb i386 linux-386
	rpm x86_64 linux-amd64
	rpm aarch64 linux-arm64
	rpm armv7hl linux-armv7
	rpm i686 linux-386
	apk x86_64 linux-amd64
	apk aarch64 linux-arm64
	apk armv7 linux-armv7
	apk armhf linux-armv6
	apk x86 linux-386
	ipk mipsel_24kc linux-mipsle
	ipk arm_cortex-a7_neon-vfpv4 linux-armv7
	ipk aarch64_cortex-a53 linux-arm64
	ipk x86_64 linux-amd64
END
touch -d "@$SOURCE_DATE_EPOCH" $release/*
(cd $release && LC_ALL=C sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .)
touch -d "@$SOURCE_DATE_EPOCH" $release/SHA256SUMS
