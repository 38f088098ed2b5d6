package serialport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// holders names the programs that have the port at path open, as far as this process is allowed to see them; empty if it sees
// none. self says whether this process counts, too.
func holders(path string, self bool) string { return holdersBelow("/proc", path, self) }

func holdersBelow(proc, path string, self bool) string {
	found, _ := holdersOf(proc, path)
	var names []string
	for _, h := range found {
		who := fmt.Sprintf("%s (pid %d)", h.Name, h.PID)
		if h.PID == os.Getpid() {
			if !self {
				continue
			}
			who = "another reader of this agent, which has the same port under another name,"
		}
		names = append(names, who)
	}
	return strings.Join(names, ", ")
}

// holdersOf finds the programs that have the port at path open. hidden says that there are programs whose open files this process
// may not see.
func holdersOf(proc, path string) (found []Holder, hidden bool) {
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, false
	}
	processes, err := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	if err != nil {
		return nil, false
	}
	for _, process := range processes {
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			continue
		}
		files, err := os.ReadDir(filepath.Join(process, "fd"))
		hidden = hidden || errors.Is(err, fs.ErrPermission)
		holds := slices.ContainsFunc(files, func(f os.DirEntry) bool {
			// Processes end and files are closed while we look; whatever cannot be read is passed over.
			target, err := os.Readlink(filepath.Join(process, "fd", f.Name()))
			return err == nil && target == device
		})
		if !holds {
			continue
		}
		name := "a program"
		if comm, err := os.ReadFile(filepath.Join(process, "comm")); err == nil {
			name = printable(string(comm))
		}
		found = append(found, Holder{PID: pid, Name: name})
	}
	return found, hidden
}
