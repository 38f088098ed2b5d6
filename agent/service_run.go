package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

const (
	// holdTime is how long an agent that a person has to help first stays before it ends, so that the service manager, which
	// starts it again at once, does not do so all the time.
	holdTime = time.Minute
	// holdGlance is how often it looks meanwhile whether the configuration was changed.
	holdGlance = 2 * time.Second
	// waitsForPerson is what it says of itself meanwhile.
	waitsForPerson = "cannot work until somebody has mended the configuration: acs-agent check"
)

// managed says how the agent lives under a service manager; service is the hidden flag that all of them are told to give.
type managed struct{ service bool }

// run does the work of the agent, with the configuration in the file at path.
func (m *managed) run(ctx context.Context, path string, log *slog.Logger, work func(context.Context) error) error {
	if !m.service {
		return work(ctx)
	}
	return underManager(ctx, log, func(ctx context.Context) error {
		before := marksOf(path)
		err := work(ctx)
		if _, person := errors.AsType[needsPerson](err); person && ctx.Err() == nil {
			log.Error("the agent cannot work until somebody has mended this; it tries again when the configuration changes", "error", err)
			notify(log, "STATUS="+waitsForPerson)
			hold(ctx, path, before)
			return needsPerson{errSaid}
		}
		return err
	})
}

// marks tell one version of a file from another; the zero value is that of a file that is not there.
type marks struct {
	changed time.Time
	size    int64
}

func marksOf(path string) marks {
	info, err := os.Stat(path)
	if err != nil {
		return marks{}
	}
	return marks{info.ModTime(), info.Size()}
}

// hold waits until the file at path is another than before, or for holdTime: what has to be mended may be another file.
func hold(ctx context.Context, path string, before marks) {
	ctx, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	glance := time.NewTicker(holdGlance)
	defer glance.Stop()
	for marksOf(path) == before {
		select {
		case <-ctx.Done():
			return
		case <-glance.C:
		}
	}
}
