// Package ironlogic reads the text that IronLogic readers print: Z-2 USB, Z-2 EHR, Matrix-III RD-ALL and their relatives, with one
// reader at a port or several on an RS-485 line, which then print their address before each card.
package ironlogic

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

//go:embed example.yaml
var example string

// Module is the driver for readers of `type: ironlogic`.
var Module = drivers.Module{
	Type:    "ironlogic",
	Summary: "IronLogic Z-2 USB, Z-2 EHR, Matrix-III RD-ALL (text mode): EM-Marine, Mifare and others, USB or RS-485",
	Example: example,
	Line:    serialport.Key,
	New:     newDriver,
}

// options are the keys of one reader.
type options struct {
	serialport.Settings `yaml:",inline"`
	// Address is the five digits that the reader prints before each card if its firmware is the RS-485 one; empty if it
	// prints none, or if it is alone and every line of the port is its own.
	Address string `yaml:"address"`
}

type driver struct {
	port    serialport.Settings
	readers []addressed
}

// addressed is a reader and its address.
type addressed struct{ name, address string }

func newDriver(_ drivers.Env, readers []drivers.Reader) (drivers.Driver, error) {
	d := &driver{}
	var wrong []error
	for _, r := range readers {
		o := options{Settings: serialport.Defaults(9600)}
		if err := r.Settings.Decode(&o); err != nil {
			wrong = append(wrong, r.Wrong(err))
			continue
		}
		wrong = append(wrong, r.Wrong(o.Check()))
		if len(d.readers) == 0 {
			d.port = o.Settings
		}
		d.readers = append(d.readers, addressed{name: r.Name, address: o.Address})
		if !o.sameLine(d.port) {
			wrong = append(wrong, r.Wrong(settings.Mistake{
				Field:   "baud",
				Problem: fmt.Sprintf("%s has another mode of the line than %s at the same port", r.Name, d.readers[0].name),
				Advice:  "baud, data_bits, parity and stop_bits have to be the same for all readers of a port",
			}))
		}
	}
	wrong = append(wrong, checkAddresses(d.readers)...)
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return d, nil
}

func (o *options) sameLine(s serialport.Settings) bool {
	return o.Baud == s.Baud && o.DataBits == s.DataBits && o.Parity == s.Parity && o.StopBits == s.StopBits
}

func checkAddresses(readers []addressed) []error {
	var wrong []error
	owner := make(map[string]string)
	for _, r := range readers {
		problem, advice := "", `write the five digits that the reader prints before each card, for example address: "19997"`
		switch {
		case r.address == "" && len(readers) > 1:
			problem = fmt.Sprintf("%s has none, but shares its port with another reader", r.name)
		case r.address == "":
		case !isAddress(r.address):
			problem = fmt.Sprintf("%q of %s is no address", r.address, r.name)
		case owner[r.address] != "":
			problem = fmt.Sprintf("%s and %s have the same one at the same port", owner[r.address], r.name)
			advice = "give each reader its own; the address is set with the reader's configuration program"
		}
		owner[r.address] = r.name
		if problem != "" {
			wrong = append(wrong, drivers.Reader{Name: r.name}.Wrong(settings.Mistake{Field: "address", Problem: problem, Advice: advice}))
		}
	}
	return wrong
}

func isAddress(s string) bool {
	if len(s) != 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Run reads until ctx ends.
func (d *driver) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	line := serialport.Line{Settings: d.port}
	for _, r := range d.readers {
		line.Readers = append(line.Readers, r.name)
	}
	return line.Run(ctx, take, board, newDecoder(d.readers))
}
