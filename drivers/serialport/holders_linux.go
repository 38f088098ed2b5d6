package serialport

import (
	"fmt"
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
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	descriptors, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	if err != nil {
		return ""
	}
	var names []string
	for _, fd := range descriptors {
		// Processes end and files are closed while we look; whatever cannot be read is passed over.
		if target, err := os.Readlink(fd); err != nil || target != device {
			continue
		}
		process := filepath.Dir(filepath.Dir(fd))
		pid := filepath.Base(process)
		name := "a program"
		if comm, err := os.ReadFile(filepath.Join(process, "comm")); err == nil {
			name = strings.TrimSpace(string(comm))
		}
		who := fmt.Sprintf("%s (pid %s)", name, pid)
		if pid == strconv.Itoa(os.Getpid()) {
			if !self {
				continue
			}
			who = "another reader of this agent, which has the same port under another name,"
		}
		if !slices.Contains(names, who) {
			names = append(names, who)
		}
	}
	return strings.Join(names, ", ")
}
