// Package line reads any reader that prints lines: barcode and QR scanners, converters from Wiegand to serial, turnstile
// controllers that print what happened. What a line means is told in the settings.
package line

import (
	"context"
	_ "embed"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

//go:embed example.yaml
var example string

// Module is the driver for readers of `type: line`.
var Module = drivers.Module{
	Type:    "line",
	Summary: "any reader that prints lines: barcode and QR scanners, Wiegand converters, turnstile controllers",
	Example: example,
	Line:    serialport.Key,
	New:     newDriver,
}

type driver struct {
	reader  string
	options options
	meaning *meaning
}

func newDriver(env drivers.Env, readers []drivers.Reader) (drivers.Driver, error) {
	var names []string
	for _, r := range readers {
		names = append(names, r.Name)
	}
	if err := serialport.Alone(names); err != nil {
		return nil, err
	}
	d := &driver{reader: names[0], options: defaults()}
	if err := readers[0].Settings.Decode(&d.options); err != nil {
		return nil, err
	}
	if err := d.options.check(); err != nil {
		return nil, err
	}
	zone := env.Zone
	if zone == nil {
		zone = time.Local
	}
	meaning, err := newMeaning(&d.options, zone)
	if err != nil {
		return nil, err
	}
	d.meaning = meaning
	return d, nil
}

// Run reads until ctx ends.
func (d *driver) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	line := serialport.Line{
		Settings: d.options.Settings,
		Readers:  []string{d.reader},
		Gap:      d.options.Gap.Std(),
	}
	return line.Run(ctx, take, board, newDecoder(d.reader, &d.options, d.meaning))
}
