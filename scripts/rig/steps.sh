# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # the parts of the rig share their variables; commas are for debootstrap
# Steps that say what they prove and how long they took. Sourced by run.sh.

steps=0

# step WORDS COMMAND... runs one step; what it prints is shown if it fails, and that is the end. Lines that begin with = are
# results that people want to see: they follow the step.
step() {
	local words=$1 began=${EPOCHREALTIME/./} status=0
	shift
	# Not in a subshell: steps move the box.
	"$@" >"$run/said" 2>&1 </dev/null || status=$?
	printf '  %-6s %5d.%d s  %s\n' "$([ $status -eq 0 ] && echo ok || echo FAILED)" \
		$(((${EPOCHREALTIME/./} - began) / 1000000)) $(((${EPOCHREALTIME/./} - began) / 100000 % 10)) "$words"
	sed -n 's/^= /                    /p' "$run/said"
	if [ $status -ne 0 ]; then
		tail -n 40 "$run/said" >&2
		[ -z "$box_init" ] || what_happened >&2
		exit 1
	fi
	steps=$((steps + 1))
}

# what_happened shows the end of the agent's log.
what_happened() {
	echo "--- the log of the box:"
	case $manager in
	systemd) inside journalctl --no-pager -n 40 -o cat ;;
	openrc) tail -n 20 "$run/console.log" ;;
	esac
	tail -n 5 "$box/root/portal.log" 2>/dev/null
	return 0
}

# await SECONDS COMMAND... runs the command again and again until it succeeds.
await() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# same WHAT WANT GOT
same() {
	[ "$2" = "$3" ] || {
		echo "$1: want $2, got $3" >&2
		return 1
	}
}

# has TEXT PATTERN: the text has a line like that.
has() {
	grep -Eq -- "$2" <<<"$1" || {
		printf 'this lacks "%s":\n%s\n' "$2" "$1" >&2
		return 1
	}
}
