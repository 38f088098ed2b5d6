package sandbox

import (
	"bytes"

	"github.com/acs-agent/acs-agent/agent/event"
)

// acsBody reads the body of one InsertACS request and stages its rows one by one: members can stand in any order, and so the
// institution of a row may be known only after the row.
type acsBody struct {
	scan   *scanner
	staged *stage
	// bars are the faults that refuse rows; barred is the one that did.
	bars   []*Fault
	barred *Fault

	bin, organization []byte
	person            [4][]byte // in the order of the members below
}

// read returns a *mistake if the body is not what the document asks for, and other errors if the rows cannot be staged.
func (b *acsBody) read() error {
	err := b.scan.object([]string{"source", "code", "param"}, func(member int) error {
		switch member {
		case 0:
			return b.constant("Query")
		case 1:
			return b.constant("InsertACS")
		default:
			return b.scan.object([]string{"data"}, func(int) error { return b.scan.array(b.institution) })
		}
	})
	if err != nil {
		return err
	}
	return b.scan.finish()
}

func (b *acsBody) constant(want string) error {
	got, err := b.scan.string()
	if err == nil && string(got) != want {
		err = wrong("is not " + want)
	}
	return err
}

// institution reads one element of data.
func (b *acsBody) institution(int) error {
	var people int
	err := b.scan.object([]string{"bin", "org_name", "person"}, func(member int) error {
		switch member {
		case 0:
			return b.keep(&b.bin, checkNumber)
		case 1:
			return b.keep(&b.organization, checkFilled)
		default:
			return b.scan.array(func(int) error { people++; return b.pass() })
		}
	})
	if err != nil {
		return err
	}
	return b.staged.institution(people, b.bin, b.organization)
}

// pass reads one element of person.
func (b *acsBody) pass() error {
	err := b.scan.object([]string{"datetime", "iin", "fio", "note"}, func(member int) error {
		check := checkFilled
		switch member {
		case 0:
			check = checkDatetime
		case 1:
			check = checkNumber
		}
		return b.keep(&b.person[member], check)
	})
	if err != nil {
		return err
	}
	for _, bar := range b.bars {
		if bar.bars(b.person[1], b.person[3]) {
			b.barred = bar
			return wrong("is refused by the fault " + bar.name())
		}
	}
	return b.staged.pass(b.person[:])
}

// keep reads a string into a field of its own, which outlives the scanner's.
func (b *acsBody) keep(field *[]byte, check func([]byte) error) error {
	text, err := b.scan.string()
	if err != nil {
		return err
	}
	*field = append((*field)[:0], text...)
	return check(text)
}

func checkFilled(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return wrong("is empty")
	}
	return nil
}

func checkNumber(text []byte) error {
	if len(text) != 12 {
		return wrong("is not 12 digits long")
	}
	if !event.ValidIIN(string(text)) {
		return wrong("is not made of digits, or its control digit is wrong")
	}
	return nil
}

func checkDatetime(text []byte) error {
	if _, ok := parseInstant(text); !ok {
		return wrong("is not of the form 2024-01-13T10:01:23+00:00")
	}
	return nil
}
