package doctor

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

func roomOf(dir string) (room, error) {
	if _, err := os.Stat(dir); err != nil {
		return room{}, err
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return room{}, err
	}
	var free, total uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, &total, nil); err != nil {
		return room{}, err
	}
	return room{free: int64(min(free, math.MaxInt64)), total: int64(min(total, math.MaxInt64))}, nil //nolint:gosec // bounded
}

func dataSync(f *os.File) error { return f.Sync() }
