# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # the parts of the rig share their variables; commas are for debootstrap
# The life of the service under systemd. Sourced by run.sh.

manager=systemd

# is_now STATE: what systemd says of the service.
is_now() { [ "$(inside systemctl is-active acs-agent)" = "$1" ]; }
main_pid() { inside systemctl show -p MainPID --value acs-agent; }

fresh_install() {
	local said
	mkdir -p "$box/root/packages" && cp "$older" "$box/root/packages/older.deb" && cp "$newer" "$box/root/packages/newer.deb" &&
		said=$(inside dpkg -i /root/packages/older.deb 2>&1) && has "$said" "waits for its configuration" && has "$said" "^Next: " &&
		inside id acs-agent | grep -q dialout &&
		same "rights of the folder" "root acs-agent 1770" "$(inside stat -c '%U %G %a' /etc/acs-agent)" &&
		same "enabled" enabled "$(inside systemctl is-enabled acs-agent)" && is_now inactive
}

unit_is_sound() {
	local said exposure
	said=$(inside systemd-analyze verify /usr/lib/systemd/system/acs-agent.service 2>&1) || {
		echo "$said"
		return 1
	}
	same "what systemd-analyze verify says" "" "$said" &&
		exposure=$(inside systemd-analyze security --no-pager acs-agent | sed -n 's/.*Overall exposure level for acs-agent.service: \([0-9.]*\).*/\1/p') &&
		echo "= exposure $exposure" && awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 2.5) }'
}

first_start() {
	write_site && portal_start && inside systemctl start acs-agent && is_now active && await 60 delivered 3 &&
		same "owner of the key" "acs-agent 600" "$(inside stat -c '%U %a' /etc/acs-agent/journal.key)"
}

survives_kill() {
	local before
	before=$(main_pid) && inside kill -KILL "$before" && await 60 another_than "$before" && goes_on
}

# It hangs: the dog bites. With shorter times than in the unit, so that nobody has to wait for them.
survives_hanging() {
	local before bites
	inside mkdir -p /run/systemd/system/acs-agent.service.d &&
		printf '[Service]\nWatchdogSec=8s\nTimeoutAbortSec=1s\n' >"$run/short.conf" &&
		inside tee /run/systemd/system/acs-agent.service.d/short.conf <"$run/short.conf" >/dev/null &&
		inside systemctl daemon-reload && inside systemctl restart acs-agent && await 30 running &&
		before=$(main_pid) && inside kill -STOP "$before" && await 60 another_than "$before" &&
		bites=$(inside journalctl -u acs-agent -o cat | grep -c "Watchdog timeout") && [ "$bites" -ge 1 ] && goes_on &&
		inside rm -r /run/systemd/system/acs-agent.service.d && inside systemctl daemon-reload
}

reboots() {
	local before
	inside pkill -x portal && before=$(passes) && await 20 more_passes "$before" &&
		box_reboot && await 60 is_now active && portal_start && goes_on
}
more_passes() { [ "$(passes)" -ge $(($1 + 3)) ]; }

keeps_running_on_nonsense() {
	local before
	before=$(main_pid) && cp "$box$config" "$run/config.yaml" && echo "nonsense: [" >>"$box$config" &&
		inside systemctl reload acs-agent && more_rows && same "process" "$before" "$(main_pid)"
}

upgrade_waits_for_a_person() {
	local before said
	before=$(main_pid) && said=$(inside dpkg -i /root/packages/newer.deb 2>&1) && has "$said" "not started anew" &&
		same "process" "$before" "$(main_pid)" && cp "$run/config.yaml" "$box$config" &&
		same "version" "$(package "$older")" "$(version_running)" && inside dpkg -i /root/packages/older.deb && await 60 another_than "$before"
}

upgrades() {
	local before had
	before=$(sha256sum <"$box$config") && had=$(passes) && inside dpkg -i /root/packages/newer.deb &&
		await 60 newer_runs && same "configuration" "$before" "$(sha256sum <"$box$config")" &&
		[ "$(passes)" -ge "$had" ] && goes_on
}
newer_runs() { running && [ "$(version_running)" = "$(package "$newer")" ]; }

loses_nothing() {
	nothing_lost "systemctl stop acs-agent" "systemctl start acs-agent"
}

removal_keeps_everything() {
	local key
	key=$(sha256sum <"$box/etc/acs-agent/journal.key") && inside dpkg -r acs-agent && [ ! -e "$box/usr/bin/acs-agent" ] &&
		[ -d "$box/var/lib/acs-agent" ] && [ -e "$box$config" ] && inside dpkg -i /root/packages/newer.deb &&
		same "key" "$key" "$(sha256sum <"$box/etc/acs-agent/journal.key")" && goes_on
}

purge_keeps_the_journal() {
	local said
	said=$(inside dpkg --purge acs-agent 2>&1) && has "$said" "kept the journal" && [ -d "$box/var/lib/acs-agent" ] &&
		same "what is left of the configuration" journal.key "$(ls "$box/etc/acs-agent")" &&
		same "failed units" "" "$(inside systemctl --failed --no-legend --plain)" &&
		inside dpkg -i /root/packages/newer.deb && inside env ACS_AGENT_PURGE_DATA=yes dpkg --purge acs-agent &&
		[ ! -e "$box/var/lib/acs-agent" ] && [ ! -e "$box/etc/acs-agent" ]
}

installer_installs() {
	local said
	mkdir "$box/root/release" && cp "$release"/* "$box/root/release/" &&
		said=$(inside /root/release/install.sh --yes 2>&1) && has "$said" "^checked: acs-agent_.*.deb" &&
		has "$said" "^written: $config" && is_now inactive && write_site && inside systemctl start acs-agent && goes_on
}

# shellcheck source=scripts/rig/pages.sh
. "$here/pages.sh"

step "boots" box_boot
step "the package installs, and says what to do next" fresh_install
step "the unit is sound, and lets little through" unit_is_sound
step "starts when it is configured, and delivers" first_start
step "is back after kill -9" survives_kill
step "is back after it hung: the watchdog bites" survives_hanging
step "is back after a reboot, with what waited" reboots
step "a configuration with mistakes is not taken over by a reload" keeps_running_on_nonsense
step "an upgrade leaves it running as long as there is something to mend" upgrade_waits_for_a_person
step "an upgrade restarts it, and keeps journal and configuration" upgrades
step "nothing was lost on the way" loses_nothing
step "a removal keeps journal and configuration, for the next installation" removal_keeps_everything
step "a purge keeps the journal and its key, unless it is told not to" purge_keeps_the_journal
step "install.sh installs the same, and begins a configuration" installer_installs
step "the Russian guide leads from the box to the first delivered pass" guide_leads_to_the_portal
step "what the page about the service says is so" service_page_is_right
