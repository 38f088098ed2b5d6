package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDiary holds that a file of rows that was cut off or damaged is refused or read line by line, that what was read is kept as it is, and
// that no error repeats a row.
func FuzzDiary(f *testing.F) {
	row := `{"bin":"010140000014","organization":"Школа","datetime":"2026-11-22T10:00:00+05:00","iin":"900101300017","name":"Пробный","note":"x"}`
	for _, seed := range []string{"", row + "\n", row, row + "\n" + row[:50], row + "\nnull\n", "[]\n", "\n", strings.Repeat("x", maxLine+1) + "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, diaryFile)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		rows := 0
		d, err := openDiary(dir, func(r Row) error {
			if rows++; r.Datetime == "" {
				return errors.New("a row without a time")
			}
			return nil
		})
		if err != nil {
			if strings.Contains(err.Error(), "900101300017") || strings.Contains(err.Error(), "Пробный") {
				t.Fatalf("the error repeats a row: %v", err)
			}
			return
		}
		defer d.file.Close() //nolint:errcheck // only read
		left, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(text, left) || bytes.Count(left, []byte("\n")) != rows || len(left) > 0 && left[len(left)-1] != '\n' {
			t.Fatalf("%d rows, and of %d bytes %d are left: %v", rows, len(text), len(left), err)
		}
	})
}
