//go:build !linux

package buffer

import "errors"

func limitAddressSpace() error { return errors.New("only Linux limits the address space") }
