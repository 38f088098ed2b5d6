package lang

import (
	"strconv"
	"strings"
	"unicode"
)

// A piece is a part of a format: text that stands there as it is, or a placeholder.
type piece struct {
	// text is the literal text, or the whole placeholder: %-20s.
	text string
	// verb is the letter of the placeholder; 0 for text.
	verb byte
	// arg counts the placeholders from 0, unless an index such as [2] says another.
	arg int
	// forms are the three forms of a Russian word that depends on a number; nil for all else.
	forms []string
}

// wild says whether a piece is a placeholder that stands for any text.
func (p piece) wild() bool { return p.verb != 0 && !strings.ContainsRune("dqxXtfgeUc", rune(p.verb)) }

// parseFormat takes a format apart. %% becomes a percent sign; a percent sign that begins no placeholder is text.
func parseFormat(s string) []piece {
	var all []piece
	text := func(t string) {
		if n := len(all); n > 0 && all[n-1].verb == 0 {
			all[n-1].text += t
		} else if t != "" {
			all = append(all, piece{text: t})
		}
	}
	args := 0
	for s != "" {
		before, rest, found := strings.Cut(s, "%")
		text(before)
		if !found {
			break
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("+-# 0123456789.[]", r) })
		switch {
		case n == 0 && rest[0] == '%':
			text("%")
		case n >= 0 && strings.IndexByte("vwsdqxXtfgeTUc", rest[n]) >= 0:
			spec, arg := rest[:n], args
			if open, behind, ok := strings.Cut(spec, "["); ok {
				index, behind, _ := strings.Cut(behind, "]")
				number, _ := strconv.Atoi(index)
				spec, arg = open+behind, number-1
			}
			verb := rest[n]
			if verb == 'w' {
				verb = 'v'
			}
			all = append(all, piece{text: "%" + spec + string(verb), verb: verb, arg: arg})
			args = arg + 1
		default:
			text("%")
			s = rest
			continue
		}
		s = rest[n+1:]
	}
	if len(all) == 0 {
		all = []piece{{}}
	}
	return all
}

// A template is a Russian text. In addition to placeholders it has words that depend on a number: {проход|прохода|проходов}
// stands behind the number, or before the first one.
type template []piece

func parseTemplate(s string) template {
	var out template
	for _, p := range parseFormat(s) {
		if p.verb != 0 {
			out = append(out, p)
			continue
		}
		for rest := p.text; rest != ""; {
			before, forms, behind := cutForms(rest)
			if before != "" {
				out = append(out, piece{text: before})
			}
			if forms != nil {
				out = append(out, piece{forms: forms})
			}
			rest = behind
		}
	}
	return out
}

// cutForms finds the first {a|b|c}. Other braces are text.
func cutForms(s string) (before string, forms []string, behind string) {
	for from := 0; ; {
		open := strings.IndexByte(s[from:], '{')
		if open < 0 {
			return s, nil, ""
		}
		open += from
		end := strings.IndexByte(s[open:], '}')
		if end < 0 {
			return s, nil, ""
		}
		if forms := strings.Split(s[open+1:open+end], "|"); len(forms) == 3 {
			return s[:open], forms, s[open+end+1:]
		}
		from = open + 1
	}
}

// render puts the values of the placeholders in.
func (t template) render(values []string) string {
	var b strings.Builder
	number, known := "", false
	for _, p := range t { // of the forms before the first number
		if p.verb != 0 && !known {
			number, known = leadingNumber(values, p.arg)
		}
	}
	for _, p := range t {
		switch {
		case p.forms != nil:
			b.WriteString(p.forms[form(number)])
		case p.verb == 0:
			b.WriteString(p.text)
		case p.arg < len(values):
			b.WriteString(values[p.arg])
			if n, ok := leadingNumber(values, p.arg); ok {
				number = n
			}
		}
	}
	return b.String()
}

// leadingNumber is the number that a value begins with: 3 in "3 прохода".
func leadingNumber(values []string, arg int) (string, bool) {
	if arg >= len(values) {
		return "", false
	}
	s := strings.TrimLeft(values[arg], "+-")
	s, _, _ = strings.Cut(s, " ")
	return s, s != "" && strings.Trim(s, "0123456789") == ""
}

// form tells which of the three forms stands with a number of decimal digits: 1 проход, 2 прохода, 5 проходов.
func form(digits string) int {
	if digits == "" {
		return 2
	}
	last, before := digits[len(digits)-1], byte('0')
	if len(digits) > 1 {
		before = digits[len(digits)-2]
	}
	switch {
	case before == '1' || last == '0' || last >= '5':
		return 2
	case last == '1':
		return 0
	}
	return 1
}

// letters counts the letters and digits of a text.
func letters(s string) (n int) {
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
