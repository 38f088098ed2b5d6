package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// makeOverlay makes the overlay of this project and returns the flags with which it is built as the agent is.
func makeOverlay(t *testing.T) []string {
	t.Helper()
	goMod, err := goCommand("env", "GOMOD")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "overlay.json")
	if err := run(out, goMod, published(), moduleDir, &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	return []string{"-overlay", out, "-tags", "badgerfix"}
}

// A new version may import by another way what was cut.
func TestWhatWasCutIsNotLinkedIn(t *testing.T) {
	list, err := goCommand(append(append([]string{"list"}, makeOverlay(t)...), "-deps", "../../agent")...)
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(list)
	if len(packages) < 100 {
		t.Fatalf("only %q", packages)
	}
	for _, p := range packages {
		for _, cut := range []string{"google.golang.org/protobuf", "go.opentelemetry.io/", "html/template"} {
			if strings.HasPrefix(p, cut) {
				t.Errorf("%s is linked in (go list -deps says by whom)", p)
			}
		}
	}
}
