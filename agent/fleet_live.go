package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/fleet"
)

// fleetTick lies between two looks at the fleet.
const fleetTick = time.Second

// watchFleet runs the watcher and looks at the fleet every second, until ctx ends or look fails.
func watchFleet(ctx context.Context, w *fleet.Watcher, look func(now time.Time) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	tick := time.NewTicker(fleetTick)
	defer tick.Stop()
	for {
		if err := look(time.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// showLive draws the table on a terminal, again whenever it has changed.
func (f *fleetOptions) showLive(ctx context.Context, s *screen, w *fleet.Watcher) error {
	if err := s.begin(); err != nil {
		return err
	}
	return watchFleet(ctx, w, func(now time.Time) error {
		link, moment := w.Link(), w.Moment(now)
		devices, left := w.Fleet.Look(moment)
		const around = 9 // lines besides the devices
		_, height := s.size()
		var b bytes.Buffer
		err := (&fleetPicture{
			broker: w.Address.String(), now: moment, devices: devices, left: left, link: &link, rows: max(1, height-around),
		}).write(&b, f.lang)
		if err != nil {
			return err
		}
		return s.draw(b.String())
	})
}

// printChanges prints a line for each device whose state has changed, first for all.
func (f *fleetOptions) printChanges(ctx context.Context, out, complaints io.Writer, w *fleet.Watcher) error {
	enc := json.NewEncoder(out)
	known := make(map[string]string)
	complaint := ""
	return watchFleet(ctx, w, func(now time.Time) error {
		link := w.Link()
		if link.Problem != nil && link.Problem.Error() != complaint {
			complaint = link.Problem.Error()
			_, _ = f.lang.Fprintf(complaints, "acs-agent: %v\n", link.Problem)
		}
		if !link.Settled {
			return nil // what has not come yet is no change
		}
		complaint = ""
		devices, _ := w.Fleet.Look(now)
		gone := maps.Clone(known)
		for i := range devices {
			d := &devices[i]
			delete(gone, d.Name)
			if is := fleetKey(d); known[d.Name] != is {
				known[d.Name] = is
				r := reportOf(d)
				r.At = now
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(gone)) {
			delete(known, name)
			if err := enc.Encode(deviceReport{At: now, Device: name, Class: "gone", Problems: []problemReport{}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// fleetKey is what makes a difference between two states of a device; that numbers move does not.
func fleetKey(d *fleet.Device) string {
	key := []string{d.Class.String(), string(d.Presence), d.Version}
	for _, p := range d.Problems {
		key = append(key, p.Code, strings.Join(p.Names, ","))
	}
	return strings.Join(key, "\n")
}

// cutLines cuts a text to the size of a window, so that no line goes on in the next one and nothing rolls out at the top.
func cutLines(text string, width, height int) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > height {
		lines = lines[:height]
	}
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width {
			lines[i] = string([]rune(line)[:max(0, width-1)]) + "…"
		}
	}
	return lines
}
