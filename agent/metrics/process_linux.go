package metrics

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func (p *Process) askSystem() {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
		p.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		p.MaxFiles = limit.Cur
	}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return
	}
	defer dir.Close() //nolint:errcheck // only read
	if names, err := dir.Readdirnames(-1); err == nil {
		p.OpenFiles = uint64(max(0, len(names)-1)) // one of them is dir itself
	}
}
