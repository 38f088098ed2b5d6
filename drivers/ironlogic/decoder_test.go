package ironlogic

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// heard remembers what a decoder gave out.
type heard struct {
	passes []*event.Pass
	faults []string
}

func (h *heard) Pass(p *event.Pass) { h.passes = append(h.passes, p) }
func (h *heard) Odd(reader string, fault error) {
	h.faults = append(h.faults, strings.TrimSpace(reader+" "+fault.Error()))
}

// told gives the passes as "reader format number bits short".
func (h *heard) told() string {
	var all []string
	for _, p := range h.passes {
		c := p.Credential
		s := fmt.Sprintf("%s %s %s %d", p.Reader, strings.TrimPrefix(c.Format, "ironlogic/"), c.Canonical(), c.Bits)
		if c.Short != nil {
			s += " " + strings.ToUpper(hex.EncodeToString(c.Short))
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

func decode(readers []addressed, chunks ...string) *heard {
	h, d := &heard{}, newDecoder(readers)
	for _, c := range chunks {
		d.Decode([]byte(c), h)
	}
	d.Silence(h)
	return h
}

var alone = []addressed{{name: "gate"}}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDesktopReader(t *testing.T) {
	got := decode(alone, sample(t, "ironlogic-z2usb.txt"))
	want := strings.Join([]string{
		"gate em-marine A10007002A 40",
		"gate em-marine B20008002B 40",
		"gate em-marine 55007EE424 40",
		"gate em-marine 170009593F 40",
		"gate em-marine 2C0052328D 40",
	}, "\n")
	if got.told() != want || len(got.faults) != 0 {
		t.Errorf("read\n%s\nwith faults %q, want\n%s", got.told(), got.faults, want)
	}
	first := got.passes[0].Credential
	if first.Text != "Em-Marine[A100] 007,42" || string(first.Raw) != "Em-Marine[A100] 007,42" {
		t.Errorf("text %q, raw %q", first.Text, first.Raw)
	}
}

func TestReadersOnOneLine(t *testing.T) {
	got := decode([]addressed{{"north", "19997"}, {"south", "03794"}, {"yard", "12609"}},
		sample(t, "ironlogic-matrix3-rdall-rs485net.txt"))
	want := strings.Join([]string{
		"north mifare 041B4B62D22F80 56 041B4B",
		"south mifare 0456463AAC2280 56 045646",
		"south mifare 77242CF0 32 2C2477",
		"south mifare 0412E6FA592F83 56 0412E6",
		"south mifare BCD14264 32 42D1BC",
		"yard em-marine 55007EE424 40",
	}, "\n")
	if got.told() != want || len(got.faults) != 0 {
		t.Errorf("read\n%s\nwith faults %q, want\n%s", got.told(), got.faults, want)
	}
	c := got.passes[0].Credential
	if c.Text != "Mifare[62D22F80041B4B]  (0144,08) 004,06987" || string(c.Raw) != "19997 "+c.Text {
		t.Errorf("text %q, raw %q", c.Text, c.Raw)
	}
}

func TestLines(t *testing.T) {
	const card, read = "Em-Marine[5500] 126,58404", "gate em-marine 55007EE424 40"
	two := []addressed{{"gate", "03794"}, {"yard", "12609"}}
	for name, c := range map[string]struct {
		readers []addressed
		sent    string
		want    string
		fault   string // a part of the only fault
	}{
		"LF CR":                    {alone, card + "\n\rNo card\n\r" + card + "\n\r", read + "\n" + read, ""},
		"CR":                       {alone, card + "\rNo Card\r", read, ""},
		"empty lines":              {alone, "\r\n\r\n\n" + card + "\r\n\r\n", read, ""},
		"no card, any case":        {alone, "NO CARD\r\nno card\r\n03794 No Card\r\n", "", ""},
		"address, nobody asks":     {alone, "03794 " + card + "\r\n", read, ""},
		"address":                  {two, "03794 " + card + "\r\n", read, ""},
		"strange address":          {two, "00017 " + card + "\r\n", "", `with the address 00017, which no reader has: write address: "00017"`},
		"no address":               {two, card + "\r\n", "", "several readers"},
		"no address, one reader":   {two[:1], card + "\r\n", read, "remove address:"},
		"strange, one reader":      {two[:1], "12609 " + card + "\r\n", "", "which no reader has"},
		"lower case":               {alone, "em-marine[5500] 126,58404\r", read, ""},
		"facility too large":       {alone, "Em-Marine[5500] 256,1\r", "", "255,65535"},
		"number too large":         {alone, "Em-Marine[5500] 1,65536\r", "", "255,65535"},
		"without subtype":          {alone, "Mifare[BCD14264] 066,53692\r", "gate mifare BCD14264 32 42D1BC", ""},
		"byte order unknown":       {alone, strings.Repeat("Mifare[BCD14264] 1K (0004,08) 188,53570\r", 2), "gate mifare BCD14264 32 BCD142\ngate mifare BCD14264 32 BCD142", "byte order"},
		"short out of range":       {alone, "Mifare[BCD14264] 1K (0004,08) 999,53570\r", "gate mifare BCD14264 32", "byte order"},
		"another type":             {alone, "iCode[E00401500A2B3C4D] 060,19277\r", "gate icode E00401500A2B3C4D 64 3C4B4D", ""},
		"another type, four":       {alone, "HID[0001] 126,58404\r", "gate hid 00017EE424 40", ""},
		"unknown type":             {alone, "Cod-Next[12345] 000,00001\r", "gate cod-next 012345 20 000001", ""},
		"short is the end":         {alone, "HID[0000007EE424] 126,58404\r", "gate hid 0000007EE424 48", ""},
		"noise that is not text":   {alone, "\x00\xffM\x80" + card + "\r", read, ""},
		"noise that is text":       {alone, "x7[" + card + "\r", read, ""},
		"noise before an address":  {two, "9903794 " + card + "\r", read, ""},
		"half a line, then a line": {alone, "Em-Marine[55" + card + "\r", read, ""},
		"noise of 2000 bytes":      {alone, strings.Repeat("noise ", 333) + card + "\r", read, ""},
		"cut off":                  {alone, "Em-Marine[5500] 126,\r", "", "a line of 20 bytes: not of the form"},
		"without an end":           {alone, card, "", "25 bytes without an end of line"},
		"a very long type":         {alone, strings.Repeat("A", 17) + "[5500] 126,58404\r", "", "not of the form"},
	} {
		for how, chunks := range map[string][]string{"at once": {c.sent}, "byte by byte": strings.Split(c.sent, "")} {
			got := decode(c.readers, chunks...)
			faults := len(got.faults)
			if got.told() != c.want || (c.fault == "") != (faults == 0) || faults > 1 || !strings.Contains(strings.Join(got.faults, ""), c.fault) {
				t.Errorf("%s, %s: read %q with faults %q, want %q with %q", name, how, got.told(), got.faults, c.want, c.fault)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{"", "No card\r", "Em-Marine[5500] 1", "\x00[", "19997 Mifare[62D22F80041B4B]  (0144,08) 004,06987", strings.Repeat("[1] ", 300)} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, garbage []byte, cut uint8) {
		h, d := &heard{}, newDecoder(alone)
		for rest := garbage; len(rest) > 0; {
			n := min(len(rest), int(cut)+1)
			d.Decode(rest[:n], h)
			rest = rest[n:]
			if d.Pending() > 512 {
				t.Fatalf("the decoder keeps %d bytes", d.Pending())
			}
		}
		d.Decode([]byte("Em-Marine[5500] 126,58404\r\n"), h)
		if len(h.passes) == 0 || !bytes.Equal(h.passes[len(h.passes)-1].Credential.Number, []byte{0x55, 0, 0x7E, 0xE4, 0x24}) {
			t.Fatalf("after %q a good line was not found", garbage)
		}
		for _, p := range h.passes {
			c := p.Credential
			if len(c.Number) != (c.Bits+7)/8 || len(c.Raw) > event.MaxRaw || c.Bits == 0 {
				t.Fatalf("a bad credential: %+v", c)
			}
		}
	})
}
