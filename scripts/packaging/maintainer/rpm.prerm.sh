# $1 is how many versions of the package will be left: with 1 it is an upgrade.
if [ "$1" -eq 0 ]; then
	stop
	disable_service
fi
