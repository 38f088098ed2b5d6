package callback

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.LoggingIn = (*callback)(nil)

// LogsIn implements uplink.LoggingIn.
func (u *callback) LogsIn() {}

// Probe logs in, once, unless the last log-in was refused: the platform locks accounts, and the session tries again by itself.
// The list is not asked for, because it would bring people's requests here, and the other two calls change something.
func (u *callback) Probe(ctx context.Context) []uplink.Finding {
	if refused := u.session.refused.Load(); refused != 0 {
		return []uplink.Finding{{What: uplink.AboutLogin, Err: fmt.Errorf("the platform has refused login and password at %s; "+
			"not tried again, so that it does not lock the account (check them with the platform's operator; the agent tries again by itself)",
			time.Unix(0, refused).In(u.zone()).Format(time.DateTime))}}
	}
	c := u.session.loginCall()
	req, t := u.session.newRequest(ctx, c, "")
	if t != nil {
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: t.err()}}
	}
	findings, answer := u.session.client.Probe(ctx, req)
	if answer == nil {
		return findings
	}
	return append(findings, u.probed(answer))
}

func (u *callback) probed(answer *uplink.Answer) uplink.Finding {
	_, t := u.session.readLogin(read(answer))
	switch {
	case t == nil:
		return uplink.Finding{What: uplink.AboutLogin, Seen: "login and password accepted; the other three addresses are not tried, since they hand out " +
			"requests or change something"}
	case u.session.refused.Load() != 0:
		return uplink.Finding{What: uplink.AboutLogin, Err: errors.New("the platform does not accept login and password " +
			"(check them with the platform's operator; do not try often, it may lock the account)")}
	}
	return uplink.Finding{What: uplink.AboutAnswer, Err: t.err()}
}

func (u *callback) zone() *time.Location {
	if u.env.Zone == nil {
		return time.UTC
	}
	return u.env.Zone
}
