package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSecret holds that the file with a secret gives its first and only line as it stands there, and that no complaint repeats it.
func FuzzSecret(f *testing.F) {
	for _, seed := range []string{"", "\n", "key", "key\r\n", "\ufeffkey\n", "two\nlines\n", " key ", "\x00", "\xff\xfek\x00", strings.Repeat("k", maxSecret+1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		secret, private, err := readSecret(path)
		if err != nil {
			problem, advice := secretProblem("acs.key", err)
			if line := strings.TrimSpace(string(text)); len(line) > 20 && strings.Contains(problem+advice, line) || secret != "" {
				t.Fatalf("the complaint repeats it: %s, %s", problem, advice)
			}
			return
		}
		if secret == "" || len(secret) > maxSecret || !private || !bytes.Contains(text, []byte(secret)) || strings.HasSuffix(secret, "\n") {
			t.Fatalf("%q became %q, private %v", text, secret, private)
		}
		at := strings.LastIndex(string(text), secret) // the mark has bytes that a secret can have as well
		if rest := string(text)[:at] + string(text)[at+len(secret):]; strings.Trim(rest, "\r\n"+byteOrderMark) != "" {
			t.Fatalf("%q became %q, and %q was lost", text, secret, rest)
		}
	})
}
