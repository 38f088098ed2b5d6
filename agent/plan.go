package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/uplink"
)

// A plan is what the configuration asks for, checked by the modules themselves. Nothing of it has touched hardware or network.
type plan struct {
	lines   []*served
	uplinks []*carrier
	readers []intake.Reader
	broker  *broker.Address
}

// served is a driver and the readers of its line.
type served struct {
	driver      drivers.Driver
	readers     []string
	typ         string
	fingerprint string
}

// carrier is an uplink and its name.
type carrier struct {
	uplink.Uplink
	name, typ string
	// passes: the uplink reads the journal.
	passes      bool
	fingerprint string
}

// services are what an open site gives to its uplinks; where settings are only checked there are none.
type services struct {
	store func(uplinkName string) uplink.Store
	tell  func(uplinkName string, event any)
	agent uplink.Agent
	pace  *uplink.Pace
	heard func(date time.Time, within time.Duration)
	// before is the plan that is carried out now, or nil. What is the same in the new one is taken from there.
	before *plan
}

// noServices are enough to check settings.
func noServices() services {
	return services{
		store: func(string) uplink.Store { return nil },
		tell:  func(string, any) {},
		pace:  uplink.NewPace(),
	}
}

// makePlan makes the modules, or takes them from the plan before. The error is a *config.Mistakes with all that they found wrong.
func makePlan(cfg *config.Config, log *slog.Logger, given services) (*plan, error) {
	var wrong config.Mistakes
	p := &plan{broker: brokerAddress(cfg)}
	if m := cfg.MQTT; m != nil && m.CAFile != "" {
		roots, err := uplink.RootsWith(m.CAFile)
		if err != nil {
			wrong.Add(m.Section.Wrong("ca_file", err.Error(), "give a file with certificates in PEM form"))
		}
		p.broker.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	p.makeLines(cfg, log, given.before, &wrong)
	p.makeUplinks(cfg, log, given, &wrong)
	for _, r := range cfg.Readers {
		org, _ := cfg.Organization(r.Organization)
		p.readers = append(p.readers, intake.Reader{
			Name: r.Name, Organization: org, Direction: r.Direction, Note: r.Note, Repeat: r.Repeat, Conceal: p.conceal(r.Name),
		})
	}
	return p, wrong.Err()
}

// conceal gives what a concealing uplink does with the credentials of a reader; nil if there is none.
func (p *plan) conceal(reader string) func(*event.Credential) error {
	for _, u := range p.uplinks {
		if c, ok := u.Uplink.(uplink.Concealing); ok && slices.Contains(c.Conceals(), reader) {
			return c.Conceal
		}
	}
	return nil
}

// brokerAddress is where clients in this process find the broker; nil if the configuration has none.
func brokerAddress(cfg *config.Config) *broker.Address {
	m := cfg.MQTT
	if m == nil {
		return nil
	}
	a := &broker.Address{URL: m.Broker, Username: m.Username, Password: m.Password}
	if m.Broker == config.Embedded {
		host, port, _ := net.SplitHostPort(m.Listen) // the configuration has checked it
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		a.URL = "mqtt://" + net.JoinHostPort(host, port)
	}
	return a
}

// siblings are readers of one type on one line.
type siblings struct {
	module   drivers.Module
	readers  []drivers.Reader
	sections []*config.Section
}

// locate finds the places of what a module said of its readers.
func (g *siblings) locate(err error, wrong *config.Mistakes) {
	//nolint:errorlint // the tree of errors is walked by hand: what is joined is told one by one
	switch e := err.(type) {
	case *config.Mistakes: // of Decode, with their places; what they unwrap to are only their causes
		wrong.Add(*e...)
		return
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			g.locate(one, wrong)
		}
		return
	}
	section := g.sections[0]
	if about, ok := errors.AsType[*drivers.ReaderError](err); ok {
		for i, r := range g.readers {
			if r.Name == about.Reader {
				section = g.sections[i]
			}
		}
	}
	wrong.Add(section.Locate(err)...)
}

// makeLines puts the readers together that share a line and makes their drivers.
func (p *plan) makeLines(cfg *config.Config, log *slog.Logger, before *plan, wrong *config.Mistakes) {
	modules := make(map[string]drivers.Module)
	for _, m := range driverModules() {
		modules[m.Type] = m
	}
	var groups []*siblings
	shared := make(map[string]*siblings)
	for _, r := range cfg.Readers {
		module, ok := modules[r.Type]
		if r.Type == "" {
			continue // told already
		}
		if !ok {
			wrong.Add(r.Section.Wrong("type", fmt.Sprintf("%q is no type of reader", r.Type), "write one of: "+typesOf("reader")))
			continue
		}
		key := "\x00" + r.Name
		if module.Line != nil {
			key = module.Line(r.Section)
		}
		g := shared[module.Type+"\x00"+key]
		if g == nil {
			g = &siblings{module: module}
			shared[module.Type+"\x00"+key] = g
			groups = append(groups, g)
		}
		g.readers = append(g.readers, drivers.Reader{Name: r.Name, Settings: r.Section})
		g.sections = append(g.sections, r.Section)
	}
	for _, g := range groups {
		driver, err := g.module.New(drivers.Env{Device: cfg.Device, Zone: cfg.Zone, Broker: p.broker, Log: log}, g.readers)
		if err != nil {
			g.locate(err, wrong)
			continue
		}
		l := &served{driver: driver, typ: g.module.Type}
		for i, r := range g.readers {
			l.readers = append(l.readers, r.Name)
			l.fingerprint += g.sections[i].Fingerprint()
		}
		p.lines = append(p.lines, before.line(l))
	}
}

func (p *plan) makeUplinks(cfg *config.Config, log *slog.Logger, given services, wrong *config.Mistakes) {
	var readers []string
	for _, r := range cfg.Readers {
		readers = append(readers, r.Name)
	}
	modules := uplinkModules()
	for _, u := range cfg.Uplinks {
		if u.Type == "" {
			continue // told already
		}
		i := slices.IndexFunc(modules, func(m uplink.Module) bool { return m.Type == u.Type })
		if i < 0 {
			wrong.Add(u.Section.Wrong("type", fmt.Sprintf("%q is no type of uplink", u.Type), "write one of: "+typesOf("uplink")))
			continue
		}
		made, err := modules[i].New(uplink.Env{
			Name: u.Name, Device: cfg.Device, Broker: p.broker, Agent: given.agent, Pace: given.pace, UserAgent: "acs-agent/" + version, Readers: readers, Log: log.With("uplink", u.Name),
			Zone: cfg.Zone, Heard: given.heard, Store: given.store(u.Name), Tell: func(event any) { given.tell(u.Name, event) },
		}, u.Section)
		if err != nil {
			wrong.Add(u.Section.Locate(err)...)
			continue
		}
		p.uplinks = append(p.uplinks, given.before.carrier(&carrier{made, u.Name, u.Type, !modules[i].WithoutPasses, u.Section.Fingerprint()}))
	}
}

// organizations are the institutions of the configuration by their ids.
func organizations(cfg *config.Config) map[string]event.Organization {
	all := make(map[string]event.Organization, len(cfg.Organizations))
	for _, o := range cfg.Organizations {
		all[o.ID] = o.Organization
	}
	return all
}

// line gives the line of the plan that does the same as l, or l itself.
func (p *plan) line(l *served) *served {
	if p == nil {
		return l
	}
	i := slices.IndexFunc(p.lines, func(old *served) bool { return old.fingerprint == l.fingerprint })
	if i < 0 {
		return l
	}
	return p.lines[i]
}

// carrier gives the uplink of the plan that does the same as c, or c itself.
func (p *plan) carrier(c *carrier) *carrier {
	if p == nil {
		return c
	}
	i := slices.IndexFunc(p.uplinks, func(old *carrier) bool { return old.fingerprint == c.fingerprint })
	if i < 0 {
		return c
	}
	return p.uplinks[i]
}

// uplinkNames are those that read the journal.
func (p *plan) uplinkNames() []string {
	names := make([]string, 0, len(p.uplinks))
	for _, u := range p.uplinks {
		if u.passes {
			names = append(names, u.name)
		}
	}
	return names
}
