package buffer

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// childSpace says how many bytes of addresses a cramped child has.
const childSpace = "JOURNAL_TEST_CHILD_SPACE"

func limitAddressSpace() error {
	limit, err := strconv.ParseUint(os.Getenv(childSpace), 10, 64)
	if err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit})
}
