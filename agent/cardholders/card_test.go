package cardholders

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

// credential makes what a driver delivers: hexadecimal digits, with the short number behind a slash.
func credential(t testing.TB, digits string) *event.Credential {
	t.Helper()
	long, short, _ := strings.Cut(digits, "/")
	c := event.Credential{Bits: 4 * len(long)}
	var err1, err2 error
	c.Number, err1 = hex.DecodeString(long)
	c.Short, err2 = hex.DecodeString(short)
	if err1 != nil || err2 != nil || len(c.Short) != 0 && len(c.Short) != 3 {
		t.Fatalf("credential %q", digits)
	}
	return &c
}

const person = ";900101300017;Пробный Проба Пробович"

// Whatever is printed on the card, or said by one reader, finds the person when another reader says it in another form.
func TestEveryPrintedFormFindsEveryDeliveredForm(t *testing.T) {
	for name, card := range map[string]struct{ printed, delivered []string }{
		"EM4100 55 007E E424": {
			printed: []string{
				"55007EE424", "55007ee424", "0x55007EE424", "55:00:7E:E4:24", "55 00 7E E4 24", "Em-Marine[5500] 126,58404",
				"12609 Em-Marine[5500] 126,58404", "55007ЕЕ424", // Cyrillic Е
				"365080536100", // 40 bits in decimal digits
				"007EE424", "0x7EE424", "7EE424", "7EE424h", "0000007EE424", "00:7E:E4:24",
				"0008315940", "8315940", "08315940", "8315940.0", "8 315 940", "'0008315940", `"=""0008315940"""`, "0008315940\u00a0",
				"126,58404", "126.58404", "126/58404", "126 58404", "12658404", "00126,58404",
				"0008315940  126,58404", "126,58404 0008315940", "8315940 126,58404",
			},
			delivered: []string{"55007EE424", "007EE424", "7EE424", "0000007EE424"},
		},
		"EM4100 with an eaten zero in the number": {
			printed:   []string{"A100070042", "Em-Marine[A100] 007,66", "7,66", "007,00066", "0000458818", "458818"},
			delivered: []string{"A100070042", "00070042", "070042"},
		},
		"EM4100 with an eaten zero at the end": {
			printed:   []string{"126,58400", "126,584"},
			delivered: []string{"55007EE420", "007EE420", "7EE420"},
		},
		"Mifare, 4 bytes, in IronLogic's text": {
			printed:   []string{"Mifare[BCD14264] 1K (0004,08) 066,53692", "03794 Mifare[BCD14264]  (0004,08) 066,53692"},
			delivered: []string{"BCD14264", "BCD14264/42D1BC", "D14264", "42D1BC", "6442D1BC"},
		},
		"Mifare, 4 bytes": {
			printed:   []string{"BCD14264", "BC:D1:42:64", "bc-d1-42-64", "0xBCD14264", "Mifare[BCD14264]", "3167830628"},
			delivered: []string{"BCD14264", "BCD14264/42D1BC", "D14264"},
		},
		"Mifare, 4 bytes, the short number only": {
			printed:   []string{"066,53692", "66,53692", "42D1BC"},
			delivered: []string{"BCD14264/42D1BC", "42D1BC"},
		},
		"PN532": {
			printed:   []string{"E9F35959", "E9:F3:59:59", "E9 F3 59 59"},
			delivered: []string{"E9F35959", "F35959"},
		},
		"digits that could be decimal": {
			printed:   []string{"74-10-37-94", "74103794"},
			delivered: []string{"74103794"},
		},
		"digits that could be hexadecimal": {
			printed:   []string{"0074103794", "74103794"},
			delivered: []string{"046ABBF2"},
		},
		"Mifare, 7 bytes": {
			printed: []string{
				"041B4B62D22F80", "04:1B:4B:62:D2:2F:80", "62D22F80041B4B", "19997 Mifare[62D22F80041B4B]  (0144,08) 004,06987",
			},
			delivered: []string{"041B4B62D22F80", "62D22F80041B4B", "041B4B62D22F80/041B4B"},
		},
		"Mifare, 7 bytes, the short number only": {
			printed:   []string{"004,06987", "Mifare[62D22F80041B4B]  (0144,08) 004,06987"},
			delivered: []string{"041B4B", "041B4B62D22F80/041B4B"},
		},
		"Z5R with 34 bits":   {printed: []string{"00B5009EC1A8", "B5009EC1A8"}, delivered: []string{"B5009EC1A8", "009EC1A8", "9EC1A8", "00B5009EC1A8"}},
		"ten bytes":          {printed: []string{"0102030405060708090A"}, delivered: []string{"0102030405060708090A", "030405060708090A", "08090A"}},
		"zeros eaten of hex": {printed: []string{"00123456", "123456"}, delivered: []string{"00123456", "123456"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, printed := range card.printed {
				if !strings.HasPrefix(printed, `"`) {
					printed = `"` + printed + `"`
				}
				b := book(t, printed+person)
				for _, delivered := range card.delivered {
					if got := b.Find(credential(t, delivered), on(2026, 10, 1)); got.Pending != event.None || got.Holder.IIN != "900101300017" {
						t.Errorf("listed as %s, delivered as %s: %v", printed, delivered, got.Pending)
					}
				}
				if got := b.Find(text(strings.Trim(printed, `"`)), on(2026, 10, 1)); !strings.Contains(printed, "=") && got.Pending != event.None {
					t.Errorf("listed and typed as %s: %v", printed, got.Pending)
				}
			}
		})
	}
}

func TestOtherCardsAreNotFound(t *testing.T) {
	for listed, delivered := range map[string][]string{
		"55007EE424": {"56007EE424", "017EE424", "55007EE425", "55017EE424", "E424", "24"},
		"0008315940": {"017EE424", "55017EE424"},
		"Mifare[BCD14264] 1K (0004,08) 066,53692": {"FFD142BC/42D1BB", "BCD142FF/42D1BC"}, // the second differs in its last byte only
		"Em-Marine[5500] 126,58404":               {"56007EE424"},
		"0102030405060708090A":                    {"FF02030405060708090A", "0202030405060708090A"},
		"QR-17":                                   {"7EE424"},
		"1001":                                    {"0003E8", "001001", "03E9"},
	} {
		b := book(t, listed+person)
		for _, d := range delivered {
			if got := b.Find(credential(t, d), on(2026, 10, 1)); got.Pending != event.UnknownCard {
				t.Errorf("listed as %s, delivered as %s: %v, %s", listed, d, got.Pending, got.Detail)
			}
		}
	}
}

func TestTextsAreComparedAsTheyStand(t *testing.T) {
	b := book(t, "https://pass.example/?id=17"+person, "Гость-5"+person, "PASS-ABC/9"+person, "460701234567"+person, "99999999999999999999999"+person)
	for typed, want := range map[string]event.Pending{
		"https://pass.example/?id=17": event.None, "https://pass.example/?id=18": event.UnknownCard, "Гость-5": event.None,
		"гость-5": event.UnknownCard, "PASS-ABC/9": event.None, "PASS-ABC/09": event.UnknownCard, "460701234567": event.None,
		"99999999999999999999999": event.None, "": event.UnknownCard, "1,2E+10": event.UnknownCard, strings.Repeat("x", 10_000): event.UnknownCard,
	} {
		if got := b.Find(text(typed), on(2026, 10, 1)); got.Pending != want {
			t.Errorf("%q: %v", typed, got.Pending)
		}
	}
}

// Digits alone can mean several numbers, and each of them stays.
func TestReadCardKeepsEveryReading(t *testing.T) {
	for in, want := range map[string]string{
		"12345678":    "00BC614E/32 BC614E/24 second 7BB26E/24 second 12345678/32", // 123,45678
		"0008315940":  "007EE424/32 second 0008315940/40",
		"5500712345":  "second 0147DE3599/40 5500712345/40",
		"8315940":     "007EE424/32 7EE424/24 second 08315940/32",
		"126":         "0000007E/32 00007E/24",
		"126,584":     "7E0248/24 second 7EE420/24",
		"126,58404":   "7EE424/24",
		"32639,58404": "7F7FE424/32",
		"not a card":  "",
		"ABBA":        "",
		"0x1":         "000001/24",
	} {
		readings, reason := readCard(in, nil)
		if reason != "" {
			t.Errorf("%q: %s", in, reason)
		}
		var words []string
		for _, n := range readings {
			w := fmt.Sprintf("%0*X/%d", n.bits/4, n.low, n.bits)
			if n.hint&second != 0 {
				w = "second " + w
			}
			words = append(words, w)
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestReadCardRefuses(t *testing.T) {
	for _, in := range []string{
		"", "  ", "''", "-", "1,2E+10", "8.31594E+6", "0008315940 126,58405", "0008315941  126,58404", "9999999999 126,58404", "256,00001",
		"126,65536", "0008315940 256,00001", "Em-Marine[5500]", "Em-Marine[5500] No card", "Mifare[BCD142] 066,53692", "Em-Marine[5500] 300,1",
		"Em-Marine[5500] 01265,58404",
	} {
		if readings, reason := readCard(table.Tidy(in), nil); reason == "" || len(readings) > 0 {
			t.Errorf("%q: %d readings, %q", in, len(readings), reason)
		}
	}
}

func FuzzCardForms(f *testing.F) {
	for _, s := range []string{
		"0008315940  126,58404", "Em-Marine[5500] 126,58404", "Mifare[62D22F80041B4B]  (0144,08) 004,06987", "74-10-37-94", "0x7EE424",
		"12E45678", "126,584", "55007ЕЕ424", "8 315 940", `="0008315940"`, "Гость-5", "[", "x[", "1[1234]", ",", "0.", "12345 x[1234",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > event.MaxRaw {
			return
		}
		readings, reason := readCard(table.Tidy(s), nil)
		if len(readings) > 4 || reason != "" && len(readings) > 0 {
			t.Fatalf("%q: %d readings, reason %q", s, len(readings), reason)
		}
		for _, n := range readings {
			if n.bits < shortest || n.bits > longest || n.bits < 64 && n.low>>n.bits != 0 || n.bits <= 64 && n.high != 0 {
				t.Fatalf("%q: %+v", s, n)
			}
		}
		if len(readings) == 0 || strings.ContainsAny(s, "\"\r\n\x00") || strings.Contains(s, "\uFFFD") {
			return
		}
		again, _ := readCard(table.Tidy(strings.ToLower(s)), nil)
		if !slices.Equal(again, readings) && !strings.ContainsAny(s, "[ЕАВСеавс") {
			t.Fatalf("%q reads otherwise in small letters: %+v, %+v", s, readings, again)
		}
	})
}
