//go:build unix

package bundle

import (
	"io/fs"
	"strconv"
	"syscall"
)

// ids are the numbers of a file's user and group.
func ids(info fs.FileInfo) (owner, group string) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "?", "?"
	}
	return strconv.FormatUint(uint64(stat.Uid), 10), strconv.FormatUint(uint64(stat.Gid), 10)
}
