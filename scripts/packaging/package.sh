#!/usr/bin/env bash
# Makes one package out of a binary and what build/share has for all packages (see share.sh), and prints its name:
#
#   NFPM='go tool nfpm' SOURCE_DATE_EPOCH=… scripts/packaging/package.sh deb armhf dist/acs-agent-linux-armv6 1.2.0 dist/release
#
# The same input gives the same package, byte by byte.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -ne 5 ]; then
	echo "usage: $0 deb|rpm|apk|ipk ARCHITECTURE BINARY VERSION FOLDER" >&2
	exit 2
fi
format=$1 arch=$2 binary=$3 version=$4 folder=$5
: "${SOURCE_DATE_EPOCH:?the time of the last commit}"
share=build/share
work=build/package/$format-$arch
rm -rf "$work"
mkdir -p "$work" "$folder"

# In Alpine a suffix like _git20261122 is a number with a name. Before it stands what ~ and + say to the others: _alpha is lower.
if [ "$format" = apk ]; then
	version=$(sed -E 's/\.(dirty|[0-9a-f]{8})//g; s/~rc\.?([0-9]*)/_rc\1/; s/~git([0-9]*)/_alpha_git\1/; s/\+git([0-9]*)/_git\1/; s/~devel/_alpha/' <<<"$version")
fi

# script NAME... gives the maintainer's script of this format, with the shared part in front, as the configuration wants it.
script() {
	local key=$1 part=scripts/packaging/maintainer/$format.$2.sh
	[ -e "$part" ] || return 0
	cat scripts/packaging/maintainer/common.sh "$part" >"$work/$2"
	touch -d "@$SOURCE_DATE_EPOCH" "$work/$2"
	printf '%s: %s\n' "$key" "$work/$2"
}

# file SOURCE DESTINATION [MODE] lists a file of the package.
file() {
	printf '  - {src: %s, dst: %s, file_info: {owner: root, group: root, mode: %s, mtime: %s}}\n' \
		"$1" "$2" "${3:-0644}" "$when"
}

# tree SOURCE DESTINATION lists all files below a folder.
tree() {
	local name
	while read -r name; do
		file "$1/$name" "$2/$name"
	done < <(cd "$1" && find . -type f -printf '%P\n' | LC_ALL=C sort)
}

contents() {
	file "$binary" /usr/bin/acs-agent 0755
	printf '  - {dst: /etc/acs-agent, type: dir, file_info: {owner: root, group: root, mode: 0755, mtime: %s}}\n' "$when"
	file config.example.yaml /etc/acs-agent/config.example.yaml
	case $format in
	deb | rpm) file $share/init/systemd /usr/lib/systemd/system/acs-agent.service ;;
	apk) file $share/init/openrc /etc/init.d/acs-agent 0755 ;;
	ipk) file $share/init/procd /etc/init.d/acs-agent 0755 ;;
	esac
	if [ "$format" = deb ]; then # Debian and its kin run with other service managers, too: the script puts theirs in place
		file $share/init/openrc /usr/share/acs-agent/init/openrc
		file $share/init/sysv /usr/share/acs-agent/init/sysv
	fi
	if [ "$format" != ipk ]; then # the flash memory of a router has no room to read in
		tree $share/doc /usr/share/doc/acs-agent
		tree $share/man /usr/share/man/man1
		file $share/completion/bash /usr/share/bash-completion/completions/acs-agent
		file $share/completion/fish /usr/share/fish/vendor_completions.d/acs-agent.fish
		case $format in
		deb) file $share/completion/zsh /usr/share/zsh/vendor-completions/_acs-agent ;;
		*) file $share/completion/zsh /usr/share/zsh/site-functions/_acs-agent ;;
		esac
	fi
}

summary="carries passes from access control readers to the portals of the site"
when=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
{
	cat <<-END
		name: acs-agent
		version: "$version"
		version_schema: none
		arch: "$arch"
		platform: linux
		section: net
		priority: optional
		maintainer: acs-agent maintainers <acs-agent@users.noreply.github.com>
		homepage: https://github.com/acs-agent/acs-agent
		description: |
		  $summary
	END
	if [ "$format" != apk ]; then # which knows one line alone
		cat <<-END
			  It reads passes from card readers, keeps each in a journal that survives
			  power cuts, and carries them to the portals that the site reports to.
		END
	fi
	cat <<-END
		mtime: $when
		umask: 0o022
		deb: {arch: "$arch", compression: gzip}
		rpm: {arch: "$arch", compression: gzip, buildhost: localhost, summary: $summary}
		apk:
		  arch: "$arch"
	END
	if [ "$format" = apk ]; then
		printf '  scripts:\n'
		script '    postupgrade' postupgrade
	fi
	printf 'ipk: {arch: "%s"}\n' "$arch"
	printf 'scripts:\n'
	script '  postinstall' postinst
	script '  preremove' prerm
	script '  postremove' postrm
	printf 'contents:\n'
	contents
} >"$work/nfpm.yaml"

case $format in
deb | ipk) target=acs-agent_${version}_$arch.$format ;;
rpm) target=acs-agent-$version-1.$arch.rpm ;;
apk) target=acs-agent-$version-$arch.apk ;;
esac
# shellcheck disable=SC2086 # NFPM is a command with its arguments
if ! said=$(${NFPM:-go tool -modfile=scripts/packaging/nfpm.mod nfpm} package --config "$work/nfpm.yaml" --packager "$format" --target "$folder/$target" 2>&1); then
	printf '%s\n' "$said" >&2
	exit 1
fi
echo "$folder/$target"
