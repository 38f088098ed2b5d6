package sandbox

import (
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A Row is one pass as the portal got it. Two rows are the same if all their members are, letter by letter.
type Row struct {
	BIN          string `json:"bin"`
	Organization string `json:"org_name"`
	Datetime     string `json:"datetime"`
	IIN          string `json:"iin"`
	Name         string `json:"fio"`
	Note         string `json:"note"`
}

// masked hides who it was: "9001*****017", "П*** П*** П***".
func (r Row) masked() Row {
	r.IIN = event.MaskIIN(r.IIN)
	words := strings.Fields(r.Name)
	for i, word := range words {
		for _, first := range word {
			words[i] = string(first) + "***"
			break
		}
	}
	r.Name = strings.Join(words, " ")
	return r
}

// datetimeForm is the document's 2024-01-13T10:01:23+00:00: seconds, no fraction, and the offset in digits also where it is zero.
const datetimeForm = "2006-01-02T15:04:05-07:00"

// maxOffset is the farthest that any zone is from UTC, in minutes.
const maxOffset = 14 * 60

// An instant is a datetime that can be written again exactly as it was.
type instant struct {
	// unix is in seconds, offset in minutes east of UTC.
	unix   int64
	offset int16
}

// parseInstant reads the document's form and no other that ISO 8601 would allow.
func parseInstant(text []byte) (instant, bool) {
	if len(text) != len(datetimeForm) {
		return instant{}, false
	}
	t, err := time.Parse(datetimeForm, string(text))
	if err != nil {
		return instant{}, false
	}
	_, seconds := t.Zone()
	at := instant{unix: t.Unix(), offset: int16(seconds / 60)} //nolint:gosec // time.Parse takes no more than 24 hours
	if at.offset < -maxOffset || at.offset > maxOffset || at.String() != string(text) {
		return instant{}, false
	}
	return at, true
}

func (i instant) String() string {
	return time.Unix(i.unix, 0).In(time.FixedZone("", int(i.offset)*60)).Format(datetimeForm)
}
