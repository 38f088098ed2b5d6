if [ "$1" != upgrade ] && [ -z "${IPKG_INSTROOT:-}" ]; then
	stop
	disable_service
fi
