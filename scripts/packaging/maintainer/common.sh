#!/bin/sh
# What the scripts of all packages share; package.sh puts it in front of each of them. For any POSIX shell, busybox's included.
set -e

user=acs-agent
config_dir=/etc/acs-agent
config=$config_dir/config.yaml
data_dir=/var/lib/acs-agent
inits=/usr/share/acs-agent/init

# manager names the service manager that runs this machine; nothing in a chroot or an image that is being built.
manager() {
	if [ -d /run/systemd/system ]; then
		echo systemd
	elif [ -d /run/openrc ]; then
		echo openrc
	elif [ -x /sbin/procd ] && [ -z "${IPKG_INSTROOT:-}" ]; then
		echo procd
	elif [ -x /usr/sbin/update-rc.d ] && [ -e /run/initctl ]; then
		echo sysv
	fi
}

# make_user makes the user of the service, who may use serial lines.
make_user() {
	if ! grep -q "^$user:" /etc/passwd; then
		if command -v useradd >/dev/null; then
			grep -q "^$user:" /etc/group || groupadd --system "$user"
			useradd --system --gid "$user" --home-dir "$data_dir" --no-create-home --shell /usr/sbin/nologin "$user"
		elif command -v adduser >/dev/null; then # busybox
			grep -q "^$user:" /etc/group || addgroup -S "$user"
			adduser -S -D -H -h "$data_dir" -s /sbin/nologin -G "$user" "$user"
		else # OpenWrt
			# shellcheck disable=SC1091 # a part of OpenWrt
			. "${IPKG_INSTROOT:-}/lib/functions.sh"
			id=$(group_add_next "$user")
			user_add "$user" "$id" "$id" acs-agent "$data_dir" /bin/false
		fi
	fi
	for group in dialout uucp; do # Debian and most others; Arch and Alpine
		grep -q "^$group:" /etc/group || continue
		if command -v usermod >/dev/null; then
			usermod -a -G "$group" "$user"
		elif command -v addgroup >/dev/null; then
			addgroup "$user" "$group" 2>/dev/null || true # it is a member already
		elif command -v group_add_user >/dev/null; then
			group_add_user "$group" "$user"
		fi
		break
	done
}

# make_folders lets the agent make its key beside the configuration, and change nothing else there.
make_folders() {
	mkdir -p "$config_dir"
	chown "root:$user" "$config_dir"
	chmod 1770 "$config_dir"
}

# install_init puts the script of a service manager in place that the package does not bring as a file.
install_init() {
	case $(manager) in
	openrc | sysv)
		if [ -d "$inits" ]; then
			[ -e /etc/init.d/acs-agent ] || new=first # also after the package was removed and is back again
			cp "$inits/$(manager)" /etc/init.d/acs-agent
			chmod 0755 /etc/init.d/acs-agent
		fi
		;;
	esac
}

# enable_service lets the service start with the machine. What an administrator has disabled stays so on an upgrade.
enable_service() {
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper unmask acs-agent.service >/dev/null
		if deb-systemd-helper --quiet was-enabled acs-agent.service; then
			deb-systemd-helper enable acs-agent.service >/dev/null
		else
			deb-systemd-helper update-state acs-agent.service >/dev/null
		fi
	elif [ "$new" = first ] && command -v systemctl >/dev/null; then
		systemctl enable acs-agent.service >/dev/null 2>&1 || true # not in a chroot of another system
	fi
	case $(manager) in
	openrc) [ "$new" != first ] || rc-update -q add acs-agent default ;;
	procd) [ "$new" != first ] || /etc/init.d/acs-agent enable ;;
	sysv) update-rc.d acs-agent defaults >/dev/null ;;
	esac
}

# check_config runs the check as the agent would read the files.
check_config() {
	if command -v su >/dev/null; then
		su -s /bin/sh "$user" -c "/usr/bin/acs-agent check --config $config"
	else
		/usr/bin/acs-agent check --config "$config"
	fi
}

# start_command is what a person types to start the service.
start_command() {
	case $(manager) in
	systemd) echo "systemctl restart acs-agent" ;;
	openrc) echo "rc-service acs-agent restart" ;;
	*) echo "/etc/init.d/acs-agent restart" ;;
	esac
}

# start (re)starts the service if it can work, and otherwise says in two lines what to do first. An agent that runs already is
# left alone in that case: it goes on with the configuration that it has read.
start() {
	[ -n "$(manager)" ] || return 0
	[ "$(manager)" != systemd ] || systemctl daemon-reload
	if [ ! -e "$config" ]; then
		echo "acs-agent is installed and waits for its configuration, $config."
		echo "Next: make it from config.example.yaml there, run 'acs-agent check', then '$(start_command)'."
	elif ! check_config >/dev/null 2>&1; then
		echo "acs-agent is installed, but not started anew: there is something to mend in $config."
		echo "Next: see 'su -s /bin/sh $user -c \"acs-agent check\"', then '$(start_command)'."
	else
		case $(manager) in
		# A journal that a power cut has left may take minutes to open; nobody should wait for that here.
		systemd) systemctl --no-block restart acs-agent ;;
		openrc) rc-service -q acs-agent restart ;;
		*) /etc/init.d/acs-agent restart ;;
		esac || echo "acs-agent could not be started: '$(start_command)' says why."
	fi
}

# installed NEW: NEW is first if the package was not there before, again for an upgrade.
installed() {
	new=$1
	make_user
	make_folders
	install_init
	enable_service
	start
}

# stop ends the service before its files go.
stop() {
	case $(manager) in
	systemd) systemctl stop acs-agent || true ;;
	openrc) rc-service -q acs-agent stop || true ;;
	procd | sysv) /etc/init.d/acs-agent stop || true ;;
	esac
}

# disable_service keeps it from starting with the machine.
disable_service() {
	case $(manager) in
	openrc) rc-update -q del acs-agent || true ;;
	procd) /etc/init.d/acs-agent disable || true ;;
	esac
	if ! command -v deb-systemd-helper >/dev/null && command -v systemctl >/dev/null; then
		systemctl disable acs-agent.service >/dev/null 2>&1 || true
	fi
}

# removed takes away what installed has put in place besides the files of the package.
removed() {
	if [ ! -d "$inits" ] && [ ! -e /usr/bin/acs-agent ]; then
		if [ -e /etc/init.d/acs-agent ]; then
			rm -f /etc/init.d/acs-agent
			! command -v update-rc.d >/dev/null || update-rc.d acs-agent remove >/dev/null
		fi
	fi
	[ "$(manager)" != systemd ] || systemctl daemon-reload || true
}

# purged removes the configuration with its secrets and the list of cardholders. The journal may hold passes that no portal has
# got yet, and cannot be read without its key: both stay unless ACS_AGENT_PURGE_DATA=yes.
purged() {
	if [ "${ACS_AGENT_PURGE_DATA:-}" = yes ]; then
		rm -rf "$data_dir" "$config_dir"
		return
	fi
	if [ -d "$config_dir" ]; then
		find "$config_dir" -mindepth 1 -maxdepth 1 ! -name journal.key -exec rm -rf {} +
		rmdir "$config_dir" 2>/dev/null || true
	fi
	if [ -d "$data_dir" ]; then
		echo "acs-agent: kept the journal ($data_dir) and its key ($config_dir/journal.key): passes may wait in it for their portals."
		echo "To delete them for good: rm -r $data_dir $config_dir"
	fi
}
