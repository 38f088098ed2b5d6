package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The words with which a mistake is told are a product: each file in testdata/mistakes has one kind of mistake, and beside it
// stands what is said about it. UPDATE=1 writes the latter anew.
func TestMistakes(t *testing.T) {
	t.Setenv("SANDBOX_KEY", "correct-horse")
	t.Setenv(credentialsDirectory, "")
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		path = filepath.ToSlash(path)
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			got := told(t, path)
			if strings.Contains(got, "correct-horse") {
				t.Errorf("a secret is told:\n%s", got)
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")); got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// told gives all that the agent says about a file with mistakes.
func told(t *testing.T, path string) string {
	t.Helper()
	c, err := Load(path)
	var wrong *Mistakes
	if err != nil && !errors.As(err, &wrong) {
		t.Fatalf("error %v: want mistakes", err)
	}
	all := new(Mistakes)
	if wrong != nil {
		all.Add(*wrong...)
	}
	if c != nil {
		all.Add(*makeModules(c)...)
	}
	if all.Err() == nil {
		t.Fatal("nothing is found wrong")
	}
	return all.Error() + "\n"
}
