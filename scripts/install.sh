#!/bin/sh
# Installs or upgrades acs-agent: finds what fits this machine, compares it with its checksum, installs it, and writes a first
# configuration if there is none. Runs on any POSIX shell, busybox's included.
#
#   sudo ./install.sh                                     from the folder in which this script lies
#   sudo ./install.sh --from https://example.org/acs-agent/
set -eu

usage() {
	cat <<-END
		Usage: install.sh [--from FOLDER|URL] [--yes] [--root FOLDER]

		  --from FOLDER|URL  where the release is: the packages and SHA256SUMS (default: the folder of this script)
		  --yes              ask nothing; what is not known is left open in the configuration
		  --root FOLDER      install into the image of another machine below FOLDER: no service is started
	END
}

say() { printf '%s\n' "$*"; }
fail() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

from="" yes="" root=""
while [ $# -gt 0 ]; do
	case $1 in
	--from | --root)
		[ $# -ge 2 ] || fail "$1 wants a value; see --help"
		case $1 in --from) from=$2 ;; *) root=${2%/} ;; esac
		shift 2
		;;
	--yes)
		yes=1
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
done
[ -n "$from" ] || from=$(dirname "$0")
from=${from%/}
config_dir=$root/etc/acs-agent
config=$config_dir/config.yaml

work=$(mktemp -d)
typing="" # set while the terminal does not show what is typed
tidy() {
	[ -z "$typing" ] || stty echo
	rm -rf "$work"
}
trap tidy EXIT
trap 'exit 1' HUP INT TERM

# --- what fits this machine

# processor names what the binary is built for, as in the names of the release.
processor() {
	machine=$(uname -m)
	case $machine in
	x86_64 | amd64) say amd64 ;;
	i?86) say 386 ;;
	aarch64 | arm64) say arm64 ;;
	armv6*) say armv6 ;;
	armv7* | armv8*) say armv7 ;;
	mips | mipsel)
		# The kernel says "mips" of both kinds. The sixth byte of any of its programs is 1 where the lower byte comes first.
		if [ "$(dd if="$root/bin/sh" bs=1 skip=5 count=1 2>/dev/null)" = "$(printf '\001')" ]; then
			say mipsle
		else
			fail "this machine is MIPS with the higher byte first, for which there is no acs-agent"
		fi
		;;
	armv5* | armv4*) fail "this machine ($machine) has no floating point unit, which acs-agent needs: ARMv6 or later" ;;
	*) fail "there is no acs-agent for this kind of machine ($machine)" ;;
	esac
}

# packages prints the packages that the machine's package manager would take, the best first: manager and end of the name.
packages() {
	if have dpkg; then
		say "dpkg _$(dpkg --print-architecture).deb"
	elif have apk && [ -e "$root/etc/alpine-release" ]; then
		say "apk -$(apk --print-arch).apk"
	elif have opkg; then
		opkg print-architecture | while read -r _ name _; do say "opkg _$name.ipk"; done
	elif have rpm; then
		say "rpm .$(rpm --eval '%{_arch}').rpm"
		# What rpm calls 32-bit machines, and what the packages are called.
		case $(uname -m) in
		armv7*) say "rpm .armv7hl.rpm" ;;
		i?86) say "rpm .i686.rpm" ;;
		esac
	fi
}

# --- fetching

# fetch NAME brings a file of the release into the work folder.
fetch() {
	case $from in
	https://* | http://127.0.0.1[:/]* | http://localhost[:/]*)
		if have curl; then
			curl -fsSL --proto-redir =https -o "$work/$1" "$from/$1"
		elif have uclient-fetch; then
			uclient-fetch -q -O "$work/$1" "$from/$1"
		elif have wget; then
			case $from in
			https:*)
				# The checksums come the same way: without a checked certificate they would prove nothing.
				wget --version 2>/dev/null | grep -q 'GNU Wget' ||
					fail "wget of busybox does not check certificates (install curl, or copy the release here and use --from FOLDER)"
				;;
			esac
			wget -q -O "$work/$1" "$from/$1"
		else
			fail "neither curl nor wget is installed (copy the release here and use --from FOLDER)"
		fi || fail "$from/$1 cannot be fetched (is the address right? is the clock of this machine right?)"
		;;
	*://*) fail "$from: only https is taken from other machines" ;;
	*)
		[ -r "$from/$1" ] || fail "there is no $from/$1 (say with --from where the release is)"
		cp "$from/$1" "$work/$1"
		;;
	esac
}

# listed END prints the name in SHA256SUMS that belongs to acs-agent and ends like this.
listed() {
	while read -r sum name; do
		name=${name#\*}
		case $name in
		*/* | -*) ;;
		acs-agent*"$1")
			[ ${#sum} -ne 64 ] || say "$name"
			;;
		esac
	done <"$work/SHA256SUMS" | tail -n 1
}

# verify NAME compares a fetched file with its entry in SHA256SUMS.
verify() {
	want=$(while read -r sum name; do [ "${name#\*}" != "$1" ] || say "$sum"; done <"$work/SHA256SUMS" | tail -n 1)
	[ -n "$want" ] || fail "$1 is not in SHA256SUMS; nothing was installed"
	if have sha256sum; then
		got=$(sha256sum <"$work/$1")
	elif have openssl; then
		got=$(openssl dgst -sha256 -r <"$work/$1")
	else
		fail "neither sha256sum nor openssl is installed: $1 cannot be checked"
	fi
	[ "${got%% *}" = "$want" ] ||
		fail "$1 is not what SHA256SUMS says: it was damaged or exchanged on the way; nothing was installed (fetch the release again)"
}

# --- the first configuration

# ask QUESTION DEFAULT FORM WORDS asks until the answer has the form, an extended regular expression; Enter takes the default.
ask() {
	while :; do
		printf '%s%s: ' "$1" "${2:+ [$2]}" >&2
		IFS= read -r answer || answer=""
		[ -n "$answer" ] || answer=$2
		if [ -z "$answer" ] || printf '%s\n' "$answer" | grep -Eqx "$3"; then
			return
		fi
		say "  $4" >&2
	done
}

# ask_secret QUESTION reads a line that the terminal does not show.
ask_secret() {
	typing=1
	stty -echo # before the question: some type fast
	printf '%s: ' "$1" >&2
	IFS= read -r answer || answer=""
	stty echo
	typing=""
	printf '\n' >&2
}

# quoted TEXT writes a text as YAML between single quotes.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }

# site_zone is the time zone of this machine.
site_zone() {
	zone=$(cat "$root/etc/timezone" 2>/dev/null) || zone=$(readlink "$root/etc/localtime" 2>/dev/null | sed -n 's|.*/zoneinfo/||p') || zone=""
	case $zone in
	*/*) case $zone in Etc/*) ;; *) say "$zone" ;; esac ;;
	esac
}

write_config() {
	device=$(uname -n | tr 'A-Z_.' 'a-z--' | tr -cd 'a-z0-9-' | cut -c 1-64)
	zone=$(site_zone)
	[ -n "$zone" ] || zone=Asia/Almaty
	bin="" name="" key=""
	if [ -z "$yes" ] && [ -t 0 ]; then
		say "" "A first configuration. What you do not know yet: just Enter."
		ask "Name of this device, unique in the fleet" "$device" '[a-z0-9][a-z0-9-]{0,63}' "small letters, digits and -, at most 64"
		device=$answer
		ask "Time zone of the site" "$zone" '[A-Za-z]+(/[A-Za-z_/+-]+|[+-][0-9:]+)' "as Asia/Almaty or UTC+5"
		zone=$answer
		ask "BIN of the institution" "" '[0-9]{12}' "12 digits, from the certificate of registration"
		bin=$answer
		ask "Its name, as the portal shall see it" "" '[^[:cntrl:]]+' "one line"
		name=$answer
		ask_secret "Access key of the visits portal (it is not shown)"
		key=$answer
	fi
	mkdir -p "$config_dir"
	umask 027
	cat >"$work/config.yaml" <<-END
		# Configuration of acs-agent. config.example.yaml in this folder shows all that can be set.
		# \`acs-agent check\` says what is wrong or missing, and what to write instead.

		device: $(quoted "$device")
		timezone: $(quoted "$zone")

		organizations:                     # the institutions whose visits are reported
		  - id: site                       # what the rest of this file calls it
		    bin: $(quoted "$bin")
		    name: $(quoted "$name")

		cardholders:
		  file: cardholders.csv            # card;iin;full_name - in this folder

		readers:                           # \`acs-agent drivers\` lists the kinds, \`acs-agent drivers ironlogic\` prints an example
		#  - name: gate-1-in
		#    type: ironlogic
		#    port: /dev/serial/by-id/...
		#    organization: site
		#    direction: in

		uplinks:
		  - name: visits
		    type: acs
		    api_key_file: acs.key          # the portal's access key, alone in a file of its own
	END
	own "$work/config.yaml"
	mv "$work/config.yaml" "$config"
	if [ -n "$key" ] && [ ! -e "$config_dir/acs.key" ]; then
		say "$key" >"$work/acs.key"
		own "$work/acs.key"
		mv "$work/acs.key" "$config_dir/acs.key"
	fi
	say "written: $config"
}

# own FILE lets the agent read a file, and nobody else. The group is there once the service is.
own() {
	chmod 0640 "$1"
	! grep -q '^acs-agent:' "$root/etc/group" 2>/dev/null || chgrp acs-agent "$1"
}

# --- installing

install_package() {
	case $1 in
	dpkg) dpkg ${root:+--root="$root"} -i "$2" ;;
	rpm) rpm ${root:+--root "$root"} -U --replacepkgs "$2" ;;
	apk) apk ${root:+--root "$root"} add --allow-untrusted "$2" ;; # the checksum has been compared
	opkg) opkg ${root:+--offline-root "$root"} install "$2" ;;
	esac
}

# install_binary puts the bare program in place; one that runs keeps its file until it ends.
install_binary() {
	mkdir -p "${agent%/*}"
	cp "$1" "$agent.new"
	chmod 0755 "$agent.new"
	mv "$agent.new" "$agent"
}

if [ "$(id -u)" -ne 0 ]; then
	fail "this changes the system, so it has to run as root: sudo $0"
fi
cpu=$(processor)
fetch SHA256SUMS
manager="" name=""
packages >"$work/packages"
while read -r manager ending; do
	name=$(listed "$ending")
	[ -z "$name" ] || break
done <"$work/packages"
if [ -z "$name" ]; then
	manager=""
	name=acs-agent-linux-$cpu
	[ "$(listed "-linux-$cpu")" = "$name" ] || fail "SHA256SUMS lists nothing for this machine: no package, and no $name either"
fi
fetch "$name"
verify "$name"
say "checked: $name"
agent=$root/usr/bin/acs-agent
if [ -n "$manager" ]; then
	install_package "$manager" "$work/$name"
else
	[ -x "$root/sbin/procd" ] || agent=$root/usr/local/bin/acs-agent # OpenWrt has no /usr/local
	install_binary "$work/$name"
fi
say "installed: $name"
[ -e "$config" ] || write_config
[ -z "$root" ] || exit 0

next="acs-agent service restart"
[ -n "$manager" ] || next="acs-agent service install" # it is an upgrade, too
if "$agent" check --config "$config" >/dev/null 2>&1; then
	# A package that was upgraded has started the agent already; one that is new has waited for the configuration.
	if [ -z "$manager" ] || ! "$agent" service status >/dev/null 2>&1; then
		# shellcheck disable=SC2086 # the words of the command
		"$agent" ${next#acs-agent } || say "'$next' has failed, and says above why."
	fi
	if [ -e "$config_dir/acs.key" ]; then
		own "$config_dir/acs.key"
	fi
fi
"$agent" doctor --config "$config" || true
say "" "When something is named above: mend it, in $config for example, until 'acs-agent check' is content. Then: $next"
