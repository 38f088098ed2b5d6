// Package exam reports attendance at an exam site to the portal of migrants' exams: once a week, who was there and how they did.
//
// Who was there is known from the passes at the exam's readers, who should be and with which result from a file, the roster. Of
// documents only a hash is kept and sent.
//
// The portal can neither be asked what it has nor does it recognise a repetition. So the uplink writes down that it is going to send
// a report before it does, and the portal's number before it believes in it; a report of which nobody knows whether it arrived is
// uncertain, and is left to a person.
package exam

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

//go:embed example.yaml
var example string

// Module reports to the portal of migrants' exams.
var Module = uplink.Module{
	Type:    "exam",
	Summary: "the weekly report of an exam site: attendance and results (migrant-exam)",
	Example: example,
	New:     New,
}

// Values of settings.
const (
	required  = "required"
	advisory  = "advisory"
	automatic = "automatic"
	intended  = "intended"
	literal   = "literal"
	upperCase = "upper"
	lowerCase = "lower"
)

// maxRequests is how many exams one report can have: about 3 MB.
const maxRequests = 20_000

// A level is what the configuration says of the next exams on one level.
type level struct {
	// Nearest is the date of the next exam, as 2006-01-02.
	Nearest string `yaml:"nearest"`
	// None says that there will be none in the near future.
	None bool `yaml:"none"`
}

type config struct {
	uplink.ClientSettings `yaml:",inline"`
	// AreaID is the number that the portal's operator gave to the site.
	AreaID int64 `yaml:"area_id"`
	// Readers are those of the exam site.
	Readers []string `yaml:"readers"`
	// DocumentReaders are those of them at which a document is shown: what they read as text is the document's number.
	DocumentReaders []string `yaml:"document_readers"`
	Roster          string   `yaml:"roster"`
	// Attendance says whether people without a pass are reported.
	Attendance   string `yaml:"attendance"`
	DocumentCase string `yaml:"document_case"`
	Latinize     bool   `yaml:"latinize"`
	// Closed says that the site does not work at present.
	Closed             bool   `yaml:"closed"`
	Patent             level  `yaml:"patent"`
	TemporaryResidence level  `yaml:"temporary_residence"`
	ResidencePermit    level  `yaml:"residence_permit"`
	Conditions         string `yaml:"conditions"`
	Comment            string `yaml:"comment"`
	Send               string `yaml:"send"`
	Corrections        string `yaml:"corrections"`
	// AuthHeader is the name of a header with which the portal wants to be convinced, AuthValue its value.
	AuthHeader string          `yaml:"auth_header"`
	AuthValue  settings.Secret `yaml:"auth_value"`
	// Keep is how long after a week its passes and frozen reports are kept.
	Keep     settings.Duration `yaml:"keep"`
	RetryMax settings.Duration `yaml:"retry_max"`
	Probe    settings.Duration `yaml:"probe"`
}

type exam struct {
	config
	schedule schedule
	zone     *time.Location
	store    uplink.Store
	tell     func(any)
	log      *slog.Logger
	roster   *rosterFile
	client   *uplink.Client
	// post sends a body. Tests replace it.
	post func(ctx context.Context, body []byte) (answer *uplink.Answer, err error)

	// mu keeps Run and the commands from changing the same record at once.
	mu      sync.Mutex
	running atomic.Bool
	wake    chan struct{}
}

var (
	_ uplink.Uplink    = (*exam)(nil)
	_ uplink.Commanded = (*exam)(nil)
)

// New checks the section and makes the uplink.
func New(env uplink.Env, section settings.Section) (uplink.Uplink, error) {
	c := config{
		ClientSettings: uplink.ClientSettings{
			URL:               "https://api.migrant-exam.ru/Reports/Report",
			RequestsPerSecond: 1,
		},
		Attendance:   required,
		DocumentCase: upperCase,
		Conditions:   intended,
		Send:         "Mon 10:00",
		Corrections:  automatic,
		Keep:         settings.Duration(60 * 24 * time.Hour),
		RetryMax:     settings.Duration(5 * time.Minute),
		Probe:        settings.Duration(15 * time.Minute),
	}
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	client, err := uplink.NewClient(env, section, c.ClientSettings)
	if err = errors.Join(err, c.check(env)); err != nil {
		return nil, err
	}
	e := &exam{
		config: c, zone: env.Zone, store: env.Store, tell: env.Tell, log: env.Log, client: client, wake: make(chan struct{}, 1),
	}
	e.schedule, _ = parseSchedule(c.Send) // checked
	e.roster = &rosterFile{documents: e.documents()}
	if c.Roster != "" {
		e.roster.path = section.Path(filepath.FromSlash(c.Roster))
	}
	e.post = e.request
	return e, nil
}

// documents says how documents are hashed.
func (c *config) documents() Documents {
	return Documents{Lower: c.DocumentCase == lowerCase, Latinize: c.Latinize}
}

func (c *config) check(env uplink.Env) error {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if c.AreaID <= 0 {
		wrong("area_id", "the number of the exam site is missing", "write the number that the portal's operator gave to you")
	}
	if c.Roster == "" && !c.Closed {
		wrong("roster", "is missing", "name the file with documents, dates, levels and results: roster: roster.csv")
	}
	if len(c.Readers)+len(c.DocumentReaders) == 0 && c.Attendance == required && !c.Closed {
		wrong("readers", "no reader takes attendance", "name the readers of the exam site, or write attendance: advisory")
	}
	for field, names := range map[string][]string{"readers": c.Readers, "document_readers": c.DocumentReaders} {
		for _, name := range names {
			if !slices.Contains(env.Readers, name) {
				wrong(field, fmt.Sprintf("there is no reader %q", name), "write names as they stand under readers:")
			}
		}
	}
	for _, choice := range []struct {
		field, value string
		of           [2]string
	}{
		{"attendance", c.Attendance, [...]string{required, advisory}},
		{"document_case", c.DocumentCase, [...]string{upperCase, lowerCase}},
		{"conditions", c.Conditions, [...]string{intended, literal}},
		{"corrections", c.Corrections, [...]string{automatic, byHand}},
	} {
		if !slices.Contains(choice.of[:], choice.value) {
			wrong(choice.field, fmt.Sprintf("%q is unknown", choice.value), fmt.Sprintf("write %s or %s", choice.of[0], choice.of[1]))
		}
	}
	if _, err := parseSchedule(c.Send); err != nil {
		wrong("send", fmt.Sprintf("%q is %v", c.Send, err), `write a day and a time, for example Mon 10:00, or "by hand"`)
	}
	for _, d := range []struct {
		field       string
		value       settings.Duration
		least, most time.Duration
	}{{"retry_max", c.RetryMax, time.Second, 24 * time.Hour}, {"probe", c.Probe, time.Second, 24 * time.Hour}, {"keep", c.Keep, 14 * 24 * time.Hour, 400 * 24 * time.Hour}} {
		if d.value.Std() < d.least || d.value.Std() > d.most {
			wrong(d.field, fmt.Sprintf("%s is out of range", d.value), fmt.Sprintf("write %s to %s", settings.Duration(d.least), settings.Duration(d.most)))
		}
	}
	if len([]rune(c.Comment)) > 500 {
		wrong("comment", "is longer than 500 characters", "write less")
	}
	return errors.Join(append(mistakes, c.checkLevels(), c.checkAuth())...)
}

// checkLevels checks what is said of the next exams.
func (c *config) checkLevels() error {
	var mistakes []error
	for _, l := range []struct {
		field string
		of    *level
	}{{"patent", &c.Patent}, {"temporary_residence", &c.TemporaryResidence}, {"residence_permit", &c.ResidencePermit}} {
		wrong := func(problem, advice string) {
			mistakes = append(mistakes, settings.Mistake{Field: l.field, Problem: problem, Advice: advice})
		}
		_, err := time.Parse(time.DateOnly, l.of.Nearest)
		switch {
		case l.of.Nearest != "" && err != nil:
			wrong(fmt.Sprintf("%q is no date", l.of.Nearest), "write nearest: 2026-12-05")
		case c.Closed:
		case l.of.Nearest == "" && !l.of.None:
			wrong("it is not said when the next exam is", "write {nearest: 2026-12-05}, or {none: true} if there is none in the near future")
		case l.of.Nearest != "" && l.of.None && c.Conditions != literal:
			wrong("there is a next exam and there is none", "write nearest or none, not both")
		case l.of.Nearest == "" && c.Conditions == literal && !c.Patent.None:
			wrong("with conditions: literal the portal wants a date, because patent is not none", "write both: {none: true, nearest: 2026-12-05}")
		}
	}
	return errors.Join(mistakes...)
}

// checkAuth checks the header with which the portal wants to be convinced.
func (c *config) checkAuth() error {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	notToken := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	switch value := c.AuthValue.Reveal(); {
	case (c.AuthHeader == "") != (value == ""):
		wrong("auth_header", "auth_header and auth_value_file belong together", "set both, or none")
	case strings.ContainsFunc(c.AuthHeader, notToken):
		wrong("auth_header", fmt.Sprintf("%q is no header name", c.AuthHeader), "write it with Latin letters, for example Authorization")
	case strings.EqualFold(strings.TrimPrefix(strings.ToLower(c.AuthHeader), "x-"), "idempotency-key"):
		wrong("auth_header", "this header lets a report be sent twice", "the portal does not know it; leave it out")
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		wrong("auth_value_file", "the value has characters that cannot stand in a request", "copy it again; it must be one line")
	}
	return errors.Join(mistakes...)
}
