# $1 is how many versions of the package there are now.
if [ "$1" -gt 1 ]; then
	installed again
else
	installed first
fi
