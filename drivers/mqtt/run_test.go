package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

const gate = "topic: gate/1\nformat: json\nnumber: hex\nfields: {card: uid}"

// quick is a pace at which tests are not long.
var quick = pace{
	store: 5 * time.Millisecond, maxStore: 20 * time.Millisecond,
	patience: 50 * time.Millisecond,
	connect:  10 * time.Millisecond, maxConnect: 100 * time.Millisecond,
	steady:    time.Minute,
	subscribe: 30 * time.Millisecond,
	farewell:  300 * time.Millisecond,
}

// run starts the driver with readers gate-1, gate-2, … and does not wait for the broker.
func run(t *testing.T, address *broker.Address, take drivers.Take, readers ...string) *drivertest.Running {
	t.Helper()
	d, err := module(t, address, readers...)
	if err != nil {
		t.Fatal(err)
	}
	d.pace = quick
	return drivertest.Start(t, d, take)
}

// up starts the driver and waits until its first reader works.
func up(t *testing.T, address *broker.Address, take drivers.Take, readers ...string) *drivertest.Running {
	t.Helper()
	r := run(t, address, take, readers...)
	r.Await(t, "gate-1", health.Up)
	return r
}

// A slowJournal takes a pass only when it is told to.
type slowJournal struct {
	offered chan *event.Pass
	let     chan error
}

func newSlowJournal() *slowJournal {
	return &slowJournal{offered: make(chan *event.Pass, 1024), let: make(chan error)}
}

func (j *slowJournal) Take(ctx context.Context, p *event.Pass) error {
	j.offered <- p
	select {
	case err := <-j.let:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *slowJournal) next(t *testing.T) *event.Pass {
	t.Helper()
	select {
	case p := <-j.offered:
		return p
	case <-time.After(patience):
		t.Fatal("no pass was offered")
		return nil
	}
}

// settle gives the broker time for what must not happen.
func settle() { time.Sleep(150 * time.Millisecond) }

// stop ends a driver whose last acknowledgement the broker shall have seen: one that is still on its way when the next driver
// takes the session over counts for nothing.
func stop(t *testing.T, driver *drivertest.Running) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	driver.Stop(t)
}

func TestPassesArrive(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		journal := drivertest.NewJournal()
		before := time.Now()
		up(t, s.at(""), journal.Take, gate)
		readers := publish(t, s)
		for qos := range byte(3) {
			readers.send("gate/1", qos, false, `{"uid":"55007EE424"}`)
			p := journal.Next(t)
			if p.Reader != "gate-1" || p.Credential.Canonical() != "55007EE424" || p.Redelivered {
				t.Errorf("QoS %d: %+v", qos, p)
			}
			if (p.EventID != "") != (qos > 0) {
				t.Errorf("QoS %d: event id %q", qos, p.EventID)
			}
			if p.At.Wall.Before(before) || p.At.Wall.After(time.Now()) {
				t.Errorf("received at %v", p.At.Wall)
			}
		}
		journal.Empty(t)
	})
}

func TestNothingIsAcknowledgedBeforeItIsStored(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		line, slow := newCable(t, s.address), newSlowJournal()
		first := up(t, s.at(line.Addr().String()), slow.Take, gate)
		publish(t, s).send("gate/1", 1, false, `{"uid":"55007EE424"}`)
		offered := slow.next(t)
		if offered.Redelivered {
			t.Error("the first delivery is marked as a repetition")
		}
		line.pull() // as a power cut: no word to the broker
		first.Stop(t)

		journal := drivertest.NewJournal()
		second := up(t, s.at(""), journal.Take, gate)
		again := journal.Next(t)
		if !again.Redelivered || again.EventID != offered.EventID || again.Credential.Canonical() != "55007EE424" {
			t.Errorf("first %+v\nagain %+v", offered, again)
		}
		stop(t, second)

		third := up(t, s.at(""), journal.Take, gate)
		settle()
		journal.Empty(t) // it was acknowledged when it was stored
		third.Stop(t)
	})
}

func TestAnOrderlyEndDoesNotAcknowledgeEither(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		slow := newSlowJournal()
		first := up(t, s.at(""), slow.Take, gate)
		publish(t, s).send("gate/1", 1, false, `{"uid":"55007EE424"}`)
		slow.next(t)
		first.Stop(t)
		journal := drivertest.NewJournal()
		up(t, s.at(""), journal.Take, gate)
		if p := journal.Next(t); !p.Redelivered {
			t.Errorf("%+v is not marked", p)
		}
	})
}

func TestAPassThatIsBeingStoredIsNotOfferedTwice(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		line, slow := newCable(t, s.address), newSlowJournal()
		driver := up(t, s.at(line.Addr().String()), slow.Take, gate)
		readers := publish(t, s)
		readers.send("gate/1", 1, false, `{"uid":"55007EE424"}`)
		slow.next(t)
		line.pull()
		driver.Await(t, "gate-1", health.Down)
		line.plug()
		driver.Await(t, "gate-1", health.Up)
		readers.send("gate/1", 1, false, `{"uid":"AA"}`) // what comes behind the redelivery
		if p := slow.next(t); p.Credential.Canonical() != "AA" {
			t.Errorf("the pass was offered again: %+v", p)
		}
		slow.let <- nil
		slow.let <- nil
		stop(t, driver)
		journal := drivertest.NewJournal()
		up(t, s.at(""), journal.Take, gate)
		settle()
		journal.Empty(t) // the redelivery was acknowledged in place of the first delivery
	})
}

func TestAFullJournalIsWaitedFor(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		journal := drivertest.NewJournal()
		driver := up(t, s.at(""), journal.Take, gate)
		journal.Refuse(20, fmt.Errorf("test: %w", drivers.ErrFull))
		publish(t, s).send("gate/1", 1, false, `{"uid":"55007EE424"}`)
		if told := driver.Await(t, "gate-1", health.Down); !strings.Contains(told.Problem, "stay with the broker") || told.Code != string(health.JournalFull) {
			t.Errorf("the board says %q (%s)", told.Problem, told.Code)
		}
		journal.Next(t)
		driver.Await(t, "gate-1", health.Up)
		settle()
		journal.Empty(t)
	})
}

func TestThePersistentSessionKeepsWhatComesWhileTheAgentIsAway(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		journal := drivertest.NewJournal()
		up(t, s.at(""), journal.Take, gate).Stop(t)
		readers := publish(t, s)
		var want []string
		for i := range 30 {
			card := fmt.Sprintf("5500%06X", i+1)
			readers.send("gate/1", 1, false, `{"uid":"`+card+`"}`)
			want = append(want, card)
		}
		settle()
		up(t, s.at(""), journal.Take, gate)
		var got []string
		for range want {
			got = append(got, journal.Next(t).Credential.Canonical())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		journal.Empty(t)
	})
}

func TestRetainedMessagesAreThePast(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		readers := publish(t, s)
		readers.send("gate/1", 1, true, `{"uid":"01"}`)
		settle() // the broker says that it has a message before it has handed it out
		journal := drivertest.NewJournal()
		up(t, s.at(""), journal.Take, gate)
		settle()
		journal.Empty(t)
		readers.send("gate/1", 1, true, `{"uid":"02"}`) // retained, but new
		if p := journal.Next(t); p.Credential.Canonical() != "02" {
			t.Errorf("%+v", p)
		}
		journal.Empty(t)
	})
}

func TestTwoReadersOnOneTopic(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		const rfid = "topic: /rfid/send\nformat: esp-rfid\nmatch: {hostname: "
		journal := drivertest.NewJournal()
		driver := up(t, s.at(""), journal.Take, rfid+"turnstile-1}", rfid+"turnstile-2}", "topic: rfid/+\nformat: esphome")
		driver.Await(t, "gate-2", health.Up)
		readers := publish(t, s)
		for host, want := range map[string]string{"turnstile-1": "gate-1", "turnstile-2": "gate-2"} {
			readers.send("/rfid/send", 1, false, `{"type":"access","access":"Always","uid":"a1b2c3d4","hostname":"`+host+`"}`)
			if p := journal.Next(t); p.Reader != want {
				t.Errorf("%s: reader %s, want %s", host, p.Reader, want)
			}
		}
		readers.send("/rfid/send", 1, false, `{"type":"access","access":"Always","uid":"a1b2c3d4","hostname":"turnstile-3"}`)
		readers.send("rfid/tag", 1, false, `17`)
		if p := journal.Next(t); p.Reader != "gate-3" {
			t.Errorf("reader %s, want gate-3", p.Reader)
		}
		journal.Empty(t)
	})
}

func TestWhatIsNotUnderstoodIsReportedAndDone(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		journal := drivertest.NewJournal()
		driver := up(t, s.at(""), journal.Take, gate)
		readers := publish(t, s)
		readers.send("gate/1", 1, false, `no JSON`)
		readers.send("gate/1", 1, false, `{"other":1}`)
		readers.send("gate/1", 1, false, `{"uid":"AA","padding":"`+strings.Repeat("x", 200_000)+`"}`)
		readers.send("gate/1", 1, false, `{"uid":"BB"}`)
		if p := journal.Next(t); p.Credential.Canonical() != "BB" {
			t.Errorf("%+v", p)
		}
		driver.AwaitOddity(t, "gate-1", 2)
		stop(t, driver)
		again := up(t, s.at(""), journal.Take, gate)
		settle()
		journal.Empty(t)
		for _, report := range again.Board.Snapshot() {
			if report.Oddities > 0 {
				t.Errorf("the broker sent it again: %+v", report)
			}
		}
	})
}

func TestTheBrokerIsRestarted(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		journal := drivertest.NewJournal()
		driver := up(t, s.at(""), journal.Take, gate)
		s.stop()
		told := driver.Await(t, "gate-1", health.Down)
		if !strings.HasPrefix(told.Problem, "broker mqtt://"+s.address+": ") || !strings.Contains(told.Problem, "(") {
			t.Errorf("the board says %q", told.Problem)
		}
		s.restart(t)
		driver.Await(t, "gate-1", health.Up)
		publish(t, s).send("gate/1", 1, false, `{"uid":"AA"}`)
		journal.Next(t)
		journal.Empty(t)
	})
}

func TestAWrongPasswordIsCalledThat(t *testing.T) {
	onEachBroker(t, func(t *testing.T, s *site) {
		address := s.at("")
		address.Password = settings.NewSecret("wrong")
		told := run(t, address, drivertest.NewJournal().Take, gate).Await(t, "gate-1", health.Down)
		if want := "broker mqtt://" + s.address + ": not authorized (check username and password_file)"; told.Problem != want || told.Code != string(health.KeyRefused) {
			t.Errorf("the board says %q (%s), want %q", told.Problem, told.Code, want)
		}
	})
}

func TestAFloodOfQoS0IsBoundedAndLoud(t *testing.T) {
	s := embedded(t)
	s.restart(t)
	t.Cleanup(func() { s.stop() })
	slow := newSlowJournal()
	driver := up(t, s.at(""), slow.Take, gate)
	readers := publish(t, s)
	const flood = maxWork + 100
	for i := range flood {
		readers.send("gate/1", 0, false, fmt.Sprintf(`{"uid":"%06X"}`, i+1))
	}
	told := driver.AwaitOddity(t, "gate-1", flood-maxWork)
	if told.Oddities != flood-maxWork || !strings.Contains(told.LastOddity, "QoS 0") {
		t.Errorf("%d oddities, the last is %q", told.Oddities, told.LastOddity)
	}
	if n := len(slow.offered); n != maxWork {
		t.Errorf("%d passes were offered at once, want %d", n, maxWork)
	}
	for range maxWork {
		slow.let <- nil
	}
	readers.send("gate/1", 0, false, `{"uid":"AA"}`)
	for range maxWork {
		slow.next(t)
	}
	if p := slow.next(t); p.Credential.Canonical() != "AA" {
		t.Errorf("after the flood: %+v", p)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	s := embedded(t)
	s.restart(t)
	defer s.stop()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	settle()
	before := runtime.NumGoroutine()
	for name, address := range map[string]*broker.Address{
		"connected":       s.at(""),
		"nobody there":    s.at(freePort(t)),
		"a silent broker": s.at(silent.Addr().String()),
		"silent TLS":      {URL: "mqtts://" + silent.Addr().String()},
		"no route":        {URL: "mqtt://192.0.2.1"},
	} {
		journal := drivertest.NewJournal()
		journal.Refuse(1_000_000, errors.New("test: no"))
		driver := run(t, address, journal.Take, gate)
		if name == "connected" {
			driver.Await(t, "gate-1", health.Up)
		} else {
			time.Sleep(50 * time.Millisecond)
		}
		driver.Stop(t) // fails the test if it takes more than a second
		for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<16)
				t.Fatalf("%s: %d goroutines before, %d after\n%s", name, before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
			}
		}
	}
}
