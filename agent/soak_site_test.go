//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// The journal has the least room that the configuration allows, so that the soak sees it deleting what is old.
const soakJournal = 64 << 20

// build makes everything of the site but the agent.
func (s *soak) build() {
	t := s.t
	portals := demoOptions()
	portals.Hosts, portals.Seed = []string{"127.0.0.2"}, s.seed
	s.portal = sandbox.New(portals)
	s.openPortal()
	t.Cleanup(func() { s.closePortal() })
	s.broker = newSoakBroker(t)
	if err := s.broker.start(); err != nil {
		t.Fatal(err)
	}
	rdm, iron := drivertest.Serial(t), drivertest.Serial(t)
	door := func(name, topic string, payload func(person) string) *soakGate {
		d := &soakDoor{address: s.broker.address, id: "door-" + name, topic: topic, payload: payload}
		t.Cleanup(d.close)
		return &soakGate{name: name, hand: d.hand}
	}
	s.gates = []*soakGate{
		{name: "gate-1", port: rdm, hand: func(p person) error { rdm.Write(rdmFrame(p.card)); return nil }},
		{name: "gate-2", port: iron, hand: func(p person) error { return showIronLogic(writer(iron.Write), p.card) }},
		door("gate-3", "rfid/gate-3", espRFID),
		door("gate-4", "tele/gate-4/SENSOR", func(p person) string {
			return fmt.Sprintf(`{"Time":%q,"Wiegand":{"UID":%d,"Size":34}}`, time.Now().Format("2006-01-02T15:04:05"), p.card.number())
		}),
	}
	for i, g := range s.gates {
		g.first, g.shown = i*soakCrowd, make(map[int]int)
	}
	first := int64(len(s.gates) * soakCrowd)
	s.strangers.next.Store(first)
	s.strangers.listed.Store(first)
	for name, text := range map[string]string{
		"portal-ca.pem": string(s.portal.CertificatePEM()), "acs.key": demoKey, "reestro.key": demoReestroKey, "callback.password": demoPassword,
		"roster.csv": demoRoster(), "config.yaml": s.config(), "cardholders.csv": listOf(int(first)),
	} {
		s.write(name, text)
	}
	if err := os.Mkdir(s.path("inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (s *soak) config() string {
	quick := strings.NewReplacer("retry_max: 2s", "retry_max: 1s, probe: 1s, requests_per_second: 40")
	return fmt.Sprintf(`device: soak
timezone: Asia/Almaty
clock: {trust: always} # the machine of the test may have nobody who vouches for it
data_dir: data
listen: %s
organizations: [{id: school, bin: "010140000014", name: Test school}]
cardholders: {file: cardholders.csv}
buffer: {max_size: %dMiB, keep: 35d, key_file: journal.key}
mqtt: {broker: "mqtt://%s"}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school, note: "gate-1, a"}
  - {name: gate-2, type: ironlogic, port: %s, organization: school, note: "gate-2, a"}
  - {name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school, note: "gate-3, a"}
  - {name: gate-4, type: mqtt, topic: tele/gate-4/SENSOR, format: tasmota, organization: school, note: "gate-4, a"}
uplinks:
  - {name: visits, type: acs, url: "https://%s%s", ca_file: portal-ca.pem, api_key_file: acs.key, max_delay: 500ms, retry_max: 1s, probe: 1s}
  - {name: heartbeat, type: heartbeat, interval: 5s}
%s`, s.listen, soakJournal>>20, s.broker.address, s.gates[0].port.Path, s.gates[1].port.Path, s.address, sandbox.ACSPath,
		quick.Replace(demoUplinks(s.address)))
}

// openPortal lets the portals answer.
func (s *soak) openPortal() {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Error(err)
		s.closePortal = func() {}
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.portal.ServeTLS(ctx, l); err != nil {
			s.t.Error(err)
		}
	})
	s.closePortal = func() { cancel(); serving.Wait() }
}

// fillJournal makes the journal that a device has which has worked for weeks: nearly full of passes that were delivered.
func (s *soak) fillJournal() error {
	folder := s.path("data/journal")
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return err
	}
	ctx := s.t.Context()
	j, err := buffer.Open(ctx, buffer.Options{
		Dir: folder, KeyFile: s.path("journal.key"), MaxSize: soakJournal, Uplinks: []string{"visits"}, Repeatable: []string{"visits"},
	})
	if err != nil {
		return err
	}
	const writers, full = 64, soakJournal / 16 * 15
	var number atomic.Int64
	var writing sync.WaitGroup
	failed := make(chan error, writers)
	for range writers {
		writing.Go(func() {
			for j.Stats().Bytes < full {
				if _, err := j.Append(ctx, oldPass(int(number.Add(1)))); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	writing.Wait()
	close(failed)
	err = <-failed
	if err == nil {
		err = j.Source("visits").Settle(ctx, j.End(), int(j.End()), nil) //nolint:gosec // some hundred thousand
	}
	return errors.Join(err, j.Close())
}

// oldPass is the n-th pass of the days before.
func oldPass(n int) *event.Pass {
	p := e2ePerson(n % soakCrowd)
	return &event.Pass{
		ID: event.NewID(), Device: "soak", Reader: "gate-1",
		Credential:   event.Credential{Format: "rdm6300", Number: p.card[:], Bits: 40, Text: p.card.hex(), Raw: rdmFrame(p.card)},
		At:           event.Instant{Wall: time.Now().Add(-72*time.Hour + time.Duration(n)*time.Second/2), Trusted: true},
		Organization: event.Organization{BIN: "010140000014", Name: "Test school"}, Note: "gate-1, a",
		Holder: event.Holder{IIN: p.iin, Name: p.name},
	}
}
