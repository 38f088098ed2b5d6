package heartbeat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// A pace says how long to wait between two attempts to reach the broker.
type pace struct {
	// away is the wait while nobody answers at all: short, because an attempt is a single packet, and the centre is to see the
	// device within a second after the broker is back.
	away time.Duration
	// troubled bounds the wait while somebody answers and something goes wrong then, refused while the broker does not let
	// this device in. Both begin with away and double.
	troubled, refused time.Duration
	// steady: a connection that lasted so long was a good one.
	steady time.Duration
}

var normalPace = pace{away: 700 * time.Millisecond, troubled: 15 * time.Second, refused: time.Minute, steady: 10 * time.Second}

// A setback is how an attempt ended, as far as it decides on the next one.
type setback int

const (
	away setback = iota
	troubled
	refused
)

// setbackOf tells from the error of an attempt.
func setbackOf(err error) setback {
	var (
		op          *net.OpError
		invalid     x509.CertificateInvalidError
		certificate *tls.CertificateVerificationError
	)
	isOp := errors.As(err, &op)
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised),
		errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return refused
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // the clock of this device may be set any moment
		return troubled
	case errors.As(err, &certificate), isOp && op.Op == "remote error": // which is TLS for: what you show me will not do
		return refused
	case isOp && op.Op == "dial":
		return away
	}
	return troubled
}

// wait is how long to wait after a setback, the n-th in a row that was not merely away, counted from 0. It has some jitter: a
// thousand devices must not come back in the same moment.
func (p pace) wait(s setback, n int) time.Duration {
	most := p.away
	switch s {
	case away:
	case troubled:
		most = p.troubled
	case refused:
		most = p.refused
	}
	d := min(most, p.away<<min(n, 20))
	return d - d/7 + rand.N(2*d/7+1) //nolint:gosec // spreading load needs no secrecy
}

// Run keeps a connection to the broker and tells over it how the device is doing, until ctx ends.
func (h *heartbeat) Run(ctx context.Context, _ uplink.Source, say *health.Part) error {
	for setbacks := 0; ; {
		began := time.Now()
		err := h.serve(ctx, say)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > h.pace.steady {
			setbacks = 0
		}
		s := setbackOf(err)
		h.complain(say, s, err)
		if uplink.Sleep(ctx, h.pace.wait(s, setbacks)) != nil {
			return nil
		}
		if s != away {
			setbacks++
		}
	}
}

// complain says what is wrong.
func (h *heartbeat) complain(say *health.Part, s setback, err error) {
	if local, ok := errors.AsType[*ledgerError](err); ok {
		say.Down(local)
		return
	}
	why := h.broker.Explain(err)
	if errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised) {
		why = health.Coded(health.KeyRefused, why)
	}
	if s == refused {
		say.Stop(why)
	} else {
		say.Down(why)
	}
}

// serve is one attempt: one connection from beginning to end, if there comes one. It returns why it ended.
func (h *heartbeat) serve(ctx context.Context, say *health.Part) error {
	conn, err := h.broker.Dial(ctx)
	if err != nil {
		return err
	}
	l, err := h.prepare(ctx) // only now: numbers are for those to whom somebody listens
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	c, err := h.greet(ctx, conn, l.will)
	if err != nil {
		if setbackOf(err) == refused {
			h.spare = l.session
		}
		return err
	}
	defer c.cut()
	say.Up()
	l.link, l.say = c, say
	if err := l.run(ctx); err != nil {
		return err
	}
	c.leave(l.farewell)
	return nil
}

// prepare makes a session, whose number is on disk when it returns.
func (h *heartbeat) prepare(ctx context.Context) (l *life, err error) {
	session := h.spare
	if session == 0 {
		if session, err = h.ledger.begin(ctx); err != nil {
			return nil, err
		}
	}
	h.spare = 0
	return h.newLife(session)
}
