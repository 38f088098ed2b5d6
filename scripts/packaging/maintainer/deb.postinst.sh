case $1 in
configure)
	if [ -n "${2:-}" ]; then
		installed again
	else
		installed first
	fi
	;;
abort-upgrade | abort-remove | abort-deconfigure) start ;;
esac
