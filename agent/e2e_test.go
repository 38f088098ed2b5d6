//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// These variables of the environment run the test with another agent, or make it smaller.
const (
	// e2eAgent is a command line that is the agent, such as "qemu-arm -cpu arm1176 /path/acs-agent-linux-armv6". Without it the test
	// binary is.
	e2eAgent = "ACS_AGENT_E2E"
	// e2ePasses is how many passes the readers make, e2eKills how often the agent is killed.
	e2ePasses = "ACS_AGENT_E2E_PASSES"
	e2eKills  = "ACS_AGENT_E2E_KILLS"
)

// e2eSize is how much the test does.
type e2eSize struct{ passes, kills int }

const e2eKey = demoKey

// quarter is the number of the first person behind the n-th reader's.
func (z e2eSize) quarter(n int) int { return n * z.passes / 4 }

// e2e is a whole site: four readers, a broker, an agent that is killed again and again, and a portal that fails in every way.
//
// Each pass is another person with another card, so that the portal's rows tell exactly which passes arrived.
type e2e struct {
	t      *testing.T
	size   e2eSize
	dir    string
	portal *sandbox.Portal
	broker string
	// clients counts those of the broker, each of which needs another name.
	clients atomic.Int32

	mu    sync.Mutex // guards agent
	agent *exec.Cmd
	ended chan struct{}
	kills int
	ports []*drivertest.Port

	// failed is closed when the portal has failed in every way; met is how many of them requests have met.
	failed chan struct{}
	met    atomic.Int32

	// quiet is held for reading while bytes are on a serial line: what a serial reader has sent into a process that is killed
	// was read by nobody, and no agent can bring it back.
	quiet sync.RWMutex
	// lives counts the starts of the agent; a reader's count begins anew with each.
	lives atomic.Int64
}

func newE2E(t *testing.T) *e2e {
	t.Helper()
	s := &e2e{t: t, dir: t.TempDir(), failed: make(chan struct{})}
	s.size = e2eSize{passes: 20_000, kills: 10} // less is for an agent that an emulator makes slow
	for name, into := range map[string]*int{e2ePasses: &s.size.passes, e2eKills: &s.size.kills} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				t.Fatalf("%s=%s is no number", name, text)
			}
			*into = n
		}
	}
	if least := 8 * e2eLures; s.size.passes < least {
		t.Fatalf("%s: write %d or more", e2ePasses, least)
	}
	return s
}

// TestEveryPassArrivesWhateverHappens is the promise of the product: 20,000 passes from four readers, a portal that fails in
// every way it can, an agent that is killed ten times. Every pass arrives, none is invented, and the portal is never asked more
// often than it allows.
func TestEveryPassArrivesWhateverHappens(t *testing.T) {
	s := newE2E(t)
	s.startPortal()
	s.broker = startTestBroker(t)
	rdm, iron := drivertest.Serial(t), drivertest.Serial(t)
	s.ports = []*drivertest.Port{rdm, iron}
	s.writeFiles(rdm.Path, iron.Path)
	s.startAgent()
	t.Cleanup(s.stopAgent)
	s.await("all readers are up", func(st *health.Status) bool { // a broker keeps messages only for those who have subscribed once
		for n := 1; n <= 4; n++ {
			if find(st.Parts, health.Reader, fmt.Sprintf("gate-%d", n)).State != health.Up {
				return false
			}
		}
		return true
	})

	started := time.Now()
	var readers sync.WaitGroup
	quarter := s.size.quarter
	readers.Go(func() {
		s.serial("gate-1", 0, quarter(1), func(p person) { rdm.Write(rdmFrame(p.card)) })
	})
	readers.Go(func() {
		s.serial("gate-2", quarter(1), quarter(2), func(p person) { _ = showIronLogic(writer(iron.Write), p.card) })
	})
	readers.Go(func() { s.mqtt("rfid/gate-3", quarter(2), quarter(3)-e2eLures, espRFID) })
	readers.Go(func() { s.mqtt("tele/gate-4/SENSOR", quarter(3), s.size.passes, tasmota) })
	troubled, calm := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	trouble.Go(func() { s.fail(troubled) })
	trouble.Go(func() { s.kill(troubled) })

	readers.Wait()
	for s.killed() < s.size.kills && time.Since(started) < 3*time.Minute && !t.Failed() {
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case <-s.failed:
	case <-time.After(3 * time.Minute):
		t.Error("the portal did not come to fail in every way")
	}
	calm()
	trouble.Wait()
	if err := s.portal.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	s.awaitArrival()
	s.statusCommand()
	s.check()
	t.Logf("%d passes, %d kills and %d kinds of faults in %.0f s; the portal: %+v",
		s.size.passes, s.killed(), s.met.Load(), time.Since(started).Seconds(), s.portal.Stats())
}

func (s *e2e) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *e2e) writeFiles(rdm, iron string) {
	portal, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("card;iin;full_name\n")
	for n := range s.size.passes {
		p := e2ePerson(n)
		if !event.ValidIIN(p.iin) {
			s.t.Fatalf("person %d has no valid IIN", n)
		}
		fmt.Fprintf(&list, "%s;%s;%s\n", p.written, p.iin, p.name)
	}
	s.write("cardholders.csv", list.String())
	s.write("acs.key", e2eKey)
	s.write("config.yaml", fmt.Sprintf(`device: e2e
timezone: Asia/Almaty
clock: {trust: always} # under an emulator nobody vouches for it
data_dir: data
listen: off
organizations: [{id: school, bin: "010140000014", name: Test school}]
cardholders: {file: cardholders.csv}
mqtt: {broker: "mqtt://%s"}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school}
  - {name: gate-2, type: ironlogic, port: %s, organization: school}
  - {name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school}
  - {name: gate-4, type: mqtt, topic: tele/gate-4/SENSOR, format: tasmota, organization: school}
uplinks:
  - {name: visits, type: acs, url: "https://%s%s", ca_file: portal-ca.pem, api_key_file: acs.key, max_delay: 500ms, retry_max: 1s, probe: 1s}
`, s.broker, rdm, iron, portal, sandbox.ACSPath))
}

// check compares what the portal has with what was shown to the readers.
func (s *e2e) check() {
	t := s.t
	if kills := s.killed(); kills != s.size.kills {
		t.Errorf("the agent was killed %d times, want %d", kills, s.size.kills)
	}
	if met, want := int(s.met.Load()), len(e2eFaults())+1; met != want {
		t.Errorf("requests have met %d kinds of faults, want all %d", met, want)
	}
	stats := s.portal.Stats()
	if stats.TooFast != 0 {
		t.Errorf("%d requests came faster than the portal allows", stats.TooFast)
	}
	got := make(map[string]int, s.size.passes)
	s.portal.Rows(func(r sandbox.Row) bool {
		got[r.IIN+r.Name+r.Note]++
		return true
	})
	missing, wrong := 0, 0
	for n := range s.size.passes {
		p := e2ePerson(n)
		key := p.iin + p.name + fmt.Sprintf("gate-%d", 1+n/s.size.quarter(1))
		switch got[key] {
		case 0:
			missing++
			if missing < 5 {
				t.Errorf("pass %d never arrived", n)
			}
		case 1:
		default:
			wrong++
			if wrong < 5 {
				t.Errorf("pass %d arrived as %d different rows", n, got[key])
			}
		}
		delete(got, key)
	}
	if missing+wrong+len(got) > 0 {
		t.Errorf("%d passes are missing, %d came as several, %d rows were invented", missing, wrong, len(got))
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	refused := e2ePerson(s.size.quarter(3) - e2eLures)
	if text := string(log); strings.Contains(text, "Пробный") || strings.Contains(text, e2ePerson(7).iin) || strings.Contains(text, refused.iin) {
		t.Error("the log names people")
	}
}
