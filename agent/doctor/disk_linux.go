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
	block := int64(st.Bsize) //nolint:unconvert // the types differ between architectures
	return room{
		free: int64(st.Bavail) * block, total: int64(st.Blocks) * block, //nolint:gosec // far below 2^63
		nodes: int64(st.Ffree), allNodes: int64(st.Files), //nolint:gosec // far below 2^63
		readOnly: int64(st.Flags)&unix.ST_RDONLY != 0, //nolint:unconvert // the types differ between architectures
	}, nil
}

func dataSync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return failed
}
