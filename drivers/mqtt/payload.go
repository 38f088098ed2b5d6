package mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// parseJSON reads one JSON value and nothing behind it. Numbers stay as they are written.
func parseJSON(payload []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}

// A path names a place in a JSON value: keys and places in lists, from the outside in. The empty path is the whole value.
type path []string

// parsePath reads "a.b.uid", "cards.0.uid" or "cards[0].uid"; "." is the whole payload.
func parsePath(s string) (path, error) {
	if s == "." {
		return path{}, nil
	}
	levels := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(s), ".")
	if slices.Contains(levels, "") {
		return nil, fmt.Errorf("%q is no path: write names with a dot between them, for example message.event.card", s)
	}
	return levels, nil
}

// find gives the value at p, or nil if there is none.
func (p path) find(v any) any {
	for _, level := range p {
		switch at := v.(type) {
		case map[string]any:
			v = at[level]
		case []any:
			i, err := strconv.Atoi(level)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// scalar writes a text, number or truth value as it stands in JSON, without quotes; false for everything else.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// text is the scalar at p without white space around it; "" if there is none.
func (p path) text(v any) string {
	s, _ := scalar(p.find(v))
	return strings.TrimSpace(s)
}
