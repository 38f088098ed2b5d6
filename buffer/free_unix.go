//go:build linux || darwin || freebsd

package buffer

import (
	"errors"
	"syscall"
)

// freeSpace is how many bytes this user can still write to the disk that holds dir.
func freeSpace(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // the types differ between systems
}

// errUncounted: the file system makes room for files as they come.
var errUncounted = errors.New("the file system does not count its files")

// freeFiles is how many files more can be made on the disk that holds dir.
func freeFiles(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	if st.Files == 0 {
		return 0, errUncounted
	}
	return int64(st.Ffree), nil //nolint:gosec // the types differ between systems
}
