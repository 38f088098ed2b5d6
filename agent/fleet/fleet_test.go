package fleet

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// at is so much after noon.
func at(d time.Duration) time.Time { return noon.Add(d) }

func everybody(string) bool { return true }

// A hearing is a fleet to which messages are given one after the other.
type hearing struct {
	t *testing.T
	*Fleet
	now time.Time
}

func hear(t *testing.T) *hearing { return &hearing{t, New(everybody), noon} }

func (h *hearing) say(topic string, what any, retained bool) {
	h.t.Helper()
	var payload []byte
	if what != nil {
		var err error
		if payload, err = json.Marshal(what); err != nil {
			h.t.Fatal(err)
		}
	}
	h.Take(Message{Topic: topic, Payload: payload, Retained: retained, At: h.now})
}

func state(device string, p heartbeat.Presence, session uint64) heartbeat.State {
	return heartbeat.State{Version: 1, Device: device, State: p, Session: session}
}

// beatOf is a heartbeat of a device on which all is well, changed.
func beatOf(device string, session, seq uint64, at time.Time, change ...func(*heartbeat.Heartbeat)) heartbeat.Heartbeat {
	ok := heartbeat.Part{State: "ok"}
	b := heartbeat.Heartbeat{
		Version: 1, Device: device, Session: session, Seq: seq, Interval: 60, At: at, Agent: "1.4.0", Clock: heartbeat.Clock{Trusted: true},
		Config: ok, Journal: heartbeat.Journal{Part: ok, Bytes: 1 << 20, Limit: 512 << 20, FreeDisk: 3 << 30},
		Readers: []heartbeat.Reader{{Name: "gate-1", Part: ok}},
		Uplinks: []heartbeat.Uplink{{Name: "visits", Part: ok}},
		Alerts:  []string{},
	}
	for _, c := range change {
		c(&b)
	}
	return b
}

// online lets a device come and send its first heartbeat.
func (h *hearing) online(device string, change ...func(*heartbeat.Heartbeat)) {
	h.t.Helper()
	h.say(heartbeat.StateTopic(device), state(device, heartbeat.Online, 7), false)
	h.say(heartbeat.Topic(device), beatOf(device, 7, 1, h.now, change...), false)
}

// device judges one, so long after noon.
func (h *hearing) device(name string, after time.Duration) Device {
	h.t.Helper()
	devices, _ := h.Look(at(after))
	i := slices.IndexFunc(devices, func(d Device) bool { return d.Name == name })
	if i < 0 {
		h.t.Fatalf("nothing is known of %s", name)
	}
	return devices[i]
}

func (h *hearing) want(name string, after time.Duration, want Class) {
	h.t.Helper()
	if d := h.device(name, after); d.Class != want {
		h.t.Errorf("after %v %s is %s, want %s", after, name, d.Class, want)
	}
}

// codes are those of a device's problems, with what they concern.
func codes(d *Device) string {
	var all []string
	for _, p := range d.Problems {
		all = append(all, strings.TrimSpace(fmt.Sprint(p.Code, " ", p.Count, " ", strings.Join(p.Names, ", "))))
	}
	return strings.Join(all, "; ")
}

func TestVerdicts(t *testing.T) {
	part := func(state, code string) heartbeat.Part { return heartbeat.Part{State: state, Error: code} }
	for what, test := range map[string]struct {
		change   func(*heartbeat.Heartbeat)
		class    Class
		person   bool
		problems string
	}{
		"all is well":          {func(*heartbeat.Heartbeat) {}, Well, false, ""},
		"a reader starts":      {func(b *heartbeat.Heartbeat) { b.Readers[0].Part = part("starting", "") }, Well, false, ""},
		"a reader fails":       {func(b *heartbeat.Heartbeat) { b.Readers[0].Part = part("failing", "unplugged") }, Failing, false, "reader-failing 1 gate-1 (unplugged)"},
		"a reader has stopped": {func(b *heartbeat.Heartbeat) { b.Readers[0].Part = part("stopped", "") }, NeedsPerson, true, "reader-stopped 1 gate-1"},
		"an uplink fails":      {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Part = part("failing", "timeout") }, Failing, false, "uplink-failing 1 visits (timeout)"},
		"an uplink has stopped": {
			func(b *heartbeat.Heartbeat) { b.Uplinks[0].Part = part("stopped", "key-refused") }, NeedsPerson, true,
			"uplink-stopped 1 visits (key-refused)",
		},
		"passes were refused":   {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Dead = 3 }, NeedsPerson, true, "dead-letters 3 visits"},
		"passes are uncertain":  {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Uncertain = 1 }, NeedsPerson, true, "uncertain 1 visits"},
		"passes are held":       {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Held = 9 }, Well, false, ""},
		"passes are unreadable": {func(b *heartbeat.Heartbeat) { b.Journal.Holes = 2 }, NeedsPerson, true, "journal-holes 2"},
		"the journal is full":   {func(b *heartbeat.Heartbeat) { b.Journal.Part = part("failing", "journal-full") }, Failing, false, "journal-full 1"},
		"the journal fails":     {func(b *heartbeat.Heartbeat) { b.Journal.Part = part("failing", "read-only") }, Failing, false, "journal-failing 1"},
		"the configuration":     {func(b *heartbeat.Heartbeat) { b.Config = part("failing", "config-refused") }, NeedsPerson, true, "config-refused 1"},
		"the clock is not set":  {func(b *heartbeat.Heartbeat) { b.Clock.Trusted = false }, ClockNotSet, false, "clock-not-set 1"},
		"the disk fills up":     {func(b *heartbeat.Heartbeat) { b.Alerts = []string{"disk-low"} }, ShortOfRoom, false, "disk-low 0"},
		"an unknown alert":      {func(b *heartbeat.Heartbeat) { b.Alerts = []string{"flooded"} }, Failing, false, "flooded 0"},
		"some passes wait":      {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting, b.Uplinks[0].Oldest = 5000, 3600 }, Well, false, ""},
		"an old pass waits":     {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting, b.Uplinks[0].Oldest = 1, 3601 }, Behind, false, ""},
		"very many passes wait": {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting = 5001 }, Behind, false, ""},
		"an uplink is gone":     {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Orphaned, b.Uplinks[0].Waiting = true, 4 }, NeedsPerson, true, "uplink-gone 4 visits"},
		"it is gone and empty":  {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Orphaned = true }, Well, false, ""},
		"numbers without sense": {func(b *heartbeat.Heartbeat) {
			b.Uplinks[0].Dead, b.Uplinks[0].Oldest, b.Interval = -1, math.MinInt64, -5
		}, Well, false, ""},
		"more than all the time": {func(b *heartbeat.Heartbeat) { b.Uplinks[0].Oldest, b.Interval = math.MaxInt64, math.MaxInt32 }, Behind, false, ""},
		"several things": {func(b *heartbeat.Heartbeat) {
			b.Readers[0].Part, b.Uplinks[0].Part, b.Uplinks[0].Dead, b.Clock.Trusted = part("failing", "busy"), part("failing", "tls"), 2, false
		}, NeedsPerson, true, "dead-letters 2 visits; reader-failing 1 gate-1 (busy); uplink-failing 1 visits (tls); clock-not-set 1"},
	} {
		h := hear(t)
		h.online("gate", test.change)
		d := h.device("gate", time.Minute)
		if d.Class != test.class || d.NeedsPerson() != test.person || codes(&d) != test.problems {
			t.Errorf("%s: %s, needs a person %t, problems %q; want %s, %t, %q", what, d.Class, d.NeedsPerson(), codes(&d), test.class, test.person, test.problems)
		}
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	h := hear(t)
	h.online("well-b")
	h.online("well-a")
	h.online("behind", func(b *heartbeat.Heartbeat) { b.Uplinks[0].Waiting, b.Uplinks[0].Oldest = 1, 86400 })
	h.online("clock", func(b *heartbeat.Heartbeat) { b.Clock.Trusted = false })
	h.online("room", func(b *heartbeat.Heartbeat) { b.Alerts = []string{heartbeat.JournalFilling} })
	h.online("fails", func(b *heartbeat.Heartbeat) { b.Readers[0].State = "failing" })
	h.online("person", func(b *heartbeat.Heartbeat) { b.Uplinks[0].Dead = 1 })
	h.online("away")
	h.say(heartbeat.StateTopic("away"), state("away", heartbeat.Lost, 7), false)
	h.online("stopped", func(b *heartbeat.Heartbeat) { b.Uplinks[0].State = "failing" })
	h.say(heartbeat.StateTopic("stopped"), state("stopped", heartbeat.Stopped, 7), false)
	h.now = at(-10 * time.Minute)
	h.online("silent")
	devices, left := h.Look(noon)
	var got []string
	for _, d := range devices {
		got = append(got, d.Name+" "+d.Class.String())
	}
	want := []string{
		"away offline", "person needs-person", "fails failing", "silent silent", "clock clock-not-set", "room short-of-room", "behind behind",
		"stopped stopped", "well-a ok", "well-b ok",
	}
	if !slices.Equal(got, want) || left != (Left{}) {
		t.Errorf("got %q, want %q; %+v", got, want, left)
	}
	if d := h.device("stopped", 0); d.NeedsPerson() {
		t.Error("an agent that was stopped on purpose needs a person")
	}
}

func TestALateWillDoesNotMakeALivingDeviceDead(t *testing.T) {
	const gate = "gate"
	for what, test := range map[string]struct {
		say  func(*hearing)
		want Class
	}{
		"the will of this session": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
		}, Offline},
		"the will of an earlier session": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 6), false)
		}, Well},
		"back in a later session": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Online, 8), false)
		}, Well},
		"back, and then the will": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Online, 8), false)
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
		}, Well},
		"only the heartbeat tells that it is back": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
			h.say(heartbeat.Topic(gate), beatOf(gate, 8, 1, noon), false)
		}, Well},
		"a heartbeat that was overtaken by the will": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
			h.say(heartbeat.Topic(gate), beatOf(gate, 7, 2, noon), false)
		}, Offline},
		"stopped in order": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Stopped, 7), false)
		}, Stopped},
		"an old order does not bring back old troubles": {func(h *hearing) {
			h.say(heartbeat.Topic(gate), beatOf(gate, 7, 3, noon), false)
			h.say(heartbeat.Topic(gate), beatOf(gate, 7, 2, noon, func(b *heartbeat.Heartbeat) { b.Uplinks[0].Dead = 1 }), false)
			h.say(heartbeat.Topic(gate), beatOf(gate, 6, 99, noon, func(b *heartbeat.Heartbeat) { b.Uplinks[0].Dead = 1 }), false)
		}, Well},
		"a new disk, from the beginning": {func(h *hearing) {
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 7), false)
			for seq := range uint64(2) {
				h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Online, 1), false)
				h.say(heartbeat.Topic(gate), beatOf(gate, 1, 1+seq, noon), false)
			}
		}, Well},
		"a new disk, and away again": {func(h *hearing) {
			for seq := range uint64(2) {
				h.say(heartbeat.Topic(gate), beatOf(gate, 1, 1+seq, noon), false)
			}
			h.say(heartbeat.StateTopic(gate), state(gate, heartbeat.Lost, 1), false)
		}, Offline},
	} {
		h := hear(t)
		h.online(gate)
		test.say(h)
		if d := h.device(gate, time.Second); d.Class != test.want {
			t.Errorf("%s: %s, want %s", what, d.Class, test.want)
		}
	}
}

func TestWhatTheBrokerHadKept(t *testing.T) {
	const gate = "gate"
	beat := func(session uint64, age time.Duration, change ...func(*heartbeat.Heartbeat)) func(*hearing) {
		return func(h *hearing) {
			h.say(heartbeat.Topic(gate), beatOf(gate, session, 5, noon.Add(-age), change...), true)
		}
	}
	present := func(p heartbeat.Presence, session uint64) func(*hearing) {
		return func(h *hearing) { h.say(heartbeat.StateTopic(gate), state(gate, p, session), true) }
	}
	unset := func(b *heartbeat.Heartbeat) { b.Clock.Trusted = false }
	for what, test := range map[string]struct {
		say   []func(*hearing)
		want  Class
		heard time.Time
	}{
		"a heartbeat of just now":                   {[]func(*hearing){present(heartbeat.Online, 7), beat(7, time.Second)}, Well, noon},
		"one of four minutes ago":                   {[]func(*hearing){present(heartbeat.Online, 7), beat(7, 4*time.Minute)}, Well, at(-2 * time.Minute)}, // the clock may be wrong
		"one of an hour ago":                        {[]func(*hearing){present(heartbeat.Online, 7), beat(7, time.Hour)}, Silent, at(-58 * time.Minute)},
		"the heartbeat comes first":                 {[]func(*hearing){beat(7, time.Hour), present(heartbeat.Online, 7)}, Silent, at(-58 * time.Minute)},
		"one from the future":                       {[]func(*hearing){present(heartbeat.Online, 7), beat(7, -time.Hour)}, Well, noon},
		"a clock that is not set":                   {[]func(*hearing){present(heartbeat.Online, 7), beat(7, 50*365*24*time.Hour, unset)}, ClockNotSet, time.Time{}},
		"the will":                                  {[]func(*hearing){present(heartbeat.Lost, 7), beat(7, time.Second)}, Offline, noon},
		"the will of an earlier session":            {[]func(*hearing){present(heartbeat.Lost, 6), beat(7, time.Second)}, Well, noon},
		"the same in the other order":               {[]func(*hearing){beat(7, time.Second), present(heartbeat.Lost, 6)}, Well, noon},
		"a heartbeat of the session before":         {[]func(*hearing){present(heartbeat.Online, 8), beat(7, time.Second)}, Well, noon},
		"online, but no heartbeat":                  {[]func(*hearing){present(heartbeat.Online, 7)}, Silent, time.Time{}},
		"stopped, and an old heartbeat":             {[]func(*hearing){present(heartbeat.Stopped, 7), beat(7, time.Hour)}, Stopped, at(-58 * time.Minute)},
		"the same once more, after a lost line":     {[]func(*hearing){beat(7, time.Hour), later(time.Minute), beat(7, time.Hour)}, Silent, at(-58 * time.Minute)},
		"a heartbeat only, and of an odd interval":  {[]func(*hearing){beat(7, 20*time.Minute, func(b *heartbeat.Heartbeat) { b.Interval = 3600 })}, Well, at(-18 * time.Minute)},
		"nothing but an alert":                      {[]func(*hearing){func(h *hearing) { h.say(heartbeat.AlertTopic(gate, "dead-letters"), deadLetters(gate), true) }}, NeedsPerson, time.Time{}},
		"what was taken back is as if it never was": {[]func(*hearing){present(heartbeat.Lost, 7), func(h *hearing) { h.say(heartbeat.StateTopic(gate), nil, false) }, beat(1, 0)}, Well, noon},
	} {
		h := hear(t)
		for _, say := range test.say {
			say(h)
		}
		d := h.device(gate, 0)
		if d.Class != test.want || !d.Heard.Equal(test.heard) {
			t.Errorf("%s: %s, heard at %v, want %s, %v", what, d.Class, d.Heard, test.want, test.heard)
		}
	}
}

// later lets time pass.
func later(d time.Duration) func(*hearing) { return func(h *hearing) { h.now = h.now.Add(d) } }

func deadLetters(device string) heartbeat.Alert {
	return heartbeat.Alert{Version: 1, Device: device, Code: heartbeat.DeadLetters, Since: at(-time.Hour), Uplinks: []string{"visits"}, Count: 3}
}

func TestThreeMissingHeartbeatsAreSilence(t *testing.T) {
	h := hear(t)
	h.online("gate")
	h.want("gate", 3*time.Minute, Well)
	h.want("gate", 3*time.Minute+time.Second, Silent)
	h.now = at(10 * time.Minute)
	h.say(heartbeat.Topic("gate"), beatOf("gate", 7, 2, noon), false) // its clock stands still: the time of receipt counts
	h.want("gate", 13*time.Minute, Well)
	h.say(heartbeat.StateTopic("new"), state("new", heartbeat.Online, 1), false)
	h.want("new", 13*time.Minute, Well)
	h.want("new", 14*time.Minute, Silent)
}

// TestAnOldHeartbeatDoesNotBecomeNewByBeingSentAgain is about whoever looks on over a second connection.
func TestAnOldHeartbeatDoesNotBecomeNewByBeingSentAgain(t *testing.T) {
	h := hear(t)
	unset := func(b *heartbeat.Heartbeat) { b.Clock.Trusted = false }
	h.online("gate", unset)
	h.now = at(10 * time.Minute)
	h.say(heartbeat.Topic("gate"), beatOf("gate", 7, 1, noon, unset), true)
	h.want("gate", 10*time.Minute, Silent)
}

func TestAlertsStandUntilTheyAreTakenBack(t *testing.T) {
	h := hear(t)
	h.online("gate")
	h.say(heartbeat.AlertTopic("gate", heartbeat.DeadLetters), deadLetters("gate"), false)
	d := h.device("gate", 0)
	if got := codes(&d); got != "dead-letters 3 visits" || !d.Problems[0].Since.Equal(at(-time.Hour)) || !d.NeedsPerson() {
		t.Errorf("the alert became %s since %v", got, d.Problems[0].Since)
	}
	h.say(heartbeat.Topic("gate"), beatOf("gate", 7, 2, noon, func(b *heartbeat.Heartbeat) {
		b.Uplinks[0].Dead, b.Alerts = 4, []string{heartbeat.DeadLetters}
	}), false)
	d = h.device("gate", 0)
	if got := codes(&d); got != "dead-letters 4 visits" || !d.Problems[0].Since.Equal(at(-time.Hour)) {
		t.Errorf("with the heartbeat it became %s since %v", got, d.Problems[0].Since)
	}
	h.say(heartbeat.AlertTopic("gate", heartbeat.DeadLetters), nil, false)
	h.say(heartbeat.Topic("gate"), beatOf("gate", 7, 3, noon), false)
	h.want("gate", 0, Well)

	h.say(heartbeat.Topic("gate"), nil, false)
	h.say(heartbeat.StateTopic("gate"), nil, false)
	if devices, _ := h.Look(noon); len(devices) != 0 {
		t.Errorf("a device that was taken away is still there: %+v", devices)
	}
}

func TestNobodyIsBelieved(t *testing.T) {
	long := strings.Repeat("x", maxMessage+1)
	for _, m := range []Message{
		{Topic: "acs/gate"},
		{Topic: "other/gate/state"},
		{Topic: "acs/gate/state", Payload: []byte("online")},
		{Topic: "acs/gate/state", Payload: []byte(`{"v":1,"device":"gate","state":"asleep","session":1}`)},
		{Topic: "acs/gate/state", Payload: []byte(`{"v":2,"device":"gate","state":"online","session":1}`)},
		{Topic: "acs/gate/state", Payload: []byte(`{"v":1,"device":"another","state":"online","session":1}`)},
		{Topic: "acs/gate/state", Payload: []byte(`{"v":1,"device":"gate","state":"online","session":-1}`)},
		{Topic: "acs/GATE/state", Payload: []byte(`{"v":1,"device":"GATE","state":"online","session":1}`)},
		{Topic: "acs/\x1b[2J/state", Payload: []byte(`{"v":1,"device":"\u001b[2J","state":"online","session":1}`)},
		{Topic: "acs/gate/heartbeat", Payload: []byte(`[1]`)},
		{Topic: "acs/gate/heartbeat", Payload: []byte(`{"v":1,"device":"gate","version":"` + long + `"}`)},
		{Topic: "acs/gate/alert/x", Payload: []byte(`{"v":1,"device":"gate","code":"y"}`)},
		{Topic: "acs/gate/alert/\x07", Payload: []byte(`{"v":1,"device":"gate","code":"\u0007"}`)},
	} {
		f := New(everybody)
		f.Take(m)
		if devices, left := f.Look(noon); len(devices) != 0 || left.Strange != 1 {
			t.Errorf("%.80s on %q: %d devices, %+v", m.Payload, m.Topic, len(devices), left)
		}
	}
}

func TestOnlyWantedDevicesAndNoEvents(t *testing.T) {
	f := New(func(device string) bool { return device == "gate-1" })
	for _, topic := range []string{"acs/gate-1/state", "acs/gate-2/state", "acs/gate-1/event/visits"} {
		f.Take(Message{Topic: topic, Payload: []byte(`{"v":1,"device":"gate-1","state":"online","session":1}`), At: noon})
	}
	if devices, left := f.Look(noon); len(devices) != 1 || left != (Left{}) {
		t.Errorf("%d devices, %+v", len(devices), left)
	}
}

func TestTheFleetIsBounded(t *testing.T) {
	h := hear(t)
	for i := range MaxDevices + 5 {
		name := fmt.Sprintf("gate-%d", i)
		h.say(heartbeat.StateTopic(name), state(name, heartbeat.Online, 1), false)
	}
	h.say(heartbeat.StateTopic("gate-0"), state("gate-0", heartbeat.Stopped, 1), false)
	if devices, left := h.Look(noon); len(devices) != MaxDevices || left.Beyond != 5 || devices[0].Name != "gate-0" {
		t.Errorf("%d devices, %d messages beyond, the first is %s", len(devices), left.Beyond, devices[0].Name)
	}
	for i := range 2 * maxAlerts {
		code := fmt.Sprintf("code-%d", i)
		h.say(heartbeat.AlertTopic("gate-1", code), heartbeat.Alert{Version: 1, Device: "gate-1", Code: code}, false)
	}
	d := h.device("gate-1", 0)
	if _, left := h.Look(noon); len(d.Problems) != maxAlerts || left.Strange != maxAlerts {
		t.Errorf("%d alerts are kept, %d are not", len(d.Problems), left.Strange)
	}
}

func TestManyNamesBecomeAFew(t *testing.T) {
	h := hear(t)
	h.online("gate", func(b *heartbeat.Heartbeat) {
		b.Readers = nil
		for i := range 12 {
			b.Readers = append(b.Readers, heartbeat.Reader{Name: fmt.Sprintf("r%d", i), Part: heartbeat.Part{State: "failing", Error: "Not a code"}})
		}
	})
	d := h.device("gate", 0)
	if got := codes(&d); got != "reader-failing 12 r0, r1, r2, r3" || !d.Problems[0].More {
		t.Errorf("%s, more %t", got, d.Problems[0].More)
	}
}

func TestNothingReachesATerminalThatDoesMoreThanBeRead(t *testing.T) {
	for given, want := range map[string]string{
		"1.4.0":                  "1.4.0",
		"Корпус 1, вход":         "Корпус 1, вход",
		"\x1b[2J\x1b]0;x\x07":    "?[2J?]0;x?",
		"a\nb\tc\rd":             "a?b?c?d",
		"\u202Egnp.exe":          "?gnp.exe",
		"\u009b31m":              "?31m",
		"a\u00a0b":               "a?b",
		"broken \xff":            "broken ?",
		strings.Repeat("я", 100): strings.Repeat("я", 63) + "…",
		strings.Repeat("x", 64):  strings.Repeat("x", 64),
		"":                       "",
	} {
		if got := printable(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}
