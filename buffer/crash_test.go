package buffer

import (
	"fmt"
	"os"
	"testing"
)

// TestAStoreThatCrashesTwiceInABootIsPutAside: each of these is a start; its crash is how the process before it ended.
func TestAStoreThatCrashesTwiceInABootIsPutAside(t *testing.T) {
	type start struct{ crash, boot string }
	many := make([]start, 200)
	for i := range many {
		many[i] = start{"", "a"} // a kill leaves no crash
	}
	for name, c := range map[string]struct {
		starts []start
		aside  int
	}{
		"no crash":                         {many, 0},
		"one crash":                        {[]start{{"1", "a"}, {"", "a"}, {"", "a"}}, 0},
		"one crash, opened more than once": {[]start{{"1", "a"}, {"1", "a"}, {"1", "a"}}, 0},
		"two crashes":                      {[]start{{"1", "a"}, {"2", "a"}}, 1},
		"two crashes and a kill between":   {[]start{{"1", "a"}, {"", "a"}, {"2", "a"}, {"", "a"}}, 1},
		"two crashes in two boots":         {[]start{{"1", "a"}, {"2", "b"}}, 0},
		"every store crashes":              {[]start{{"1", "a"}, {"2", "a"}, {"3", "a"}, {"4", "a"}, {"5", "a"}, {"6", "a"}, {"7", "a"}, {"8", "a"}}, mostAside},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(t, "visits")
			j := open(t, o)
			appendInOrder(t, j, 1, 5)
			shut(t, j)
			for _, s := range c.starts {
				o.Boot, o.Crash = s.boot, Crash{ID: s.crash, Where: "badger"}
				j := open(t, o)
				madeWhole(t, j)
				shut(t, j)
			}
			folders, err := asideFolders(o.Dir)
			if err != nil || len(folders) != c.aside {
				t.Fatalf("put aside: %v, %v", folders, err)
			}
			o.Crash = Crash{}
			j = open(t, o)
			madeWhole(t, j)
			if got := fmt.Sprint(row(t, j.Source("visits"), 0)); got != "[1 2 3 4 5]" {
				t.Errorf("row %s", got)
			}
		})
	}
}

func TestACrashForWantOfRoomDoesNotCount(t *testing.T) {
	o := testOptions(t)
	shut(t, open(t, o))
	o.MinFree = DefaultMinFree
	o.tuning.freeSpace = func(string) (int64, error) { return DefaultMinFree - 1, nil }
	for n := range 3 {
		o.Crash = Crash{ID: fmt.Sprint(n)}
		shut(t, open(t, o))
	}
	if folders, err := asideFolders(o.Dir); err != nil || len(folders) != 0 {
		t.Errorf("put aside: %v, %v", folders, err)
	}
}

func TestAStoreThatWorksForADayIsCalm(t *testing.T) {
	o := testOptions(t)
	o.Crash = Crash{ID: "1"}
	shut(t, open(t, o))
	o.Crash = Crash{}
	j := open(t, o)
	j.calm()
	j.calm()
	shut(t, j)
	o.Crash = Crash{ID: "2"}
	shut(t, open(t, o))
	if folders, err := asideFolders(o.Dir); err != nil || len(folders) != 0 {
		t.Errorf("put aside: %v, %v", folders, err)
	}
	if _, err := os.Stat(o.Dir + "/" + crashNote); err != nil {
		t.Error(err)
	}
}
