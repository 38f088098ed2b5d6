package cardholders

import (
	"strconv"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Lists says whether a row of the file has the IIN.
func (b *Book) Lists(iin string) bool {
	number, err := strconv.ParseUint(iin, 10, 64)
	if b == nil || err != nil || !event.ValidIIN(iin) {
		return false
	}
	for i := range b.rows {
		if b.rows[i].iin == number {
			return true
		}
	}
	return false
}
