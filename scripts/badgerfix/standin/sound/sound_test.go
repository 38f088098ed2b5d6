package sound

import (
	"errors"
	"strings"
	"testing"
)

type table struct{ Mark }

func (t *table) Sound() error { return t.Err() }

func (t *table) read(report func(error), how func() error) (bad error) {
	defer t.Reading("000001.sst", report)(&bad)
	return how()
}

func TestABlockThatCannotBeReadIsSaidOnceAndKept(t *testing.T) {
	wrong := errors.New("checksum mismatch")
	for name, how := range map[string]func() error{
		"an error":       func() error { return wrong },
		"a wrong length": func() error { var none []byte; return errors.New(string(none[len("x"):])) },
	} {
		var sick, healthy table
		var said []error
		report := func(err error) { said = append(said, err) }
		for range 2 {
			if err := sick.read(report, how); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if err := healthy.read(report, func() error { return nil }); err != nil || healthy.Sound() != nil {
			t.Errorf("%s: a sound block: %v", name, err)
		}
		if len(said) != 1 || !strings.Contains(said[0].Error(), "000001.sst") {
			t.Errorf("%s: said %v", name, said)
		}
		if err := All([]*table{&healthy}, []*table{&sick}); !errors.Is(err, said[0]) {
			t.Errorf("%s: all of them: %v", name, err)
		}
		if err := All([]*table{&healthy}); err != nil {
			t.Errorf("%s: the healthy one: %v", name, err)
		}
	}
}

func TestAFaultOfTheProgramIsNoFaultOfTheTable(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	var sick table
	_ = sick.read(nil, func() error { panic("something else") })
}
