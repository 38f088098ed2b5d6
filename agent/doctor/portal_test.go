package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

func TestPortals(t *testing.T) {
	probe := func(context.Context) ([]uplink.Finding, error) {
		return []uplink.Finding{
			{What: uplink.AboutName, Seen: "host is 127.0.0.1"},
			{What: uplink.AboutTLS, Err: errors.New("the certificate ends in 3 days (tell them)"), Warning: true},
			{What: uplink.AboutKey, Err: errors.New("nobody knows"), Unsure: true},
			{What: uplink.AboutAnswer, Err: errors.New("it answered 500")},
			{What: uplink.AboutKey, Err: errors.New("401 (get another)")},
		}, nil
	}
	s := &Sheet{}
	(&Portal{Name: "visits", Probe: probe, Report: &health.Report{State: health.Up, Count: 4, LastAt: time.Now()}}).Look(t.Context(), s)
	want := []struct {
		level  Level
		person bool
	}{{OK, false}, {OK, false}, {Warning, false}, {Unsure, false}, {Wrong, false}, {Wrong, true}}
	found := s.Findings()
	for i, w := range want {
		if i >= len(found) || found[i].Level != w.level || found[i].Person != w.person || found[i].Subject != "portal visits" {
			t.Fatalf("finding %d: %+v", i, found)
		}
	}
	for state, want := range map[health.State]string{
		health.Up: "ok portal x: the running agent has no trouble with it", health.Starting: "unsure portal x", health.Down: "wrong portal x: away", health.Stopped: "wrong portal x: away",
	} {
		p := &Portal{Name: "x", Report: &health.Report{State: state, Problem: "away"}}
		expect(t, told(t, func(s *Sheet) { p.Look(t.Context(), s) }), want, "unsure portal x: there is nothing to ask it")
	}
}

// A refused log-in is not tried again before a person has changed something: neither by a second doctor nor by a tenth.
func TestARefusedLoginIsNotTriedAgain(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "callback.password")
	if err := os.WriteFile(secret, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	tries := 0
	answer := errors.New("login and password are not accepted (check them)")
	look := func() string {
		p := &Portal{
			Name: "reception", LogsIn: true, Refusals: &Refusals{File: filepath.Join(dir, "cache", "refused.json"), Sources: []string{secret, filepath.Join(dir, "none")}},
			Probe: func(context.Context) ([]uplink.Finding, error) {
				tries++
				return []uplink.Finding{{What: uplink.AboutLogin, Err: answer, Seen: "login accepted"}}, nil
			},
		}
		return told(t, func(s *Sheet) { p.Look(t.Context(), s) })
	}
	expect(t, look(), "wrong portal reception: login and password are not accepted")
	for range 5 {
		expect(t, look(), "wrong portal reception: login and password were refused at ", "not tried again, so that the portal does not lock the account")
	}
	if tries != 1 {
		t.Errorf("%d log-ins, want 1", tries)
	}
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(secret, later, later); err != nil {
		t.Fatal(err)
	}
	answer = nil
	expect(t, look(), "ok portal reception: login accepted")
	expect(t, look(), "ok portal reception: login accepted") // and it is forgotten
	if tries != 3 {
		t.Errorf("%d log-ins, want 3", tries)
	}

	homeless := &Portal{Name: "reception", LogsIn: true, Refusals: &Refusals{}, Probe: func(context.Context) ([]uplink.Finding, error) {
		t.Error("it was tried although a refusal could not be remembered")
		return nil, nil
	}}
	expect(t, told(t, func(s *Sheet) { homeless.Look(t.Context(), s) }), "unsure portal reception: login and password are not tried")
}
