package heartbeat

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

func TestWhatIsAnAlert(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		happens func(*agent)
		want    Alert // without what is always the same
	}{
		"a reader fails":            {func(a *agent) { a.board.Reader("gate-1-in").Down(broken) }, Alert{Code: ReaderFailing, Readers: []string{"gate-1-in"}, Count: 1}},
		"two readers fail":          {func(a *agent) { a.board.Reader("gate-1-in").Down(broken); a.board.Reader("gate-2").Down(broken) }, Alert{Code: ReaderFailing, Readers: []string{"gate-1-in", "gate-2"}, Count: 2}},
		"a reader stops":            {func(a *agent) { a.board.Reader("gate-1-in").Stop(broken) }, Alert{Code: ReaderStopped, Readers: []string{"gate-1-in"}, Count: 1}},
		"an uplink fails":           {func(a *agent) { a.board.Part(health.Uplink, "visits").Down(broken) }, Alert{Code: UplinkFailing, Uplinks: []string{"visits"}, Count: 1}},
		"an uplink stops":           {func(a *agent) { a.board.Part(health.Uplink, "visits").Stop(broken) }, Alert{Code: UplinkStopped, Uplinks: []string{"visits"}, Count: 1}},
		"the journal fails":         {func(a *agent) { a.board.Part(health.Journal, "journal").Down(broken) }, Alert{Code: JournalFailing, Count: 1}},
		"the journal is full":       {func(a *agent) { a.board.Part(health.Journal, "journal").Down(health.Coded(health.JournalFull, broken)) }, Alert{Code: JournalFull, Count: 1}},
		"a configuration":           {func(a *agent) { a.board.Part(health.Config, "config.yaml").Down(broken) }, Alert{Code: ConfigRefused, Count: 1}},
		"a list of cardholders":     {func(a *agent) { a.board.Part(health.Cardholders, "list.csv").Down(broken) }, Alert{Code: CardholdersFailing, Count: 1}},
		"the broker of our own":     {func(a *agent) { a.board.Part(health.Broker, "embedded").Down(broken) }, Alert{Code: BrokerFailing, Count: 1}},
		"the web server of our own": {func(a *agent) { a.board.Part(health.Web, "127.0.0.1:8380").Down(broken) }, Alert{Code: WebFailing, Count: 1}},
		"refused passes":            {func(a *agent) { a.change(func(s *health.Status) { s.Uplinks[1].Dead = 2 }) }, Alert{Code: DeadLetters, Uplinks: []string{"visits"}, Count: 2}},
		"uncertain passes": {func(a *agent) {
			a.change(func(s *health.Status) { s.Uplinks[0].Uncertain, s.Uplinks[1].Uncertain = 4, 3 })
		}, Alert{Code: Uncertain, Uplinks: []string{"heartbeat", "visits"}, Count: 7}},
		"passes for nobody": {func(a *agent) {
			a.change(func(s *health.Status) {
				s.Uplinks = append(s.Uplinks, health.Queue{Name: "old", Orphaned: true, Waiting: 9})
			})
		}, Alert{Code: UplinkGone, Uplinks: []string{"old"}, Count: 9}},
		"holes in the journal": {func(a *agent) { a.change(func(s *health.Status) { s.Journal.Holes = 5 }) }, Alert{Code: JournalHoles, Count: 5}},
		"a journal that fills": {func(a *agent) { a.change(func(s *health.Status) { s.Journal.Filling = true }) }, Alert{Code: JournalFilling, Count: 1}},
		"little room":          {func(a *agent) { a.change(func(s *health.Status) { s.Journal.FreeDisk = lowDisk - 1 }) }, Alert{Code: DiskLow, Count: 1}},
		"no room":              {func(a *agent) { a.change(func(s *health.Status) { s.Journal.FreeDisk = 0 }) }, Alert{Code: DiskLow, Count: 1}},
		"a clock":              {func(a *agent) { a.change(func(s *health.Status) { s.ClockTrusted = false }) }, Alert{Code: ClockNotSet, Count: 1}},
		"nothing":              {func(*agent) {}, Alert{}},
		"a reader that starts": {func(a *agent) { a.board.Reader("gate-2") }, Alert{}},
		"an uplink that is gone": {func(a *agent) {
			a.change(func(s *health.Status) { s.Uplinks[1].Orphaned, s.Uplinks[1].Waiting = true, 0 })
		}, Alert{}},
		"a silent disk": {func(a *agent) { a.change(func(s *health.Status) { s.Journal.FreeDisk = -1 }) }, Alert{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgent()
			c.happens(a)
			s := a.Status()
			got := alertsOf(&s, nil)
			if c.want.Code == "" {
				if len(got) > 0 {
					t.Errorf("alerts %v", codesOf(got))
				}
				return
			}
			if codes := codesOf(got); !slices.Equal(codes, []string{c.want.Code}) {
				t.Fatalf("alerts %v, want %s", codes, c.want.Code)
			}
			c.want.Version, c.want.Device, c.want.Since = Version, "gate-1", got[c.want.Code].Since
			if !got[c.want.Code].equal(&c.want) {
				t.Errorf("got  %+v\nwant %+v", got[c.want.Code], c.want)
			}
			if ago := s.Now.Sub(c.want.Since); ago < 0 || ago > time.Minute {
				t.Errorf("it began %v ago", ago)
			}
		})
	}
}

func TestAnAlertBeganWithTheFirstOfItsReaders(t *testing.T) {
	a := newAgent()
	s := a.Status()
	long := s.Now.Add(-24 * time.Hour).Truncate(time.Second)
	s.Parts = []health.Report{
		{Kind: health.Reader, Name: "a", State: health.Down, Since: s.Now},
		{Kind: health.Reader, Name: "b", State: health.Down, Since: long},
	}
	s.Journal.Holes = 1
	began := map[string]time.Time{JournalHoles: long}
	for code, alert := range alertsOf(&s, began) {
		if !alert.Since.Equal(long) {
			t.Errorf("%s since %v, want %v", code, alert.Since, long)
		}
	}
}

func TestEachCodeHasItsPlace(t *testing.T) {
	all := Codes()
	for i, code := range all {
		if !codeForm.MatchString(code) || slices.Contains(all[:i], code) {
			t.Errorf("%q is no code, or stands there twice", code)
		}
	}
	for _, code := range timeless {
		if !slices.Contains(all, code) {
			t.Errorf("%s is not in the list of codes", code)
		}
	}
}
