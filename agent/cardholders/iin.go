package cardholders

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

const iinDigits = 12

// readIIN reads an IIN out of whatever a spreadsheet has made of it. restored says that leading zeros had been eaten and are
// back: the control digit then fits, which by chance happens to one number in eleven only. The reason does not repeat the number.
func readIIN(text string) (iin uint64, restored bool, reason string) {
	s := table.Unwrap(text)
	if table.IsScientific(s) {
		return 0, false, "a spreadsheet has rounded the number to the form 9.00101E+11 (format the column as text and type the number again)"
	}
	if whole, found := table.CutZeroFraction(s); found {
		s = whole
	}
	s = strings.ReplaceAll(s, " ", "")
	switch {
	case s == "":
		return 0, false, "empty"
	case !table.IsDigits(s):
		return 0, false, "not a number of 12 digits"
	case strings.Trim(s, "0") == "":
		return 0, false, "all zeros (a placeholder is no IIN)"
	}
	padded := s
	if n := len(s); 9 <= n && n < iinDigits {
		padded = strings.Repeat("0", iinDigits-n) + s
		restored = true
	}
	switch {
	case len(padded) != iinDigits:
		return 0, false, fmt.Sprintf("%s, an IIN has 12", count(len(s), "digit"))
	case restored && !event.ValidIIN(padded):
		return 0, false, fmt.Sprintf("%s, an IIN has 12, and with zeros before them the control digit does not fit", count(len(s), "digit"))
	case !event.ValidIIN(padded):
		return 0, false, "control digit does not fit (a digit is mistyped; compare with the document)"
	}
	iin, _ = strconv.ParseUint(padded, 10, 64)
	return iin, restored, ""
}

// count gives "1 digit" and "2 digits".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
