package intake

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// signs looks at the machine: what the kernel was told, and the clocks that go on without power.
func signs(now time.Time, zone *time.Location) Signs {
	s := Signs{Kernel: kernelWord("/run/systemd/timesync/synchronized")}
	s.battery("/", now, zone)
	// Where a PC has no driver for its clock, or the host of a virtual machine stands in for it, the kernel still has read it when
	// it started. Small boards have none at all.
	s.BuiltIn = runtime.GOARCH == "amd64" || runtime.GOARCH == "386"
	return s
}

// kernelWord asks the kernel, to which every program reports that keeps the clock (adjtimex(2)). Setting the clock by hand takes
// the report back, and so do some hours without a time server. Where it may not be asked, the file speaks that systemd-timesyncd
// makes in each boot.
func kernelWord(file string) Answer {
	var t unix.Timex // no modes: nothing is changed
	state, err := unix.Adjtimex(&t)
	switch {
	case err != nil:
		if _, err := os.Stat(file); err == nil {
			return Yes
		}
		return Unknown
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return No
	}
	return Yes
}

// battery compares with the first clock that goes on without power. One that is not readable has lost its time: drivers refuse to
// read what the clock itself has marked as lost.
func (s *Signs) battery(root string, now time.Time, zone *time.Location) {
	clocks, err := filepath.Glob(filepath.Join(root, "sys", "class", "rtc", "rtc*"))
	if err != nil || len(clocks) == 0 {
		return
	}
	s.HasBattery, s.BatteryLost = true, true
	for _, dir := range clocks {
		text, err := os.ReadFile(filepath.Join(dir, "since_epoch")) //nolint:gosec // of the kernel
		if err != nil {
			continue
		}
		seconds, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
		if err != nil {
			continue
		}
		told := time.Unix(seconds, 0)
		if keepsLocalTime(root) {
			_, offset := now.In(zone).Zone()
			told = told.Add(-time.Duration(offset) * time.Second)
		}
		if ahead := now.Round(0).Sub(told); s.BatteryLost || ahead.Abs() < s.Ahead.Abs() {
			s.BatteryLost, s.Ahead = false, ahead
		}
	}
}

// keepsLocalTime says that the clock was set to local time, as beside a Windows (hwclock(8)).
func keepsLocalTime(root string) bool {
	text, err := os.ReadFile(filepath.Join(root, "etc", "adjtime")) //nolint:gosec // of the system
	return err == nil && bytes.Contains(text, []byte("LOCAL"))
}
