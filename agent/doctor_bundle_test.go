//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/exam"
)

// personal are the texts of a site that nobody but the site may see.
type personal map[string]string

// hidden gives all forms in which they could get out: letter by letter, in other letter cases, as hashes, and as JSON writes them.
func (p personal) hidden(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for what, text := range p {
		sum := sha256.Sum256([]byte(text))
		escaped, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		all[what] = strings.ToLower(text)
		all["the hash of "+what] = hex.EncodeToString(sum[:])
		all["the escaped form of "+what] = strings.ToLower(strings.Trim(string(escaped), `"`))
	}
	return all
}

// The promise of the archive: whatever stands in the configuration, in the lists and in the journal, nothing of it is in any byte of
// the archive.
func TestASupportArchiveHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "")
	known, unknown := e2ePerson(0), e2ePerson(7777)
	secrets := personal{
		"the key of a portal": "key-of-the-portal-0a1b", "an inline secret": "Inline#Secret/9", "a password": "pass word of a person",
		"a person's name": known.name, "a person's IIN": known.iin, "a card": known.written, "an unknown card": unknown.written,
		"a surname in an inbox": "Пробнова", "a name in Latin letters": "Smith Jonathan Junior", "a document": "AA1234501", "a birth date": "1990-01-02",
		"an institution": "Средняя школа имени Пробы", "an institution in Latin letters": "Lyceum of Trial", "a BIN": "010140000014", "the short name of an institution": "lyceum-trial",
		"a note": "Room of Professor Trial", "a login": "integration@trial.example", "a comment": "ask Ivan Trial, +7 701 234 56 78",
		"a file of people": "people-of-the-lyceum.csv", "a misspelt key": "ivantrial", "a user in a URL": "trialuser:trialpass", "a topic": "tele/professor-trial/SENSOR",
	}
	hash, err := (exam.Documents{}).Hash(secrets["a document"])
	if err != nil {
		t.Fatal(err)
	}
	secrets["the hash that the exam portal gets"] = hash

	p.write("people-of-the-lyceum.csv", fmt.Sprintf("card;iin;full_name\n%s;%s;%s\n0000000042;900101300811;%s\n",
		known.written, known.iin, known.name, secrets["a name in Latin letters"]))
	p.write("acs.key", secrets["the key of a portal"])
	p.write("callback.password", secrets["a password"])
	p.write(filepath.Join("inbox", "900101300823 Smith Jonathan Junior.csv"), "surname;name;birth_date;consent\nПробнова;Проба;1990-01-02;да\n")
	p.write("roster.csv", strings.ReplaceAll(demoRoster(), "AA1234501", secrets["a document"]))
	config, err := os.ReadFile(p.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		`organizations: [{id: school, bin: "010140000014", name: Test school}]`,
		"# "+secrets["a comment"]+"\norganizations:\n  - {id: lyceum-trial, bin: 010140000014, name: "+secrets["an institution"]+"}\n  - {id: other, bin: \"010150000019\", name: Lyceum of Trial}",
		"cardholders.csv", "people-of-the-lyceum.csv", `login: "`+demoLogin+`"`, `login: "`+secrets["a login"]+`"`,
	).Replace(string(config)) + fmt.Sprintf(`readers:
  - {name: gate-3, type: simulator, cards: ["%s", "%s"], every: 200ms, repeat: 0s, organization: lyceum-trial, note: "%s"}
`, known.written, unknown.written, secrets["a note"])
	p.write("config.yaml", text)

	p.openPortal() // which refuses key and password
	p.start()
	p.await("passes are stored, and some are held", func() bool {
		s, err := statusOf(p.path("data"))
		return err == nil && s.Journal.Passes > 3
	})
	archives := map[string]string{"running": p.packed(exitNeedsPerson, "running.zip")}
	p.stop()
	archives["stopped"] = p.packed(exitNeedsPerson, "stopped.zip")

	// The configuration is spoilt in the ways in which people spoil it.
	for name, spoilt := range map[string]string{
		"unknown keys": text + "ivantrial: x\nmqtt: {broker: \"mqtt://trialuser:trialpass@127.0.0.1:1\", password: Inline#Secret/9, topic: tele/professor-trial/SENSOR}\n",
		"no YAML":      strings.Replace(text, "readers:", "readers: [{\nInline#Secret/9: 'ivantrial\n\tapi_key: Inline#Secret/9", 1),
		"not UTF-8":    text + "\xff\xfe Smith Jonathan Junior\n",
	} {
		p.write("config.yaml", spoilt)
		archives[name] = p.packed(exitNeedsPerson, strings.ReplaceAll(name, " ", "-")+".zip")
	}
	for name, archive := range archives {
		for file, content := range unpacked(t, archive) {
			for what, form := range secrets.hidden(t) {
				if strings.Contains(strings.ToLower(file+"\n"+content), form) {
					t.Errorf("%s: %s holds %s (%q)", name, file, what, form)
				}
			}
		}
	}

	files := unpacked(t, archives["running"])
	for _, name := range []string{"MANIFEST.txt", "doctor.json", "status.json", "version.json", "config.yaml", "data_dir.txt", "system.txt", "log.txt"} {
		if files[name] == "" || name != "MANIFEST.txt" && !strings.Contains(files["MANIFEST.txt"], name) {
			t.Errorf("%s is missing in the archive or in its manifest", name)
		}
	}
	var told diagnosis
	var status health.Status
	if err := json.Unmarshal([]byte(files["doctor.json"]), &told); err != nil || len(told.Findings) < 10 || told.Summary != doctor.Sum(told.Findings) {
		t.Errorf("doctor.json: %v, %+v", err, told.Summary)
	}
	if err := json.Unmarshal([]byte(files["status.json"]), &status); err != nil || !status.Running || len(status.Uplinks) == 0 {
		t.Errorf("status.json: %v", err)
	}
	for _, kept := range []string{"device: trouble\n", "type: acs", "name: gate-3, type: simulator", "timezone: Asia/Almaty\n", "every: 200ms"} {
		if !strings.Contains(files["config.yaml"], kept) {
			t.Errorf("config.yaml lacks %q, which helps and harms nobody:\n%s", kept, files["config.yaml"])
		}
	}
	if t.Failed() {
		t.Logf("config.yaml of the archive:\n%s", files["config.yaml"])
	}
}

// packed runs the doctor with --bundle and gives the path of the archive.
func (p *patient) packed(exit int, name string) string {
	p.t.Helper()
	path := p.path(name)
	cmd := p.command("doctor", "--bundle", path)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != exit {
		p.t.Errorf("doctor ended with %d (%v), want %d:\n%s", got, err, exit, out)
	}
	if !strings.Contains(string(out), "look into it before you send it") {
		p.t.Errorf("nobody is told of the archive:\n%s", out)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		p.t.Fatalf("archive: %v, %v", info, err)
	}
	return path
}

// unpacked gives the files of an archive, and the archive itself.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"the archive": string(text)}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}
