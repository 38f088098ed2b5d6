package event

// ValidIIN says whether s has the form of an IIN or BIN of Kazakhstan: 12 digits of which the last is the control digit
// (Government decree No. 406 of 22.05.2007: weights 1 to 11 modulo 11; if that gives 10, weights 3 to 11, 1, 2; if that gives
// 10 again, the number is not issued). Whether the number was issued, and to whom, no arithmetic can tell.
func ValidIIN(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	control := weigh(s, 0)
	if control == 10 {
		control = weigh(s, 2)
	}
	return control < 10 && int(s[11]-'0') == control
}

// weigh sums the first eleven digits with weights that begin at 1+shift and go round after 11, modulo 11.
func weigh(s string, shift int) int {
	sum := 0
	for i := range 11 {
		sum += int(s[i]-'0') * ((i+shift)%11 + 1)
	}
	return sum % 11
}

// MaskIIN shows the first four and the last three digits: "9001*****017".
func MaskIIN(s string) string {
	if len(s) < 12 {
		return "************"
	}
	return s[:4] + "*****" + s[len(s)-3:]
}

// Initials shows of a name the first letter of each word.
func Initials(name string) string {
	out := make([]rune, 0, 8)
	start := true
	for _, r := range name {
		if r == ' ' {
			start = true
		} else if start {
			out, start = append(out, r, '.'), false
		}
	}
	return string(out)
}
