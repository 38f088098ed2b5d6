package intake

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestClocksWithABattery(t *testing.T) {
	now := time.Date(2027, time.March, 1, 8, 0, 0, 0, time.UTC)
	said := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) + "\n" }
	for what, c := range map[string]struct {
		clocks []string
		local  bool
		want   Signs
	}{
		"none":                           {nil, false, Signs{}},
		"the right time":                 {[]string{said(now)}, false, Signs{HasBattery: true}},
		"half a minute behind":           {[]string{said(now.Add(-30 * time.Second))}, false, Signs{HasBattery: true, Ahead: 30 * time.Second}},
		"local time, as it is marked":    {[]string{said(now.Add(5 * time.Hour))}, true, Signs{HasBattery: true}},
		"local time, and nobody knows":   {[]string{said(now.Add(5 * time.Hour))}, false, Signs{HasBattery: true, Ahead: -5 * time.Hour}},
		"it has lost its time":           {[]string{""}, false, Signs{HasBattery: true, BatteryLost: true}},
		"one has, and the other has not": {[]string{"", said(now)}, false, Signs{HasBattery: true}},
		"one without a battery besides":  {[]string{said(time.Unix(60, 0)), said(now)}, false, Signs{HasBattery: true}},
		"it was empty, and begins anew":  {[]string{said(now.AddDate(-20, 0, 0))}, false, Signs{HasBattery: true, Ahead: now.Sub(now.AddDate(-20, 0, 0))}},
		"something that is no time":      {[]string{"?"}, false, Signs{HasBattery: true, BatteryLost: true}},
	} {
		t.Run(what, func(t *testing.T) {
			root := t.TempDir()
			write := func(text string, path ...string) {
				file := filepath.Join(append([]string{root}, path...)...)
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if text != "" {
					if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			for i, text := range c.clocks {
				write(text, "sys", "class", "rtc", "rtc"+strconv.Itoa(i), "since_epoch")
			}
			if c.local {
				write("0.0 0 0.0\n0\nLOCAL\n", "etc", "adjtime")
			}
			var got Signs
			got.battery(root, now, almaty)
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// Nobody sets the clock of the machine for a test; but the kernel takes the question, and the wait for it ends.
func TestTheKernelTellsOfSettings(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Settings(ctx, func() {}) }()
	select {
	case err := <-ended:
		t.Fatalf("it does not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
