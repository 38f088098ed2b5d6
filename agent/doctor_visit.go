package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/agent/service"
	"github.com/acs-agent/acs-agent/drivers/serialport"
	"github.com/acs-agent/acs-agent/uplink"
)

// statusTime is how long the running agent may take to say how it is.
const statusTime = 5 * time.Second

// A visit is what the doctor knows before it looks closer.
type visit struct {
	path string
	// text is the configuration's; empty if it cannot be read.
	text    string
	checked checked
	// cfg and plan are what could be understood of it; both nil if nothing.
	cfg  *config.Config
	plan *plan
	// agent is the running agent, and status what it says; both nil if it does not run, or, by why, cannot be asked.
	agent   *localapi.Client
	status  *health.Status
	why     error
	unit    *doctor.Unit
	account *doctor.Account
}

// errUnread says that without a configuration nobody knows where the agent would answer.
var errUnread = errors.New("whether it runs is not known before the configuration can be read (mend the configuration first)")

// gather reads the configuration and asks the running agent and the service manager.
func gather(ctx context.Context, path string) *visit {
	s := &visit{path: path, why: errUnread}
	if text, err := os.ReadFile(path); err == nil && len(text) <= 1<<20 { //nolint:gosec // the operator names the file
		s.text = string(text)
	}
	s.checked, s.cfg = check(path)
	s.unit = doctor.AskSystemd(ctx, service.Name)
	if s.cfg != nil {
		// What is wrong with it is told already; the rest of it can be looked at.
		s.plan, _ = makePlan(s.cfg, discardLog(), noServices())
		s.why = withTime(ctx, statusTime, s.ask)
	}
	pid, user, dataDir := 0, "", ""
	if s.status != nil {
		pid = s.status.PID
	}
	if s.unit != nil && s.unit.Known {
		if user = s.unit.User; user == "" {
			user = "root"
		}
	}
	if s.cfg != nil {
		dataDir = s.cfg.DataDir
	}
	s.account = doctor.AccountOf(pid, user, dataDir)
	return s
}

// ask finds the running agent.
func (s *visit) ask(ctx context.Context) error {
	agent, err := localapi.Dial(ctx, s.cfg.DataDir)
	if err != nil {
		return err
	}
	status, err := agent.Status(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errNoAnswer
	}
	if err != nil {
		return err
	}
	s.agent, s.status = agent, &status
	return nil
}

// alone says that for certain no agent runs.
func (s *visit) alone() bool { return errors.Is(s.why, localapi.ErrNotRunning) }

// checks are all that can be looked at.
func (s *visit) checks() []doctor.Check {
	reading := &doctor.Reading{
		File: s.path, Mistakes: s.checked.Mistakes, Warnings: s.checked.Warnings, Readable: s.cfg != nil,
		People: s.checked.Cardholders, PeopleError: s.checked.CardholdersError,
	}
	files := &doctor.Files{Config: s.path, Text: s.text, Account: s.account}
	clocks := &doctor.Clocks{Earliest: earliest, Root: "/"}
	if s.cfg != nil {
		reading.Readers, reading.Uplinks, reading.Named = len(s.cfg.Readers), len(s.cfg.Uplinks), s.cfg.Cardholders.File != ""
		files.DataDir, files.KeyFile, files.Journal = s.cfg.DataDir, s.cfg.Buffer.KeyFile, s.hasJournal()
		clocks.Zone = s.cfg.Zone
	}
	running := &doctor.Running{Status: s.status, Why: s.why, Alone: s.alone(), Unit: s.unit, Version: version}
	all := []doctor.Check{
		{Group: doctor.Configuration, Name: "configuration", Limit: 10 * time.Second, Look: reading.Look},
		{Group: doctor.Rights, Name: "rights of files", Limit: 10 * time.Second, Look: files.Look},
		{Group: doctor.Time, Name: "clock", Limit: 5 * time.Second, Look: clocks.Look},
		{Group: doctor.Memory, Name: "memory", Limit: 5 * time.Second, Look: func(_ context.Context, sheet *doctor.Sheet) {
			h := host()
			doctor.Host(sheet, &h)
		}},
		{Group: doctor.Service, Name: "service", Limit: 5 * time.Second, Look: running.Look},
	}
	if s.cfg == nil {
		return all
	}
	all = append(all, doctor.Check{Group: doctor.Disk, Name: "disk", Limit: 10 * time.Second, Look: s.volume().Look})
	all = append(all, doctor.Check{Group: doctor.Journal, Name: "journal", Limit: 40 * time.Second, Look: s.lookAtJournal})
	all = append(all, s.readerChecks()...)
	if s.plan.broker != nil {
		login := &doctor.BrokerVisit{
			Address: s.plan.broker, ClientID: s.cfg.Device + "-doctor", Own: s.cfg.MQTT.Broker == config.Embedded && s.alone(),
		}
		all = append(all, doctor.Check{Group: doctor.Broker, Name: "broker", Limit: 20 * time.Second, Look: login.Look})
	}
	return append(all, s.portalChecks()...)
}

func (s *visit) hasJournal() bool {
	_, err := os.Stat(filepath.Join(s.cfg.DataDir, journalDir, "MANIFEST"))
	return err == nil
}

func (s *visit) volume() *doctor.Volume {
	v := &doctor.Volume{DataDir: s.cfg.DataDir, MayGrow: int64(s.cfg.Buffer.MaxSize)}
	if s.status != nil {
		v.MayGrow = max(0, s.status.Journal.Limit-s.status.Journal.Bytes)
	}
	return v
}

// readerChecks look at the ports of the readers and at what the running agent says of them.
func (s *visit) readerChecks() (all []doctor.Check) {
	pid := 0
	if s.status != nil {
		pid = s.status.PID
	}
	for _, r := range s.cfg.Readers {
		all = append(all, doctor.Check{
			Group: doctor.Readers, Name: fmt.Sprintf("reader %s", r.Name), Limit: 10 * time.Second,
			Look: func(ctx context.Context, sheet *doctor.Sheet) {
				if s.status != nil {
					doctor.Reader(sheet, find(s.status.Parts, health.Reader, r.Name))
				}
				seen, ok := serialport.LookAt(r.Section)
				if !ok {
					return
				}
				port := &doctor.Port{
					Reader: r.Name, Named: seen.Named, Path: seen.Path, Missing: seen.Missing, Lasting: seen.Lasting, Hidden: seen.Hidden,
					Agent: pid, Account: s.account,
				}
				for _, h := range seen.Holders {
					port.Holders = append(port.Holders, doctor.Holder{PID: h.PID, Name: h.Name})
				}
				port.Look(ctx, sheet)
			},
		})
	}
	return all
}

// portalChecks ask the portals. While an agent runs, it asks them itself.
func (s *visit) portalChecks() (all []doctor.Check) {
	for _, u := range s.plan.uplinks {
		probing, ok := u.Uplink.(uplink.Probing)
		_, logsIn := u.Uplink.(uplink.LoggingIn)
		p := &doctor.Portal{Name: u.name, LogsIn: logsIn}
		switch {
		case !ok:
		case s.agent != nil:
			p.Probe = probeThrough(s.agent, u.name)
		case s.alone():
			p.Refusals = s.refusals()
			p.Probe = func(ctx context.Context) ([]uplink.Finding, error) { return probing.Probe(ctx), nil }
		default:
			p.Probe = func(context.Context) ([]uplink.Finding, error) { return nil, errNotAsked(s.why) }
		}
		if s.status != nil {
			report := find(s.status.Parts, health.Uplink, u.name)
			p.Report = &report
		}
		if p.Probe == nil && p.Report == nil {
			continue // it has no portal of its own, and nobody says anything of it
		}
		all = append(all, doctor.Check{Group: doctor.Portals, Name: fmt.Sprintf("portal %s", u.name), Limit: probeLimit + 5*time.Second, Look: p.Look})
	}
	return all
}

// refusals are remembered until the configuration or a file with a secret is changed.
func (s *visit) refusals() *doctor.Refusals {
	r := &doctor.Refusals{File: doctor.RefusalsFile(), Sources: []string{s.path}}
	for _, p := range doctor.SecretPlaces(s.text) {
		if p.File != "" {
			r.Sources = append(r.Sources, s.absolute(p.File))
		}
	}
	return r
}

// absolute is a path of the configuration.
func (s *visit) absolute(path string) string {
	if path = os.ExpandEnv(path); filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.path), path)
}

// lookAtJournal asks the running agent, or opens the journal if none runs.
func (s *visit) lookAtJournal(ctx context.Context, sheet *doctor.Sheet) {
	const subject = "journal"
	dir := filepath.Join(s.cfg.DataDir, journalDir)
	switch {
	case s.status != nil:
		doctor.Held(sheet, s.status)
		return
	case !s.alone():
		sheet.Failed(subject, doctor.Unsure, false, errNotAsked(s.why))
		return
	case len(s.checked.Mistakes) > 0:
		sheet.Unseen(subject, "mend the configuration first", "it can only be opened with a configuration that is right")
		return
	}
	switch _, err := os.Stat(filepath.Join(dir, "MANIFEST")); {
	case errors.Is(err, fs.ErrNotExist):
		sheet.Good(subject, "there is none in %s yet; the agent makes it when it starts", s.cfg.DataDir)
		return
	case err != nil:
		sheet.Unseen(subject, "run this with sudo", "this user may not look into %s", s.cfg.DataDir)
		return
	}
	if err := mayOpen(dir); err != nil {
		sheet.Failed(subject, doctor.Unsure, false, err)
		return
	}
	opened, err := newSite(ctx, s.cfg, discardLog())
	if err != nil {
		sheet.Failed(subject, doctor.Wrong, true, err)
		return
	}
	defer opened.close()
	status := opened.Status()
	doctor.Held(sheet, &status)
}
