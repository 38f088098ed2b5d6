package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// scalar fills v with a single value.
func (d *decoder) scalar(n *node, field string, v reflect.Value) {
	if !d.is(scalar, n, field) {
		return
	}
	if into, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, field, into)
		return
	}
	if into, ok := v.Addr().Interface().(*time.Duration); ok {
		d.text(n, field, (*settings.Duration)(into))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.text)
	case reflect.Bool:
		d.truth(n, field, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(n.text, base(n.text), v.Type().Bits())
		top := int64(1)<<(v.Type().Bits()-1) - 1
		d.number(n, field, err, fmt.Sprintf("write a number from %d to %d", -top-1, top))
		if err == nil {
			v.SetInt(i)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(n.text, base(n.text), v.Type().Bits())
		d.number(n, field, err, fmt.Sprintf("write a number from 0 to %d", uint64(1)<<(v.Type().Bits()-1)*2-1))
		if err == nil {
			v.SetUint(u)
		}
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(n.text, v.Type().Bits())
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) { // both are numbers to the parser only
			d.wrong(n, field, n.shown()+" is no number", "write digits, with a point before the fraction: 1.6")
			return
		}
		v.SetFloat(x)
	default:
		d.unfillable(field, v)
	}
}

// text lets the setting read its own form, and finds the advice in what it says.
func (d *decoder) text(n *node, field string, into encoding.TextUnmarshaler) {
	err := into.UnmarshalText([]byte(n.text))
	if err == nil {
		return
	}
	if m, ok := errors.AsType[settings.Mistake](err); ok {
		d.wrong(n, field, m.Problem, m.Advice)
		return
	}
	problem, advice := err.Error(), ""
	if before, after, found := strings.Cut(problem, ": write "); found {
		problem, advice = before, "write "+after
	}
	d.wrong(n, field, problem, advice)
}

func (d *decoder) truth(n *node, field string, v reflect.Value) {
	switch strings.ToLower(n.text) {
	case "true", "yes", "on":
		v.SetBool(true)
	case "false", "no", "off":
		v.SetBool(false)
	default:
		d.wrong(n, field, n.shown()+" is neither true nor false", "write true or false")
	}
}

// base is ten also for numbers that begin with zero: people who write 017 mean seventeen. 0x, 0o and 0b count as in Go.
func base(text string) int {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsRune("xXoObB", rune(digits[1])) {
		return 0
	}
	return 10
}

func (d *decoder) number(n *node, field string, err error, limits string) {
	switch {
	case errors.Is(err, strconv.ErrRange):
		d.wrong(n, field, n.shown()+" is too large or too small a number", limits)
	case err != nil:
		d.wrong(n, field, n.shown()+" is no whole number", "write digits only")
	}
}
