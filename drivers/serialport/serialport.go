// Package serialport is what the drivers of serial readers share: it finds and opens the port, survives a pulled plug, says on
// the board what a technician has to do, and carries passes from the line to Take without ever making the line wait.
//
// A driver brings a Decoder, which knows the frames of its readers, and a Line, which says where they come from:
//
//	line := serialport.Line{Settings: s, Readers: names}
//	return line.Run(ctx, take, board, decoder)
//
// A serial reader cannot be told to wait: what is not read is gone. One goroutine therefore does nothing but read and decode,
// and leaves each pass in a bounded queue; another offers them to Take, again and again until they are taken.
package serialport

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.bug.st/serial"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// Settings are the keys that every serial reader has. A driver embeds them in its own settings with `yaml:",inline"`, sets its
// defaults with Defaults before it decodes, and calls Check afterwards.
type Settings struct {
	// Port is the path of the port (/dev/serial/by-id/…, /dev/ttyUSB0, COM3). Either it or USB is set.
	Port string `yaml:"port"`
	// USB finds the port by what is plugged in: "0403:6001", or "0403:6001:A50285BI" with the serial number.
	USB string `yaml:"usb"`
	// Baud is the speed in bits per second.
	Baud int `yaml:"baud"`
	// DataBits is 7 or 8; 5 and 6 exist as well.
	DataBits int `yaml:"data_bits"`
	// Parity is none, odd or even.
	Parity Parity `yaml:"parity"`
	// StopBits is 1 or 2.
	StopBits int `yaml:"stop_bits"`
}

// Defaults are 8 data bits, no parity and one stop bit, as nearly all readers have, at the given speed.
func Defaults(baud int) Settings { return Settings{Baud: baud, DataBits: 8, StopBits: 1} }

// Check returns everything that is wrong with the settings, as settings.Mistake values joined; nil if nothing is.
func (s *Settings) Check() error {
	var wrong []error
	mistake := func(field, problem, advice string) {
		wrong = append(wrong, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	switch {
	case s.Port == "" && s.USB == "":
		mistake("port", "is missing: where is the reader plugged in?",
			"write port: /dev/serial/by-id/… (see `ls -l /dev/serial/by-id`), or usb: with the id that lsusb shows")
	case s.Port != "" && s.USB != "":
		mistake("usb", "stands beside port", "keep one of the two")
	}
	if s.USB != "" {
		if _, err := parseUSB(s.USB); err != nil {
			mistake("usb", err.Error(), `write vendor and product as lsusb shows them, for example "0403:6001", `+
				`and the serial number behind a third colon if there are several: "0403:6001:A50285BI"`)
		}
	}
	if s.Baud < 50 || s.Baud > 4_000_000 {
		mistake("baud", fmt.Sprintf("%d is no speed of a serial port", s.Baud), "most readers have 9600")
	}
	if s.DataBits < 5 || s.DataBits > 8 {
		mistake("data_bits", fmt.Sprintf("%d does not exist", s.DataBits), "write 8 or 7")
	}
	if s.StopBits != 1 && s.StopBits != 2 {
		mistake("stop_bits", fmt.Sprintf("%d does not exist", s.StopBits), "write 1 or 2")
	}
	return errors.Join(wrong...)
}

// Key names the port of a reader's section for drivers.Module.Line: readers with the same key hang on the same line.
func Key(section settings.Section) string {
	if id, err := parseUSB(section.Text("usb")); err == nil {
		return "usb " + id.String()
	}
	if port := section.Text("port"); port != "" {
		return path.Clean(port)
	}
	return ""
}

// Alone says what is wrong if more than one reader is configured at a port whose protocol knows only one.
func Alone(names []string) error {
	if len(names) < 2 {
		return nil
	}
	return settings.Mistake{
		Field:   "port",
		Problem: fmt.Sprintf("the readers %s have the same port", strings.Join(names, ", ")),
		Advice:  "one reader of this type needs one port of its own",
	}
}

func (s *Settings) mode() *serial.Mode {
	mode := &serial.Mode{BaudRate: s.Baud, DataBits: s.DataBits, StopBits: serial.OneStopBit}
	if s.StopBits == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	switch s.Parity {
	case Odd:
		mode.Parity = serial.OddParity
	case Even:
		mode.Parity = serial.EvenParity
	case None:
	}
	return mode
}

// Parity is the check bit of each character.
type Parity uint8

// The parities.
const (
	None Parity = iota
	Odd
	Even
)

var parities = []string{"none", "odd", "even"}

func (p Parity) String() string {
	if int(p) < len(parities) {
		return parities[p]
	}
	return fmt.Sprintf("unknown(%d)", uint8(p))
}

// MarshalText writes what UnmarshalText reads.
func (p Parity) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads none, odd or even.
func (p *Parity) UnmarshalText(text []byte) error {
	i := slices.Index(parities, strings.ToLower(string(text)))
	if i < 0 {
		return fmt.Errorf("%q is no parity: write none, odd or even", text)
	}
	*p = Parity(i) //nolint:gosec // below 3
	return nil
}
