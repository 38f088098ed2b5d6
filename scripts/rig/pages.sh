# shellcheck shell=bash disable=SC2154 # the parts of the rig share their variables
# What the documentation tells an administrator to type is typed here: the blocks ```sh root of a page, in their order, in one
# shell. Sourced by systemd.sh.

# page_blocks PAGE prints the commands of a page.
page_blocks() { awk '/^```sh root$/ { on = 1; next } /^```/ { on = 0 } on' "$pages/$1"; }

# page_here turns what a page says of a real site into what there is in this box: a simulated reader, the sandbox, our copies.
page_here() {
	sed -e 's|type: ironlogic, port: /dev/ttyUSB0|type: simulator, cards: ["55007EE424"], every: 1s, repeat: 100ms|' \
		-e 's|type: acs, api_key_file|type: acs, max_delay: 1s, url: "http://127.0.0.1:8381/back/apikey/v1/data_set", api_key_file|' \
		-e 's|^сюда-вставьте-ключ-портала$|rig|' \
		-e 's|^\./acs-agent example .*|true|' \
		-e 's|--from https://example.org/acs-agent|--from .|' -e 's|--from /media/usb|--from .|'
}

# page_run PAGE runs the page's commands in the folder of the release.
page_run() {
	{
		# There is no sudo in the box, and nobody to be asked.
		cat <<-'END'
			set -euo pipefail
			sudo() {
				if [ "$1" = -u ]; then
					local user=$2
					shift 2
					runuser -u "$user" -- "$@"
				else
					"$@"
				fi
			}
			PATH=/usr/local/bin:$PATH
			cd /root/release
		END
		page_blocks "$1" | page_here
	} >"$box/root/page.sh"
	grep -q acs-agent "$box/root/page.sh" && inside bash /root/page.sh
}

start_anew() {
	inside env ACS_AGENT_PURGE_DATA=yes dpkg --purge acs-agent && [ ! -e "$box/etc/acs-agent" ] && inside chmod 0755 /root/release
}

guide_leads_to_the_portal() {
	local before
	start_anew && before=$(rows) && page_run ru/guide.md && await 60 delivered $((before + 1)) &&
		inside test -s /tmp/acs-agent-support.zip && goes_on
}

service_page_is_right() {
	cp "$box/root/portal" "$box/root/release/acs-agent" && echo rig >"$box/root/visits.key" && chmod 0600 "$box/root/visits.key" &&
		cp "$box$config" "$box/root/config.yaml" && start_anew && mkdir -p "$box/etc/acs-agent" &&
		cp "$box/root/config.yaml" "$box$config" && page_site && page_run service.md &&
		same "service" "" "$(ls "$box/etc/systemd/system/acs-agent.service" 2>/dev/null)" && [ -d "$box/var/lib/acs-agent" ]
}
page_site() {
	echo rig >"$box/etc/acs-agent/acs.key" && printf 'card;iin;full_name\n' >"$box/etc/acs-agent/cardholders.csv"
}
