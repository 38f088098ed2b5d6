package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/doctor/bundle"
	"github.com/acs-agent/acs-agent/agent/service"
)

// pack writes the archive for whoever helps the technician.
func (s *visit) pack(ctx context.Context, path string, d *diagnosis) error {
	words, err := s.words()
	if err != nil {
		return err
	}
	mask := s.mask()
	configuration := bundle.Config(s.text, words, mask) // first: what it takes out is taken out of the others
	found, err := mask.JSON(d)
	if err != nil {
		return err
	}
	program, err := mask.JSON(thisBuild())
	if err != nil {
		return err
	}
	parts := []bundle.Part{
		{Name: "doctor.json", About: "what acs-agent doctor has found", Text: found},
		{Name: "version.json", About: "which program this is", Text: program},
		{Name: "config.yaml", About: "the configuration; every value that could be personal or secret is ***", Text: []byte(configuration)},
	}
	dataDir := ""
	if s.status != nil {
		status, err := mask.JSON(s.status)
		if err != nil {
			return err
		}
		parts = append(parts, bundle.Part{Name: "status.json", About: "what the running agent says of itself", Text: status})
	}
	if s.cfg != nil {
		dataDir = s.cfg.DataDir
		parts = append(parts, bundle.Part{Name: "data_dir.txt", About: "files of the data directory, with sizes and rights", Text: bundle.Listing(dataDir)})
	}
	parts = append(parts,
		bundle.Part{Name: "system.txt", About: "kernel, uptime, memory, disk", Text: bundle.System("/", dataDir)},
		bundle.Part{Name: "log.txt", About: "the last lines of the service's log", Text: bundle.Log(ctx, service.Name, mask)},
	)
	return bundle.Write(path, parts, time.Now())
}

// words are what may be shown of a configuration.
func (s *visit) words() (*bundle.Words, error) {
	var example strings.Builder
	if err := writeExample(&example, "", ""); err != nil {
		return nil, err
	}
	w := &bundle.Words{Example: example.String()}
	for _, m := range allModules() {
		w.Types = append(w.Types, m.Type)
	}
	if s.cfg == nil {
		return w, nil
	}
	w.Names = append(w.Names, s.cfg.Device)
	for _, r := range s.cfg.Readers {
		w.Names = append(w.Names, r.Name)
	}
	for _, u := range s.cfg.Uplinks {
		w.Names = append(w.Names, u.Name)
	}
	return w, nil
}

// mask knows the secrets, and the names of institutions and files, that could stand in a text by mistake.
func (s *visit) mask() *bundle.Mask {
	m := &bundle.Mask{}
	for _, p := range doctor.SecretPlaces(s.text) {
		m.Hide(p.Text)
		if p.File == "" {
			continue
		}
		if text, err := os.ReadFile(s.absolute(p.File)); err == nil && len(text) <= 64<<10 {
			m.Hide(strings.Split(string(text), "\n")...)
		}
	}
	if s.cfg == nil {
		return m
	}
	for _, o := range s.cfg.Organizations {
		m.Hide(o.Name, o.BIN)
	}
	for _, r := range s.cfg.Readers {
		if r.Note != r.Name {
			m.Hide(r.Note)
		}
	}
	if s.cfg.Cardholders.File != "" {
		m.Hide(filepath.Base(s.cfg.Cardholders.File))
	}
	return m
}
