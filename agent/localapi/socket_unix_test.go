//go:build unix

package localapi

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOwnerAndGroupMayOpenTheSocket(t *testing.T) {
	dir := socketDir(t)
	serve(t, quiet(), dir)
	about, err := os.Stat(filepath.Join(dir, SocketName))
	if err != nil || about.Mode().Type() != os.ModeSocket || about.Mode().Perm() != 0o660 {
		t.Errorf("%v %v, want a socket with rights 0660", about.Mode(), err)
	}
}
