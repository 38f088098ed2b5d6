package metrics

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A sample is one line of a page.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	nameForm  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*`)
	valueForm = regexp.MustCompile(`^(NaN|[+-]Inf|-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?)$`)
)

// parsePage reads a page as strictly as the format is described, and more so: heads in the order HELP, TYPE, no family twice,
// no blank lines, no comments, no timestamps, no series twice, and nothing that belongs to no family.
func parsePage(page string) (families map[string]Type, samples []sample, err error) {
	if !strings.HasSuffix(page, "\n") {
		return nil, nil, fmt.Errorf("the last line does not end")
	}
	families, series := make(map[string]Type), make(map[string]bool)
	family, help := "", ""
	for n, line := range strings.Split(strings.TrimSuffix(page, "\n"), "\n") {
		switch fields := strings.SplitN(line, " ", 4); {
		case strings.HasPrefix(line, "# HELP ") && len(fields) == 4:
			if help = fields[2]; families[help] != "" {
				return nil, nil, fmt.Errorf("line %d: %s stands there twice", n+1, help)
			}
		case strings.HasPrefix(line, "# TYPE ") && len(fields) == 4:
			if family = fields[2]; family != help {
				return nil, nil, fmt.Errorf("line %d: the type of %s comes without help", n+1, family)
			}
			families[family] = Type(fields[3])
		default:
			s, err := parseSample(line)
			if err != nil {
				return nil, nil, fmt.Errorf("line %d: %w: %s", n+1, err, line)
			}
			name := s.name
			if families[family] == Summary {
				name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
			}
			if name != family || family == "" {
				return nil, nil, fmt.Errorf("line %d: %s belongs to no family", n+1, s.name)
			}
			id := s.name + fmt.Sprint(s.labels)
			if series[id] {
				return nil, nil, fmt.Errorf("line %d: a second sample of %s", n+1, id)
			}
			series[id] = true
			samples = append(samples, s)
		}
	}
	return families, samples, nil
}

func parseSample(line string) (s sample, err error) {
	s.name, s.labels = nameForm.FindString(line), make(map[string]string)
	rest := line[len(s.name):]
	if s.name == "" {
		return s, fmt.Errorf("no name")
	}
	if strings.HasPrefix(rest, "{") {
		if rest, err = parseLabels(rest[1:], s.labels); err != nil {
			return s, err
		}
	}
	value, found := strings.CutPrefix(rest, " ")
	if !found || !valueForm.MatchString(value) {
		return s, fmt.Errorf("no value")
	}
	s.value, err = strconv.ParseFloat(value, 64)
	return s, err
}

// parseLabels reads what stands behind the brace, and gives what stands behind the closing one.
func parseLabels(text string, into map[string]string) (rest string, err error) {
	for {
		name := nameForm.FindString(text)
		quoted, found := strings.CutPrefix(text[len(name):], `="`)
		if name == "" || !found {
			return "", fmt.Errorf("no label at %q", text)
		}
		var value strings.Builder
		i := 0
		for ; i < len(quoted) && quoted[i] != '"'; i++ {
			c := quoted[i]
			if c == '\\' {
				i++
				at := -1
				if i < len(quoted) {
					at = strings.IndexByte(`\"n`, quoted[i])
				}
				if at < 0 {
					return "", fmt.Errorf("a wrong escape in %q", quoted)
				}
				c = "\\\"\n"[at]
			}
			value.WriteByte(c)
		}
		if i == len(quoted) {
			return "", fmt.Errorf("a label without end")
		}
		if _, twice := into[name]; twice {
			return "", fmt.Errorf("the label %s stands there twice", name)
		}
		into[name] = value.String()
		switch text = quoted[i+1:]; {
		case strings.HasPrefix(text, "}"):
			return text[1:], nil
		case strings.HasPrefix(text, ","):
			text = text[1:]
		default:
			return "", fmt.Errorf("no comma at %q", text)
		}
	}
}
