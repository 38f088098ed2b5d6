// Package callback takes call-back requests from the platform for small business, and tells it what became of them.
//
// The platform hands out requests in lists and shows each until its list has been confirmed. So the order is: log in, list,
// store on disk, then confirm ("commit"). A request that comes again is recognised and is not a second one. What is told about
// a request (registered, rendered, rejected) is stored first and sent then, one after the other, however long it takes; a
// status whose answer was lost is sent again, which says the same thing twice and nothing new.
package callback

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

//go:embed example.yaml
var example string

// Module takes call-back requests.
var Module = uplink.Module{
	Type:          "callback",
	Summary:       "call-back requests from the platform for small business, and what became of them",
	Example:       example,
	WithoutPasses: true,
	New:           New,
}

const (
	// leastPoll is how long the platform is left alone between two lists.
	leastPoll = time.Minute
	// mostLimit keeps an answer within what the client reads.
	mostLimit = 100
)

type config struct {
	uplink.ClientSettings `yaml:",inline"`
	// Login and Password are the technical user's.
	Login    string          `yaml:"login"`
	Password settings.Secret `yaml:"password"`
	// Paths are what stands behind URL in the four calls. They go out letter by letter. There are no defaults: the platform's
	// document has lost parts of them.
	Paths paths `yaml:"paths"`
	// Limit is how many requests one list has.
	Limit int `yaml:"limit"`
	// Poll is the wait between two looks at the list.
	Poll settings.Duration `yaml:"poll"`
	// CommitBody sends the code in the body of the commit as well, which is a GET.
	CommitBody bool `yaml:"commit_body"`
	// Keep is how long a request is kept after it was closed.
	Keep settings.Duration `yaml:"keep"`
	// RetryMax is the longest wait between two attempts when the platform cannot be reached.
	RetryMax settings.Duration `yaml:"retry_max"`
	// Probe is the wait between two attempts when the platform refuses the login or an address.
	Probe settings.Duration `yaml:"probe"`
}

type callback struct {
	*config
	session *session
	book    *book
	env     uplink.Env
	// wake tells Run that somebody has set a status.
	wake chan struct{}
	// resume is where the last round of sending left off; see deliver.
	resume string
	// arrived says that a poll has brought requests of which the platform has heard nothing yet.
	arrived bool
}

// New checks the section and makes the uplink.
func New(env uplink.Env, section settings.Section) (uplink.Uplink, error) {
	c := config{
		ClientSettings: uplink.ClientSettings{RequestsPerSecond: 1},
		Limit:          10,
		Poll:           settings.Duration(leastPoll),
		Keep:           settings.Duration(30 * 24 * time.Hour),
		RetryMax:       settings.Duration(5 * time.Minute),
		Probe:          settings.Duration(15 * time.Minute),
	}
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	client, err := uplink.NewClient(env, section, c.ClientSettings)
	if err = errors.Join(err, c.check()); err != nil {
		return nil, err
	}
	return &callback{
		config:  &c,
		session: &session{config: &c, client: client},
		book:    &book{store: env.Store},
		env:     env,
		wake:    make(chan struct{}, 1),
	}, nil
}

func (c *config) check() error {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if c.Login == "" {
		wrong("login", "the technical user's name is missing", "the platform's operator gives it out")
	}
	if c.Password.IsZero() {
		wrong("password_file", "the technical user's password is missing", "put it into a file of its own and name it here: password_file: callback.password")
	}
	mistakes = append(mistakes, c.Paths.check(c.URL)...)
	if c.Limit < 1 || c.Limit > mostLimit {
		wrong("limit", fmt.Sprintf("%d is out of range", c.Limit), fmt.Sprintf("write 1 to %d", mostLimit))
	}
	if c.Poll.Std() < leastPoll && !c.local() || c.Poll.Std() <= 0 || c.Poll.Std() > 24*time.Hour {
		wrong("poll", fmt.Sprintf("%s is out of range", c.Poll), "write 1m to 24h; the platform is not to be asked more often")
	}
	if c.Keep.Std() < 24*time.Hour || c.Keep.Std() > 366*24*time.Hour {
		wrong("keep", fmt.Sprintf("%s is out of range", c.Keep), "write 1d to 366d")
	}
	for _, d := range []struct {
		field string
		value settings.Duration
	}{{"retry_max", c.RetryMax}, {"probe", c.Probe}} {
		if d.value.Std() < time.Second || d.value.Std() > 24*time.Hour {
			wrong(d.field, fmt.Sprintf("%s is out of range", d.value), "write 1s to 24h")
		}
	}
	return errors.Join(mistakes...)
}

// local says whether the platform is a rehearsal on this machine.
func (c *config) local() bool {
	u, err := url.Parse(c.URL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
}

// Run takes requests and tells statuses until ctx ends.
func (u *callback) Run(ctx context.Context, _ uplink.Source, say *health.Part) error {
	u.work(ctx, say)
	return nil
}
