[ "$1" -ne 0 ] || removed
