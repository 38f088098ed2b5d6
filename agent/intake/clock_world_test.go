package intake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
)

// memoryRecords keep what a clock stores, over all starts of the agent.
type memoryRecords map[string][]byte

func (m memoryRecords) Get(key string) ([]byte, error) { return m[key], nil }

func (m memoryRecords) Apply(_ context.Context, changes ...event.Change) error {
	for _, c := range changes {
		m[c.Key] = c.Value
	}
	return nil
}

// worldsBegin is the true time at which each world begins.
var worldsBegin = time.Date(2027, time.March, 1, 8, 0, 0, 0, time.UTC)

// A world is a device whose clock may be anything, and the true time. Who vouches for the clock in it is honest: a time server and a
// portal know the true time, and a battery has kept it.
type world struct {
	t       testing.TB
	truth   time.Time     // what time it is
	skew    time.Duration // by how much the wall clock is ahead of it
	up      time.Duration
	boots   int
	synced  bool
	battery bool
	saved   time.Time // what the disk remembers of the time, for a device without a battery
	records memoryRecords
	newest  time.Time
	trust   Trust
	send    bool
	*Clock
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, truth: worldsBegin, records: memoryRecords{}, trust: TrustAuto}
	w.boot(-w.truth.Sub(time.Unix(0, 0)))
	return w
}

// wall is what the device's clock says.
func (w *world) wall() time.Time { return w.truth.Add(w.skew) }

// boot starts the device with a clock that is ahead of the truth by skew.
func (w *world) boot(skew time.Duration) {
	w.boots++
	w.up, w.skew, w.synced = time.Second, skew, false
	w.agent()
}

// agent starts the agent.
func (w *world) agent() {
	w.Clock = NewClockOf(Machine{
		Now: w.wall, SinceBoot: func() time.Duration { return w.up }, Boot: fmt.Sprint("boot ", w.boots),
		Signs: func(time.Time, *time.Location) Signs {
			s := Signs{Kernel: No, HasBattery: w.battery, Ahead: w.skew}
			if w.synced {
				s.Kernel = Yes
			}
			return s
		},
	}, almaty, time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC))
	w.Trust, w.Hold, w.SendAfterHold = w.trust, 24*time.Hour, w.send
	if err := w.Recall(w.records, w.newest); err != nil {
		w.t.Fatal(err)
	}
	w.judge()
}

func (w *world) judge() (known bool) {
	known = w.Judge()
	if err := w.Keep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return known
}

func (w *world) pass(d time.Duration) {
	w.truth, w.up = w.truth.Add(d), w.up+d
}

// set sets the clock, as somebody who knows the time does, or who does not.
func (w *world) set(skew time.Duration, synced bool) {
	w.skew, w.synced = skew, synced
}

func (w *world) take() (i event.Instant) {
	if i = w.Instant(w.Now()); i.Trusted && i.Wall.After(w.newest) {
		w.newest = i.Wall
	}
	return i
}

// right fails unless the instant is known, and was at that time.
func (w *world) right(what string, i event.Instant, want time.Time) {
	w.t.Helper()
	if got, ok := w.Correct(i); !ok || !got.Trusted || got.Wall.Sub(want).Abs() > time.Second {
		w.t.Errorf("%s: %v, %v, want %v", what, ok, got.Wall, want)
	}
}

func (w *world) unknown(what string, i event.Instant) {
	w.t.Helper()
	if got, ok := w.Correct(i); ok {
		w.t.Errorf("%s: known to be of %v", what, got.Wall)
	}
}

func TestADeviceThatStartsWithTheTimeOfLastWeek(t *testing.T) {
	w := newWorld(t)
	w.boot(-7 * 24 * time.Hour)
	at := w.truth
	i := w.take()
	if i.Trusted {
		t.Fatalf("trusted: %+v", w.Verdict())
	}
	w.pass(time.Hour)
	w.unknown("before the clock is set", i)
	w.set(0, true)
	if !w.judge() {
		t.Error("that the clock was set makes nothing known")
	}
	w.right("when it is set", i, at)
}

func TestAJumpShowsBeforeAnybodyHasJudgedIt(t *testing.T) {
	w := newWorld(t)
	w.set(0, true)
	w.judge()
	for _, skew := range []time.Duration{time.Hour, -time.Hour, 7 * 24 * time.Hour, -20 * 365 * 24 * time.Hour} {
		w.pass(time.Minute)
		at := w.truth
		w.set(skew, false)
		i := w.take()
		if i.Trusted || w.Trusted() {
			t.Errorf("moved by %v, the clock is trusted", skew)
		}
		w.judge()
		w.unknown("while it is wrong", i)
		w.pass(time.Minute)
		w.set(0, true)
		if !w.judge() {
			t.Error("that the clock is right again makes nothing known")
		}
		w.right("when it is right", i, at)
		if got, _ := w.Correct(i); got.Wall.After(w.wall()) {
			t.Error("a pass of the future")
		}
	}
}

func TestATimeThatWasTrustedAndWrongIsMendedWhileThePassIsHeldForSomethingElse(t *testing.T) {
	w := newWorld(t)
	w.boot(3 * 24 * time.Hour)
	w.machine.Signs = func(time.Time, *time.Location) Signs { return Signs{HasBattery: true} } // it was set wrong once
	w.judge()
	at := w.truth
	i := w.take()
	if !i.Trusted {
		t.Fatal("not trusted")
	}
	if got, ok := w.Mended(i); ok {
		t.Errorf("mended to %v without a cause", got.Wall)
	}
	w.pass(time.Hour)
	w.agent()
	w.set(0, true)
	w.judge()
	if got, ok := w.Mended(i); !ok || !got.Wall.Equal(at) {
		t.Errorf("%v, of %v, want %v", ok, got.Wall, at)
	}
}

// portalSays lets a portal tell the time.
func (w *world) portalSays(date time.Time) { w.Heard(date.Add(-time.Second/2), 0) }

func TestAPortalVouchesForAClockWithoutATimeServer(t *testing.T) {
	w := newWorld(t)
	w.boot(0) // by hand
	w.judge()
	if w.Trusted() {
		t.Fatal("trusted")
	}
	w.Heard(w.truth, time.Minute)
	if w.judge(); w.Trusted() {
		t.Error("trusted by an answer that took a minute")
	}
	w.portalSays(w.truth)
	if w.judge(); !w.Trusted() || w.Verdict().Source != Portal {
		t.Errorf("%+v", w.Verdict())
	}
	w.pass(48 * time.Hour)
	w.agent()
	if !w.Trusted() {
		t.Error("it is forgotten when the agent starts again")
	}
}

func TestABootBeforeInWhichTheClockWasTrusted(t *testing.T) {
	w := newWorld(t)
	w.boot(-time.Hour)
	at := w.truth
	i := w.take()
	w.pass(time.Minute)
	w.set(0, true)
	w.judge() // and the power fails before any pass was looked at
	w.pass(time.Hour)
	w.boot(-time.Hour)
	w.right("though the clock is wrong again", i, at)
}

func TestABootBeforeInWhichItNeverWas(t *testing.T) {
	for _, send := range []bool{false, true} {
		w := newWorld(t)
		w.send = send
		w.set(0, true)
		w.judge()
		w.pass(time.Hour)
		w.judge()
		known := w.truth
		w.boot(-9 * 24 * time.Hour)
		w.pass(10 * time.Minute)
		i := w.take()
		w.pass(2 * time.Hour)
		w.boot(-9 * 24 * time.Hour)
		began := w.truth
		w.pass(time.Minute)
		if _, ok := w.Due(i); ok || w.Overdue(i) {
			t.Error("the wait has begun before the clock is right")
		}
		if got, ok := w.Estimate(i); ok {
			t.Errorf("without a clock that is right it is guessed to be of %v", got.Wall)
		}
		w.set(0, true)
		w.judge()
		since := w.truth
		w.unknown("never", i)
		if due, ok := w.Due(i); !ok || !due.Equal(since.Add(24*time.Hour)) {
			t.Errorf("due %v, %v", due, ok)
		}
		w.pass(23 * time.Hour)
		if w.Overdue(i) {
			t.Error("overdue too early")
		}
		w.boot(-9 * 24 * time.Hour) // the wait goes on over boots
		w.set(0, true)
		w.judge()
		w.pass(2 * time.Hour)
		if w.Overdue(i) != send {
			t.Errorf("overdue: %v, want %v", !send, send)
		}
		got, ok := w.Estimate(i)
		if !ok || got.Trusted || got.Wall.Before(known) || got.Wall.After(began) {
			t.Errorf("%v: estimated %+v, want it between %v and %v", ok, got, known, began)
		}
	}
}

func TestAClockThatStaysWrong(t *testing.T) {
	w := newWorld(t)
	w.send = true
	w.boot(-30 * 24 * time.Hour)
	at := w.truth
	i := w.take()
	w.pass(25 * time.Hour)
	w.judge()
	if !w.Overdue(i) {
		t.Error("it waits for longer than asked for")
	}
	if got, ok := w.Estimate(i); ok {
		t.Errorf("guessed to be of %v, though nothing is known", got.Wall)
	}
	w.portalSays(w.truth)
	w.judge()
	if w.Trusted() {
		t.Fatal("trusted")
	}
	if got, ok := w.Estimate(i); !ok || got.Trusted || got.Wall.Sub(at).Abs() > time.Second {
		t.Errorf("%v, %+v, want it of %v", ok, got, at)
	}
}

func TestWhatWasTrustedInTheFutureIsDisproved(t *testing.T) {
	w := newWorld(t)
	w.trust = TrustAlways
	w.boot(10 * 365 * 24 * time.Hour)
	future := w.take()
	w.trust = TrustAuto
	w.battery = true
	w.boot(0)
	if w.Trusted() {
		t.Fatal("a clock that is behind the newest pass is trusted by its battery alone")
	}
	w.set(0, true)
	w.judge()
	w.newest = time.Time{} // the pass of the future is delivered and deleted
	w.boot(0)
	if !w.Trusted() {
		t.Errorf("%+v, though it is known that the future was none", w.Verdict())
	}
	w.unknown("a boot that is known to have been wrong", future)
}

func TestOnlyTheLatestBootsAreRemembered(t *testing.T) {
	w := newWorld(t)
	for range 3 * mostBoots {
		w.boot(-time.Hour)
		w.set(0, true)
		w.judge()
		w.pass(time.Hour)
	}
	if n := len(w.Clock.boots); n != mostBoots {
		t.Errorf("%d boots", n)
	}
	if n := len(w.records[recordOfBoots]); n > event.MaxChangeBytes/2 {
		t.Errorf("%d bytes", n)
	}
}

// everybody is a Finder that knows each card, so that only its time keeps a pass.
type everybody struct{}

func (everybody) Find(*event.Credential, time.Time) cardholders.Answer {
	return cardholders.Answer{Holder: pupil}
}

// sends completes a pass of an instant as it is done before a pass is sent, and says what it would be sent with.
func (w *world) sends(i event.Instant) (at time.Time, marked, ok bool) {
	p := event.Pass{At: i, Organization: school, Note: "Entrance"}
	who := Who{Clock: w.Clock, Finder: everybody{}}
	if who.Complete(&p) != event.None {
		return at, false, false
	}
	return p.At.Wall, p.Note == "Entrance"+Approximate, true
}

// Whatever happens to a device and its clock, no pass gets another time than its own, give or take, unless it is marked as an estimate;
// and estimates are not from the future either.
func TestNoPassGetsATimeThatIsNotItsOwn(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test that can be repeated
		w := newWorld(t)
		w.send, w.battery = r.IntN(2) == 0, r.IntN(3) == 0
		w.boot(0)
		type kept struct {
			event.Instant
			truth time.Time
		}
		var held []kept
		sent, estimated := 0, 0
		look := func() {
			rest := held[:0]
			for _, k := range held {
				at, exact := w.Correct(k.Instant)
				guessed := false
				if !exact && w.Overdue(k.Instant) {
					at, guessed = w.Estimate(k.Instant)
				}
				if wall, marked, ok := w.sends(k.Instant); ok != (exact || guessed) || marked != guessed || ok && !wall.Equal(at.Wall) {
					t.Fatalf("world %d: %v (known %v, estimated %v) is sent: %v, as %v, marked %v", seed, at.Wall, exact, guessed, ok, wall, marked)
				}
				switch off := at.Wall.Sub(k.truth).Abs(); {
				case exact && off > jump+time.Second:
					t.Fatalf("world %d: a pass of %v is sent as of %v", seed, k.truth, at.Wall)
				case guessed && at.Wall.After(w.truth.Add(jump)):
					t.Fatalf("world %d: an estimate of the future: %v at %v", seed, at.Wall, w.truth)
				case exact:
					sent++
				case guessed:
					estimated++
				default:
					rest = append(rest, k)
				}
			}
			held = rest
		}
		for range 200 {
			wrongly := time.Duration(r.Int64N(int64(40*24*time.Hour))) - 20*24*time.Hour
			switch r.IntN(10) {
			case 0:
				w.pass(time.Duration(r.Int64N(int64(30 * time.Hour))))
			case 1, 2, 3:
				w.pass(time.Duration(r.Int64N(int64(10 * time.Minute))))
			case 4: // nobody vouches for what was set, and a battery has not been touched
				w.set(wrongly, false)
			case 5:
				w.set(time.Duration(r.Int64N(int64(2*time.Second)))-time.Second, true)
			case 6:
				w.synced = false
			case 7:
				w.saved = w.wall()
				w.pass(time.Duration(r.Int64N(int64(48 * time.Hour))))
				skew := w.saved.Sub(w.truth)
				switch {
				case w.battery:
					skew = 0
				case r.IntN(3) == 0:
					skew = time.Unix(0, 0).Sub(w.truth)
				}
				w.boot(skew)
			case 8:
				w.agent()
			case 9:
				if r.IntN(4) == 0 {
					w.portalSays(w.truth)
				}
			}
			if r.IntN(3) > 0 {
				w.judge()
				look()
			}
			for range r.IntN(3) {
				i := w.take()
				if i.Trusted {
					if off := i.Wall.Sub(w.truth).Abs(); off > jump+time.Second {
						t.Fatalf("world %d: a pass of %v is taken as of %v by %+v", seed, w.truth, i.Wall, w.Verdict())
					}
					sent++
					continue
				}
				held = append(held, kept{i, w.truth})
			}
		}
		w.set(0, true)
		w.judge()
		look()
		for _, k := range held {
			if k.Boot == w.Boot() {
				t.Errorf("world %d: a pass of this boot is still held", seed)
			}
		}
		if seed < 3 {
			t.Logf("world %d: %d sent, %d estimated, %d held", seed, sent, estimated, len(held))
		}
	}
}
