# On an upgrade the agent goes on until the new one is there.
if [ "$1" = remove ]; then
	stop
	disable_service
fi
