package event

import "testing"

func TestValidIIN(t *testing.T) {
	for _, good := range []string{
		"900101300017", "900101400023", "050101500030", // first round
		"900101300811", "900101300823", // second round
		"010140000014", "010150000019", "010141000014", "010160000013", // BIN
	} {
		if !ValidIIN(good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{
		"", "123456789012", "90010130001", "9001013000170", "900101300018", "90010130O017", "９00101300017",
		"900101300800", "900101300801", "900101300809", // never issued: both rounds give 10
	} {
		if ValidIIN(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestMaskIIN(t *testing.T) {
	if got := MaskIIN("900101300017"); got != "9001*****017" {
		t.Error(got)
	}
	if got := MaskIIN("17"); got != "************" {
		t.Error(got)
	}
}
