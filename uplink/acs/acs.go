// Package acs reports passes to the visits portal (data set "InsertACS"): every pass with the person's IIN and name, grouped
// by institution.
//
// The portal recognises a row that it has already got, so a request whose answer was lost is simply sent again; for this to
// hold, a row must be the same to the byte each time. It is made from the stored pass alone.
package acs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

//go:embed example.yaml
var example string

// Module reports to the visits portal.
var Module = uplink.Module{
	Type:    "acs",
	Summary: "every pass with IIN and name to the visits portal (InsertACS)",
	Example: example,
	New:     New,
}

// portalLimit is the largest request that the portal takes: 50 MB. Some of it is left as a margin.
const portalLimit = 45_000_000

// portalPace is how many requests a second the portal takes from one IP address.
const portalPace = 2

type config struct {
	uplink.ClientSettings `yaml:",inline"`
	// APIKey is the portal's access key.
	APIKey settings.Secret `yaml:"api_key"`
	// KeyHeader is the name of the header that carries the key. The portal's document prints it with Cyrillic letters in
	// most places; only its curl example has the one that works.
	KeyHeader string `yaml:"key_header"`
	// Readers limits the uplink to some readers. Empty: all.
	Readers  []string          `yaml:"readers"`
	MaxBatch settings.Bytes    `yaml:"max_batch"`
	MaxCount int               `yaml:"max_count"`
	MaxDelay settings.Duration `yaml:"max_delay"`
	// RetryMax is the longest wait between two attempts when the portal cannot be reached.
	RetryMax settings.Duration `yaml:"retry_max"`
	// Probe is the wait between two attempts when the portal refuses the key or the address.
	Probe settings.Duration `yaml:"probe"`
}

type acs struct {
	config
	client *uplink.Client
}

// New checks the section and makes the uplink.
func New(env uplink.Env, section settings.Section) (uplink.Uplink, error) {
	c := config{
		ClientSettings: uplink.ClientSettings{
			URL:               "https://sb.paruskaz.kz/back/apikey/v1/data_set",
			RequestsPerSecond: 1.6,
		},
		KeyHeader: "X-API-KEY",
		MaxBatch:  4_000_000,
		MaxCount:  20_000,
		MaxDelay:  settings.Duration(30 * time.Second),
		RetryMax:  settings.Duration(5 * time.Minute),
		Probe:     settings.Duration(15 * time.Minute),
	}
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	client, err := uplink.NewClient(env, section, c.ClientSettings)
	if err = errors.Join(err, c.check(env)); err != nil {
		return nil, err
	}
	return &acs{config: c, client: client}, nil
}

func (c *config) check(env uplink.Env) error {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if c.APIKey.IsZero() {
		wrong("api_key_file", "the portal's access key is missing", "put the key into a file of its own and name it here: api_key_file: acs.key")
	}
	if !printable(c.APIKey.Reveal()) {
		wrong("api_key_file", "the key has characters that cannot stand in a request", "copy the key again; it must be one line")
	}
	if !token(c.KeyHeader) {
		wrong("key_header", fmt.Sprintf("%q is no header name", c.KeyHeader), "write it with Latin letters: X-API-KEY (the printed document has look-alike Cyrillic letters)")
	}
	if c.RequestsPerSecond > portalPace {
		wrong("requests_per_second", fmt.Sprintf("%v is faster than the portal allows", c.RequestsPerSecond), "write 2 or less; 1.6 leaves a margin")
	}
	if c.MaxBatch < 1000 || c.MaxBatch > portalLimit {
		wrong("max_batch", fmt.Sprintf("%s is out of range", c.MaxBatch), "write 1kB to 45MB; the portal takes 50 MB")
	}
	if c.MaxCount < 1 || c.MaxCount > 1_000_000 {
		wrong("max_count", fmt.Sprintf("%d is out of range", c.MaxCount), "write 1 to 1000000")
	}
	for _, d := range []struct {
		field string
		value settings.Duration
	}{{"retry_max", c.RetryMax}, {"probe", c.Probe}} {
		if d.value.Std() < time.Second || d.value.Std() > 24*time.Hour {
			wrong(d.field, fmt.Sprintf("%s is out of range", d.value), "write 1s to 24h")
		}
	}
	for _, name := range c.Readers {
		if !slices.Contains(env.Readers, name) {
			wrong("readers", fmt.Sprintf("there is no reader %q", name), "write names as they stand under readers:")
		}
	}
	return errors.Join(mistakes...)
}

// printable says whether s can be the value of a header.
func printable(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b < ' ' || b > '~' })
}

// token says whether s can be the name of a header (RFC 9110, 5.1), here of letters, digits and hyphens only.
func token(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(b byte) bool {
		return b != '-' && (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z')
	})
}

// Run reports until ctx ends.
func (a *acs) Run(ctx context.Context, from uplink.Source, say *health.Part) error {
	courier := uplink.Courier{
		Source: from, Say: say, NewLoad: func() uplink.Load { return newBody(a) },
		MaxSize: int64(a.MaxBatch), MaxCount: a.MaxCount, MaxDelay: a.MaxDelay.Std(),
		Patience: a.RetryMax.Std(), Probe: a.config.Probe.Std(),
	}
	return courier.Run(ctx)
}

// sort says what a pass is to this uplink.
func (a *acs) sort(p *event.Pass) uplink.Sorting {
	switch {
	case p.Outcome == event.NotPassed:
		return uplink.Skip // somebody stayed outside: no visit
	case len(a.Readers) > 0 && !slices.Contains(a.Readers, p.Reader):
		return uplink.Skip
	case p.Pending != event.None:
		return uplink.Hold
	}
	return uplink.Carry
}
