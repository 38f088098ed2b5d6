package liveness_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/liveness"
)

const (
	interval = 10 * time.Second
	limit    = time.Minute
)

// look is one round of a story: how long after the one before it comes, and what is under way then.
type look struct {
	after time.Duration
	marks map[string]int
	stuck []string
}

// rounds are n rounds in time with the same things under way, and nothing stuck.
func rounds(n int, marks map[string]int) []look {
	return slices.Repeat([]look{{after: interval, marks: marks}}, n)
}

func TestWhatDoesNotComeToAnEndIsStuck(t *testing.T) {
	ping, other := map[string]int{"journal": 1}, map[string]int{"journal": 2}
	both := map[string]int{"journal": 1, "uplink": 1}
	for name, story := range map[string][]look{
		"nothing is under way, for however long":  rounds(1000, nil),
		"something ends in time":                  append(rounds(7, ping), rounds(7, nil)...),
		"it lasts exactly as long as it may":      rounds(7, ping),
		"it lasts for longer":                     append(rounds(7, ping), look{interval, ping, []string{"journal"}}),
		"it stays stuck":                          append(rounds(7, ping), look{interval, ping, []string{"journal"}}, look{interval, ping, []string{"journal"}}),
		"it comes on in the last moment":          append(rounds(7, ping), rounds(7, other)...),
		"it comes on after all":                   append(append(rounds(7, ping), look{interval, ping, []string{"journal"}}), rounds(7, other)...),
		"it ends after all":                       append(append(rounds(7, ping), look{interval, ping, []string{"journal"}}), look{interval, nil, nil}, look{interval, ping, nil}),
		"a pause between is a new beginning":      append(append(rounds(5, ping), look{interval, nil, nil}), rounds(7, ping)...),
		"one of two":                              append(append(rounds(3, ping), rounds(4, both)...), look{interval, both, []string{"journal"}}),
		"both":                                    append(rounds(7, both), look{interval, both, []string{"journal", "uplink"}}),
		"the machine slept for a day":             append(rounds(3, ping), look{24 * time.Hour, ping, nil}, look{interval, ping, nil}),
		"the machine slept, and it was stuck":     append(rounds(3, ping), look{24 * time.Hour, ping, nil}, look{interval, ping, nil}, look{interval, ping, nil}, look{interval, ping, []string{"journal"}}),
		"late rounds of a loaded machine count":   {{0, ping, nil}, {15 * time.Second, ping, nil}, {15 * time.Second, ping, nil}, {15 * time.Second, ping, nil}, {16 * time.Second, ping, []string{"journal"}}},
		"what was there at the start is new, too": {{24 * time.Hour, ping, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := liveness.NewObserver(interval)
				for n, l := range story {
					time.Sleep(l.after)
					var signs []liveness.Sign
					for _, part := range []string{"journal", "uplink"} {
						if mark, ok := l.marks[part]; ok {
							signs = append(signs, liveness.Sign{Part: part, Mark: mark, Limit: limit})
						}
					}
					var stuck []string
					for _, s := range o.Look(time.Now(), signs) {
						stuck = append(stuck, s.Part)
					}
					if !slices.Equal(stuck, l.stuck) {
						t.Fatalf("round %d: stuck %v, want %v", n+1, stuck, l.stuck)
					}
				}
			})
		})
	}
}

func TestAClockThatGoesBackIsNoProgressAndNoTime(t *testing.T) {
	o := liveness.NewObserver(interval)
	now := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	signs := []liveness.Sign{{Part: "journal", Mark: 1, Limit: limit}}
	for _, at := range []time.Duration{0, -time.Hour, -time.Hour + 10*time.Second, -time.Hour + 20*time.Second} {
		if stuck := o.Look(now.Add(at), signs); len(stuck) > 0 {
			t.Errorf("at %v: %v", at, stuck)
		}
	}
}

func TestItSaysWhatIsStuckAndForHowLong(t *testing.T) {
	s := liveness.Stuck{Part: "the journal", For: 5*time.Minute + 10*time.Second + 3*time.Millisecond}
	if got, want := s.Error(), "the journal has made no progress for 5m10s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
