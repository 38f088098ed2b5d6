# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # the parts of the rig share their variables; commas are for debootstrap
# The site inside the box: a simulated reader, the agent, the sandbox as its portal, and how to look at them. Sourced by run.sh.

config=/etc/acs-agent/config.yaml

# write_site gives the agent a configuration, as a person would: three cards, one pass each half second. The simulator begins with
# the first card again when the agent is started; within a second that would be the same pass to the portal, so it is a repetition.
write_site() {
	printf 'card;iin;full_name\n%s\n%s\n%s\n' '55007EE424;900101300017;Пробный Проба Пробович' \
		'55007EE425;900101400023;Пробная Проба Пробовна' '55007EE426;050101500030;Примерный Пример Примерович' \
		>"$box/etc/acs-agent/cardholders.csv" &&
		echo rig >"$box/etc/acs-agent/acs.key" &&
		cat >"$box$config" <<-END &&
			device: rig
			timezone: Asia/Almaty
			organizations:
			  - {id: school, bin: "010140000014", name: Школа}
			cardholders: {file: cardholders.csv}
			readers:
			  - name: gate
			    type: simulator
			    organization: school
			    direction: in
			    cards: ["55007EE424", "55007EE425", "55007EE426"]
			    every: 500ms
			    repeat: 1200ms
			uplinks:
			  - name: visits
			    type: acs
			    url: http://127.0.0.1:8381/back/apikey/v1/data_set
			    api_key_file: acs.key
			    max_delay: 1s
		END
		inside chgrp acs-agent $config /etc/acs-agent/cardholders.csv && inside chmod 0640 $config /etc/acs-agent/cardholders.csv &&
		inside chown acs-agent /etc/acs-agent/acs.key && inside chmod 0600 /etc/acs-agent/acs.key &&
		inside acs-agent check
}

# portal_start plays the portal inside the box; what it took it keeps on disk. It is a copy: the package can be removed.
portal_start() {
	[ -e "$box/root/portal" ] || cp "$box/usr/bin/acs-agent" "$box/root/portal"
	inside sh -c 'exec setsid /root/portal sandbox --listen 127.0.0.1:8381 --key rig --dir /root/rows >>/root/portal.log 2>&1 </dev/null &' &&
		await 20 portal_answers
}
portal_answers() { portal_get /sandbox/status | grep -q '"rows"'; }

# portal_get PATH asks the portal; there is no curl in the box.
portal_get() {
	# shellcheck disable=SC2016 # the shell inside expands it
	inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8381 && printf "GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" "$1" >&3 && cat <&3' portal "$1" 2>/dev/null
}

# number NAME prints the first number of that name in a JSON text with a line for each member.
number() { awk -v name="\"$1\":" '$1 == name { gsub(/,/, "", $2); print $2; exit }'; }

# rows is how many passes the portal has, each counted once.
rows() { portal_get /sandbox/status | number rows; }
# status prints what the agent says of itself as JSON; who asks is its own user, because root may not open its journal.
status() { inside runuser -u acs-agent -- acs-agent status --json 2>/dev/null || true; }
# passes is how many passes the journal has.
passes() { status | number passes; }
running() { status | grep -q '"running": true'; }
version_running() { status | sed -n 's/.*"version": "\(.*\)",/\1/p'; }
agent_pid() { status | number pid; }

# delivered N: the portal has so many passes.
delivered() {
	local n
	n=$(rows) && [ -n "$n" ] && [ "$n" -ge "$1" ]
}

# another_than PID: the agent runs as another process than that one.
another_than() {
	local pid
	pid=$(agent_pid) && [ -n "$pid" ] && [ "$pid" != "$1" ] && running
}

# goes_on: passes that are read from now on arrive.
goes_on() { await 30 running && more_rows; }
more_rows() {
	local n
	n=$(rows) && await 30 delivered $((n + 3))
}

# nothing_lost STOP START compares, by these two commands: once nothing is read any more and nothing waits, the portal has each pass
# of the journal, and has it once.
nothing_lost() {
	local in_journal in_portal
	# shellcheck disable=SC2086 # words of commands
	cp "$box$config" "$run/config.yaml" && inside $1 && sed -i '/^readers:/,/^uplinks:/{/^uplinks:/!d}' "$box$config" &&
		inside $2 && await 30 settled && in_journal=$(passes) && in_portal=$(rows) && cp "$run/config.yaml" "$box$config" || return 1
	echo "= $in_journal passes in the journal, $in_portal at the portal"
	if [ "$in_journal" -eq 0 ] || ! same "passes at the portal" "$in_journal" "$in_portal"; then
		inside runuser -u acs-agent -- acs-agent queue list --state delivered --limit 0
		portal_get /sandbox/rows
		return 1
	fi
}
settled() { running && status | grep -q '"waiting": 0,'; }

# package FILE prints the version of a package.
package() { dpkg-deb -f "$1" Version; }
