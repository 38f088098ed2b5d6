//go:build unix

package main

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // looked for, not used
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/acs-agent/acs-agent/buffer"
)

// forms are the ways in which a text could lie on a disk: letter by letter in all encodings that the agent reads, as JSON and as
// hashes that can be tried.
func forms(t *testing.T, text string) (all [][]byte) {
	t.Helper()
	all = append(all, []byte(text))
	for _, e := range []encoding.Encoding{
		charmap.Windows1251, charmap.CodePage866, charmap.KOI8R,
		unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	} {
		if b, err := e.NewEncoder().Bytes([]byte(text)); err == nil {
			all = append(all, b)
		}
	}
	escaped := fmt.Sprintf("%+q", text)
	all = append(all, []byte(strings.Trim(escaped, `"`)))
	m, s1, s2 := md5.Sum([]byte(text)), sha1.Sum([]byte(text)), sha256.Sum256([]byte(text)) //nolint:gosec // likewise
	for _, sum := range [][]byte{m[:], s1[:], s2[:]} {
		all = append(all, sum, []byte(hex.EncodeToString(sum)), []byte(strings.ToUpper(hex.EncodeToString(sum))),
			[]byte(base64.RawStdEncoding.EncodeToString(sum)))
	}
	return all
}

// of a person that must not be on the disk, in each printed form of the card.
func traces(t *testing.T, p person) (all [][]byte) {
	t.Helper()
	reversed := slices.Clone(p.card[:])
	slices.Reverse(reversed)
	for _, text := range []string{
		p.name, p.iin, p.written, strings.ToLower(p.written), p.written[2:], fmt.Sprintf("%010d", p.card.number()), p.card.short(),
	} {
		all = append(all, forms(t, text)...)
	}
	return append(all, p.card[:], reversed)
}

// search looks for traces in each file of a folder, and in the names of the files.
func search(t *testing.T, dir string, all map[string][][]byte) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		content = append(content, []byte("\n"+path)...)
		for what, forms := range all {
			for _, form := range forms {
				if bytes.Contains(content, form) {
					t.Errorf("%s lies in %s (as %d bytes)", what, e.Name(), len(form))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// told runs a command with an input and gives what it prints; it must end with exit, and name nobody.
func (p *patient) told(exit int, input string, args ...string) string {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != exit {
		p.t.Errorf("%v ended with %d, want %d:\n%s", args, got, exit, out)
	}
	return string(out)
}

// privateSite is a gateway that has read people who are known and somebody who is not, of whom the portal has some.
func privateSite(t *testing.T) (p *patient, first, second, stranger person) {
	t.Helper()
	p = newPatient(t, "")
	first, second, stranger = e2ePerson(3), e2ePerson(4), e2ePerson(7777)
	config, err := os.ReadFile(p.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("config.yaml", string(config)+fmt.Sprintf(
		"readers:\n  - {name: gate-3, type: simulator, cards: [%q, %q, %q], every: 50ms, repeat: 0s, organization: school, note: \"Room of Professor Trial\"}\n",
		first.written, second.written, stranger.written))
	closePortal := p.openPortal()
	p.start()
	p.await("passes are delivered, and some are held", func() bool {
		s, err := statusOf(p.path("data"))
		return err == nil && p.portal.Stats().Rows > 6 && s.Journal.Passes > 12
	})
	closePortal()
	before := p.portal.Stats().Rows
	p.await("passes wait", func() bool {
		s, err := statusOf(p.path("data"))
		return err == nil && s.Journal.Passes > uint64(before)*2+10 //nolint:gosec // a count
	})
	return p, first, second, stranger
}

// Who takes the SD card away and not the key file has nothing.
func TestAStolenDiskWithoutTheKeyFileGivesNothing(t *testing.T) {
	t.Parallel()
	p, first, second, stranger := privateSite(t)
	all := map[string][][]byte{
		"a person": traces(t, first), "another person": traces(t, second), "a stranger": traces(t, stranger),
		"a note": forms(t, "Room of Professor Trial"), "an institution": forms(t, "Test school"), "a BIN": forms(t, "010140000014"),
	}
	key, err := os.ReadFile(p.path("journal.key"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	all["the key"] = [][]byte{raw, bytes.TrimSpace(key), bytes.ToUpper(bytes.TrimSpace(key))}
	if n := search(t, p.path("data"), all); n < 5 {
		t.Errorf("only %d files while it runs", n)
	}
	p.stop()
	if n := search(t, p.path("data"), all); n < 5 {
		t.Errorf("only %d files when it is stopped", n)
	}
	for _, person := range []person{first, second, stranger} {
		for _, text := range []string{person.name, person.iin, person.written} {
			if strings.Contains(p.log(), text) {
				t.Error("the log names a person or a card")
			}
		}
	}
	if info, err := os.Stat(p.path("journal.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("rights of the key file: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(p.path("data/journal")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("rights of the journal: %v, %v", info.Mode(), err)
	}
}

func TestForgetAndRotate(t *testing.T) {
	t.Parallel()
	p, first, second, _ := privateSite(t)
	if info, err := os.Stat(p.path("data/agent.sock")); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("rights of the socket: %v, %v", info.Mode(), err)
	}
	keyOf := func(args ...string) (s buffer.KeyStatus) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.told(exitDone, "", append(args, "--json")...)), &s); err != nil || len(s.Fingerprint) != 16 || s.DataKeys < 1 {
			t.Errorf("%+v, %v", s, err)
		}
		return s
	}
	var said []string
	tell := func(exit int, input string, args ...string) string {
		t.Helper()
		out := p.told(exit, input, args...)
		said = append(said, out)
		return out
	}

	// The site owes reports: nothing is touched.
	if out := tell(exitNeedsPerson, first.iin+"\n", "forget", "-", "--yes"); !strings.Contains(out, "--also-waiting") {
		t.Errorf("it says %s", out)
	}
	tell(exitUsage, first.iin+"\n", "forget", "-")                // nobody can be asked
	tell(exitUsage, "", "forget", first.iin, "--also-waiting")    // likewise
	tell(exitUsage, first.iin+"1\n", "forget", "-", "--yes")      // no number
	tell(exitUsage, "", "forget", first.iin, second.iin, "--yes") // two
	if !strings.Contains(p.told(exitDone, "", "queue", "list", "--state", "waiting", "--reveal", "--json", "--limit", "0"), first.iin) {
		t.Error("something was touched")
	}

	// Through the running agent, and the one that runs knows the new key.
	before := keyOf("key", "status")
	during := keyOf("key", "rotate")
	if during.Fingerprint == before.Fingerprint {
		t.Error("the key is the same")
	}
	p.stop()
	if now := keyOf("key", "status"); now.Fingerprint != during.Fingerprint {
		t.Error("the stopped journal has another key")
	}

	// The closed journal.
	out := tell(exitDone, "", "forget", first.iin[:6]+" "+first.iin[6:], "--also-waiting", "--yes")
	if !strings.Contains(out, "list of cardholders still has") || !strings.Contains(out, first.iin[:4]+"*****"+first.iin[9:]) {
		t.Errorf("it says %s", out)
	}
	for _, state := range []string{"waiting", "delivered", "held", "dead", "uncertain"} {
		list := p.told(exitDone, "", "queue", "list", "--state", state, "--reveal", "--json", "--limit", "0")
		if strings.Contains(list, first.iin) || strings.Contains(list, first.name) {
			t.Errorf("the person is still among the %s passes", state)
		}
		if (state == "waiting" || state == "delivered") && !strings.Contains(list, second.iin) {
			t.Errorf("somebody else is not among the %s passes any more", state)
		}
	}

	// A store that was put aside holds the person as long as it lies there.
	folder := p.path("data/journal.broken-20260907T040000Z")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if out := tell(exitNeedsPerson, first.iin+"\n", "forget", "-", "--yes"); !strings.Contains(out, folder) {
		t.Errorf("it says %s", out)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	tell(exitDone, first.iin+"\n", "forget", "-", "--yes")
	if last := keyOf("key", "rotate"); last.Fingerprint == during.Fingerprint {
		t.Error("the key of the closed journal is the same")
	}
	p.told(exitDone, "", "queue", "verify")

	// What is left goes out.
	rows := p.portal.Stats().Rows
	p.openPortal()
	p.start()
	p.await("what is left is delivered", func() bool { return p.portal.Stats().Rows > rows+20 })
	p.stop()
	for _, text := range append(said, p.log()) {
		for _, secret := range []string{first.iin, first.name, second.iin, first.written} {
			if strings.Contains(text, secret) {
				t.Errorf("something that was said or logged names a person")
			}
		}
	}
	if left, _ := filepath.Glob(p.path("journal.key.*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
