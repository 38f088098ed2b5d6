# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # the parts of the rig share their variables; commas are for debootstrap
# A box is a container with a root of its own that boots a real service manager, without any network but its own loopback.
# Sourced by run.sh, which sets run (a folder for this run) and cache (where the roots are kept).

box_pid=""   # systemd-nspawn
box_init=""  # the first process inside, as seen from here
box_mount="" # set while the root is mounted
manager=""   # systemd or openrc

# box_root NAME brings the root of a service manager into the cache, once. It is complete or absent: it gets its name at the end.
box_root() {
	local name=$1 options
	case $name in
	systemd) options=(--include=systemd,systemd-sysv,dbus,procps) ;;
	openrc) options=(--include=openrc,procps --exclude=systemd,systemd-sysv,sysv-rc,init) ;;
	esac
	box_base=$cache/bookworm-$name
	[ ! -d "$box_base" ] || return 0
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	if [ ! -d "$box_base" ]; then
		local new=$box_base.new
		rm -rf "$new"
		debootstrap --variant=minbase "${options[@]}" bookworm "$new" "${RIG_MIRROR:-http://deb.debian.org/debian}" || return 1
		if [ "$name" = openrc ]; then # debootstrap alone takes a sysv-rc to it, which is its rival
			cp -L /etc/resolv.conf "$new/etc/" &&
				chroot "$new" /usr/bin/env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends initscripts' &&
				ln -s openrc-init "$new/sbin/init" || return 1
		fi
		rm -rf "$new"/var/cache/apt/archives/*.deb "$new/var/lib/apt/lists"
		mv "$new" "$box_base"
	fi
	exec 9>&-
}

# box_boot boots the root; what was changed in it since box_close was last called is still there.
box_boot() {
	box=$run/$manager/root
	if [ -z "$box_mount" ]; then
		mkdir -p "$box" "$run/$manager/upper" "$run/$manager/work"
		if mount -t overlay overlay -o "lowerdir=$box_base,upperdir=$run/$manager/upper,workdir=$run/$manager/work" "$box" 2>/dev/null; then
			box_mount=$box
		else
			cp -a "$box_base/." "$box/"
			box_mount=copy
		fi
	fi
	# The image of a machine has an identity of its own from its first boot on.
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=${RIG_UNIFIED:-} systemd-nspawn --quiet --register=no --keep-unit --private-network --resolv-conf=off \
		--timezone=off --console=pipe --machine="acs-rig-$$" -b -D "$box" </dev/null >>"$run/console.log" 2>&1 &
	box_pid=$!
	await 60 box_ready || {
		tail -n 5 "$run/console.log" >&2
		return 1
	}
}

# box_child finds the first process inside. systemd-nspawn has other children for a moment while it sets things up.
box_child() {
	local pid
	# shellcheck disable=SC2013 # the numbers stand on one line
	for pid in $(cat "/proc/$box_pid/task/"*/children 2>/dev/null); do
		if grep -Eq '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" 2>/dev/null; then
			box_init=$pid
			return
		fi
	done
	return 1
}

# box_ready: the service manager has done what it does at the start.
box_ready() {
	box_child || return 1
	case $manager in
	systemd) [[ $(inside systemctl is-system-running 2>/dev/null) == running ]] ;;
	openrc) [[ $(inside rc-status --runlevel 2>/dev/null) == default ]] && ! inside pgrep -x openrc >/dev/null ;;
	esac
}

# inside COMMAND... runs a command in the box, as root.
inside() {
	nsenter -t "$box_init" --mount --uts --ipc --net --pid --cgroup --root --wd=/ -- \
		/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"
}

# box_reboot lets the machine inside restart, in order. systemd-nspawn ends with 133 when it was asked to.
box_reboot() {
	local status=0
	case $manager in
	systemd) inside systemctl reboot ;;
	openrc) inside openrc-shutdown --reboot now ;;
	esac
	await 60 gone "$box_pid"
	wait "$box_pid" || status=$?
	box_pid=""
	[ $status -eq 133 ] || {
		echo "the container ended with status $status, not 133" >&2
		return 1
	}
	box_boot
}

# box_close pulls the plug and takes away everything that box_boot has made.
box_close() {
	if [ -n "$box_pid" ]; then
		kill -KILL "$box_init" 2>/dev/null # its first process: the kernel ends all others inside with it
		await 10 gone "$box_pid" || kill -KILL "$box_pid"
		wait "$box_pid" 2>/dev/null || true # killed
		box_pid="" box_init=""
	fi
	if [ -n "$box_mount" ]; then # where no systemd runs on this machine itself, nobody else takes these away
		rm -f "/run/systemd/nspawn/locks/inode-$(stat -c %d:%i "$box")"
		rmdir "/run/systemd/nspawn/propagate/acs-rig-$$" 2>/dev/null || true
	fi
	if [ -n "$box_mount" ] && [ "$box_mount" != copy ]; then
		await 10 umount "$box_mount" || umount -l "$box_mount"
	fi
	box_mount=""
	rm -rf "${run:?}/$manager"
	return 0
}

gone() { ! kill -0 "$1" 2>/dev/null; }
