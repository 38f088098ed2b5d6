package localapi

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// ledger is an uplink that keeps records of people.
type ledger struct {
	records, waiting int
	err              error
	counted, deleted []string
}

func (l *ledger) Forget(_ context.Context, number string, count bool) (records, waiting int, err error) {
	if count {
		l.counted = append(l.counted, number)
	} else {
		l.deleted = append(l.deleted, number)
	}
	return l.records, l.waiting, l.err
}

func privateServer(t *testing.T, passes int, uplinks map[string]Forgetting) *Server {
	t.Helper()
	return privateServerIn(t, t.TempDir(), passes, uplinks)
}

func privateServerIn(t *testing.T, dir string, passes int, uplinks map[string]Forgetting) *Server {
	t.Helper()
	s := &Server{Desk: newDeskIn(t, dir), Log: slog.New(slog.DiscardHandler), Privacy: Privacy{
		Forgetting: func() map[string]Forgetting { return uplinks },
		Listed:     func(iin string) bool { return iin == pupil.IIN },
	}}
	for n := range passes {
		if _, err := s.Desk.Journal.Append(t.Context(), pass(n)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// deliver lets every uplink be past everything.
func deliver(t *testing.T, s *Server) {
	t.Helper()
	j := s.Desk.Journal
	for _, name := range j.Uplinks() {
		if err := j.Source(name).Settle(t.Context(), j.End(), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForgettingCountsBeforeItDoes(t *testing.T) {
	uplink := &ledger{records: 2}
	s := privateServer(t, 3, map[string]Forgetting{"portal": uplink})
	deliver(t, s)
	there, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN, Count: true}, nil)
	if err != nil || there.Delivered != 3 || there.Records != 2 || !there.Listed || there.Done || there.Owed() != 0 || there.Empty() {
		t.Errorf("counted: %+v, %v", there, err)
	}
	if len(uplink.deleted) != 0 {
		t.Error("counting has deleted")
	}
	done, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN}, nil)
	if err != nil || !done.Done || done.Delivered != 3 || len(uplink.deleted) != 1 {
		t.Errorf("done: %+v, %v", done, err)
	}
	uplink.records = 0
	if left, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN, Count: true}, nil); err != nil || !left.Empty() {
		t.Errorf("left: %+v, %v", left, err)
	}
}

func TestWhatIsOwedIsNotForgottenWithoutBeingAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		passes  int
		deliver bool
		uplink  ledger
	}{
		"passes wait":  {3, false, ledger{}},
		"records wait": {0, true, ledger{records: 2, waiting: 1}},
	} {
		s := privateServer(t, c.passes, map[string]Forgetting{"portal": &c.uplink})
		if c.deliver {
			deliver(t, s)
		}
		if _, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN}, nil); err == nil || len(c.uplink.deleted) != 0 {
			t.Errorf("%s: %v, deleted %d times", name, err, len(c.uplink.deleted))
		}
		done, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN, AlsoWaiting: true}, nil)
		if err != nil || !done.Done || len(c.uplink.deleted) != 1 {
			t.Errorf("%s, asked for: %+v, %v", name, done, err)
		}
	}
}

func TestAnUplinkThatCannotForgetKeepsTheRestFromBeingForgotten(t *testing.T) {
	uplink := &ledger{err: errors.New("the journal is full")}
	s := privateServer(t, 2, map[string]Forgetting{"portal": uplink})
	deliver(t, s)
	_, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN}, nil)
	if err == nil || !strings.Contains(err.Error(), "records of portal") || strings.Contains(err.Error(), pupil.IIN) {
		t.Errorf("said: %v", err)
	}
	uplink.err = nil
	if m, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN, Count: true}, nil); err != nil || m.Delivered != 2 {
		t.Errorf("something was forgotten: %+v, %v", m, err)
	}
}

// A store that was put aside has the passes and the keys that open them: nobody may think that it is done.
func TestDamagedJournalsAreNamed(t *testing.T) {
	dir := t.TempDir()
	s := privateServerIn(t, dir, 1, nil)
	deliver(t, s)
	folder := filepath.Join(dir, "journal.broken-20260907T040000Z")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	done, err := s.forgetPerson(t.Context(), ForgetOrder{Number: pupil.IIN}, nil)
	if err != nil || !done.Done || len(done.Damaged) != 1 || done.Damaged[0] != folder {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAPersonIsFoundInEveryTextOfAPass(t *testing.T) {
	const number = "900101300017"
	is := mentions(number)
	for name, c := range map[string]struct {
		pass event.Pass
		want bool
	}{
		"nobody":                  {event.Pass{}, false},
		"the cardholder":          {event.Pass{Holder: event.Holder{IIN: number}}, true},
		"another cardholder":      {event.Pass{Holder: event.Holder{IIN: "900101400023"}}, false},
		"what was shown":          {event.Pass{Credential: event.Credential{Text: "IIN:" + number + ";"}}, true},
		"what the reader sent":    {event.Pass{Credential: event.Credential{Raw: []byte(number)}}, true},
		"what the reader knows":   {event.Pass{KnownAs: "card " + number}, true},
		"a note":                  {event.Pass{Note: "guest " + number}, true},
		"the number of an event":  {event.Pass{EventID: number}, true},
		"a part of a longer one":  {event.Pass{Note: "1" + number}, false},
		"with a digit behind it":  {event.Pass{Note: number + "1"}, false},
		"once longer, once alone": {event.Pass{Note: number + "1 " + number}, true},
	} {
		if got := is(&c.pass); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestANumberIsRefusedWithoutBeingRepeated(t *testing.T) {
	s := privateServer(t, 0, nil)
	overBoth(t, s, func(t *testing.T, c *Client) {
		for _, number := range []string{"", "90010130001", "9001013000171", "90010130001x", "900101 30001", strings.Repeat("9", maxOrder)} {
			_, err := c.Forget(t.Context(), ForgetOrder{Number: number, Count: true}, func(Progress) {})
			if number == "90010130001" { // as many digits as a SNILS has
				if err != nil {
					t.Errorf("11 digits: %v", err)
				}
				continue
			}
			if err == nil || number != "" && strings.Contains(err.Error(), number) {
				t.Errorf("%.20s: %v", number, err)
			}
		}
	})
}
