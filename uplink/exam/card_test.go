package exam

import "testing"

func TestCards(t *testing.T) {
	em := sighting{Number: "55007EE424"}
	for printed, same := range map[string]*sighting{
		"55007EE424": &em, "0x55007ee424": &em, "55:00:7E:E4:24": &em, "55 00 7e e4 24": &em, "0008315940": &em, "8315940": &em,
		"126,58404": &em, "Em-Marine[5500] 126,58404": &em, `="0008315940"`: &em, "7EE424": {Number: "7EE424"},
		"066,53692": {Number: "BCD14264", Short: "42D1BC"}, "BCD14264": {Number: "BCD14264"}, "3167830628": {Number: "BCD14264"},
		"QR-17": {Text: hashText("QR-17")},
	} {
		if c := readCard(printed); c.common(same) == 0 {
			t.Errorf("%q is not found: %+v", printed, c)
		}
	}
	for printed, other := range map[string]*sighting{
		"55007EE425": &em, "126,58405": &em, "24": &em, "E424": &em, "": &em, "56007EE424": &em, "QR-18": {Text: hashText("QR-17")},
		"99999999999999999999": &em, "300,1": &em,
	} {
		if c := readCard(printed); c.common(other) != 0 {
			t.Errorf("%q is taken for another card", printed)
		}
	}
	whole, end := readCard("55007EE424"), readCard("126,58404")
	if whole.common(&em) <= end.common(&em) {
		t.Error("the full number does not count more than its end")
	}
}

func FuzzCard(f *testing.F) {
	f.Add("126,58404")
	f.Add("55:00:7E:E4:24")
	f.Fuzz(func(t *testing.T, printed string) {
		c := readCard(printed)
		for _, n := range c.numbers {
			if len(n) < leastDigits || len(n) > 20 || c.common(&sighting{Number: n}) == 0 {
				t.Fatalf("%q: %q", printed, n)
			}
		}
	})
}
