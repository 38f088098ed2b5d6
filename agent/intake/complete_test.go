package intake

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
)

func TestAPassIsCompletedBeforeItIsStored(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	now := time.Now()
	p := at(delivery(pass("gate-1", pupilsCard), "17", false), now)
	p.KnownAs, p.DeviceTime, p.Outcome = "user 8", time.UnixMilli(1_700_000_000_000).In(almaty), event.Passed
	p.Organization, p.Note = college, "written by a driver" // not theirs to say
	p.Holder, p.Device = teacher, "another device"          // nor this
	s.take(p)
	got := s.only()
	want := *pass("gate-1", pupilsCard)
	want.ID, want.Device, want.EventID, want.KnownAs = got.ID, "almaty-gate-1", "17", "user 8"
	want.Organization, want.Note, want.Holder = school, "Корпус 1, вход", pupil
	want.Direction, want.Outcome, want.At, want.DeviceTime = event.In, event.Passed, got.At, got.DeviceTime
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stored:\n%+v\nwant:\n%+v", got, want)
	}
	if got.ID == (event.ID{}) {
		t.Error("no id")
	}
	if !got.At.Trusted || !got.At.Wall.Equal(now.Truncate(time.Millisecond)) || got.At.Wall.Format("-07:00") != "+05:00" {
		t.Errorf("time %+v, want %v", got.At, now)
	}
	if !got.DeviceTime.Equal(time.UnixMilli(1_700_000_000_000)) {
		t.Errorf("time of the device %v", got.DeviceTime)
	}
}

func TestTheReadersOwnDirectionCounts(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	for _, p := range []*event.Pass{pass("gate-1", 1), pass("gate-2", 1), pass("gate-1", 2)} {
		if p.Credential.Text == "0000000002" {
			p.Direction = event.Out
		}
		s.take(p)
	}
	var got []string
	for _, p := range s.stored() {
		got = append(got, p.Reader+" "+p.Direction.String())
	}
	if strings.Join(got, ", ") != "gate-1 in, gate-2 out, gate-1 out" {
		t.Error(got)
	}
}

func TestIDsAreUnique(t *testing.T) {
	s := newSite(t, gates(0)...)
	seen := make(map[event.ID]bool)
	for range 20 {
		s.take(pass("gate-1", 1))
	}
	for _, p := range s.stored() {
		seen[p.ID] = true
	}
	if len(seen) != 20 {
		t.Errorf("20 passes have %d ids", len(seen))
	}
}

func TestALongRawIsCut(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	p := pass("gate-1", 1)
	p.Credential.Raw = bytes.Repeat([]byte("0123456789abcdef"), event.MaxRaw/8)
	s.take(p)
	if raw := s.only().Credential.Raw; !bytes.Equal(raw, p.Credential.Raw[:event.MaxRaw]) {
		t.Errorf("%d bytes are stored, want the first %d", len(raw), event.MaxRaw)
	}
}

func TestAnUnknownReaderIsAnError(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	err := s.Take(t.Context(), pass("gate-3", pupilsCard))
	if err == nil || !strings.Contains(err.Error(), "gate-3") {
		t.Errorf("error %v, want one that names the reader", err)
	}
	if s.journal.End() != 0 {
		t.Error("the pass was stored")
	}
	if len(s.board.Snapshot()) != 2 {
		t.Error("the reader stands on the board")
	}
}

func TestEveryStoredPassIsCountedAndTold(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	var told []uint64
	s.Stored = func(seq uint64, p *event.Pass) {
		if s.journal.End() < seq {
			t.Errorf("pass %d is told before it is stored", seq)
		}
		if p.Pending != event.UnknownCard || p.ID == (event.ID{}) || p.Device == "" {
			t.Errorf("told of a pass that is not complete: %+v", p)
		}
		told = append(told, seq)
	}
	for _, card := range []uint64{1, 1, 2, 3, 3, 3} {
		s.take(pass("gate-1", card))
	}
	if len(told) != 3 || told[0] != 1 || told[2] != 3 {
		t.Errorf("told of %v, want 1, 2 and 3", told)
	}
	if r := report(s.board, "gate-1"); r.Count != 3 || r.LastAt.IsZero() {
		t.Errorf("gate-1 has counted %d passes, the last at %v; want 3", r.Count, r.LastAt)
	}
	if r := report(s.board, "gate-2"); r.Count != 0 {
		t.Errorf("gate-2 has counted %d passes", r.Count)
	}
}

func report(b *health.Board, reader string) health.Report {
	for _, r := range b.Snapshot() {
		if r.Name == reader {
			return r
		}
	}
	return health.Report{}
}

// A driver offers a pass that could not be stored again, and much may have changed by then.
func TestAPassThatCouldNotBeStoredIsOfferedAgainAsItWas(t *testing.T) {
	h := &heap{judge: func(_ context.Context, attempt int) error {
		if attempt == 1 {
			return errors.New("the journal is full")
		}
		return nil
	}}
	in := overJournal(t, h, gates(3*time.Second)...)
	p := at(pass("gate-1", pupilsCard), time.Now())
	was := *p
	if in.Take(t.Context(), p) == nil {
		t.Fatal("the failure is not told")
	}
	if p.ID == (event.ID{}) {
		t.Error("no id by which it is known again")
	}
	was.ID = p.ID
	if !reflect.DeepEqual(*p, was) {
		t.Errorf("the failed attempt has left traces:\n%+v\nwant:\n%+v", *p, was)
	}
	in.Who.Finder = book(t) // the card was taken from the list meanwhile
	if err := in.Take(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	got := h.passes[0]
	if got.Pending != event.UnknownCard || got.Holder != (event.Holder{}) {
		t.Errorf("stored as %v of %+v, want an unknown card of nobody", got.Pending, got.Holder)
	}
	if !got.At.Wall.Equal(was.At.Wall.Truncate(time.Millisecond)) {
		t.Errorf("the pass is of %v now, and was of %v", got.At.Wall, was.At.Wall)
	}
}

func TestLogsAndErrorsHoldNoPersonalData(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	s.take(pass("gate-1", pupilsCard))
	s.take(pass("gate-1", pupilsCard+1))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Take(ended, pass("gate-2", pupilsCard))
	if err == nil {
		t.Fatal("a pass is stored though the context has ended")
	}
	text := s.log.String() + err.Error()
	if !strings.Contains(text, "pass stored") {
		t.Fatalf("nothing is logged: %s", text)
	}
	for _, secret := range []string{pupil.IIN, pupil.Name, "Пробный", "7EE42", "58404"} {
		if strings.Contains(strings.ToUpper(text), strings.ToUpper(secret)) {
			t.Errorf("%q stands in the log or in an error:\n%s", secret, text)
		}
	}
}
