#!/usr/bin/env bash
# Puts into build/share what is the same in all packages: scripts for service managers, completion, man pages, texts to read.
#
#   scripts/packaging/share.sh AGENT VERSION BINARY...
#
# AGENT is the agent for this machine, the BINARYs are those whose licences are collected.
set -euo pipefail
cd "$(dirname "$0")/../.."

agent=$1 version=$2
shift 2
share=build/share
rm -rf $share
mkdir -p $share/{init,doc,man,completion}

for init in systemd openrc procd sysv; do
	"$agent" service unit --init $init --config /etc/acs-agent/config.yaml >$share/init/$init
done
for shell in bash zsh fish; do
	"$agent" completion $shell >$share/completion/$shell
done

for page in build/man/*.1; do
	name=$(basename "$page")
	gzip -9n <"$page" >"$share/man/$name.gz"
done

cp README.md config.example.yaml $share/doc/
go run ./scripts/packaging/sbom -version "$version" -bom $share/acs-agent.cdx.json -licences $share/LICENSES.txt "$@"
gzip -9n <$share/LICENSES.txt >$share/doc/LICENSES.txt.gz
