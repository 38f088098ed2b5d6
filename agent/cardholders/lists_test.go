package cardholders

import "testing"

func TestABookListsWhoHasARow(t *testing.T) {
	full := book(t, "55007EE424"+a, "55007EE425"+b+";2020-01-01;2020-12-31")
	for iin, want := range map[string]bool{
		"900101300017":  true,
		"050101500030":  true, // begins with a zero, and the card is not valid any more
		"50101500030":   false,
		"900101400023":  false,
		"900101300018":  false, // no valid number
		"":              false,
		"0":             false,
		"-900101300017": false,
		"9001013000170": false,
	} {
		if got := full.Lists(iin); got != want {
			t.Errorf("%q: %v", iin, got)
		}
	}
	var none *Book
	if none.Lists("900101300017") || book(t).Lists("900101300017") {
		t.Error("a book without rows lists somebody")
	}
}
