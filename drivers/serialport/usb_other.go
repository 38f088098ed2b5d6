//go:build !linux && !darwin

package serialport

import (
	"strings"

	"go.bug.st/serial/enumerator"
)

func usbPorts() ([]usbPort, error) {
	found, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, err
	}
	var ports []usbPort
	for _, p := range found {
		if p.IsUSB {
			ports = append(ports, usbPort{
				id:   usbID{vendor: strings.ToUpper(p.VID), product: strings.ToUpper(p.PID), serial: p.SerialNumber},
				path: p.Name,
			})
		}
	}
	return ports, nil
}
