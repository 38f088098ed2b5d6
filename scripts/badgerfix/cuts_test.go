package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/scripts/badgerfix/standin/s2"
	"github.com/acs-agent/acs-agent/scripts/badgerfix/standin/snappy"
	"github.com/acs-agent/acs-agent/scripts/badgerfix/standin/zstd"
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
		for _, cut := range []string{"google.golang.org/protobuf", "go.opentelemetry.io/", "github.com/klauspost/", "html/template"} {
			if strings.HasPrefix(p, cut) {
				t.Errorf("%s is linked in (go list -deps says by whom)", p)
			}
		}
	}
}

// No journal has compressed tables. If there is one all the same it cannot be read, and nothing is written that cannot.
func TestCompressedTablesAreRefused(t *testing.T) {
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(1)))
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("a block of a table")
	for name, try := range map[string]func() error{
		"s2 encode":     func() error { _, err := s2.EncodeSnappy(make([]byte, s2.MaxEncodedLen(len(text))), text); return err },
		"snappy length": func() error { _, err := snappy.DecodedLen(text); return err },
		"snappy decode": func() error { _, err := snappy.Decode(nil, text); return err },
		"zstd header":   func() error { return new(zstd.Header).Decode(text) },
		"zstd encode":   func() error { _, err := encoder.EncodeAll(text, nil); return err },
		"zstd decode":   func() error { _, err := decoder.DecodeAll(text, nil); return err },
	} {
		if err := try(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
