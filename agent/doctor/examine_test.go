package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{}) // a disk that does not answer until the test lets it go
		defer close(free)
		began := time.Now()
		var told [][]string
		found := Examine(t.Context(), []Check{
			{Group: Portals, Name: "portal slow", Limit: 10 * time.Second, Look: func(ctx context.Context, s *Sheet) {
				<-ctx.Done()
				s.Fails("portal slow", "wait", "no answer")
			}},
			{Group: Disk, Name: "disk", Limit: 5 * time.Second, Look: func(_ context.Context, s *Sheet) {
				s.Good("disk", "half of it")
				<-free
				s.Good("disk", "too late")
			}},
			{Group: Memory, Name: "memory", Limit: time.Second, Look: func(context.Context, *Sheet) { panic("fault") }},
			{Group: Configuration, Name: "configuration", Limit: time.Second, Look: func(_ context.Context, s *Sheet) { s.Good("file", "right") }},
		}, func(names []string) { told = append(told, slices.Clone(names)) })

		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		var got []string
		for _, f := range found {
			got = append(got, string(f.Group)+" "+string(f.Level)+" "+f.Text)
		}
		want := []string{
			"configuration ok right", "portals wrong no answer", "disk ok half of it",
			"disk wrong this could not be looked at within 5s", "memory wrong fault in the program: string",
		}
		if !slices.Equal(got, want) {
			t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(told) < 3 || !slices.Equal(told[0], []string{"portal slow", "disk"}) || told[len(told)-1] != nil {
			t.Errorf("progress: %q", told)
		}
		if !slices.Equal(told[len(told)-2], []string{"portal slow"}) {
			t.Errorf("progress before the end: %q", told[len(told)-2])
		}
	})
}

func TestNobodyIsToldOfWhatIsQuick(t *testing.T) {
	told := 0
	Examine(t.Context(), []Check{{Name: "quick", Limit: time.Minute, Look: func(context.Context, *Sheet) {}}}, func(names []string) {
		if names != nil {
			told++
		}
	})
	if told != 0 {
		t.Errorf("told %d times", told)
	}
}

func TestItCanBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		found := Examine(ctx, []Check{{Name: "long", Limit: time.Hour, Look: func(ctx context.Context, _ *Sheet) { <-ctx.Done() }}}, nil)
		if took := time.Since(began); took > 2*time.Second || len(found) != 0 {
			t.Errorf("it took %s and found %v", took, found)
		}
	})
}
