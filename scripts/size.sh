#!/usr/bin/env bash
# Says what the ARMv6 binary consists of: code and data by package, and what keeps the linker from leaving out methods that
# nobody calls. FLAGS are the flags of go build.
#
#   FLAGS='-overlay build/overlay.json -tags badgerfix' scripts/size.sh
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra flags <<<"${FLAGS:-}"
export GOOS=linux GOARCH=arm GOARM=6 CGO_ENABLED=0
mkdir -p build/size
linked=build/size/linked.txt
go build "${flags[@]}" -trimpath -o build/size/acs-agent ./agent
go build "${flags[@]}" -trimpath -ldflags '-s -w -dumpdep' -o build/size/stripped ./agent >"$linked" 2>&1

# Lines of nm are: address, size, kind, name. B is memory that the file does not have; so is the one large block of FIPS.
go tool nm -size -sort size build/size/acs-agent | awk '
	$3 ~ /[Bb]/ || $4 ~ /drbg\.memory$/ { next }
	{
		name = $4
		gsub(/%2e/, ".", name)
		sub(/^type:\.(eq|hash)\./, "", name)
		sub(/[[(].*/, "", name)
		if (name ~ /^(type|go):/) {
			name = "tables of types and functions"
		} else {
			slash = match(name, /\/[^\/]*$/)
			head = substr(name, 1, slash)
			tail = substr(name, slash + 1)
			sub(/\..*/, "", tail)
			name = head tail
		}
		size[name] += $2
		all += $2
	}
	END {
		for (name in size) printf "%9d  %s\n", size[name], name | "sort -rn | head -40"
		close("sort -rn | head -40")
		printf "%9d  all packages; tables of line numbers come on top\n", all
	}'
printf '%9d  the binary\n' "$(wc -c <build/size/stripped)"

if grep -q '<ReflectMethod>' "$linked"; then
	echo
	echo "Methods are looked up by reflection, so the linker keeps all exported methods of all types; it begins among these:"
	grep -o '^[^ ]* <ReflectMethod>' "$linked" | sort -u | sed 's/^/  /; s/ <.*//'
fi
