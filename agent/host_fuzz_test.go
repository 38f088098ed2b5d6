package main

import (
	"math"
	"testing"
	"testing/fstest"
)

// FuzzHost holds that what a kernel says in an unexpected form is left out of what the device tells of itself, and never a number that
// makes no sense.
func FuzzHost(f *testing.F) {
	f.Add("MemTotal:         501020 kB\nMemAvailable:     300100 kB\n", "310000 5120 3000\n", "86461.37 1\n", "0.31 0.20\n", "48312\n")
	f.Add("MemTotal: -1 kB\nMemAvailable: 99999999999999999999 kB", "1 9223372036854775807", "NaN", "+Inf", "-2147483648")
	f.Add("\x00", " ", "1e300", "0x1p-2", "٣")
	f.Fuzz(func(t *testing.T, meminfo, statm, uptime, loadavg, temp string) {
		h := linuxHost(fstest.MapFS{
			"proc/meminfo": {Data: []byte(meminfo)}, "proc/self/statm": {Data: []byte(statm)}, "proc/uptime": {Data: []byte(uptime)},
			"proc/loadavg": {Data: []byte(loadavg)}, "sys/class/thermal/thermal_zone0/temp": {Data: []byte(temp)},
		}, 4096)
		if h.MemoryTotal < 0 || h.MemoryAvailable < 0 || h.Resident < 0 || h.Uptime < 0 {
			t.Fatalf("%+v", h)
		}
		if h.Load != nil && (math.IsNaN(*h.Load) || *h.Load < 0 || *h.Load > 1e6) || h.Temperature != nil && (*h.Temperature <= -60 || *h.Temperature >= 150) {
			t.Fatalf("load %v, temperature %v", h.Load, h.Temperature)
		}
	})
}
