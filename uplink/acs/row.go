package acs

import (
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
)

// The request, piece by piece. The portal's own examples are not valid JSON; this is the only reading of them that is, and
// all members are required.
const (
	opening    = `{"source":"Query","code":"InsertACS","param":{"data":[`
	orgOpening = `{"bin":`
	orgName    = `,"org_name":`
	orgPersons = `,"person":[`
	orgClosing = `]}`
	closing    = `]}}`
)

// timeForm is ISO 8601 with whole seconds and a numeric offset, also for UTC: the form of the portal's examples.
const timeForm = "2006-01-02T15:04:05-07:00"

// appendRow appends one pass as the portal wants it.
func appendRow(b []byte, p *event.Pass) []byte {
	b = append(b, `{"datetime":"`...)
	b = p.At.Wall.AppendFormat(b, timeForm)
	b = append(b, `","iin":`...)
	b = appendText(b, p.Holder.IIN)
	b = append(b, `,"fio":`...)
	b = appendText(b, p.Holder.Name)
	b = append(b, `,"note":`...)
	b = appendText(b, p.Note)
	return append(b, '}')
}

// appendOrg appends the beginning of an institution, up to where its passes begin.
func appendOrg(b []byte, o event.Organization) []byte {
	b = append(b, orgOpening...)
	b = appendText(b, o.BIN)
	b = append(b, orgName...)
	b = appendText(b, o.Name)
	return append(b, orgPersons...)
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string (RFC 8259, 7). Cyrillic stays as it is; bytes that are no UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(append(b, s[done:i]...), "\uFFFD"...)
		} else {
			b = append(b, s[done:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
