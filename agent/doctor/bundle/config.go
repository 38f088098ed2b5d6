package bundle

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/spelling"
	"github.com/acs-agent/acs-agent/agent/zone"
)

// Words are what is known not to be personal.
type Words struct {
	// Example is a configuration with all settings: keys that do not stand in it are masked.
	Example string
	// Types are those of readers and uplinks, Names the names of the readers, the uplinks and the device.
	Types, Names []string
}

var exampleKey = regexp.MustCompile(`\b([a-z][a-z_]*):`)

// keys are the names of all settings.
func (w *Words) keys() map[string]bool {
	all := make(map[string]bool)
	for _, found := range exampleKey.FindAllStringSubmatch(w.Example, -1) {
		all[found[1]] = true
	}
	return all
}

var (
	number   = regexp.MustCompile(`^\d{1,5}(\.\d{1,3})?$`)
	span     = regexp.MustCompile(`^\d{1,5}(ms|s|m|h|d)$`)
	bytesize = regexp.MustCompile(`^\d{1,5} ?(B|kB|KB|MB|GB|KiB|MiB|GiB)$`)
	device   = regexp.MustCompile(`^(/dev/[A-Za-z0-9_./:-]+|COM\d{1,3})$`)
	usb      = regexp.MustCompile(`^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$`)
	listen   = regexp.MustCompile(`^(\d{1,3}(\.\d{1,3}){3}|localhost)?:\d{1,5}$`)
	weekly   = regexp.MustCompile(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2}:\d\d$`)
	folder   = regexp.MustCompile(`^[A-Za-z0-9._/\\:-]+$`)
)

// shown says how a value of a setting may be shown; empty if it may not.
func (w *Words) shown(key, value string) string {
	one := func(choices ...string) string {
		if slices.Contains(choices, value) {
			return value
		}
		return ""
	}
	like := func(form *regexp.Regexp) string {
		if form.MatchString(value) {
			return new(Mask).Text(value)
		}
		return ""
	}
	switch key {
	case "type":
		return one(w.Types...)
	case "name", "device", "readers", "document_readers":
		return one(w.Names...)
	case "lang":
		return one("ru", "en")
	case "timezone":
		if _, err := zone.Load(value); err == nil {
			return value
		}
	case "direction":
		return one("in", "out", "unknown")
	case "parity":
		return one("none", "odd", "even")
	case "format":
		return one("esp-rfid", "tasmota", "esphome", "json", "wirenboard", "uhppoted")
	case "attendance", "corrections", "conditions", "document_case":
		return one("required", "advisory", "automatic", "by hand", "intended", "literal", "upper", "lower")
	case "latinize", "closed", "none", "commit_body", "home_assistant":
		return one("true", "false")
	case "baud", "data_bits", "stop_bits", "bits", "limit", "max_count", "requests_per_second":
		return like(number)
	case "repeat", "keep", "hold", "max_delay", "retry_max", "probe", "poll", "inbox_wait", "interval", "every", "gap":
		return like(span)
	case "max_size", "max_batch":
		return like(bytesize)
	case "port":
		return like(device)
	case "usb":
		if usb.MatchString(value) {
			return value
		}
	case "send":
		if value == "by hand" {
			return value
		}
		return like(weekly)
	case "data_dir":
		return like(folder)
	case "listen":
		if value == "none" {
			return value
		}
		return like(listen)
	case "url", "proxy", "broker":
		return address(value)
	}
	return ""
}

// address is a URL without what could be secret: user, query, and parts of the path that look like keys.
func address(value string) string {
	if value == "embedded" {
		return value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "mqtt", "mqtts", "ws", "wss"}, u.Scheme) {
		return ""
	}
	const longest = 24
	parts := strings.Split(u.Path, "/")
	for i, part := range parts {
		if len(part) > longest {
			parts[i] = masked
		}
	}
	out := u.Scheme + "://" + u.Host + strings.Join(parts, "/")
	if u.User != nil {
		out = u.Scheme + "://" + masked + "@" + u.Host + strings.Join(parts, "/")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		out += "?" + masked
	}
	m := Mask{}
	if before, after, found := strings.Cut(out, "@"); found { // which the mask would take for an address of mail
		return m.Text(before) + "@" + m.Text(after)
	}
	return m.Text(out)
}

// Config gives a configuration, be it broken, without what is secret or personal: keys and structure stay. What it takes out, m
// takes out everywhere else.
func Config(text string, w *Words, m *Mask) string {
	r := redactor{words: w, keys: w.keys(), mask: m, organizations: make(map[string]int)}
	var out strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(text, "?")) {
		line = strings.TrimRight(line, "\r\n")
		for _, t := range doctor.Tokens(strings.TrimPrefix(line, "\uFEFF")) {
			out.WriteString(r.token(t))
		}
		out.WriteByte('\n')
	}
	m.Hide(r.taken...)
	return out.String()
}

type redactor struct {
	words         *Words
	keys          map[string]bool
	mask          *Mask
	organizations map[string]int
	taken         []string
}

func (r *redactor) token(t doctor.Token) string {
	switch t.Kind {
	case doctor.Sign:
		return t.Text
	case doctor.Comment:
		return "# " + masked
	case doctor.Key:
		return r.key(t.Text)
	case doctor.Value:
	}
	if shown := r.words.shown(t.Of, t.Text); shown != "" {
		return shown
	}
	r.take(t.Text)
	if t.Of == "id" || t.Of == "organization" {
		if r.organizations[t.Text] == 0 {
			r.organizations[t.Text] = len(r.organizations) + 1
		}
		return fmt.Sprintf("%s%d", masked, r.organizations[t.Text])
	}
	return masked
}

// key shows a known key, and one that was meant to be one: of small letters, and but a slip away.
func (r *redactor) key(name string) string {
	if r.keys[name] || r.keys[strings.TrimSuffix(name, "_file")] || r.keys[name+"_file"] {
		return name
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && len(name) >= leastKnown {
		known := make([]string, 0, len(r.keys))
		for k := range r.keys {
			known = append(known, k)
		}
		if near := spelling.Nearest(name, known); len(near) > 0 {
			return name
		}
	}
	r.take(name)
	return masked
}

// take notes what was taken out, and what it stands for if it names variables of the environment.
func (r *redactor) take(text string) {
	if slices.Contains(r.words.Names, text) || slices.Contains(r.words.Types, text) {
		return // known from where it may stand
	}
	r.taken = append(r.taken, text)
	if strings.Contains(text, "${") {
		r.taken = append(r.taken, os.ExpandEnv(text))
	}
}
