# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # the parts of the rig share their variables; commas are for debootstrap
# The life of the service under OpenRC, whose supervisor starts it again, but does not notice that it hangs. Sourced by run.sh.

manager=openrc

started() { inside rc-service acs-agent status >/dev/null 2>&1; }

fresh_install() {
	local said
	mkdir -p "$box/root/packages" && cp "$older" "$box/root/packages/older.deb" && cp "$newer" "$box/root/packages/newer.deb" &&
		said=$(inside dpkg -i /root/packages/older.deb 2>&1) && has "$said" "waits for its configuration" &&
		has "$said" "rc-service acs-agent restart" && [ -L "$box/etc/runlevels/default/acs-agent" ] && ! started
}

first_start() {
	write_site && portal_start && inside rc-service acs-agent start && await 60 delivered 3 &&
		same "user" acs-agent "$(inside stat -c %U "/proc/$(agent_pid)")"
}

survives_kill() {
	local before
	before=$(agent_pid) && inside kill -KILL "$before" && await 60 another_than "$before" && goes_on
}

reboots() {
	local before
	inside pkill -x portal && before=$(passes) && await 20 more_passes "$before" && box_reboot && await 60 started && portal_start && goes_on
}
more_passes() { [ "$(passes)" -ge $(($1 + 3)) ]; }

upgrades() {
	local before had
	before=$(sha256sum <"$box$config") && had=$(passes) && inside dpkg -i /root/packages/newer.deb &&
		await 60 newer_runs && same "configuration" "$before" "$(sha256sum <"$box$config")" && [ "$(passes)" -ge "$had" ] && goes_on
}
newer_runs() { running && [ "$(version_running)" = "$(package "$newer")" ]; }

loses_nothing() {
	nothing_lost "rc-service acs-agent stop" "rc-service acs-agent start"
}

removal_keeps_everything() {
	inside dpkg -r acs-agent && [ ! -e "$box/etc/init.d/acs-agent" ] && [ ! -L "$box/etc/runlevels/default/acs-agent" ] &&
		[ -d "$box/var/lib/acs-agent" ] && inside dpkg -i /root/packages/newer.deb && [ -L "$box/etc/runlevels/default/acs-agent" ] && goes_on
}

purge_keeps_the_journal() {
	inside dpkg --purge acs-agent && [ ! -e "$box/etc/init.d/acs-agent" ] && [ -d "$box/var/lib/acs-agent" ] &&
		same "what is left of the configuration" journal.key "$(ls "$box/etc/acs-agent")"
}

step "boots" box_boot
step "the package installs, and says what to do next" fresh_install
step "starts when it is configured, and delivers" first_start
step "is back after kill -9" survives_kill
step "is back after a reboot, with what waited" reboots
step "an upgrade restarts it, and keeps journal and configuration" upgrades
step "nothing was lost on the way" loses_nothing
step "a removal keeps journal and configuration, for the next installation" removal_keeps_everything
step "a purge keeps the journal and its key" purge_keeps_the_journal
