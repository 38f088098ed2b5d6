package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// farewell is what a check gets beyond its limit to say what it has found.
	farewell = 500 * time.Millisecond
	// quiet is how long nobody is told that it takes a while.
	quiet = 2 * time.Second
)

// A Check looks at one thing, or at several that belong together.
type Check struct {
	Group Group
	// Name says what is looked at, while it is looked at.
	Name string
	// Limit is how long it may take. What it has found by then counts.
	Limit time.Duration
	// Look takes down what it finds, and ends when ctx does.
	Look func(ctx context.Context, s *Sheet)
}

// Examine does all checks at once and gives what they have found, in the order of groups and checks. It returns when all have
// ended or their limits have passed: a disk that hangs cannot be interrupted, and its check is left behind.
//
// progress, which may be nil, is told each second what is still being looked at, if it takes more than two; at the end it is told
// nil.
func Examine(ctx context.Context, checks []Check, progress func(names []string)) []Finding {
	sheets := make([]*Sheet, len(checks))
	ended := make([]chan struct{}, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		sheets[i], ended[i] = &Sheet{group: c.Group}, make(chan struct{})
		all.Go(func() { c.do(ctx, sheets[i], ended[i]) })
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	watch(over, func() (names []string) {
		for i, c := range checks {
			select {
			case <-ended[i]:
			default:
				names = append(names, c.Name)
			}
		}
		return names
	}, progress)

	var found []Finding
	for _, s := range sheets {
		found = append(found, s.Findings()...)
	}
	groups := Groups()
	slices.SortStableFunc(found, func(x, y Finding) int { return slices.Index(groups, x.Group) - slices.Index(groups, y.Group) })
	return found
}

// watch waits for the end and tells of the progress meanwhile.
func watch(over <-chan struct{}, pending func() []string, progress func([]string)) {
	if progress == nil {
		<-over
		return
	}
	defer progress(nil)
	for wait := quiet; ; wait = time.Second {
		timer := time.NewTimer(wait)
		select {
		case <-over:
			timer.Stop()
			return
		case <-timer.C:
			progress(pending())
		}
	}
}

// do looks, and closes ended when it has come to an end, or is given up.
func (c *Check) do(ctx context.Context, s *Sheet, ended chan<- struct{}) {
	defer close(ended)
	limited, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				s.Fails(c.Name, "please report it", "fault in the program: %T", r)
			}
		}()
		c.Look(limited, s)
	}()
	select {
	case <-done:
		return
	case <-limited.Done():
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		if ctx.Err() == nil {
			s.Fails(c.Name, "look at what stands still there: a disk that fails, a network that answers nothing",
				"this could not be looked at within %s", fmt.Sprint(c.Limit))
		}
	}
}
