package buffer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

const somebody = "050101500030"

func isSomebody(p *event.Pass) bool { return p.Holder.IIN == somebody }

// crowd stores n passes, each fifth of them of somebody, in segments of 100. Those up to 80 % are delivered, and each 20th of them
// is aside, each 40th held.
func crowd(t testing.TB, n int) (Options, *Journal) {
	t.Helper()
	o := testOptions(t, "visits")
	o.tuning.segmentPasses = 100
	j := open(t, o)
	mixed(t, j, 1, n)
	var aside []event.Aside
	for i := 20; i <= n*4/5; i += 20 {
		state := event.Dead
		if i%40 == 0 {
			state = event.Held
		}
		aside = append(aside, event.Aside{Seq: uint64(i), State: state, Reason: "because"})
	}
	settle(t, j.Source("visits"), uint64(n*4/5), aside...)
	return o, j
}

func mixed(t testing.TB, j *Journal, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		p := testPass(n)
		if n%5 == 0 {
			p.Holder = event.Holder{IIN: somebody, Name: "Скрытов Иван"}
		}
		if _, err := j.Append(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// sealedOf takes the values that hold somebody's passes, with what they are sealed to, as they lie on disk now.
func sealedOf(t *testing.T, j *Journal) (values, data [][]byte) {
	t.Helper()
	keep := func(value, ad []byte) {
		values, data = append(values, slices.Clone(value)), append(data, slices.Clone(ad))
	}
	err := j.each([]byte{prefixPass}, func(key, value []byte) error {
		_, seq, _ := parsePassKey(key)
		if plain, err := j.one(seq); err == nil && isPassOf(plain, isSomebody) {
			ad := passData(key)
			keep(value, ad[:])
		}
		return nil
	})
	if err == nil {
		err = j.each([]byte{prefixAside}, func(key, value []byte) error {
			if r, err := j.readAside(key, value); err == nil && isSomebody(&r.Pass) {
				keep(value[4:], asideData(key))
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return values, data
}

func readable(t *testing.T, o Options, values, data [][]byte) (n int) {
	t.Helper()
	for i := range values {
		if opensWith(t, o, values[i], data[i]) {
			n++
		}
	}
	return n
}

func TestAPersonIsForgotten(t *testing.T) {
	o, j := crowd(t, 500)
	values, data := sealedOf(t, j)
	if n := readable(t, o, values, data); n != len(values) || n != 120 {
		t.Fatalf("%d of %d values open before", n, len(values))
	}
	m, err := j.Mentions(t.Context(), isSomebody)
	if want := (Mention{Delivered: 80, Waiting: 20, Held: 10, Dead: 10}); err != nil || m != want {
		t.Fatalf("mentions %+v, want %+v, %v", m, want, err)
	}
	box, rings := ringBox(t, o), secondNames(t, ringPaths(o.Dir)...)
	var shown uint64
	f, err := j.Forget(t.Context(), isSomebody, func(done, total uint64) {
		if done < shown || done > total || total != 500 {
			t.Errorf("progress %d of %d after %d", done, total, shown)
		}
		shown = done
	})
	if want := (Forgotten{Passes: 100, Asides: 20, Segments: 5}); err != nil || f != want || shown != 500 {
		t.Errorf("forgotten %+v, want %+v, %v; shown up to %d", f, want, err, shown)
	}
	if bytes.Contains(rings(), box) {
		t.Error("the data keys of before were replaced and not overwritten")
	}
	check := func(when string) {
		t.Helper()
		if n := readable(t, o, values, data); n != 0 {
			t.Errorf("%s: %d of the old values can be opened with the device key", when, n)
		}
		if m, err := j.Mentions(t.Context(), isSomebody); err != nil || m != (Mention{}) {
			t.Errorf("%s: mentions %+v, %v", when, m, err)
		}
		if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 400 || v.Forgotten != 100 || v.Asides != 0 {
			t.Errorf("%s: %+v, %v", when, v, err)
		}
		if got := row(t, j.Source("visits"), 400); len(got) != 80 {
			t.Errorf("%s: %d passes wait", when, len(got))
		}
	}
	check("at once")
	shut(t, j)
	j = open(t, o)
	check("after a start")
	settle(t, j.Source("visits"), 500)
	if s := j.Stats(); s.End != 500 || s.Holes != 0 {
		t.Errorf("%+v", s)
	}
	appendInOrder(t, j, 501, 510)
}

func TestForgettingNobodyChangesNoPass(t *testing.T) {
	_, j := crowd(t, 200)
	if f, err := j.Forget(t.Context(), func(*event.Pass) bool { return false }, nil); err != nil || f != (Forgotten{}) {
		t.Errorf("%+v, %v", f, err)
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 200 || v.Asides != 8 {
		t.Errorf("%+v, %v", v, err)
	}
}

// A pass that was forgotten while its uplink had it in its hands cannot go aside any more.
func TestAForgottenPassDoesNotGoAside(t *testing.T) {
	_, j := crowd(t, 100)
	if _, err := j.Forget(t.Context(), isSomebody, nil); err != nil {
		t.Fatal(err)
	}
	settle(t, j.Source("visits"), 100, event.Aside{Seq: 95, State: event.Dead}, event.Aside{Seq: 96, State: event.Dead})
	if got := fmt.Sprint(asides(t, j, "visits", event.Dead)); got != "[96]" {
		t.Errorf("aside %s", got)
	}
}

func TestForgettingThatIsCutGoesOn(t *testing.T) {
	for _, step := range []string{"another", "some", "renewed"} {
		t.Run(step, func(t *testing.T) {
			o, j := crowd(t, 500)
			values, data := sealedOf(t, j)
			cut := errors.New("cut")
			n := 0
			j.opts.tuning.cut = func(at string) error {
				if at != step {
					return nil
				}
				if n++; n == 2 || step == "renewed" {
					return cut
				}
				return nil
			}
			if _, err := j.Forget(t.Context(), isSomebody, nil); !errors.Is(err, cut) {
				t.Fatalf("not cut: %v", err)
			}
			if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes+v.Forgotten != 500 {
				t.Errorf("going on: %+v, %v", v, err)
			}
			shut(t, j)
			j = open(t, o)
			if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes+v.Forgotten != 500 {
				t.Errorf("after a start: %+v, %v", v, err)
			}
			if _, err := j.Forget(t.Context(), isSomebody, nil); err != nil {
				t.Error(err)
			}
			if n := readable(t, o, values, data); n != 0 {
				t.Errorf("%d of the old values can be opened with the device key", n)
			}
			if slices.ContainsFunc(j.keys.numbers(kindKey), j.keys.several) {
				t.Error("a segment has two keys")
			}
		})
	}
}

// Passes are taken, sent and read while somebody is forgotten, and nobody sees a hole.
func TestForgettingBesideEverythingElse(t *testing.T) {
	_, j := crowd(t, 1000)
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() {
		for n := 1001; ctx.Err() == nil; n++ {
			if _, err := j.Append(t.Context(), testPass(n)); err != nil {
				t.Error(err)
			}
		}
	})
	others.Go(func() {
		for ctx.Err() == nil {
			n := 0
			err := j.Visit(t.Context(), 0, func(uint64, string, *event.Pass) bool { n++; return true })
			if err != nil || n < 800 {
				t.Errorf("saw %d passes, %v", n, err)
			}
		}
	})
	others.Go(func() {
		for ctx.Err() == nil {
			if err := j.Asides(t.Context(), "visits", event.Dead, 0, func(AsideRecord) bool { return true }); err != nil {
				t.Error(err)
			}
			_ = row(t, j.Source("visits"), j.Source("visits").Cursor())
		}
	})
	f, err := j.Forget(t.Context(), isSomebody, nil)
	stop()
	others.Wait()
	if err != nil || f.Passes != 200 || f.Asides != 40 {
		t.Errorf("%+v, %v", f, err)
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Forgotten != 200 {
		t.Errorf("%+v, %v", v, err)
	}
}
