case $1 in
remove) removed ;;
purge)
	! command -v deb-systemd-helper >/dev/null || deb-systemd-helper purge acs-agent.service >/dev/null
	purged
	;;
esac
