package intake

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOldestPassInHandIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var i Intake
		if _, ok := i.Oldest(); ok {
			t.Error("something is in hand at the beginning")
		}
		start := time.Now()
		first := i.hand.take()
		time.Sleep(time.Second)
		second := i.hand.take()
		for _, want := range []struct {
			drop  uint64
			begun time.Time
			ok    bool
		}{{0, start, true}, {first, start.Add(time.Second), true}, {second, time.Time{}, false}} {
			i.hand.drop(want.drop)
			if begun, ok := i.Oldest(); !begun.Equal(want.begun) || ok != want.ok {
				t.Errorf("the oldest began at %v (%t), want %v (%t)", begun, ok, want.begun, want.ok)
			}
		}
	})
}
