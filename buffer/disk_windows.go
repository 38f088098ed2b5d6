package buffer

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// defects are what the system says of a file, or of its whole disk, when that is defective. It takes a trial to know which.
func defects() []syscall.Errno {
	return []syscall.Errno{
		windows.ERROR_IO_DEVICE, windows.ERROR_CRC, windows.ERROR_SECTOR_NOT_FOUND, windows.ERROR_NOT_READY, windows.ERROR_GEN_FAILURE,
		windows.ERROR_DEVICE_NOT_CONNECTED, windows.ERROR_FILE_CORRUPT, windows.ERROR_DISK_CORRUPT,
	}
}

func readOnly() []syscall.Errno { return []syscall.Errno{windows.ERROR_WRITE_PROTECT} }

func noRoom() []syscall.Errno {
	return []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
}
