package simulator

import (
	"encoding/hex"
	"strings"
	"testing"
)

// FuzzNumber holds that a number is what its digits say, and that what is none is not repeated.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"", "5500000001", "550000000", "zz", strings.Repeat("f", 34), "5500 00001", "AbCd", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := parse(text)
		switch {
		case err == nil && !strings.EqualFold(hex.EncodeToString(number), text):
			t.Fatalf("%q became %x", text, number)
		case err != nil && len(text) > 8 && strings.Contains(err.Error(), text):
			t.Fatalf("%v repeats it", err)
		}
	})
}
