package main

import (
	"io/fs"
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/health"
)

// linuxHost reads what a Linux kernel tells in /proc and /sys, which lie in root. What it does not tell, or tells in another form
// than documented (proc(5), Documentation/ABI/testing/sysfs-class-thermal, Documentation/hwmon/sysfs-interface), is left out.
func linuxHost(root fs.FS, pageSize int64) (h health.Host) {
	for line := range strings.Lines(read(root, "proc/meminfo")) {
		switch key, rest, _ := strings.Cut(line, ":"); key {
		case "MemTotal":
			h.MemoryTotal = kilobytes(rest)
		case "MemAvailable":
			h.MemoryAvailable = kilobytes(rest)
		}
	}
	if f := strings.Fields(read(root, "proc/self/statm")); len(f) > 1 {
		if pages, err := strconv.ParseInt(f[1], 10, 40); err == nil && pages >= 0 {
			h.Resident = pages * pageSize
		}
	}
	if f := strings.Fields(read(root, "proc/uptime")); len(f) > 0 {
		if seconds, err := strconv.ParseFloat(f[0], 64); err == nil && seconds >= 0 && seconds < 1e12 {
			h.Uptime = int64(seconds)
		}
	}
	if f := strings.Fields(read(root, "proc/loadavg")); len(f) > 0 {
		if load, err := strconv.ParseFloat(f[0], 64); err == nil && load >= 0 && load < 1e6 {
			h.Load = &load
		}
	}
	h.Temperature = hottest(root)
	return h
}

// kilobytes reads "   501020 kB" and gives bytes; 0 if it is something else.
func kilobytes(text string) int64 {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), " kB")
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 53)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n << 10
}

// hottest gives the highest temperature that any sensor tells, in degrees Celsius. Sensors that are not wired tell nonsense:
// what no board survives is left out.
func hottest(root fs.FS) *float64 {
	var highest *float64
	for _, pattern := range []string{"sys/class/thermal/thermal_zone*/temp", "sys/class/hwmon/hwmon*/temp*_input"} {
		files, err := fs.Glob(root, pattern)
		if err != nil {
			continue
		}
		for _, file := range files {
			milli, err := strconv.ParseInt(strings.TrimSpace(read(root, file)), 10, 32)
			if err != nil || milli <= -60_000 || milli >= 150_000 || milli == 0 {
				continue
			}
			if degrees := float64(milli) / 1000; highest == nil || degrees > *highest {
				highest = &degrees
			}
		}
	}
	return highest
}

// read gives the text of a file, or nothing.
func read(root fs.FS, file string) string {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return ""
	}
	return string(text)
}
