#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME, one after the other, and fails if one finds something. FLAGS are the flags of go test.
#
#   FUZZTIME=1m FLAGS='-tags badgerfix' scripts/fuzz.sh ./drivers/...
#
# What a target finds, go keeps in the package's testdata/fuzz and tries again in every later `go test`: commit it with the mend.
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra flags <<<"${FLAGS:-}"
if [ $# -eq 0 ]; then
	set -- ./...
fi
cache=$(go env GOCACHE)/fuzz
mkdir -p build/fuzz

# `go test -list` names the targets of a package, then the package: "FuzzFrame", "ok  <package> 0.01s".
listed=$(go test "${flags[@]}" -list '^Fuzz' "$@") || {
	printf '%s\n' "$listed" >&2
	exit 1
}
found=0
targets=()
while read -r word package _; do
	case $word in
	Fuzz*)
		targets+=("$word")
		continue
		;;
	ok) ;;
	*) continue ;;
	esac
	if [ ${#targets[@]} -eq 0 ]; then
		continue
	fi
	binary=$PWD/build/fuzz/$(basename "$package").test
	dir=$(go list -f '{{.Dir}}' "$package")
	go test "${flags[@]}" -c -fuzz . -o "$binary" "$package"
	for target in "${targets[@]}"; do
		began=$SECONDS
		status=0
		said=$(cd "$dir" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${FUZZTIME:-3s}" \
			-test.fuzzcachedir "$cache/$package" -test.parallel "$(nproc)" </dev/null 2>&1) || status=$?
		result=ok
		if [ $status -ne 0 ]; then
			# The end of the time can catch the engine in the middle of an input, which it then takes for a failure.
			if grep -q 'context deadline exceeded' <<<"$said" && ! grep -q 'Failing input written' <<<"$said"; then
				result="ok (time ran out within an input)"
			else
				result=FAILED
				found=$((found + 1))
			fi
		fi
		tried=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' <<<"$said" | tail -1)
		printf '%-28s %-34s %9s inputs %3d s  %s\n' "${package#*/*/*/}" "$target" "${tried:-0}" $((SECONDS - began)) "$result"
		if [ "$result" = FAILED ]; then
			printf '%s\n' "$said" | tail -40
		fi
	done
	rm -f "$binary"
	targets=()
done <<<"$listed"

if [ $found -gt 0 ]; then
	echo "$found fuzz targets found something" >&2
	exit 1
fi
