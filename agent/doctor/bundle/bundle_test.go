package bundle

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestMask(t *testing.T) {
	m := &Mask{}
	m.Hide("hunter2", "Test school", "hunter2-and-more", "x")
	for text, want := range map[string]string{
		`the portal answered 401`:                              `the portal answered 401`,
		`iin 900101300017 refused`:                             `iin *** refused`,
		`card 126,58404 or 0008315940 or 04A1B2C3D4`:           `card *** or *** or ***`,
		`phone +7 (999) 000-00-01`:                             `phone +***`,
		`snils 112-233-445 95`:                                 `snils ***`,
		`born 1996-12-11`:                                      `born ***`,
		`valid until 2027-01-31`:                               `valid until 2027-01-31`,
		`time=2026-11-22T08:41:07.123456789+05:00 level=INFO`:  `time=2026-11-22T08:41:07+05:00 level=INFO`,
		`unknown "Пробный Проба" at gate-1`:                    `unknown "*** ***" at gate-1`,
		`Қазақ Ұлы`:                                            `*** ***`,
		`dial 192.168.1.10:8883 refused`:                       `dial 192.168.1.10:8883 refused`,
		`900.101.300.017`:                                      `***`,
		`login someone@host.example failed`:                    `login *** failed`,
		`https://user:pw@host/x`:                               `***`,
		`the key hunter2-and-more, or hunter2`:                 `the key ***, or ***`,
		`88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871`: `***`,
		`acs-agent v1.2.3 for linux/arm (go1.26.8)`:            `acs-agent v1.2.3 for linux/arm (go1.26.8)`,
		"bad \xff byte":                                        "bad *** byte",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
	if got := new(Mask).Text("nothing known"); got != "nothing known" {
		t.Error(got)
	}
}

func TestMaskOfJSON(t *testing.T) {
	m := &Mask{}
	m.Hide("secret-word")
	got, err := m.JSON(map[string]any{"bytes": int64(25277890560), "list": []string{"ИИН 900101300017", "a secret-word"}, "none": nil, "deep": map[string]any{"x": "Проба"}})
	var back map[string]any
	if err != nil || json.Unmarshal(got, &back) != nil || strings.Contains(string(got), "900101") || strings.Contains(string(got), "secret-word") ||
		!strings.Contains(string(got), "25277890560") || strings.Contains(string(got), "Проба") {
		t.Errorf("%s %v", got, err)
	}
}

// Whatever comes in: no long number, no word in other letters and no known text comes out.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"900101300017", "2026-11-22T08:41:07+05:00", "1.2.3.4:5", "Проба", "a@b", "12 34 56", "hunter2", "2026-11-221234567"} {
		f.Add(s)
	}
	long := regexp.MustCompile(`\d{6}`)
	f.Fuzz(func(t *testing.T, text string) {
		m := &Mask{}
		m.Hide("hunter2")
		got := m.Text(text)
		if long.MatchString(got) || strings.Contains(got, "hunter2") ||
			strings.IndexFunc(got, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsLetter(r) }) >= 0 {
			t.Errorf("%q became %q", text, got)
		}
	})
}

const configuration = `# Пробный Проба wrote this; the old key was 5f4dcc3b5aa765d61d8327deb882cf99
device: box-1
timezone: Asia/Almaty
data_dir: /var/lib/acs-agent
organizations:
  - id: school-12
    bin: "010140000014"
    name: Latin School
  - {id: gym, bin: 010150000019, name: 'Гимназия'}
cardholders: {file: ivanov list.csv}
readers:
  - name: gate-1
    type: rdm6300
    port: /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0
    organization: school-12
    note: Building of Smith, room 5
    repeat: 3s
  - {name: exam-hall, type: mqtt, topic: tele/smith/SENSOR, format: tasmota, organization: gym, baud: 9600, usb: "0403:6001"}
mqtt: {broker: "mqtts://smith:pw@broker.example:8883", username: smith, password: hunter2}
uplinks:
  - name: visits
    type: acs
    url: https://user:secret@sb.example/back/apikey/v1/data_set?token=abc
    api_key: hunter3
    apikey: hunter4
    api_kye: hunter5
    max_batch: 4MB
  - {name: exam, type: exam, readers: [exam-hall, unknown-smith], area_id: 17, roster: smith.csv, send: Mon 10:00, comment: "call Smith"}
  type: smith
lang: smith
smithkey: x
 folded text of Smith
"unterminated: Smith
`

func TestAConfigurationKeepsItsShapeOnly(t *testing.T) {
	words := &Words{
		Example: "device: x\ntimezone:\ndata_dir:\norganizations:\n id: bin: name:\ncardholders: {file:}\nreaders: type: port: organization: note: repeat: topic: format: baud: usb:\n" +
			"mqtt: broker: username: password_file:\nuplinks: url: api_key_file: max_batch: area_id: roster: send: comment: lang:\n",
		Types: []string{"acs", "exam", "mqtt", "rdm6300"}, Names: []string{"box-1", "gate-1", "exam-hall", "visits", "exam"},
	}
	m := &Mask{}
	got := Config(configuration, words, m)
	golden := filepath.Join("testdata", "config.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("UPDATE=1 writes the golden file anew. It is\n%s", got)
	}
	for _, personal := range []string{"smith", "Smith", "hunter", "ivanov", "School", "school", "0101", "Проб", "5f4d", "secret", "abc"} {
		if strings.Contains(got, personal) {
			t.Errorf("%q is left", personal)
		}
		// What the configuration had is taken out of everything else as well.
		if other := m.Text("error: " + configuration); personal != "0101" && strings.Contains(other, "hunter") {
			t.Errorf("a secret is left in another text: %s", other)
		}
	}
	if a, b := strings.Count(got, "\n"), strings.Count(configuration, "\n"); a != b {
		t.Errorf("%d lines of %d", a, b)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("name: hunter2", "device")
	f.Add("- {api_key: \"hunter2\", [a, b]: c} # hunter2", "x")
	f.Fuzz(func(t *testing.T, text, key string) {
		words := &Words{Example: "device: name: api_key:"}
		// A value that no form allows is never shown, wherever it stands.
		const secret = "Hunter2Secret"
		got := Config(text+"\n"+key+": "+secret+"\n"+text+secret, words, &Mask{})
		if strings.Contains(got, secret) {
			t.Errorf("%q %q shows the secret:\n%s", text, key, got)
		}
	})
}

func TestSystemTellsNothingOfPeople(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"proc/meminfo":              "MemTotal:  512000 kB\nOwner: Smith 900101300017\nMemFree: 5 kB\n",
		"proc/uptime":               "123.45 99\n",
		"proc/loadavg":              "0.10 0.2 0.3 1/2 3\n",
		"proc/sys/kernel/osrelease": "6.1.0-18-rpi\n",
		"etc/os-release":            "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
		"proc/self/mountinfo": "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro\n" +
			"21 20 0:30 / /var/lib/acs-agent rw,noatime - cifs //smith-nas/share rw,username=smith,addr=10.0.0.1\n",
	} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	got := string(System(root, "/var/lib/acs-agent"))
	for _, want := range []string{"kernel: 6.1.0-18-rpi\n", "distribution: Debian GNU/Linux 12 (bookworm)\n", "uptime: 123.45\n", "disk of data_dir: cifs on *** (noatime,rw)\n", "MemTotal:  512000 kB\nMemFree: 5 kB\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if strings.Contains(strings.ToLower(got), "smith") || strings.Contains(got, "900101") {
		t.Errorf("personal:\n%s", got)
	}
	if got := string(System(root, "/other")); !strings.Contains(got, "ext4 on /dev/mmcblk0p2 (errors=remount-ro,relatime,rw)") {
		t.Error(got)
	}
}

func TestListing(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"journal/000001.sst", "journal/MANIFEST", "inbox/900101300017 Smith.csv", "agent.sock"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, make([]byte, 1234567), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	got := string(Listing(dir))
	for _, want := range []string{" journal/000001.sst\n", " journal/MANIFEST\n", " ***/***\n", " agent.sock\n", "1'234'567"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Smith") || strings.Contains(got, "inbox") || strings.Contains(got, "9001") {
		t.Errorf("names of people's files:\n%s", got)
	}
}

func TestLinesOfALog(t *testing.T) {
	m := &Mask{}
	m.Hide("hunter2")
	log := strings.Repeat("old\n", 2*logLines) + "time=2026-11-22T08:41:07.5+05:00 msg=\"refused Проба 900101300017 hunter2\"\n" + strings.Repeat("x ", longestLine) + "\n"
	lines := strings.Split(strings.TrimSuffix(string(Lines([]byte(log), m)), "\n"), "\n")
	if len(lines) != logLines || lines[logLines-2] != `time=2026-11-22T08:41:07+05:00 msg="refused *** *** ***"` || len(lines[logLines-1]) != longestLine {
		t.Errorf("%d lines, the last are %q", len(lines), lines[len(lines)-2:])
	}
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	parts := []Part{{"doctor.json", "what was found", []byte("{}")}, {"empty.txt", "nothing", nil}}
	for name, unpack := range map[string]func(*testing.T, []byte) map[string]string{"s.zip": unzip, "s.tar.gz": untar} {
		path := filepath.Join(dir, name)
		if err := Write(path, parts, time.Now()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := unpack(t, text)
		if len(files) != 3 || files["doctor.json"] != "{}" || !strings.Contains(files["MANIFEST.txt"], "doctor.json          2 bytes  what was found\n") ||
			!strings.Contains(files["MANIFEST.txt"], "Look at each file before you send it") {
			t.Errorf("%s: %q", name, files)
		}
		if err := Write(path, parts, time.Now()); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("%s was overwritten: %v", name, err)
		}
	}
	if err := Write(filepath.Join(dir, "s.rar"), parts, time.Now()); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	if err := Write(filepath.Join(dir, "none", "s.zip"), parts, time.Now()); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func unzip(t *testing.T, text []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
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

func untar(t *testing.T, text []byte) map[string]string {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(content)
	}
}
