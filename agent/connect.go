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
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/uplink"
)

// sight is a pass as `watch` shows it.
type sight = localapi.Sight

// connection is a way to ask about the journal, through the running agent or without one.
type connection struct {
	*localapi.Client
	// running is false if the journal was opened by this process.
	running bool
}

// dial reaches the running agent. It need not be the configuration of now that the agent works by: where the file has mistakes,
// the agent keeps to the one before.
func (o *options) dial(ctx context.Context) (*connection, error) {
	cfg, wrong := config.Load(config.Find(o.config))
	if cfg == nil {
		return nil, wrong
	}
	client, err := localapi.Dial(ctx, cfg.DataDir)
	if err != nil {
		if wrong != nil && errors.Is(err, localapi.ErrNotRunning) {
			return nil, wrong
		}
		return nil, err
	}
	return &connection{client, true}, nil
}

// withAgent calls do with the running agent, or with the journal opened by this process if none runs. One that is about to start
// has the journal already and does not answer yet: it gets a moment.
func (o *options) withAgent(ctx context.Context, do func(*connection) error) error {
	for began := time.Now(); ; {
		a, err := o.dial(ctx)
		if err == nil {
			return do(a)
		}
		if !errors.Is(err, localapi.ErrNotRunning) {
			return err
		}
		s, err := o.openSite(ctx)
		if err == nil {
			err = do(&connection{localapi.Inside(s.api().Handler()), false})
			s.close()
			return err
		}
		if !errors.Is(err, buffer.ErrLocked) || time.Since(began) > lockPatience || uplink.Sleep(ctx, lockPause) != nil {
			return err
		}
	}
}

// openSite opens the journal in the place of the agent.
func (o *options) openSite(ctx context.Context) (*site, error) {
	cfg, err := config.Load(config.Find(o.config))
	if err != nil {
		return nil, err
	}
	if err := mayOpen(filepath.Join(cfg.DataDir, journalDir)); err != nil {
		return nil, err
	}
	return newSite(ctx, cfg, discardLog())
}

// mayOpen says whether this process may open the journal in place of the agent. It has to be there, for a command that looks
// must not make one; and it has to belong to the same user, for the store writes files even when it is only read, and the
// agent could not open them afterwards.
func mayOpen(journal string) error {
	about, err := os.Stat(journal)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no journal in %s: the agent does not run and has not run before", journal)
	case err != nil:
		return fmt.Errorf("journal: %w", err)
	}
	if owner := otherOwner(about); owner != "" {
		return fmt.Errorf("the agent does not run, and its journal belongs to the user %s: run this as that user, for example with sudo -u %s",
			owner, owner)
	}
	return nil
}
