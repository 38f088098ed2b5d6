package metrics

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// A sampler prints the samples of one family: the suffix of the name, if there is one, the value, and the values of the labels.
type sampler func(suffix string, value float64, labels ...string)

// print writes the family with its head, or nothing if it has no samples.
func (f *Family) print(b *bytes.Buffer, of *snapshot) {
	headed := false
	f.each(of, func(suffix string, value float64, labels ...string) {
		if !headed {
			b.WriteString("# HELP " + f.Name + " " + helpEscapes.Replace(f.Help) + "\n")
			b.WriteString("# TYPE " + f.Name + " " + string(f.Type) + "\n")
			headed = true
		}
		b.WriteString(f.Name + suffix)
		for i, l := range labels {
			before := byte(',')
			if i == 0 {
				before = '{'
			}
			b.WriteByte(before)
			b.WriteString(f.Labels[i] + `="` + labelEscapes.Replace(strings.ToValidUTF8(l, "\uFFFD")) + `"`)
		}
		if len(labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteByte(' ')
		b.Write(appendValue(b.AvailableBuffer(), value))
		b.WriteByte('\n')
	})
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// appendValue writes whole numbers so that people can read them: sizes and times are large.
func appendValue(b []byte, v float64) []byte {
	const exact = 1 << 53
	if v == math.Trunc(v) && math.Abs(v) <= exact {
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64) // NaN, +Inf and -Inf are spelt as the format wants them
}
