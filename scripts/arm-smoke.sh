#!/usr/bin/env bash
# Lets a binary for ARM take and deliver passes under qemu-arm: simulator → journal → uplink → sandbox, all on loopback.
#
#   scripts/arm-smoke.sh dist/acs-agent-linux-armv6
set -euo pipefail

if [ $# -ne 1 ]; then
	echo "usage: $0 BINARY" >&2
	exit 2
fi
agent=$(realpath "$1")
qemu=$(command -v qemu-arm || command -v qemu-arm-static) || {
	echo "qemu-arm is not installed (apt-get install qemu-user)" >&2
	exit 1
}

dir=$(mktemp -d /tmp/acs-arm.XXXXXX) # short: the path of the local socket has 107 characters
sandbox="" running=""
cleanup() {
	local pid
	for pid in $running $sandbox; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}
trap cleanup EXIT

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	tail -n 30 "$dir"/*.log "$dir"/status.json >&2 2>/dev/null || true
	exit 1
}

# await SECONDS COMMAND... runs the command again and again until it succeeds.
await() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}

# end NAME PID asks a child to end, and fails unless it does so in order.
end() {
	local status=0
	kill -TERM "$2"
	await 30 gone "$2" || fail "$1 does not end"
	wait "$2" || status=$?
	[ $status -eq 0 ] || fail "$1 ended with status $status"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

timeout 60 "$qemu" "$agent" version

"$qemu" "$agent" sandbox --listen 127.0.0.1:0 --key smoke >"$dir/sandbox.log" 2>&1 &
sandbox=$!
listens() { grep -q 'url: http' "$dir/sandbox.log" || gone $sandbox; }
await 60 listens || fail "the sandbox does not start"
url=$(sed -n '/ url: /{s/^ *url: *//p;q}' "$dir/sandbox.log") # the first is the visits portal's
[ -n "$url" ] || fail "the sandbox has ended"

(umask 077 && echo smoke >"$dir/acs.key")
cat >"$dir/cardholders.csv" <<-END
	card;iin;full_name
	55007EE424;900101300017;Пробный Проба Пробович
	55007EE425;900101400023;Пробная Проба Пробовна
	55007EE426;050101500030;Примерный Пример Примерович
END
cat >"$dir/config.yaml" <<-END
	device: arm-smoke
	timezone: Asia/Almaty
	data_dir: data
	listen: off
	organizations:
	  - {id: school, bin: "010140000014", name: Школа}
	cardholders: {file: cardholders.csv}
	readers:
	  - name: gate
	    type: simulator
	    organization: school
	    direction: in
	    note: Вход
	    cards: ["55007EE424", "55007EE425", "55007EE426"]
	    every: 1s
	    stop_after: 3
	uplinks:
	  - name: visits
	    type: acs
	    url: $url
	    api_key_file: acs.key
	    max_delay: 1s
END

"$qemu" "$agent" run --config "$dir/config.yaml" >"$dir/agent.log" 2>&1 &
running=$!

# `status` prints its parts one after the other; the count of an uplink is what it has delivered.
delivered() {
	gone $running && fail "the agent has ended"
	status=0
	timeout 60 "$qemu" "$agent" status --json --config "$dir/config.yaml" >"$dir/status.json" 2>>"$dir/status.log" || status=$?
	[ $status -eq 0 ] && awk '
		/"kind":/  { uplink = /"uplink"/ }
		/"count":/ { if (uplink && $2 + 0 == 3) found = 1 }
		END        { exit !found }' "$dir/status.json"
}
await 120 delivered || fail "status does not show 3 delivered passes and exit status 0 (the last one was ${status:-none})"

end "the agent" $running
running=""
end "the sandbox" $sandbox
sandbox=""
grep -Eq '(^|[^0-9])3 rows' "$dir/sandbox.log" || fail "the sandbox has not got 3 rows"
echo "3 passes taken and delivered by $(basename "$agent") under $(basename "$qemu") in $SECONDS s"
