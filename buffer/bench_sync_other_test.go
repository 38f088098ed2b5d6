//go:build !linux

package buffer

import "os"

func dataSync(f *os.File) error { return f.Sync() }
