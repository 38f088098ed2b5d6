package mqtt

import (
	"errors"
	"strings"
)

// A filter is the topic of a subscription, level by level; "+" stands for one level, "#" at the end for any number.
type filter []string

func parseFilter(topic string) (filter, error) {
	switch {
	case topic == "":
		return nil, errors.New("no topic is given")
	case len(topic) > 65535 || strings.ContainsRune(topic, 0):
		return nil, errors.New("the topic is too long or holds a zero byte")
	case strings.HasPrefix(topic, "$share/"), strings.HasPrefix(topic, "$queue/"):
		return nil, errors.New("a shared subscription would give some of the passes to somebody else")
	}
	f := filter(strings.Split(topic, "/"))
	for i, level := range f {
		if level == "#" && i != len(f)-1 {
			return nil, errors.New(`"#" can only stand at the end of a topic`)
		}
		if len(level) > 1 && strings.ContainsAny(level, "+#") {
			return nil, errors.New(`"+" and "#" must stand alone between two slashes`)
		}
	}
	return f, nil
}

func (f filter) String() string { return strings.Join(f, "/") }

// matches says whether a message with this topic belongs to the subscription.
func (f filter) matches(topic string) bool { return f.covers(strings.Split(topic, "/")) }

// covers says whether every topic of g is a topic of f too.
func (f filter) covers(g filter) bool {
	if apart(f, g) {
		return false
	}
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i >= len(g) || g[i] == "#":
			return false
		case level != "+" && level != g[i]:
			return false
		}
	}
	return len(f) == len(g)
}

// overlaps says whether some topic belongs to both.
func (f filter) overlaps(g filter) bool {
	if apart(f, g) {
		return false
	}
	for i := 0; ; i++ {
		switch {
		case i < len(f) && f[i] == "#", i < len(g) && g[i] == "#":
			return true // "#" stands for no level as well
		case i == len(f) || i == len(g):
			// One has ended. "a/#" is also "a", so the other may have "#" as its next level, which was seen above.
			return len(f) == len(g)
		case f[i] != g[i] && f[i] != "+" && g[i] != "+":
			return false
		}
	}
}

// apart says that one of the two is about the broker's own topics and the other begins with a wildcard, which those topics
// never match.
func apart(f, g filter) bool {
	wild := func(f filter) bool { return f[0] == "+" || f[0] == "#" }
	own := func(f filter) bool { return strings.HasPrefix(f[0], "$") }
	return wild(f) && own(g) || wild(g) && own(f)
}
