package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/fleet"
	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// fleetMessages are what a device says that was heard at that time: its presence, and how it is.
func fleetMessages(device string, p heartbeat.Presence, at time.Time, change func(*heartbeat.Heartbeat)) map[string]any {
	ok := heartbeat.Part{State: "ok"}
	b := heartbeat.Heartbeat{
		Version: heartbeat.Version, Device: device, Session: 7, Seq: 1, Interval: 60, At: at, Agent: "1.4.0",
		Clock: heartbeat.Clock{Trusted: true}, Config: ok, Journal: heartbeat.Journal{Part: ok, FreeDisk: 3 << 30},
		Readers: []heartbeat.Reader{{Name: "gate-1", Part: ok}, {Name: "Корпус 2", Part: ok}},
		Uplinks: []heartbeat.Uplink{{Name: "visits", Part: ok}},
	}
	if change != nil {
		change(&b)
	}
	return map[string]any{
		heartbeat.StateTopic(device): heartbeat.State{Version: heartbeat.Version, Device: device, State: p, Session: 7},
		heartbeat.Topic(device):      b,
	}
}

// region is a fleet on which a little of everything goes wrong, as it is at that time.
func region(t *testing.T, now time.Time) *fleet.Fleet {
	t.Helper()
	f := fleet.New(func(string) bool { return true })
	say := func(age time.Duration, messages map[string]any) {
		for topic, what := range messages {
			payload, err := json.Marshal(what)
			if err != nil {
				t.Fatal(err)
			}
			f.Take(fleet.Message{Topic: topic, Payload: payload, At: now.Add(-age)})
		}
	}
	at := func(age time.Duration, device string, p heartbeat.Presence, change func(*heartbeat.Heartbeat)) {
		say(age, fleetMessages(device, p, now.Add(-age), change))
	}
	at(4*time.Hour, "aktau-1", heartbeat.Lost, func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting, b.Uplinks[0].Oldest = 17, 41 })
	at(10*time.Second, "almaty-gate-1", heartbeat.Online, nil)
	at(12*time.Second, "almaty-gate-2", heartbeat.Online, func(b *heartbeat.Heartbeat) {
		b.Uplinks[0].Dead, b.Uplinks[0].Held, b.Readers[1].Part = 2, 5, heartbeat.Part{State: "failing", Error: "unplugged"}
	})
	at(5*time.Second, "almaty-gate-3", heartbeat.Online, func(b *heartbeat.Heartbeat) {
		b.Readers[0].Part, b.Readers[1].Part = heartbeat.Part{State: "failing", Error: "busy"}, heartbeat.Part{State: "failing"}
	})
	at(26*time.Minute, "astana-1", heartbeat.Online, nil)
	at(30*time.Second, "astana-2", heartbeat.Online, func(b *heartbeat.Heartbeat) { b.Clock.Trusted = false })
	at(31*time.Second, "shymkent-1", heartbeat.Online, func(b *heartbeat.Heartbeat) {
		b.Uplinks[0].Waiting, b.Uplinks[0].Oldest = 812, 7500
	})
	at(3*time.Second, "shymkent-2", heartbeat.Online, func(b *heartbeat.Heartbeat) {
		b.Agent, b.Journal.FreeDisk, b.Alerts = "1.5.0\x1b[2J", 90<<20, []string{heartbeat.DiskLow, "overheated"}
		b.Readers[0] = heartbeat.Reader{Name: "\x1b]0;owned\x07", Part: heartbeat.Part{State: "failing", Error: "\x1b"}}
	})
	at(50*time.Hour, "taraz-1", heartbeat.Stopped, nil)
	say(time.Second, map[string]any{heartbeat.StateTopic("uralsk-1"): heartbeat.State{Version: 1, Device: "uralsk-1", State: heartbeat.Online, Session: 1}})
	f.Take(fleet.Message{Topic: "acs/uralsk-2/state", Payload: []byte("hello"), At: now})
	return f
}

func TestTheTableOfAFleet(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	devices, left := region(t, now).Look(now)
	picture := fleetPicture{broker: "mqtts://broker.example:8883", now: now, devices: devices, left: left}
	for name, change := range map[string]func(*fleetPicture){
		"all.txt":    func(*fleetPicture) {},
		"short.txt":  func(p *fleetPicture) { p.rows, p.left.Beyond = 4, 9 },
		"starts.txt": func(p *fleetPicture) { p.devices, p.link = nil, &fleet.Link{} },
		"lost.txt": func(p *fleetPicture) {
			p.rows, p.link = 1, &fleet.Link{Lost: now.Add(-time.Minute), Problem: fmt.Errorf("broker mqtts://broker.example:8883: no answer")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := picture
			change(&p)
			var got bytes.Buffer
			if err := p.write(&got, lang.New(lang.English)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "fleet", name)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("not what stands in %s:\n%s", file, got.String())
			}
			if strings.ContainsFunc(got.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }) {
				t.Error("there are characters for terminals in it")
			}
		})
	}
}

func TestThereAreWordsForEachAlert(t *testing.T) {
	for _, code := range heartbeat.Codes() {
		if words := fleetProblem(nil, &fleet.Problem{Code: code, Count: 2}); words == code {
			t.Errorf("the table knows no words for %s", code)
		}
	}
}

func TestAPictureFitsIntoItsWindow(t *testing.T) {
	lines := cutLines("short\n"+strings.Repeat("я", 40)+"\nthird\nfourth\n", 20, 3)
	if want := []string{"short", strings.Repeat("я", 19) + "…", "third"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

// centre is a broker on which devices have said how they are.
type centre struct {
	t       *testing.T
	address *broker.Address
	client  paho.Client
	// password is a file.
	password string
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	e, err := broker.Listen(t.Context(), broker.ListenOptions{Address: "127.0.0.1:0", Username: "centre", Password: settings.NewSecret("hush")})
	if err != nil {
		t.Fatal(err)
	}
	c := &centre{t: t, address: e.Address(), password: filepath.Join(t.TempDir(), "password")}
	if err := os.WriteFile(c.password, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := c.address.Options("devices-of-the-test")
	if err != nil {
		t.Fatal(err)
	}
	c.client = paho.NewClient(o.SetConnectRetry(false).SetAutoReconnect(false))
	if token := c.client.Connect(); !token.WaitTimeout(patienceForFleet) || token.Error() != nil {
		t.Fatalf("connect: %v", token.Error())
	}
	t.Cleanup(func() {
		c.client.Disconnect(100)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// patienceForFleet is how long a test waits for what takes moments; a busy machine may need it.
const patienceForFleet = 40 * time.Second

func (c *centre) say(messages map[string]any) {
	c.t.Helper()
	for topic, what := range messages {
		var payload []byte
		if what != nil {
			var err error
			if payload, err = json.Marshal(what); err != nil {
				c.t.Fatal(err)
			}
		}
		if token := c.client.Publish(topic, 1, true, payload); !token.WaitTimeout(patienceForFleet) || token.Error() != nil {
			c.t.Fatalf("publish: %v", token.Error())
		}
	}
}

// ask runs the command.
func (c *centre) ask(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	args = append([]string{"fleet", "--broker", c.address.URL, "--username", "centre", "--password-file", c.password, "--lang", "en"}, args...)
	status = execute(c.t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestTheFleetCommandEndsWithTheStateOfTheFleet(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	now := time.Now()
	c.say(fleetMessages("well-1", heartbeat.Online, now, nil))
	c.say(fleetMessages("well-2", heartbeat.Stopped, now, nil))
	c.say(fleetMessages("lost-1", heartbeat.Lost, now, nil))
	c.say(fleetMessages("fails-1", heartbeat.Online, now, func(b *heartbeat.Heartbeat) { b.Uplinks[0].State = "failing" }))
	c.say(fleetMessages("person-1", heartbeat.Online, now, func(b *heartbeat.Heartbeat) { b.Uplinks[0].Uncertain = 1 }))
	for _, test := range []struct {
		args   string
		status int
		stdout string
		stderr string
	}{
		{"--device well-*", exitDone, "2 devices at " + c.address.URL + ": 1 stopped, 1 ok\n", ""},
		{"--device well-1", exitDone, "1 device at " + c.address.URL + ": 1 ok\n", ""},
		{"--once --device lost-1", exitFailed, "lost-1  offline  ", ""},
		{"--device fails-?", exitFailed, "uplink fails: visits", ""},
		{"--device person-1", exitNeedsPerson, "1 pass uncertain: visits", ""},
		{"", exitNeedsPerson, "5 devices at " + c.address.URL + ": 1 offline, 1 needs a person, 1 failing, 1 stopped, 1 ok\n", ""},
		{"--once --json --device fails-1", exitFailed, `"class": "failing"`, ""},
		{"--device nobody", exitFailed, "nobody has said anything", "no device named like nobody"},
		{"--device ../x", exitUsage, "", "device names have small letters"},
		{"--password-file nowhere.txt", exitFailed, "", "--password-file: open nowhere.txt"},
		{"--ca-file nowhere.pem", exitFailed, "", "--ca-file: open nowhere.pem"},
		{"--username stranger", exitFailed, "", "not authorized (check username and password_file)"},
		{"--broker mqtt://127.0.0.1:1", exitFailed, "", "nothing listens there"},
		{"--broker broker.example", exitUsage, "", "does not begin with mqtt://"},
		{"further", exitUsage, "", "unknown command"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := c.ask(strings.Fields(test.args)...)
			if status != test.status || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
				t.Errorf("status %d, want %d\nwant %q in:\n%s\nwant %q in:\n%s", status, test.status, test.stdout, stdout, test.stderr, stderr)
			}
		})
	}
}

func TestTheBrokerOfTheFleetCanStandInTheEnvironment(t *testing.T) {
	c := newCentre(t)
	c.say(fleetMessages("gate", heartbeat.Online, time.Now(), nil))
	var out, errs bytes.Buffer
	if status := execute(t.Context(), []string{"fleet", "--lang", "en"}, &out, &errs); status != exitUsage || !strings.Contains(errs.String(), "ACS_FLEET_BROKER") {
		t.Errorf("without a broker: %d, %s", status, errs.String())
	}
	for name, value := range map[string]string{"BROKER": c.address.URL, "USERNAME": "centre", "PASSWORD_FILE": c.password} {
		t.Setenv("ACS_FLEET_"+name, value)
	}
	if status := execute(t.Context(), []string{"fleet", "--json", "--once", "--lang", "en"}, &out, &errs); status != exitDone {
		t.Fatalf("%d: %s", status, errs.String())
	}
	var report fleetReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Devices) != 1 || report.Counts["ok"] != 1 || report.Devices[0].Numbers.FreeDisk != 3<<30 || report.Broker != c.address.URL {
		t.Errorf("%s", out.String())
	}
	if strings.Contains(out.String(), "hush") {
		t.Error("the password is printed")
	}
}

// TestChangesOfTheFleetAreLines follows the stream of changes.
func TestChangesOfTheFleetAreLines(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.say(fleetMessages("gate", heartbeat.Online, time.Now(), nil))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	var running sync.WaitGroup
	running.Go(func() {
		args := []string{"fleet", "--json", "--broker", c.address.URL, "--username", "centre", "--password-file", c.password}
		if status := execute(ctx, args, writer, io.Discard); status != exitDone {
			t.Errorf("it ends with %d", status)
		}
		_ = writer.Close()
	})
	lines := json.NewDecoder(reader)
	next := func() string {
		t.Helper()
		var d deviceReport
		if err := lines.Decode(&d); err != nil || d.At.IsZero() {
			t.Fatalf("a line at %v: %v", d.At, err)
		}
		got := d.Device + " " + d.Class
		for _, p := range d.Problems {
			got += " " + p.Code
		}
		return got
	}
	expect := func(want string) {
		t.Helper()
		if got := next(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	expect("gate ok")
	news := func(seq uint64, change func(*heartbeat.Heartbeat)) {
		c.say(fleetMessages("gate", heartbeat.Online, time.Now(), func(b *heartbeat.Heartbeat) { b.Seq = seq; change(b) }))
	}
	news(2, func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting = 3 }) // numbers move all the time
	news(3, func(b *heartbeat.Heartbeat) { b.Readers[0].State = "failing" })
	expect("gate failing reader-failing")
	news(4, func(*heartbeat.Heartbeat) {})
	expect("gate ok")
	c.say(map[string]any{heartbeat.StateTopic("gate"): nil, heartbeat.Topic("gate"): nil})
	last := next()
	for last != "gate gone" { // the two messages may fall into two looks
		last = next()
	}
	cancel()
	running.Wait()
}
