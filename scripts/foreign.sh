#!/usr/bin/env bash
# Runs the end-to-end test with the release binaries for other processors, each under its emulator: does every pass arrive, while the
# agent is killed and the portal fails in every way? FLAGS are the flags of go test.
#
#   FLAGS='-tags badgerfix' scripts/foreign.sh armv6 armv7 arm64 mipsle
#
# An emulator has its own ideas of a machine, so the processors are those of real devices, as old as we promise: one that is newer
# would forgive instructions and addresses that an old one does not.
set -euo pipefail
cd "$(dirname "$0")/.."

passes=2400 kills=4 # a full run has 20 000 and 10; an emulator is some twenty times slower
patience=150s       # it takes about 45 s

emulator() {
	case $1 in
	armv6) echo qemu-arm -cpu arm1176 ;; # Raspberry Pi Zero
	armv7) echo qemu-arm -cpu cortex-a7 ;;
	arm64) echo qemu-aarch64 -cpu cortex-a53 ;;
	mipsle) echo qemu-mipsel -cpu 24KEc ;; # MT7628
	*)
		echo "no emulator is known for $1" >&2
		return 2
		;;
	esac
}

read -ra flags <<<"${FLAGS:-}"
mkdir -p build
go test "${flags[@]}" -c -o build/foreign.test ./agent
for device in "$@"; do
	run=$(emulator "$device")
	command -v "${run%% *}" >/dev/null || {
		echo "${run%% *} is not installed (apt-get install qemu-user)" >&2
		exit 1
	}
	run+=" $PWD/dist/acs-agent-linux-$device"
	$run version >build/foreign.log
	began=$SECONDS
	# timeout ends the whole group: the agent and the broker as well.
	if ! (cd agent && ACS_AGENT_E2E="$run" ACS_AGENT_E2E_PASSES=$passes ACS_AGENT_E2E_KILLS=$kills timeout -k 5s $patience \
		../build/foreign.test -test.v -test.run '^TestEveryPassArrivesWhateverHappens$') >>build/foreign.log 2>&1; then
		cat build/foreign.log
		echo "FAILED: $device ($run) after $((SECONDS - began)) s" >&2
		exit 1
	fi
	printf '  %-7s %3d s  %s\n' "$device" $((SECONDS - began)) "$(sed -n 's/^ *e2e_test.go:[0-9]*: \([^;]*\);.*/\1/p' build/foreign.log)"
done
