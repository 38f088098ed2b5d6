package callback

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func newBareBook() *book { return &book{store: &uplinktest.Store{}} }

// splitList gives the elements of a list.
func splitList(body []byte) []json.RawMessage {
	var of struct {
		Applications []json.RawMessage `json:"applications"`
	}
	_ = decode(body, &of)
	return of.Applications
}

const keep = 30 * 24 * time.Hour

// closed makes a book with so many requests that were closed just now and one that is open.
func closed(t *testing.T, count int) *book {
	t.Helper()
	b := newBareBook()
	for n := range count + 1 {
		if _, err := b.take(t.Context(), []application{{ID: fmt.Sprint("id", n)}}); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= count; n++ {
		if _, err := b.set(t.Context(), uint64(n), rendered, ""); err != nil {
			t.Fatal(err)
		}
	}
	items, err := b.pending("")
	if err != nil {
		t.Fatal(err)
	}
	for len(items) > 0 {
		for _, i := range items {
			r, err := b.request(i.request)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.finish(t.Context(), i.request, r.next().Number, sent, ""); err != nil {
				t.Fatal(err)
			}
		}
		if items, err = b.pending(""); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// days lets time pass with a sweep every three hours.
func days(t *testing.T, b *book, n int) {
	t.Helper()
	for range 8 * n {
		time.Sleep(3 * time.Hour)
		if err := b.sweep(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, b *book) (n int) {
	t.Helper()
	if err := b.each(func(*request) bool { n++; return true }); err != nil {
		t.Error(err)
	}
	return n
}

// begin moves the clock of the bubble to a time in which an agent can live.
func begin() { time.Sleep(time.Until(earliest().Add(365 * 24 * time.Hour))) }

func TestClosedRequestsAreDeletedAfterTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		b := closed(t, 60)
		days(t, b, 29)
		if n := left(t, b); n != 61 {
			t.Errorf("after 29 days %d are left", n)
		}
		days(t, b, 2)
		if n := left(t, b); n != 1 {
			t.Errorf("after 31 days %d are left", n)
		}
		// One that comes again is recognised for a year, and new after that.
		if fresh, err := b.take(t.Context(), []application{{ID: "id5"}, {ID: "id60"}}); err != nil || len(fresh) != 0 {
			t.Errorf("%v, %v", fresh, err)
		}
		for range 184 {
			time.Sleep(48 * time.Hour)
			if err := b.sweep(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
		}
		if fresh, err := b.take(t.Context(), []application{{ID: "id5"}, {ID: "id60"}}); err != nil || len(fresh) != 1 {
			t.Errorf("%v, %v", fresh, err)
		}
	})
}

func TestOpenAndUnsentRequestsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		b := closed(t, 1)
		if _, err := b.set(t.Context(), 1, rejected, "x"); err != nil { // and the platform cannot be reached
			t.Fatal(err)
		}
		days(t, b, 60)
		if n := left(t, b); n != 2 {
			t.Errorf("%d are left", n)
		}
	})
}

// A clock that is wrong for an hour deletes nothing.
func TestALeapOfTheClockDeletesNothingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		b := closed(t, 1)
		days(t, b, 1)
		time.Sleep(400 * 24 * time.Hour)
		for range confirmations {
			time.Sleep(time.Hour)
			if err := b.sweep(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
			if err := b.sweep(t.Context(), keep); err != nil { // a restart a moment later confirms nothing
				t.Fatal(err)
			}
			if n := left(t, b); n != 2 {
				t.Fatalf("%d are left", n)
			}
		}
		days(t, b, 1) // it was no mistake: the device was off
		if n := left(t, b); n != 1 {
			t.Errorf("%d are left", n)
		}
	})
}

// Who was closed by a clock that was never set gets all of the time.
func TestAClockThatWasNeverSetShortensNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := closed(t, 3) // the bubble begins in the year 2000
		days(t, b, 40)
		begin()
		days(t, b, 29)
		if n := left(t, b); n != 4 {
			t.Errorf("%d are left after 29 days", n)
		}
		days(t, b, 2)
		if n := left(t, b); n != 1 {
			t.Errorf("%d are left after 31 days", n)
		}
	})
}

func TestADamagedRecordIsInNobodysWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		b := closed(t, 2)
		var x batch
		x.put(key(requestKey, 3), "no request")
		if err := b.apply(t.Context(), &x); err != nil {
			t.Fatal(err)
		}
		told := false
		for range 24 * 31 {
			time.Sleep(time.Hour)
			told = b.sweep(t.Context(), keep) != nil
		}
		n := 0
		err := b.each(func(*request) bool { n++; return true })
		if n != 0 || err == nil || !told {
			t.Errorf("%d are left, told %v, %v", n, told, err)
		}
	})
}
