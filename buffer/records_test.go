package buffer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func records(t *testing.T, r *Records, prefix string) string {
	t.Helper()
	var all []string
	if err := r.Each(prefix, func(key string, value []byte) bool {
		all = append(all, key+"="+string(value))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestRecordsAreKeptForEachUplinkAndSurviveAStart(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir + "/journal", KeyFile: dir + "/key", Uplinks: []string{"a", "ab"}}
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	a, ab := j.Records("a"), j.Records("ab")
	for _, step := range [][]event.Change{
		{{Key: "x/1", Value: []byte("one")}, {Key: "x/2", Value: []byte("two")}, {Key: "y", Value: []byte("secret name")}},
		{{Key: "x/1"}, {Key: "x/3", Value: []byte("three")}, {Key: "never"}},
	} {
		if err := a.Apply(t.Context(), step...); err != nil {
			t.Fatal(err)
		}
	}
	if err := ab.Apply(t.Context(), event.Change{Key: "x/9", Value: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := records(t, a, "x/"); got != "x/2=two x/3=three" {
			t.Errorf("records %q", got)
		}
		if got := records(t, j.Records("ab"), ""); got != "x/9=other" {
			t.Errorf("records of the other uplink %q", got)
		}
		if v, err := a.Get("y"); string(v) != "secret name" || err != nil {
			t.Errorf("y is %q, %v", v, err)
		}
		if v, err := a.Get("x/1"); v != nil || err != nil {
			t.Errorf("what was deleted is %q, %v", v, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if j, err = Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		a = j.Records("a")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(o.Dir)
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(filepath.Join(o.Dir, f.Name())); err != nil || bytes.Contains(text, []byte("secret name")) {
			t.Errorf("%s holds a value in clear, or cannot be read: %v", f.Name(), err)
		}
	}
}

func TestRecordsOfManyPagesAndTheirLimits(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(t.Context(), Options{Dir: dir + "/journal", KeyFile: dir + "/key", Uplinks: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close() //nolint:errcheck // a test
	r := j.Records("a")
	for n := range 500 {
		if err := r.Apply(t.Context(), event.Change{Key: fmt.Sprintf("n/%03d", n), Value: bytes.Repeat([]byte{byte(n)}, 3000)}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := r.Each("n/", func(key string, value []byte) bool {
		if key != fmt.Sprintf("n/%03d", n) || len(value) != 3000 || value[0] != byte(n) {
			t.Errorf("record %d is %s of %d bytes", n, key, len(value))
		}
		n++
		return true
	}); err != nil || n != 500 {
		t.Errorf("%d records, %v", n, err)
	}
	for what, step := range map[string][]event.Change{
		"no key":    {{Value: []byte("x")}},
		"long key":  {{Key: strings.Repeat("k", event.MaxKey+1)}},
		"too large": {{Key: "k", Value: make([]byte, event.MaxChangeBytes)}},
		"too many":  make([]event.Change, event.MaxChanges+1),
	} {
		if err := r.Apply(t.Context(), step...); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	// The largest step there can be, beside others that come at the same time.
	done := make(chan error, 20)
	for n := range 20 {
		go func() {
			done <- r.Apply(context.Background(), event.Change{Key: fmt.Sprintf("big/%02d", n), Value: make([]byte, event.MaxChangeBytes-10)})
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestRecordsMoveToTheNextDataKey(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := Options{Dir: dir + "/journal", KeyFile: dir + "/key", Uplinks: []string{"a"}, Keep: time.Hour, Now: func() time.Time { return now }}
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if err := j.Records("a").Apply(t.Context(), event.Change{Key: "k", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	before := j.asideGen
	now = now.Add(2 * time.Hour)
	if err := j.Retain(t.Context(), now, true); err != nil {
		t.Fatal(err)
	}
	if j.asideGen == before || len(j.asideKey) != 1 {
		t.Errorf("data key %d is still in use, of %d", j.asideGen, len(j.asideKey))
	}
	if v, err := j.Records("a").Get("k"); string(v) != "v" || err != nil {
		t.Errorf("the record is %q, %v", v, err)
	}
}
