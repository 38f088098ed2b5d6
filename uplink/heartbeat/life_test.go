package heartbeat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// A sheet stands in for a broker: it writes down what comes, and when.
type sheet struct {
	t      *testing.T
	began  time.Time
	broken chan error

	mu    sync.Mutex
	lines []line
	// holds is what the broker has retained.
	holds map[string][]byte
}

type line struct {
	at time.Duration
	message
}

func newSheet(t *testing.T) *sheet {
	return &sheet{t: t, began: time.Now(), broken: make(chan error, 1), holds: make(map[string][]byte)}
}

func (s *sheet) lost() <-chan error { return s.broken }

func (s *sheet) send(_ context.Context, messages ...message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		s.lines = append(s.lines, line{time.Since(s.began), m})
		if s.holds[m.topic] = m.payload; len(m.payload) == 0 {
			delete(s.holds, m.topic)
		}
	}
	return nil
}

// times are when messages came on the topic.
func (s *sheet) times(topic string) (at []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l.topic == topic {
			at = append(at, l.at)
		}
	}
	return at
}

// alerts are the codes that are retained.
func (s *sheet) alerts() (codes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic := range s.holds {
		if _, kind, code, _ := ParseTopic(topic); kind == KindAlert {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

func (s *sheet) read(topic string, into any) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal(s.holds[topic], into); err != nil {
		s.t.Errorf("%s holds %q: %v", topic, s.holds[topic], err)
	}
}

// living runs a life on a sheet in a bubble of fake time, and do beside it.
func living(t *testing.T, settings string, do func(t *testing.T, a *agent, s *sheet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, s := newAgent(), newSheet(t)
		a.own().Up()
		h := a.heartbeat(t, &broker.Address{URL: "mqtt://broker.invalid"}, &uplinktest.Store{}, settings)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := live(ctx, h, a, s, 1); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		do(t, a, s)
		cancel()
		running.Wait()
		documented := loadSchemas(t)
		for _, l := range s.lines {
			if strings.HasPrefix(l.topic, Root+"/") {
				documented.check(t, l.topic, l.payload)
			}
		}
	})
}

func live(ctx context.Context, h *heartbeat, a *agent, s *sheet, session uint64) error {
	l, err := h.newLife(session)
	if err != nil {
		return err
	}
	l.link, l.say = s, a.own()
	return l.run(ctx)
}

func TestAHeartbeatComesEveryInterval(t *testing.T) {
	living(t, "interval: 60s", func(t *testing.T, _ *agent, s *sheet) {
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		want := []time.Duration{0, time.Minute, 2 * time.Minute, 3 * time.Minute}
		if got := s.times(Topic("gate-1")); !slices.Equal(got, want) {
			t.Errorf("heartbeats at %v, want %v", got, want)
		}
		if got := s.times(StateTopic("gate-1")); !slices.Equal(got, want) {
			t.Errorf("states at %v, want %v: a late will must not stand for longer", got, want)
		}
		var b Heartbeat
		if s.read(Topic("gate-1"), &b); b.Seq != 4 || b.Session != 1 || b.Interval != 60 || b.Uptime != 180 {
			t.Errorf("the last is %+v", b)
		}
	})
}

func TestAChangeIsToldAtOnceAndManyOnceASecond(t *testing.T) {
	living(t, "interval: 1h", func(t *testing.T, a *agent, s *sheet) {
		gate := a.board.Reader("gate-1-in")
		time.Sleep(5 * time.Second)
		for range 35 { // 3.5 s of a loose contact
			gate.Down(errGone)
			time.Sleep(50 * time.Millisecond)
			gate.Up()
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		at := s.times(Topic("gate-1"))
		if len(at) != 6 || at[1] != 5*time.Second {
			t.Errorf("heartbeats at %v; want them at 0 s, 5 s, and then one a second", at)
		}
		for i := 2; i < len(at); i++ {
			if between := at[i] - at[i-1]; between < time.Second {
				t.Errorf("heartbeats %v apart", between)
			}
		}
		if codes := s.alerts(); len(codes) > 0 {
			t.Errorf("all is well in the end, and the broker has %v", codes)
		}
	})
}

func TestAlertsStandAndGo(t *testing.T) {
	living(t, "interval: 1h", func(t *testing.T, a *agent, s *sheet) {
		time.Sleep(2 * time.Second)
		fell := time.Now()
		a.board.Reader("gate-1-in").Down(errGone)
		a.board.Part(health.Uplink, "visits").Stop(health.Coded(health.KeyRefused, errors.New("the portal does not take the key (check api_key_file)")))
		synctest.Wait()
		time.Sleep(time.Second)
		if got, want := s.alerts(), []string{ReaderFailing, UplinkStopped}; !slices.Equal(got, want) {
			t.Errorf("alerts %v, want %v", got, want)
		}
		var alert Alert
		s.read(AlertTopic("gate-1", ReaderFailing), &alert)
		if want := (Alert{Version: 1, Device: "gate-1", Code: ReaderFailing, Since: fell.Truncate(time.Second), Readers: []string{"gate-1-in"}, Count: 1}); !alert.equal(&want) {
			t.Errorf("got  %+v\nwant %+v", alert, want)
		}
		var b Heartbeat
		s.read(Topic("gate-1"), &b)
		if b.Readers[0].State != "failing" || b.Uplinks[1].State != "stopped" || b.Uplinks[1].Error != "key-refused" || !slices.Equal(b.Alerts, []string{ReaderFailing, UplinkStopped}) {
			t.Errorf("the heartbeat is %+v", b)
		}
		a.board.Reader("gate-1-in").Up()
		time.Sleep(time.Second)
		if got, want := s.alerts(), []string{UplinkStopped}; !slices.Equal(got, want) {
			t.Errorf("alerts %v, want %v", got, want)
		}
		// Nobody announces a refused pass.
		a.change(func(st *health.Status) { st.Uplinks[1].Dead = 2 })
		time.Sleep(lookEvery)
		synctest.Wait()
		if got, want := s.alerts(), []string{DeadLetters, UplinkStopped}; !slices.Equal(got, want) {
			t.Errorf("alerts %v, want %v", got, want)
		}
		s.read(AlertTopic("gate-1", DeadLetters), &alert)
		if alert.Count != 2 || !slices.Equal(alert.Uplinks, []string{"visits"}) {
			t.Errorf("got %+v", alert)
		}
		before := len(s.times(AlertTopic("gate-1", DeadLetters)))
		time.Sleep(time.Hour)
		if n := len(s.times(AlertTopic("gate-1", DeadLetters))); n != before {
			t.Errorf("an alert that does not change is told %d times more", n-before)
		}
	})
}

func TestWhatAnEarlierLifeHasLeftIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newSheet(t), &uplinktest.Store{}
		for _, code := range Codes() {
			s.holds[AlertTopic("gate-1", code)] = []byte("{}")
		}
		a := newAgent()
		a.change(func(st *health.Status) { st.Uplinks[1].Uncertain = 1 })
		h := a.heartbeat(t, &broker.Address{URL: "mqtt://broker.invalid"}, store, "interval: 1h")
		var since time.Time
		for session := range uint64(3) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := live(ctx, h, a, s, session+1); err != nil {
				t.Error(err)
			}
			cancel()
			if got, want := s.alerts(), []string{Uncertain}; !slices.Equal(got, want) {
				t.Fatalf("in session %d alerts %v, want %v", session+1, got, want)
			}
			var alert Alert
			s.read(AlertTopic("gate-1", Uncertain), &alert)
			if session == 0 {
				since = alert.Since
			} else if !alert.Since.Equal(since) {
				t.Errorf("in session %d the alert is from %v, not %v", session+1, alert.Since, since)
			}
			clear(s.holds) // the broker was started again, and has nothing on disk
			if session == 1 {
				h = a.heartbeat(t, h.broker, store, "interval: 1h") // and now the agent
			}
		}
		if n := len(s.times(AlertTopic("gate-1", DiskLow))); n != 2 {
			t.Errorf("an alert that never stood is taken away %d times, want once for each start of the agent", n)
		}
	})
}

func TestALifeEndsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := newAgent(), newSheet(t)
		h := a.heartbeat(t, &broker.Address{URL: "mqtt://broker.invalid"}, &uplinktest.Store{}, "interval: 1h")
		time.AfterFunc(90*time.Second, func() { s.broken <- errGone })
		if err := live(t.Context(), h, a, s, 1); !errors.Is(err, errGone) || time.Since(s.began) != 90*time.Second {
			t.Errorf("ended after %v with %v", time.Since(s.began), err)
		}
	})
}

// What people read says more than may leave the device.
func TestNoSentenceLeavesTheDevice(t *testing.T) {
	living(t, "interval: 1h\nhome_assistant: true", func(t *testing.T, a *agent, s *sheet) {
		const secret = "900101300017"
		gate := a.board.Reader("gate-1-in")
		gate.Odd(fmt.Errorf("what is %s", secret))
		time.Sleep(time.Second)
		for _, err := range []error{errors.New(secret), health.Coded("Iin "+secret, errGone), health.Coded(health.Code(strings.Repeat("9", 41)), errGone)} {
			gate.Down(err)
			a.board.Part(health.Config, "config.yaml").Down(err)
			a.board.Part(health.Journal, "journal").Down(err)
			time.Sleep(2 * time.Second)
			var b Heartbeat
			if s.read(Topic("gate-1"), &b); b.Readers[0].Error != "failing" || b.Config.Error != "failing" || b.Journal.Error != "failing" {
				t.Errorf("%v became %+v", err, b)
			}
		}
		for _, l := range s.lines {
			if strings.Contains(l.topic+string(l.payload), secret) || strings.Contains(string(l.payload), "ttyUSB0") {
				t.Errorf("%s: %s", l.topic, l.payload)
			}
		}
	})
}
