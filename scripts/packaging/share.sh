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
mkdir -p $share/{init,doc,man,completion/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}}

for init in systemd openrc procd sysv; do
	"$agent" service unit --init $init --config /etc/acs-agent/config.yaml >$share/init/$init
done
"$agent" completion bash >$share/completion/bash-completion/completions/acs-agent
"$agent" completion zsh >$share/completion/zsh/vendor-completions/_acs-agent
"$agent" completion fish >$share/completion/fish/vendor_completions.d/acs-agent.fish

for page in build/man/*.1; do
	name=$(basename "$page")
	gzip -9n <"$page" >"$share/man/$name.gz"
done

cp README.md config.example.yaml $share/doc/
go run ./scripts/packaging/sbom -version "$version" -bom $share/acs-agent.cdx.json -licences $share/LICENSES.txt "$@"
gzip -9n <$share/LICENSES.txt >$share/doc/LICENSES.txt.gz
