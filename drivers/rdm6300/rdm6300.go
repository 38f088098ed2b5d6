// Package rdm6300 reads the 125 kHz readers RDM6300 and RDM630, their relatives with the same frame (Grove 125 kHz), and
// ID-2, ID-12 and ID-20.
package rdm6300

import (
	"context"
	_ "embed"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

//go:embed example.yaml
var example string

// Module is the driver for readers of `type: rdm6300`.
var Module = drivers.Module{
	Type:    "rdm6300",
	Summary: "RDM6300, RDM630, ID-2, ID-12, ID-20: EM-Marine cards, 125 kHz, serial",
	Example: example,
	Line:    serialport.Key,
	New:     newDriver,
}

type driver struct {
	reader string
	port   serialport.Settings
}

func newDriver(_ drivers.Env, readers []drivers.Reader) (drivers.Driver, error) {
	var names []string
	for _, r := range readers {
		names = append(names, r.Name)
	}
	if err := serialport.Alone(names); err != nil {
		return nil, err
	}
	d := &driver{reader: names[0], port: serialport.Defaults(9600)}
	if err := readers[0].Settings.Decode(&d.port); err != nil {
		return nil, err
	}
	if err := d.port.Check(); err != nil {
		return nil, err
	}
	return d, nil
}

// Run reads until ctx ends.
func (d *driver) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	line := serialport.Line{Settings: d.port, Readers: []string{d.reader}}
	return line.Run(ctx, take, board, &decoder{reader: d.reader})
}
