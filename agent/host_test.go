package main

import (
	"maps"
	"os"
	"reflect"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/acs-agent/acs-agent/agent/health"
)

func TestHostOfALinuxBoard(t *testing.T) {
	board := fstest.MapFS{
		"proc/meminfo":                         {Data: []byte("MemTotal:         501020 kB\nMemFree:           20000 kB\nMemAvailable:     300100 kB\nHugePages_Total:       0\n")},
		"proc/self/statm":                      {Data: []byte("310000 5120 3000 2500 0 200000 0\n")},
		"proc/uptime":                          {Data: []byte("86461.37 170000.10\n")},
		"proc/loadavg":                         {Data: []byte("0.31 0.20 0.11 2/180 4711\n")},
		"sys/class/thermal/thermal_zone0/temp": {Data: []byte("48312\n")},
		"sys/class/thermal/thermal_zone1/temp": {Data: []byte("-273200\n")}, // not wired
		"sys/class/hwmon/hwmon0/temp1_input":   {Data: []byte("51500\n")},
		"sys/class/hwmon/hwmon0/temp2_input":   {Data: []byte("250000\n")}, // not wired either
	}
	load, hot := 0.31, 51.5
	whole := health.Host{
		MemoryTotal: 501020 << 10, MemoryAvailable: 300100 << 10, Resident: 5120 * 4096, Uptime: 86461, Load: &load, Temperature: &hot,
	}
	for name, c := range map[string]struct {
		change map[string]string // files with other contents; empty: not there
		want   func(*health.Host)
	}{
		"all that there is":     {want: func(*health.Host) {}},
		"no sensor":             {map[string]string{"sys/class/hwmon/hwmon0/temp1_input": "", "sys/class/thermal/thermal_zone0/temp": ""}, func(h *health.Host) { h.Temperature = nil }},
		"an old kernel":         {map[string]string{"proc/meminfo": "MemTotal: 501020 kB\nMemFree: 20000 kB\n"}, func(h *health.Host) { h.MemoryAvailable = 0 }},
		"other units":           {map[string]string{"proc/meminfo": "MemTotal: 501020 MB\nMemAvailable: many kB\n"}, func(h *health.Host) { h.MemoryTotal, h.MemoryAvailable = 0, 0 }},
		"no load":               {map[string]string{"proc/loadavg": "NaN\n"}, func(h *health.Host) { h.Load = nil }},
		"endless uptime":        {map[string]string{"proc/uptime": "+Inf\n"}, func(h *health.Host) { h.Uptime = 0 }},
		"nothing on the memory": {map[string]string{"proc/self/statm": "310000\n"}, func(h *health.Host) { h.Resident = 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(board)
			for file, text := range c.change {
				files[file] = &fstest.MapFile{Data: []byte(text)}
				if text == "" {
					delete(files, file)
				}
			}
			want := whole
			c.want(&want)
			if got := linuxHost(files, 4096); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestThisComputerTellsSomething(t *testing.T) {
	h := host()
	if runtime.GOOS != "linux" {
		if h != (health.Host{}) {
			t.Errorf("it tells %+v", h)
		}
		return
	}
	if h.MemoryTotal <= h.MemoryAvailable || h.Resident < int64(os.Getpagesize()) || h.Uptime == 0 || h.Load == nil {
		t.Errorf("it tells %+v", h)
	}
}
