package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/buffer"
)

func TestTheAgentWaitsForACommandThatLooksIntoTheJournal(t *testing.T) {
	dir := t.TempDir()
	cfg := &config.Config{Path: filepath.Join(dir, "config.yaml"), Device: "gate", Zone: time.UTC, DataDir: dir}
	cfg.Buffer = config.Buffer{MaxSize: 64 << 20, Keep: time.Hour, KeyFile: filepath.Join(dir, "key")}
	command, err := newSite(t.Context(), cfg, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(5 * lockPause)
		command.close()
	}()
	agent, err := waitForSite(t.Context(), cfg, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	<-done

	// Nobody waits for ever, and nobody waits longer than he is wanted.
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := waitForSite(ended, cfg, discardLog()); !errors.Is(err, buffer.ErrLocked) {
		t.Errorf("a journal that is in use: %v", err)
	}
	agent.close()
}
