package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// masked stands for what was taken out.
const masked = "***"

// leastKnown is the length in bytes from which on a known text is looked for; shorter ones are in every word.
const leastKnown = 4

// A Mask takes out of texts what could be personal or secret. The zero value knows no text in particular.
type Mask struct {
	known   []string
	replace *strings.Replacer
}

// Hide makes the mask take these texts out wherever they stand.
func (m *Mask) Hide(texts ...string) {
	for _, t := range texts {
		t = strings.TrimSpace(t)
		if len(t) >= leastKnown && !slices.Contains(m.known, t) {
			m.known = append(m.known, t)
		}
	}
	// The longest first: a short one may be a part of it.
	slices.SortFunc(m.known, func(x, y string) int { return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(x, y)) })
	pairs := make([]string, 0, 2*len(m.known))
	for _, t := range m.known {
		pairs = append(pairs, t, masked)
	}
	m.replace = strings.NewReplacer(pairs...)
}

// pieces finds, in this order: addresses of mail and everything else with @; moments; days of this century's later years; IP
// addresses; hexadecimal numbers of eight digits or more; numbers of six digits or more, whatever divides them; words.
var pieces = regexp.MustCompile(`[^\s"'<>@]+@[^\s"'<>@]+` +
	`|\b(?:20\d\d-\d\d-\d\d|0001-01-01)[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?` +
	`|\b20[2-9]\d-\d\d-\d\d\b` +
	`|\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d{1,5}\b)?` +
	`|\b[0-9A-Fa-f]{8,}\b` +
	`|\d(?:[ \t\x{A0},.:;/()+_-]{0,2}\d){5,}` +
	`|[\p{L}\p{M}]+`)

// moment is a piece that says when something happened.
var moment = regexp.MustCompile(`^(?:20\d\d-\d\d-\d\d|0001-01-01)(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?$`)

// fraction is the parts of a second in a moment.
var fraction = regexp.MustCompile(`\.\d+`)

// Text gives s without what could be personal or secret.
func (m *Mask) Text(s string) string {
	s = strings.ToValidUTF8(s, masked)
	if m.replace != nil {
		s = m.replace.Replace(s)
	}
	return pieces.ReplaceAllStringFunc(s, func(piece string) string {
		first, _ := utf8.DecodeRuneInString(piece)
		switch {
		case strings.Contains(piece, "@"):
			return masked
		case moment.MatchString(piece):
			return fraction.ReplaceAllString(piece, "") // a long number, and of no use
		case isAddress(piece):
			return piece
		case unicode.IsLetter(first) || unicode.IsMark(first):
			if isLatin(piece) && !isLongHex(piece) {
				return piece
			}
		}
		return masked
	})
}

func isAddress(piece string) bool {
	if _, err := netip.ParseAddr(piece); err == nil {
		return strings.Contains(piece, ".")
	}
	_, err := netip.ParseAddrPort(piece)
	return err == nil
}

func isLatin(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// isLongHex says whether a word is a number; one of letters alone is a word.
func isLongHex(word string) bool { return strings.ContainsAny(word, "0123456789") }

// JSON gives v as JSON with all texts masked. Numbers stay as they are: what is given here has counts, sizes and times.
func (m *Mask) JSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var tree any
	if err := in.Decode(&tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(m.tree(tree))
	return out.Bytes(), err
}

func (m *Mask) tree(v any) any {
	switch v := v.(type) {
	case string:
		return m.Text(v)
	case []any:
		for i := range v {
			v[i] = m.tree(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = m.tree(v[key])
		}
	}
	return v
}
