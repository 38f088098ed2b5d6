package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelSynchronised asks the kernel, to which every program reports that keeps the clock (adjtimex(2)).
func kernelSynchronised() (yes, known bool) {
	var t unix.Timex // no modes: nothing is changed
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unix.STA_UNSYNC == 0, true
}

// timeHelper names the program that keeps the clock right; empty if none runs.
func timeHelper(root string) string {
	known := []string{"chronyd", "systemd-timesyn", "systemd-timesyncd", "ntpd", "ntpsec", "openntpd"} // the kernel cuts names at 15 letters
	names, err := filepath.Glob(filepath.Join(root, "proc", "[0-9]*", "comm"))
	if err != nil {
		return ""
	}
	for _, file := range names {
		comm, err := os.ReadFile(file) //nolint:gosec // of the kernel
		if err != nil {
			continue
		}
		name := strings.TrimSpace(string(comm))
		if slices.Contains(known, name) {
			if name == "systemd-timesyn" {
				name = "systemd-timesyncd"
			}
			return name
		}
	}
	return ""
}

// battery says whether the clock goes on without power.
func (c *Clocks) battery(s *Sheet) {
	const subject = "clock without power"
	clocks, err := filepath.Glob(filepath.Join(c.Root, "sys", "class", "rtc", "rtc*"))
	if err == nil && len(clocks) == 0 {
		s.Doubt(subject, "after a power cut passes are held until the time comes over the network; a clock with a battery would avoid that",
			"this device has no clock that goes on without power")
		return
	}
	s.Good(subject, "this device has a clock that goes on without power")
}
