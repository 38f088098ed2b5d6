package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

// driver serves all MQTT readers of the device.
type driver struct {
	env     drivers.Env
	readers []*reader
	filters []filter
	pace    pace
}

// A pace says how long the driver waits for what.
type pace struct {
	// store and maxStore: between two attempts to store a pass; doubled each time.
	store, maxStore time.Duration
	// patience: of a QoS 0 message that waits for a place.
	patience time.Duration
	// connect and maxConnect: between two attempts to reach the broker; doubled each time.
	connect, maxConnect time.Duration
	// steady: a connection that lasted so long was a good one, and the next attempt comes soon.
	steady time.Duration
	// subscribe: until a refused subscription is tried again.
	subscribe time.Duration
	// farewell: for messages that are being stored when the driver ends.
	farewell time.Duration
}

var normalPace = pace{
	store: time.Second, maxStore: 10 * time.Second,
	patience: 2 * time.Second,
	connect:  time.Second, maxConnect: 30 * time.Second,
	steady:    10 * time.Second,
	subscribe: time.Minute,
	farewell:  300 * time.Millisecond,
}

// Run connects, again and again, until ctx ends.
func (d *driver) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	in := d.newIntake(ctx, take, board)
	for pause := d.pace.connect; ; pause = min(2*pause, d.pace.maxConnect) {
		began := time.Now()
		err := d.serve(ctx, in)
		if ctx.Err() != nil {
			break
		}
		why := d.env.Broker.Explain(err)
		for _, v := range in.voices {
			v.connected(why)
		}
		if time.Since(began) > d.pace.steady {
			pause = d.pace.connect
		}
		if !sleep(ctx, jittered(pause)) {
			break
		}
	}
	<-in.close()
	return nil
}

func (d *driver) newIntake(ctx context.Context, take drivers.Take, board *health.Board) *intake {
	in := &intake{
		ctx: ctx, take: take, pace: d.pace, log: d.log(),
		places:  make(chan struct{}, maxWork),
		working: make(map[string]*job),
		freed:   make(chan struct{}, 1),
	}
	for _, r := range d.readers {
		in.voices = append(in.voices, &voice{reader: r, part: board.Reader(r.name)})
	}
	return in
}

// serve is one connection from beginning to end. It returns why the connection ended; nothing if ctx did.
func (d *driver) serve(ctx context.Context, in *intake) error {
	c, err := d.connect(ctx, in)
	if err != nil {
		return err
	}
	defer c.close()
	again := time.NewTimer(0)
	defer again.Stop()
	missing := d.filters
	for {
		select {
		case <-again.C:
			granted, err := c.subscribe(ctx, missing)
			if err != nil {
				return err
			}
			if missing = d.heard(in, missing, granted); len(missing) > 0 {
				again.Reset(d.pace.subscribe)
			}
		case err := <-c.lost:
			return err
		case <-ctx.Done():
			select {
			case <-in.close():
			case <-time.After(d.pace.farewell):
			}
			return nil
		}
	}
}

// heard puts the broker's answer on the board and returns what it refused.
func (d *driver) heard(in *intake, asked []filter, granted map[string]byte) (missing []filter) {
	for _, f := range asked {
		qos, answered := granted[f.String()]
		refused := !answered || qos >= refusedSubscription
		if refused {
			missing = append(missing, f)
		} else if qos == 0 {
			d.log().Warn("the broker grants QoS 0 only: passes that come while the agent is away are lost", "topic", f.String())
		}
		for _, v := range in.voices {
			switch {
			case !f.covers(v.reader.filter):
			case refused:
				v.connected(health.Coded(health.BrokerRefused, fmt.Errorf("broker %s: the subscription to %s is refused "+
					"(check the access rules of the user %q there)", d.env.Broker, f, d.env.Broker.Username)))
			default:
				v.connected(nil)
			}
		}
	}
	return missing
}

func (d *driver) log() *slog.Logger {
	if d.env.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.env.Log
}

// jittered keeps the agents of a region from all coming back at the same moment.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) //nolint:gosec // no secret
}
