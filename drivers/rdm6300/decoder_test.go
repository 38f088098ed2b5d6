package rdm6300

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// heard remembers what a decoder gave out.
type heard struct {
	passes []*event.Pass
	faults []error
}

func (h *heard) Pass(p *event.Pass)        { h.passes = append(h.passes, p) }
func (h *heard) Odd(_ string, fault error) { h.faults = append(h.faults, fault) }
func (h *heard) numbers() string {
	var all []string
	for _, p := range h.passes {
		all = append(all, p.Credential.Canonical())
	}
	return strings.Join(all, " ")
}

func decode(chunks ...string) *heard {
	h, d := &heard{}, &decoder{reader: "gate"}
	for _, c := range chunks {
		d.Decode([]byte(c), h)
	}
	d.Silence(h)
	return h
}

const (
	card  = "\x0214008EC793CE\x03"
	other = "\x020C000621A58E\r\n\x03"
)

func TestSamples(t *testing.T) {
	for file, want := range map[string]string{
		"rdm6300-tasmota.bin":         "14008EC793",
		"rdm6300-arduinoforum.bin":    "010063E9AE", // printed on the card: 0006547886
		"rdm6300-hobbycomponents.bin": "100086F444",
		"id12-datasheet.bin":          "0C000621A5",
	} {
		sent, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		got := decode(string(sent))
		if got.numbers() != want || len(got.faults) != 0 {
			t.Errorf("%s: read %q with faults %v, want %s", file, got.numbers(), got.faults, want)
			continue
		}
		c := got.passes[0].Credential
		number, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		if c.Format != "rdm6300" || c.Bits != 40 || c.Text != want || !bytes.Equal(c.Number, number) || !bytes.Equal(c.Raw, sent) {
			t.Errorf("%s: %+v", file, c)
		}
	}
}

func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		sent   string
		want   string
		faults int
	}{
		"lower case":                       {"\x0214008ec793ce\x03", "14008EC793", 0},
		"mixed case":                       {"\x0214008eC793Ce\x03", "14008EC793", 0},
		"the card of many printed numbers": {"\x0255007EE424EB\x03", "55007EE424", 0},
		"two frames":                       {card + other, "14008EC793 0C000621A5", 0},
		"the same twice":                   {card + card, "14008EC793 14008EC793", 0},
		"wrong checksum":                   {"\x0214008EC793CF\x03" + card, "14008EC793", 1},
		"number zero":                      {"\x02000000000000\x03" + card, "14008EC793", 1},
		"noise before":                     {"\x00\xff" + card, "14008EC793", 1},
		"end of a frame before":            {"93CE\x03" + card, "14008EC793", 1},
		"broken off":                       {"\x0214008E" + card, "14008EC793", 1},
		"start twice":                      {"\x02" + card, "14008EC793", 1},
		"a digit is damaged":               {"\x0214008\xffC793CE\x03" + card, "14008EC793", 1},
		"a digit is missing":               {"\x0214008EC793C\x03" + card, "14008EC793", 1},
		"a digit too many":                 {"\x0214008EC793CE0\x03" + card, "14008EC793", 1},
		"CR without LF":                    {"\x0214008EC793CE\r\x03" + card, "14008EC793", 1},
		"no end":                           {"\x0214008EC793CE", "", 1},
		"nothing":                          {"", "", 0},
	} {
		if got := decode(c.sent); got.numbers() != c.want || len(got.faults) != c.faults {
			t.Errorf("%s: read %q with faults %q, want %q with %d", name, got.numbers(), got.faults, c.want, c.faults)
		}
		if got := decode(strings.Split(c.sent, "")...); got.numbers() != c.want || len(got.faults) != c.faults {
			t.Errorf("%s, byte by byte: read %q with faults %q, want %q with %d", name, got.numbers(), got.faults, c.want, c.faults)
		}
	}
}

func TestFaultsDoNotTellTheCard(t *testing.T) {
	got := decode("\x0214008EC793CF\x03", "14008EC793", "\x0214008EC7")
	for _, fault := range got.faults {
		if strings.Contains(fault.Error(), "14008") || strings.Contains(fault.Error(), "C793") {
			t.Errorf("the card stands in %q", fault)
		}
	}
	if !errors.Is(got.faults[0], errChecksum) {
		t.Errorf("first fault: %v", got.faults[0])
	}
}

func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{"", card, other, card[:7] + other, "\x02\x02\x03", strings.Repeat("\xff", 600)} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, garbage []byte, cut uint8) {
		h, d := &heard{}, &decoder{reader: "gate"}
		for rest := garbage; len(rest) > 0; {
			n := min(len(rest), int(cut)+1)
			d.Decode(rest[:n], h)
			rest = rest[n:]
			if len(d.frame) > 16 || d.noise >= 512+16 {
				t.Fatalf("the decoder keeps %d bytes and counts %d", len(d.frame), d.noise)
			}
		}
		d.Decode([]byte(card), h)
		if len(h.passes) == 0 || h.passes[len(h.passes)-1].Credential.Text != "14008EC793" {
			t.Fatalf("after %q a good frame was not found", garbage)
		}
		if d.Pending() != 0 {
			t.Fatalf("%d bytes are pending after a good frame", d.Pending())
		}
	})
}
