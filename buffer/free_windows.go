package buffer

import (
	"errors"
	"math"

	"golang.org/x/sys/windows"
)

// freeSpace is how many bytes this user can still write to the disk that holds dir.
func freeSpace(dir string) (int64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, math.MaxInt64)), nil //nolint:gosec // bounded
}

// freeFiles: no file system of Windows has a number of files that could be reached.
func freeFiles(string) (int64, error) { return 0, errors.ErrUnsupported }
