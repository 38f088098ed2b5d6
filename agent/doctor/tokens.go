package doctor

import (
	"strings"
)

// A TokenKind is what a piece of a configuration's line is.
type TokenKind int

// The kinds of tokens. All together, in their order, are the line.
const (
	// Sign is white space and the signs of structure: - { } [ ] , : and quotation marks.
	Sign TokenKind = iota
	// Key is a name before a colon.
	Key
	// Value is anything else.
	Value
	// Comment begins with #.
	Comment
)

// A Token is a piece of a line.
type Token struct {
	Kind TokenKind
	Text string
	// Of is the key before a value on the same line; empty if there is none.
	Of string
}

// Tokens takes a line of a configuration apart. It needs no valid YAML: it knows lines only, and what it does not understand is a
// value.
func Tokens(line string) (all []Token) {
	of, flow := "", "" // flow are the brackets that are open
	rest := line
	take := func(n int, kind TokenKind) {
		t := Token{Kind: kind, Text: rest[:n]}
		switch kind {
		case Key:
			of = t.Text
		case Value:
			t.Of = of
		case Sign, Comment:
		}
		all, rest = append(all, t), rest[n:]
	}
	for started := false; rest != ""; {
		c := rest[0]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			take(1, Sign)
			continue
		case c == '#' && (len(all) == 0 || all[len(all)-1].Kind == Sign && strings.TrimSpace(all[len(all)-1].Text) == ""):
			take(len(rest), Comment)
			continue
		case c == '-' && !started && (len(rest) == 1 || rest[1] == ' '):
			take(1, Sign)
			continue
		case c == '{' || c == '[':
			flow += rest[:1]
			take(1, Sign)
		case c == '}' || c == ']':
			flow = flow[:max(0, len(flow)-1)]
			take(1, Sign)
		case c == ',', c == ':':
			if c == ',' && !strings.HasSuffix(flow, "[") { // the values of a list have one key
				of = ""
			}
			take(1, Sign)
		case c == '"' || c == '\'':
			quoted(take, &rest)
		default:
			n := plain(rest, flow != "")
			kind := Value
			if n < len(rest) && rest[n] == ':' {
				kind = Key
			}
			take(n, kind)
		}
		started = true
	}
	return all
}

// quoted takes a text in quotation marks; one that does not end goes to the end of the line.
func quoted(take func(int, TokenKind), rest *string) {
	mark := (*rest)[0]
	take(1, Sign)
	end := 0
	for end < len(*rest) && (*rest)[end] != mark {
		if mark == '"' && (*rest)[end] == '\\' && end+1 < len(*rest) {
			end++
		}
		end++
	}
	closed := end < len(*rest)
	kind := Value
	if closed && strings.HasPrefix(strings.TrimLeft((*rest)[end+1:], " "), ":") {
		kind = Key
	}
	if end > 0 {
		take(end, kind)
	}
	if closed {
		take(1, Sign)
	}
}

// plain gives the length of a text without quotation marks.
func plain(s string, flow bool) int {
	end := len(s)
	for i := range len(s) {
		next := byte(' ')
		if i+1 < len(s) {
			next = s[i+1]
		}
		if s[i] == ':' && strings.IndexByte(" \t\r,{}[]", next) >= 0 ||
			s[i] == '#' && i > 0 && (s[i-1] == ' ' || s[i-1] == '\t') ||
			flow && strings.IndexByte(",{}[]", s[i]) >= 0 {
			end = i
			break
		}
	}
	if n := len(strings.TrimRight(s[:end], " \t\r")); n > 0 {
		return n
	}
	return max(1, end)
}

// A SecretPlace is where a configuration has a secret or says where one is.
type SecretPlace struct {
	// Key is the setting, Line its line, from 1.
	Key  string
	Line int
	// File is the name of the file that holds the secret, as it is written; empty if the secret stands in Text.
	File, Text string
}

// secretKeys are the settings that are secrets. With _file behind it, each names a file that holds the secret.
func secretKeys() []string { return []string{"api_key", "password", "auth_value", "client_key"} }

// SecretPlaces finds the secrets of a configuration, also of a broken one. What ${NAME} stands for is no part of the file.
func SecretPlaces(text string) (places []SecretPlace) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		for _, t := range Tokens(strings.TrimRight(line, "\r\n")) {
			if t.Kind != Value {
				continue
			}
			for _, key := range secretKeys() {
				switch {
				case t.Of == key && !strings.HasPrefix(t.Text, "${"):
					places = append(places, SecretPlace{Key: key, Line: number, Text: t.Text})
				case t.Of == key+"_file":
					places = append(places, SecretPlace{Key: t.Of, Line: number, File: t.Text})
				}
			}
		}
	}
	return places
}
