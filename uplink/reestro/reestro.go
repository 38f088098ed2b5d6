// Package reestro registers persons and organizations as subjects of checks with Kontur.Reestro and follows the checks that are
// made on them.
//
// The portal registers the same person as often as it is asked to, charges for it, and cannot be asked whether it knows
// somebody. So each subject gets an external id that is on disk before the first request and stays the same in all of its
// repetitions: the portal refuses the second request with that id. When the answer to the first one was lost, the subject is
// known to exist while its id is not; it is then looked for in the checks, or told by a person. It is never registered anew.
//
// What people are called stands in sealed records and in requests to the portal, and nowhere else.
package reestro

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

//go:embed example.yaml
var example string

// Module registers subjects of checks and follows the checks.
var Module = uplink.Module{
	Type:          "reestro",
	Summary:       "persons and organizations to be checked, and the states of their checks (Kontur.Reestro)",
	Example:       example,
	WithoutPasses: true,
	New:           New,
}

type config struct {
	// URL is the base; the two paths are put behind it.
	uplink.ClientSettings `yaml:",inline"`
	// APIKey and OrgID make the header Authorization.
	APIKey settings.Secret `yaml:"api_key"`
	OrgID  string          `yaml:"org_id"`
	// Inbox is the folder from which tables of subjects are taken. Empty: none.
	Inbox string `yaml:"inbox"`
	// InboxWait is how long a file must not have changed before it is taken.
	InboxWait settings.Duration `yaml:"inbox_wait"`
	// Poll is the time between two looks at the checks.
	Poll settings.Duration `yaml:"poll"`
	// SubjectsPath and ChecksPath begin with a slash and may end with a query that stands in each request.
	SubjectsPath string `yaml:"subjects_path"`
	ChecksPath   string `yaml:"checks_path"`
	// FinalStates are those in which a check stays. All others, also unknown ones, are looked at again.
	FinalStates []string `yaml:"final_states"`
	// RetryMax is the longest wait between two attempts when the portal cannot be reached.
	RetryMax settings.Duration `yaml:"retry_max"`
	// Probe is the wait between two attempts when the portal refuses the key or the organization.
	Probe settings.Duration `yaml:"probe"`
}

type reestro struct {
	config
	client   *uplink.Client
	subjects *registry
	mirror   *mirror
	zone     *time.Location
	tell     func(any)
	log      *slog.Logger
}

// New checks the section and makes the uplink.
func New(env uplink.Env, section settings.Section) (uplink.Uplink, error) {
	c := config{
		ClientSettings: uplink.ClientSettings{
			URL:               "https://api.kontur.ru/realty/assessment/v1",
			RequestsPerSecond: 1,
		},
		InboxWait:    settings.Duration(10 * time.Second),
		Poll:         settings.Duration(5 * time.Minute),
		SubjectsPath: "/subjects",
		ChecksPath:   "/checks",
		FinalStates:  []string{"Processed", "Failed", "Cancelled"},
		RetryMax:     settings.Duration(5 * time.Minute),
		Probe:        settings.Duration(15 * time.Minute),
	}
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	client, err := uplink.NewClient(env, section, c.ClientSettings)
	if err = errors.Join(err, c.check()); err != nil {
		return nil, err
	}
	if c.Inbox != "" {
		c.Inbox = section.Path(c.Inbox)
	}
	zone := env.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &reestro{
		config: c, client: client, zone: zone, tell: env.Tell, log: env.Log,
		subjects: newRegistry(env.Store), mirror: newMirror(env.Store, c.FinalStates),
	}, nil
}

func (c *config) check() error {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	switch {
	case c.APIKey.IsZero():
		wrong("api_key_file", "the portal's access key is missing", "put the key into a file of its own and name it here: api_key_file: reestro.key")
	case !credential(c.APIKey.Reveal()):
		wrong("api_key_file", "the key has characters that cannot stand in the header", "copy the key again; it must be one line without spaces and &")
	}
	switch {
	case c.OrgID == "":
		wrong("org_id", "is missing", "write the id of the organization at the portal: org_id: 0f9a2d1e-7c55-4b0e-9a53-6d1f0a2b3c4d")
	case !credential(c.OrgID):
		wrong("org_id", "has characters that cannot stand in the header", "copy it again; it must be one line without spaces and &")
	}
	for _, p := range []struct{ field, value string }{{"subjects_path", c.SubjectsPath}, {"checks_path", c.ChecksPath}} {
		if !strings.HasPrefix(p.value, "/") || slices.ContainsFunc([]byte(p.value), func(b byte) bool { return b <= ' ' || b > '~' || b == '#' }) {
			wrong(p.field, fmt.Sprintf("%q is no path", p.value), "write what stands behind url, beginning with a slash: /subjects")
		}
	}
	for _, s := range c.FinalStates {
		if word(s) != s || s == "" {
			wrong("final_states", fmt.Sprintf("%q is no state of a check", s), "write the states as the portal does: [Processed, Failed, Cancelled]")
		}
	}
	for _, d := range []struct {
		field       string
		value       settings.Duration
		least, most time.Duration
	}{
		{"poll", c.Poll, 10 * time.Second, 24 * time.Hour},
		{"inbox_wait", c.InboxWait, time.Second, time.Hour},
		{"retry_max", c.RetryMax, time.Second, 24 * time.Hour},
		{"probe", c.Probe, time.Second, 24 * time.Hour},
	} {
		if d.value.Std() < d.least || d.value.Std() > d.most {
			wrong(d.field, fmt.Sprintf("%s is out of range", d.value),
				fmt.Sprintf("write %s to %s", settings.Duration(d.least), settings.Duration(d.most)))
		}
	}
	return errors.Join(mistakes...)
}

// credential says whether s can be a part of the header Authorization, where nothing is escaped.
func credential(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b <= ' ' || b > '~' || b == '&' })
}

// Run works until ctx ends.
func (r *reestro) Run(ctx context.Context, _ uplink.Source, say *health.Part) error {
	v := &voices{part: say}
	var parts sync.WaitGroup
	if r.Inbox != "" {
		parts.Go(func() { newInbox(r, v).run(ctx) })
	}
	parts.Go(func() { newClerk(r, v).run(ctx) })
	parts.Wait()
	return nil
}
