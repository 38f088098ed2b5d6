package buffer

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// childSpace says how many bytes of addresses a cramped child has.
const childSpace = "JOURNAL_TEST_CHILD_SPACE"

// limitAddressSpace begins the process anew with few addresses: by now the runtime has reserved more for itself than are allowed.
func limitAddressSpace() error {
	limit, err := strconv.ParseUint(os.Getenv(childSpace), 10, 64)
	if err != nil {
		return err
	}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &now); err != nil || now.Cur == limit {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}
