//go:build !unix

package bundle

import "io/fs"

// ids are not numbers here.
func ids(fs.FileInfo) (owner, group string) { return "-", "-" }
