//go:build badgerfix

package buffer

import (
	"errors"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4/y"
)

// TestAnErrorOfACompactionReachesItsEnd: a compaction writes its tables at once, a throttle counts them, and Finish says whether the
// old tables can go. As it is published, the throttle gives an error to whoever asks for the next place, and to nobody else.
func TestAnErrorOfACompactionReachesItsEnd(t *testing.T) {
	const places = 2
	noRoom := errors.New("cannot allocate memory")
	throttle := y.NewThrottle(places)
	ended := make(chan error)
	go func() {
		for range places {
			if err := throttle.Do(); err != nil {
				ended <- err
				return
			}
		}
		throttle.Done(noRoom)
		throttle.Done(noRoom)
		var err error
		for err == nil { // a free place or the error, as chance has it
			if err = throttle.Do(); err == nil {
				throttle.Done(noRoom) // more than there is room for
			}
		}
		ended <- throttle.Finish()
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, noRoom) {
			t.Errorf("at the end: %v, should be %v", err, noRoom)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the end is never reached")
	}
}

// TestTheOnlyErrorOfACompactionReachesItsEnd: where a single table could not be written, the one error must not be used up by who asks
// for the next place.
func TestTheOnlyErrorOfACompactionReachesItsEnd(t *testing.T) {
	noRoom := errors.New("cannot allocate memory")
	throttle := y.NewThrottle(2)
	if err := throttle.Do(); err != nil {
		t.Fatal(err)
	}
	throttle.Done(noRoom)
	for throttle.Do() == nil { // a free place or the error, as chance has it
		throttle.Done(nil)
	}
	if err := throttle.Finish(); !errors.Is(err, noRoom) {
		t.Errorf("at the end: %v, should be %v", err, noRoom)
	}
}
