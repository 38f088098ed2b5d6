package line

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// heard remembers what a decoder gave out.
type heard struct {
	passes []*event.Pass
	faults []string
}

func (h *heard) Pass(p *event.Pass)        { h.passes = append(h.passes, p) }
func (h *heard) Odd(_ string, fault error) { h.faults = append(h.faults, fault.Error()) }

// told gives each card as "format canonical", with the bits if there are any.
func (h *heard) told() string {
	var all []string
	for _, p := range h.passes {
		s := p.Credential.Format + " " + p.Credential.Canonical()
		if p.Credential.Bits > 0 {
			s += fmt.Sprintf("/%d", p.Credential.Bits)
		}
		all = append(all, s)
	}
	return strings.Join(all, " | ")
}

func made(t testing.TB, settings string) *driver {
	t.Helper()
	d, err := Module.New(drivertest.Env(), []drivers.Reader{drivertest.Reader(t, "lobby", "port: /dev/ttyACM0\n"+settings)})
	if err != nil {
		t.Fatalf("settings %q: %v", settings, err)
	}
	return d.(*driver)
}

func (d *driver) decode(chunks ...string) *heard {
	h, dec := &heard{}, newDecoder(d.reader, &d.options, d.meaning)
	for _, c := range chunks {
		if c == silence {
			dec.Silence(h)
			continue
		}
		dec.Decode([]byte(c), h)
	}
	dec.Silence(h)
	return h
}

const silence = "(silence)"

func TestSamples(t *testing.T) {
	for file, c := range map[string]struct{ settings, want string }{
		"s4a-wiegand-ethernet.bin": {"number: decimal\ngap: 80ms", "line/decimal 0001E256/32"},
		"colon-hex-lrc-reader.txt": {"lrc: true", "line/lrc 170009593F/40"},
	} {
		sent, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		got := made(t, c.settings).decode(string(sent))
		if got.told() != c.want || len(got.faults) != 0 {
			t.Errorf("%s: read %q with faults %q, want %q", file, got.told(), got.faults, c.want)
		}
	}
}

func TestLines(t *testing.T) {
	const pattern = `pattern: '^(?P<direction>\S+) (?P<card>\d+)$'` + "\nnumber: decimal\n"
	for name, c := range map[string]struct {
		settings string
		sent     string // silence divides it
		want     string
		fault    string // a part of the only fault
	}{
		"CR LF":                    {"", "A1\r\nA2\r\n\r\n", "line A1 | line A2", ""},
		"LF":                       {"", "A1\nA2\n", "line A1 | line A2", ""},
		"LF alone ends":            {"suffix: LF", "A1\nA2\r\n", "line A1 | line A2\r", ""},
		"CR LF, CR alone does not": {"suffix: CRLF", "A\r1\r\nA2\r\n", "line A\r1 | line A2", ""},
		"CR or CR LF":              {"suffix: CR, CRLF", "A1\rA2\r\nA3\r", "line A1 | line A2 | line A3", ""},
		"tab":                      {"suffix: TAB", "A1\tA2\t", "line A1 | line A2", ""},
		"ETX or a byte":            {"suffix: ETX, 0x1E", "A1\x03A2\x1e", "line A1 | line A2", ""},
		"two bytes":                {"suffix: 0x2323", "A#1##A2##", "line A#1 | line A2", ""},
		"silence ends":             {"suffix: none\ngap: 80ms", "A1" + silence + "A2\r\n" + silence, "line A1 | line A2\r\n", ""},
		"silence drops":            {"gap: 80ms", "7" + silence + "A2\r\n", "line A2", "1 bytes without an end of line"},
		"prefix":                   {"prefix: '>>'", ">>A1\rA2\r", "line A1 | line A2", ""},
		"spaces around":            {"", "  A1 B \r", "line A1 B", ""},
		"only spaces":              {"", "   \r", "", ""},
		"control characters":       {"", "01\x1d10AB\x01\r", "line 01\x1d10AB\x01", ""},
		"UTF-8":                    {"", "Пропуск 7\r", "line Пропуск 7", ""},
		"windows-1251":             {"", "\xcf\xf0\xee\xef\xf3\xf1\xea 7\r", "line Пропуск 7", ""},
		"too long":                 {"", strings.Repeat("A", 600) + "\rA2\r", "line A2", "a line of 600 bytes, longer than 512"},
		"endlessly long":           {"", strings.Repeat("A", 60_000) + "\rA2\r", "line A2", "a line of 60000 bytes"},
		"AIM QR":                   {"aim: true", "]Q3A1\r", "line/qr A1", ""},
		"AIM Code 128":             {"aim: true", "]C1A1\r", "line/code128 A1", ""},
		"AIM DataMatrix":           {"aim: true", "]d2A1\r", "line/datamatrix A1", ""},
		"AIM unknown":              {"aim: true", "]y0A1\r", "line/other A1", ""},
		"AIM missing":              {"aim: true", "A1\r]\r", "line A1 | line ]", ""},
		"AIM not expected":         {"", "]Q3A1\r", "line ]Q3A1", ""},
		"AIM and number":           {"aim: true\nnumber: hex", "]C07EE424\r", "line/code128 7EE424/24", ""},
		"Wiegand 26 in hex":        {"number: hex", "7EE424\r", "line/hex 7EE424/24", ""},
		"hex, odd digits":          {"number: hex", "12345\r", "line/hex 012345/20", ""},
		"hex, lower case":          {"number: hex", "00b5009ec1a8\r", "line/hex 00B5009EC1A8/48", ""},
		"hex, not hex":             {"number: hex", "7EE42G\r", "", "a line of 6 bytes: the card is not hexadecimal"},
		"hex, too long":            {"number: hex", strings.Repeat("7", 65) + "\r", "", "more than 64 digits"},
		"decimal of a card":        {"number: decimal", "0008315940\r\n", "line/decimal 007EE424/32", ""},
		"decimal, 40 bits":         {"number: decimal", "365080536100\r\n", "line/decimal 55007EE424/40", ""},
		"decimal, 56 bits":         {"number: decimal", "1220759538901632\r\n", "line/decimal 0456463AAC2280/56", ""},
		"decimal, too large":       {"number: decimal", "72057594037927936\r", "", "does not fit 56 bits"},
		"decimal, sign":            {"number: decimal", "+1\r", "", "not decimal"},
		"facility":                 {"number: facility", "126,58404\r126 58404\r7,42\r", "line/facility 7EE424/24 | line/facility 7EE424/24 | line/facility 07002A/24", ""},
		"facility too large":       {"number: facility", "256,1\r", "", "fff up to 255"},
		"checksum wrong":           {"lrc: true", ":170009593F49\r", "", "the checksum is wrong"},
		"checksum after noise":     {"lrc: true", "x:1:170009593F48\r", "line/lrc 170009593F/40", ""},
		"no checksum":              {"lrc: true", "170009593F48\r", "", "not ':'"},
		"number after noise":       {"number: hex", "\x00\xff\x807EE424\r", "line/hex 7EE424/24", ""},
		"ignored":                  {"ignore: '^(OK|READY)'", "OK\rA1\rREADY 1\r", "line A1", ""},
		"pattern":                  {pattern, "IN 8315940\r", "line/decimal 007EE424/32", ""},
		"pattern does not fit":     {pattern, "hello\rвыход 8315940\r", "line/decimal 007EE424/32", "a line of 5 bytes: does not fit pattern"},
		"pattern and ignore":       {pattern + "ignore: hello", "hello\rout 8315940\r", "line/decimal 007EE424/32", ""},
		"direction unknown":        {pattern, "across 8315940\r", "line/decimal 007EE424/32", "the direction is none of the words"},
		"no card in the pattern":   {"pattern: 'card=(?P<card>.*)'", "card=\r", "", "there is no card in it"},
	} {
		parts := strings.Split(strings.ReplaceAll(c.sent, silence, "\x00\x00"), "\x00\x00")
		var whole, bytewise []string
		for i, part := range parts {
			if i > 0 {
				whole, bytewise = append(whole, silence), append(bytewise, silence)
			}
			whole = append(whole, part)
			for j := range len(part) {
				bytewise = append(bytewise, part[j:j+1])
			}
		}
		d := made(t, c.settings)
		for how, chunks := range map[string][]string{"at once": whole, "byte by byte": bytewise} {
			got := d.decode(chunks...)
			faults := len(got.faults)
			if got.told() != c.want || (c.fault == "") != (faults == 0) || faults > 1 || !strings.Contains(strings.Join(got.faults, ""), c.fault) {
				t.Errorf("%s, %s: read %q with faults %q, want %q with %q", name, how, got.told(), got.faults, c.want, c.fault)
			}
		}
	}
}

func TestController(t *testing.T) {
	d := made(t, `
pattern: '^(?P<time>\S+ \S+) (?P<direction>\w+) (?P<card>\d+,\d+) #(?P<event>\d+) (?P<outcome>.+)$'
number: facility
time_layout: 02.01.2006 15:04:05
directions: {in: [1], out: [2]}
outcomes: {passed: [прошёл], not_passed: [не прошёл]}
`)
	got := d.decode(
		"05.03.2026 08:41:07 1 126,58404 #17 прошёл\r\n",
		"05.03.2026 08:41:09 2 126,58404 #18 Не прошёл\r\n",
		"99.99.2026 08:41:09 in 126,58404 #19 ?\r\n")
	if len(got.passes) != 3 {
		t.Fatalf("%d passes, faults %q", len(got.passes), got.faults)
	}
	at := time.Date(2026, 3, 5, 8, 41, 7, 0, time.FixedZone("", 5*3600))
	first, second, third := got.passes[0], got.passes[1], got.passes[2]
	if first.Direction != event.In || first.Outcome != event.Passed || first.EventID != "17" || !first.DeviceTime.Equal(at) || first.Reader != "lobby" {
		t.Errorf("first: %+v", first)
	}
	if second.Direction != event.Out || second.Outcome != event.NotPassed || second.EventID != "18" {
		t.Errorf("second: %+v", second)
	}
	if third.Direction != event.Unknown || third.Outcome != event.Read || !third.DeviceTime.IsZero() || third.EventID != "19" {
		t.Errorf("third: %+v", third)
	}
	if len(got.faults) != 1 || strings.Count(got.faults[0], ", and ") != 2 {
		t.Errorf("faults %q, want one with three parts", got.faults)
	}
}

func TestRawIsKept(t *testing.T) {
	sent := "\xcf\xf0\xee\xef\xf3\xf1\xea\x1d7"
	got := made(t, "aim: true").decode("]Q3" + sent + "\r")
	if c := got.passes[0].Credential; string(c.Raw) != "]Q3"+sent || c.Text != "Пропуск\x1d7" {
		t.Errorf("raw %q, text %q", c.Raw, c.Text)
	}
}

func FuzzDecoder(f *testing.F) {
	settings := []string{
		"", "number: hex", "number: decimal\ngap: 80ms", "number: facility", "lrc: true", "aim: true\nsuffix: CRLF, ETX",
		"pattern: '(?P<card>\\d+)'\nignore: x", "suffix: none\ngap: 80ms",
	}
	var all []*driver
	for i, s := range settings {
		all = append(all, made(f, s))
		f.Add([]byte("]Q3\xcf\xf0\r\n126,58404\r:170009593F48\r7EE424\n"), uint8(i), uint8(2))
	}
	f.Add([]byte(strings.Repeat("0123456789", 120)), uint8(0), uint8(99))
	f.Fuzz(func(t *testing.T, garbage []byte, which, cut uint8) {
		d := all[int(which)%len(all)]
		h, dec := &heard{}, newDecoder(d.reader, &d.options, d.meaning)
		for rest := garbage; len(rest) > 0; {
			n := min(len(rest), int(cut)+1)
			dec.Decode(rest[:n], h)
			rest = rest[n:]
			if dec.Pending() > 512 {
				t.Fatalf("the decoder keeps %d bytes", dec.Pending())
			}
		}
		dec.Silence(h)
		if dec.Pending() != 0 {
			t.Fatalf("%d bytes are pending after a silence", dec.Pending())
		}
		before := len(h.passes)
		dec.Decode([]byte(good(d)), h)
		dec.Silence(h)
		if len(h.passes) != before+1 {
			t.Fatalf("after %q a good line was not found", garbage)
		}
		for _, p := range h.passes {
			c := p.Credential
			if !utf8.ValidString(c.Text) || len(c.Number) != (c.Bits+7)/8 || len(c.Raw) > event.MaxRaw || bytes.Equal(c.Raw, nil) {
				t.Fatalf("a bad credential: %+v", c)
			}
		}
	})
}

// good is a line that the driver understands.
func good(d *driver) string {
	switch {
	case d.options.LRC:
		return ":170009593F48\r\n"
	case d.options.Number == facility:
		return "126,58404\r\n"
	default:
		return "8315940\r\n"
	}
}
