//go:build !linux && !windows

package buffer

import "syscall"

// defects are what the system says of a file, or of its whole disk, when that is defective. It takes a trial to know which.
func defects() []syscall.Errno {
	return []syscall.Errno{syscall.EIO, syscall.ENODEV, syscall.ENXIO, syscall.EBADMSG, syscall.ESTALE}
}

func readOnly() []syscall.Errno { return []syscall.Errno{syscall.EROFS} }

func noRoom() []syscall.Errno { return []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} }
