//go:build !linux && !windows

package doctor

import (
	"os"

	"golang.org/x/sys/unix"
)

func roomOf(dir string) (room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return room{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return room{free: int64(st.Bavail) * int64(st.Bsize), total: int64(st.Blocks) * int64(st.Bsize)}, nil //nolint:gosec,unconvert // far below 2^63
}

func dataSync(f *os.File) error { return f.Sync() }
