package config

import (
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// lineSettings and portalSettings are those of two modules as real ones look: every kind of setting occurs in them.
type lineSettings struct {
	Baud   int               `yaml:"baud"`
	Small  uint8             `yaml:"small"`
	Parity string            `yaml:"parity"`
	Topic  string            `yaml:"topic"`
	Sites  []string          `yaml:"sites"`
	Fields map[string]string `yaml:"fields"`
	Invert bool              `yaml:"invert"`
	Factor float64           `yaml:"factor"`
	Way    event.Direction   `yaml:"way"`
	Nested struct {
		Timeout settings.Duration `yaml:"timeout"`
		Retries *int              `yaml:"retries"`
	} `yaml:"nested"`
}

// clientSettings are what several modules share.
type clientSettings struct {
	URL               string  `yaml:"url"`
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

type portalSettings struct {
	Client   clientSettings    `yaml:",inline"`
	Key      settings.Secret   `yaml:"api_key"`
	Readers  []string          `yaml:"readers"`
	MaxBatch settings.Bytes    `yaml:"max_batch"`
	Patent   map[string]string `yaml:"patent"`
	Unused   chan int          `yaml:"-"`
}

// makeModules does to every section what the modules of the agent do, and gives all that is wrong, as `acs-agent check` prints it.
func makeModules(c *Config) *Mistakes {
	var all Mistakes
	for _, r := range c.Readers {
		if r.Type == "" {
			continue
		}
		if r.Type != "line" {
			all.Add(r.Section.Wrong("type", fmt.Sprintf("there is no type %q", r.Type), "did you mean line?"))
			continue
		}
		all.Add(r.Section.Locate(newLine(r.Section))...)
	}
	for _, u := range c.Uplinks {
		all.Add(u.Section.Locate(newPortal(u.Section))...)
	}
	return &all
}

func newLine(section settings.Section) error {
	s := lineSettings{Baud: 9600, Parity: "none", Fields: map[string]string{"card": "uid"}}
	if err := section.Decode(&s); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	var wrong []error
	if s.Baud%300 != 0 {
		wrong = append(wrong, settings.Mistake{Field: "baud", Problem: fmt.Sprintf("no line runs at %d baud", s.Baud), Advice: "write 9600"})
	}
	if s.Fields["card"] == "" {
		wrong = append(wrong, fmt.Errorf("fields: %w", settings.Mistake{Field: "fields.card", Problem: "the name is empty"}))
	}
	return errors.Join(wrong...)
}

func newPortal(section settings.Section) error {
	s := portalSettings{MaxBatch: 4e6}
	err := section.Decode(&s)
	if err != nil {
		return err
	}
	if s.Key.IsZero() {
		return settings.Mistake{Field: "api_key", Problem: "the key is missing", Advice: "write api_key_file:"}
	}
	if s.Client.URL == "" {
		return errors.Join(
			&settings.Mistake{Field: "url", Problem: "the address is missing", Advice: "copy it from the letter of the portal"},
			fmt.Errorf("the key %s fits no address", s.Key.Reveal()), // a module that does what it must not
		)
	}
	return nil
}
