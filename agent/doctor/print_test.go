package doctor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixed is a set of findings with every level in it.
func fixed() []Finding {
	configuration, portals, disk := &Sheet{group: Configuration}, &Sheet{group: Portals}, &Sheet{group: Disk}
	configuration.Good("/etc/acs-agent/config.yaml", "no mistakes; readers: %d, uplinks: %d", 2, 3)
	portals.Good("portal visits", "key accepted")
	portals.Fails("portal exam", "the portal is away, or url is wrong", "%s: connection refused", "api.example:443")
	portals.Failed("portal vetting", Wrong, true, errors.New("the portal answered 401 (ask the portal's operator (by telephone), and put the key into api_key_file)"))
	portals.Failed("portal reception", Unsure, false, errors.New("the agent could not be asked"))
	portals.Failed("portal other", Wrong, false, errors.New("it fails"))
	disk.Doubt("disk of /data", "keep a new card at hand", "storing is slow: %s\nand \x1b[31mred", "300ms")
	return append(append(configuration.Findings(), portals.Findings()...), disk.Findings()...)
}

func TestFindingsForPeople(t *testing.T) {
	var out bytes.Buffer
	if err := Print(&out, fixed(), func(s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "findings.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("UPDATE=1 writes the golden file anew. Printed:\n%s", out.String())
	}
}

func TestWhatIsWrongHasAdvice(t *testing.T) {
	for _, f := range fixed() {
		if f.Level == Wrong && f.Advice == "" {
			t.Errorf("%s: nobody is told what to do", f.Subject)
		}
	}
	if got, want := Sum(fixed()), (Summary{OK: 2, Warning: 1, Wrong: 3, Unsure: 1, NeedsPerson: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFindingsAreSaidInAnotherLanguage(t *testing.T) {
	var out bytes.Buffer
	if err := Print(&out, fixed()[:2], strings.ToUpper); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PORTALS\n", "OK       PORTAL VISITS: KEY ACCEPTED\n", "OK: 2, "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, out.String())
		}
	}
}
