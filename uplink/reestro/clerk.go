package reestro

import (
	"context"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

// A clerk is the only one who talks to the portal by himself: one request after the other, subjects and checks in turn, so that
// neither a long list of people nor a long list of checks makes the other wait.
type clerk struct {
	*reestro
	voices    *voices
	registrar *registrar
	poller    *poller
	// register and poll are the two jobs; turn says which of them had the last request.
	register, poll job
	turn           bool
}

// A job is one of the clerk's, and how patient he has to be with it.
type job struct {
	voice     voice
	attempt   int
	notBefore time.Time
}

func newClerk(r *reestro, v *voices) *clerk {
	return &clerk{
		reestro: r, voices: v,
		registrar: &registrar{reestro: r, voices: v}, poller: &poller{reestro: r, voices: v},
		register: job{voice: subjectsVoice}, poll: job{voice: checksVoice},
	}
}

func (c *clerk) run(ctx context.Context) {
	for ctx.Err() == nil {
		waits, err := c.subjects.waits()
		if err != nil {
			waits = true // the step will say what is wrong
		}
		now := time.Now()
		canRegister := waits && !now.Before(c.register.notBefore)
		canPoll := !now.Before(c.poll.notBefore)
		switch {
		case canRegister && (!canPoll || c.turn):
			c.turn = false
			c.handle(ctx, &c.register, c.registrar.step(ctx))
		case canPoll:
			c.turn = true
			v, finished := c.poller.step(ctx)
			c.handle(ctx, &c.poll, v)
			if finished {
				c.poll.notBefore = now.Add(c.Poll.Std())
			}
		default:
			until := c.poll.notBefore
			if waits && c.register.notBefore.Before(until) {
				until = c.register.notBefore
			}
			c.wait(ctx, time.Until(until))
		}
	}
}

// wait ends early when there is something new to send.
func (c *clerk) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-c.subjects.wake:
	}
}

// handle says how it went and when the job goes on.
func (c *clerk) handle(ctx context.Context, j *job, v verdict) {
	if ctx.Err() != nil {
		return
	}
	switch v.outcome {
	case done:
		j.attempt = 0
		c.voices.up(j.voice)
	case halt:
		// The key is the same for both.
		c.voices.stop(j.voice, v.problem)
		until := time.Now().Add(max(v.after, c.config.Probe.Std()))
		c.register.notBefore, c.poll.notBefore = until, until
	case later, duplicate, declined:
		c.voices.down(j.voice, v.problem)
		j.notBefore = time.Now().Add(max(v.after, uplink.Backoff(j.attempt, c.RetryMax.Std())))
		j.attempt++
	}
}
