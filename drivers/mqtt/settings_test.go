package mqtt

import (
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// module makes a driver of readers in YAML.
func module(t testing.TB, address *broker.Address, readers ...string) (*driver, error) {
	t.Helper()
	env := drivertest.Env()
	env.Broker = address
	var given []drivers.Reader
	for i, text := range readers {
		given = append(given, drivertest.Reader(t, "gate-"+string(rune('1'+i)), text))
	}
	d, err := Module.New(env, given)
	if err != nil {
		return nil, err
	}
	return d.(*driver), nil
}

func TestMistakes(t *testing.T) {
	const rest = "\nformat: json\nnumber: hex\nfields: {card: uid}"
	for want, text := range map[string]string{
		"topic: reader gate-1: no topic is given":                                  "format: tasmota",
		`"#" can only stand at the end of a topic`:                                 "topic: 'a/#/b'\nformat: tasmota",
		`"+" and "#" must stand alone between two slashes`:                         "topic: 'a/b+'\nformat: tasmota",
		"a shared subscription would give some of the passes to somebody else":     "topic: '$share/g/a'\nformat: tasmota",
		`format: reader gate-1: "wirenboard" is no format (write esp-rfid`:         "topic: a\nformat: wirenboard",
		`number: reader gate-1: "octal" is no way to write a number`:               "topic: a\nformat: esphome\nnumber: octal",
		"number: reader gate-1: Tasmota says itself":                               "topic: a\nformat: tasmota\nnumber: hex",
		"number: reader gate-1: how the card number is written is not said":        "topic: a\nformat: json\nfields: {card: uid}",
		"bits: reader gate-1: 4 is no length of a card number":                     "topic: a\nformat: esphome\nbits: 4",
		"bits: reader gate-1: 129 is no length":                                    "topic: a\nformat: esphome\nbits: 129",
		"bits: reader gate-1: bits has no meaning here":                            "topic: a\nformat: tasmota\nbits: 24",
		`denied: reader gate-1: "drop" is unknown (write keep or skip)`:            "topic: a\nformat: esp-rfid\ndenied: drop",
		"denied: reader gate-1: nothing tells who was refused":                     "topic: a\nformat: tasmota\ndenied: skip",
		"fields, only and directions belong to format json":                        "topic: a\nformat: tasmota\nonly: {a: [b]}",
		"fields: reader gate-1: where the card stands is not said":                 "topic: a\nformat: json\nnumber: hex",
		`fields: reader gate-1: "a..b" is no path`:                                 "topic: a\nformat: json\nnumber: hex\nfields: {card: a..b}",
		"only: reader gate-1: type has no values":                                  "topic: a" + rest + "\nonly: {type: []}",
		"directions: reader gate-1: where the direction stands is not said":        "topic: a" + rest + "\ndirections: {'1': in}",
		`directions: reader gate-1: direction "up"`:                                "topic: a\nformat: json\nnumber: hex\nfields: {card: uid, direction: d}\ndirections: {'1': up}",
		`match: reader gate-1: ".x" is no path`:                                    "topic: a\nformat: esp-rfid\nmatch: {.x: y}",
		"no_such_key":                                                              "topic: a\nformat: esp-rfid\nno_such_key: 1",
		"topic: reader gate-1: no topic is given (for example tele/turnstile1/SEN": "format: x",
		"is no format": "format: x",
	} {
		if _, err := module(t, &broker.Address{URL: "mqtt://broker"}, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nerror %v\nwant  %s", text, err, want)
		}
	}
	if _, err := module(t, nil, "topic: a\nformat: tasmota"); err == nil || !strings.Contains(err.Error(), "names no MQTT broker") {
		t.Errorf("without a broker: %v", err)
	}
	if _, err := module(t, &broker.Address{URL: "tcp://broker"}, "topic: a\nformat: tasmota"); err == nil || !strings.Contains(err.Error(), "tcp://") {
		t.Errorf("with a wrong address: %v", err)
	}
}

func TestReadersAreToldApart(t *testing.T) {
	const rfid = "\nformat: esp-rfid\n"
	for _, c := range []struct {
		name, one, other string
		good             bool
	}{
		{"two topics", "topic: a/1" + rfid, "topic: a/2" + rfid, true},
		{"one topic", "topic: a" + rfid, "topic: a" + rfid, false},
		{"a wildcard over the other", "topic: 'a/#'" + rfid, "topic: a/b" + rfid, false},
		{"crossing wildcards", "topic: a/+" + rfid, "topic: +/b" + rfid, false},
		{"one match", "topic: a" + rfid + "match: {hostname: x}", "topic: a" + rfid, false},
		{"match on different keys", "topic: a" + rfid + "match: {hostname: x}", "topic: a" + rfid + "match: {doorName: y}", false},
		{"the same match", "topic: a" + rfid + "match: {hostname: x}", "topic: a" + rfid + "match: {hostname: x}", false},
		{"different matches", "topic: a" + rfid + "match: {hostname: x}", "topic: a" + rfid + "match: {hostname: y}", true},
		{"one difference is enough", "topic: a" + rfid + "match: {hostname: x, doorName: d}", "topic: 'a/#'" + rfid + "match: {hostname: x, doorName: e}", true},
	} {
		_, err := module(t, &broker.Address{URL: "mqtt://broker"}, c.one, c.other)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "reader gate-2: a message on ") {
			t.Errorf("%s: the mistake does not name the readers: %v", c.name, err)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		matches       bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/+", "a/b", true},
		{"a/+", "a", false},
		{"+/+", "/", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"#", "a/b", true},
		{"#", "$SYS/uptime", false},
		{"+/uptime", "$SYS/uptime", false},
		{"$SYS/#", "$SYS/uptime", true},
		{"A", "a", false},
	} {
		f, err := parseFilter(c.filter)
		if err != nil {
			t.Fatal(err)
		}
		if f.matches(c.topic) != c.matches {
			t.Errorf("%s and %s: %v", c.filter, c.topic, !c.matches)
		}
	}
	for _, c := range []struct {
		one, other string
		overlap    bool
	}{
		{"a/+/c", "a/b/+", true},
		{"a/+", "a/b/c", false},
		{"a/b/#", "a/+", true},
		{"a/#", "a", true},
		{"a/b/#", "a", false},
		{"#", "a", true},
		{"#", "$SYS/a", false},
		{"+/b", "a/c", false},
	} {
		one, _ := parseFilter(c.one)
		other, _ := parseFilter(c.other)
		if one.overlaps(other) != c.overlap || other.overlaps(one) != c.overlap {
			t.Errorf("%s and %s: want %v", c.one, c.other, c.overlap)
		}
	}
}

func TestSubscriptionsDoNotCoverEachOther(t *testing.T) {
	const match = "\nformat: esp-rfid\nmatch: {h: "
	d, err := module(t, &broker.Address{URL: "mqtt://broker"},
		"topic: rfid/send"+match+"a}", "topic: 'rfid/#'"+match+"b}", "topic: rfid/+"+match+"c}", "topic: door"+match+"d}")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range d.filters {
		got = append(got, f.String())
	}
	if want := []string{"door", "rfid/#"}; !slices.Equal(got, want) {
		t.Errorf("subscribes to %q, want %q", got, want)
	}
}

func TestExampleIsAccepted(t *testing.T) {
	var own []string
	for line := range strings.Lines(example) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "- "), "  ")
		key, _, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"name", "type", "organization", "direction", "note", "repeat"}, key) {
			own = append(own, line)
		}
	}
	if _, err := module(t, &broker.Address{URL: "mqtt://broker"}, strings.Join(own, "")); err != nil {
		t.Error(err)
	}
}

func FuzzFilters(f *testing.F) {
	f.Add("a/+/c", "a/#", "a/b/c")
	f.Add("#", "$SYS/#", "$SYS/x")
	f.Fuzz(func(t *testing.T, one, other, topic string) {
		x, err := parseFilter(one)
		if err != nil {
			return
		}
		y, err := parseFilter(other)
		if err != nil || strings.ContainsAny(topic, "+#") || topic == "" {
			return
		}
		if x.matches(topic) && y.matches(topic) && !x.overlaps(y) {
			t.Fatalf("%q and %q both take %q and are said not to overlap", one, other, topic)
		}
		if x.covers(y) && y.matches(topic) && !x.matches(topic) {
			t.Fatalf("%q is said to cover %q but does not take %q", one, other, topic)
		}
	})
}
