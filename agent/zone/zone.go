// Package zone knows the time zones of the served countries from data of its own.
//
// It never looks at the zone files of the system. Many devices carry files from before 2024-03-01, when the whole of
// Kazakhstan went to UTC+5, and stamp each pass an hour off; and time.LoadLocation prefers those files to anything that is
// linked into the program. So the data are embedded here, and the time of the business is always computed in a zone from Load.
package zone

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/spelling"
)

//go:generate go run gen.go

// packed holds the zones as gen.go writes them: a line with the version of the tz database, and then for each zone its name,
// a zero byte, the length of its TZif file in two bytes (big-endian) and that file. The zones are sorted by name.
//
//go:embed zones.bin
var packed []byte

// Load gives the zone of that name: one of Names, "UTC", or a fixed offset such as "UTC+5" or "UTC+05:30" for places that are
// not among them. The error for any other name offers the nearest ones.
func Load(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	if m := offset.FindStringSubmatch(name); m != nil {
		return fixed(name, m)
	}
	for n, data := range zones() {
		if n != name {
			continue
		}
		loc, err := time.LoadLocationFromTZData(name, data)
		if err != nil {
			return nil, fmt.Errorf("zone %s: built-in data: %w", name, err)
		}
		return loc, nil
	}
	return nil, &UnknownError{Name: name, Nearest: nearest(name)}
}

// Names gives the names of all zones that are built in, sorted.
func Names() []string {
	var names []string
	for name := range zones() {
		names = append(names, name)
	}
	return names
}

// Version is the release of the tz database that the zones were taken from, for example "2025c".
func Version() string {
	version, _, _ := bytes.Cut(packed, []byte("\n"))
	return string(version)
}

// UnknownError says that there is no zone of that name.
type UnknownError struct {
	Name string
	// Nearest are names that may have been meant; it can be empty.
	Nearest []string

	noOffset bool
}

// Error names the zone and what to write instead.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no time zone %q: %s", e.Name, e.Advice())
}

// Advice says what to write instead.
func (e *UnknownError) Advice() string {
	if e.noOffset {
		return fmt.Sprintf("offsets go from UTC%d to UTC+%d, in steps of 15 minutes", westmost, eastmost)
	}
	if len(e.Nearest) > 0 {
		return "did you mean " + strings.Join(e.Nearest, " or ") + "?"
	}
	return "write a name such as Asia/Almaty, or the offset from UTC where the zone is not built in: UTC+5"
}

// offset takes apart a fixed offset: sign, hours, minutes.
var offset = regexp.MustCompile(`^UTC([+-])([0-9]{1,2})(?::([0-9]{2}))?$`)

// The offsets in use on Earth, in hours.
const (
	westmost = -12
	eastmost = 14
)

func fixed(name string, m []string) (*time.Location, error) {
	hours, _ := strconv.Atoi(m[2])   // digits, by the expression
	minutes, _ := strconv.Atoi(m[3]) // digits or nothing, which is 0
	total := hours*60 + minutes
	if m[1] == "-" {
		total = -total
	}
	if minutes%15 != 0 || minutes > 59 || total < westmost*60 || total > eastmost*60 {
		return nil, &UnknownError{Name: name, noOffset: true}
	}
	return time.FixedZone(name, total*60), nil
}

// nearest compares what stands behind the slash: people know their city, not which continent it was given to.
func nearest(name string) []string {
	if rest, found := strings.CutPrefix(name, "GMT"); found && offset.MatchString("UTC"+rest) {
		return []string{"UTC" + rest}
	}
	if offset.MatchString("UTC" + name) {
		return []string{"UTC" + name}
	}
	names := make(map[string]string)
	var cities []string
	for _, n := range Names() {
		names[city(n)] = n
		cities = append(cities, city(n))
	}
	near := spelling.Nearest(city(name), cities)
	for i, c := range near {
		near[i] = names[c]
	}
	return near
}

func city(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// zones walks over name and data of the built-in zones.
func zones() func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		_, rest, _ := bytes.Cut(packed, []byte("\n"))
		for {
			name, tail, found := bytes.Cut(rest, []byte{0})
			if !found || len(tail) < 2 {
				return
			}
			size := int(binary.BigEndian.Uint16(tail))
			tail = tail[2:]
			if size > len(tail) || !yield(string(name), tail[:size]) {
				return
			}
			rest = tail[size:]
		}
	}
}
