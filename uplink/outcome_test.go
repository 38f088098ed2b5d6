package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

func TestTheCodeOfAStatus(t *testing.T) {
	for code, statuses := range map[health.Code][]int{
		health.KeyRefused:    {401, 403, 407},
		health.PortalBusy:    {408, 429, 500, 502, 503, 504},
		health.PortalRefused: {400, 409, 413, 422},
		health.WrongAddress:  {301, 302, 307, 308, 404, 405, 410, 415},
		health.PortalStrange: {200, 201, 202, 204},
	} {
		for _, status := range statuses {
			if got := uplink.CodeOf(status); got != code {
				t.Errorf("%d %s: %q, want %q", status, http.StatusText(status), got, code)
			}
		}
	}
}

// The courier says on the board what the verdict knows, and otherwise what the outcome means.
func TestTheCourierTellsMachinesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		verdict uplink.Verdict
		state   health.State
		code    health.Code
	}{
		{uplink.Verdict{Outcome: uplink.Retry, Code: health.PortalBusy}, health.Down, health.PortalBusy},
		{uplink.Verdict{Outcome: uplink.Retry}, health.Down, health.Failing},
		{uplink.Verdict{Outcome: uplink.Stop, Code: health.KeyRefused}, health.Stopped, health.KeyRefused},
		{uplink.Verdict{Outcome: uplink.Stop}, health.Stopped, health.Failing},
		{uplink.Verdict{Outcome: uplink.Refused}, health.Stopped, health.PortalRefused},
		{uplink.Verdict{Outcome: uplink.Refused, Code: health.PortalStrange}, health.Stopped, health.PortalStrange},
	} {
		synctest.Test(t, func(t *testing.T) {
			c.verdict.Reason = "because"
			s := newSite(func([]string) uplink.Verdict { return c.verdict })
			s.source.Append(passes(1, 30)...)
			s.run(t, time.Hour)
			if r := s.say.Report(); r.State != c.state || r.Code != string(c.code) {
				t.Errorf("%+v: %s %s (%s), want %s %s", c.verdict, r.State, r.Code, r.Problem, c.state, c.code)
			}
		})
	}
}

func TestAJournalThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(always(uplink.Delivered))
		s.source.Append(passes(1, 3)...)
		s.courier.Source = failing{s.source}
		s.run(t, time.Minute)
		if r := s.say.Report(); r.Code != string(health.JournalFailing) {
			t.Errorf("code %q of %q", r.Code, r.Problem)
		}
	})
}

// failing is a source whose journal settles nothing.
type failing struct{ uplink.Source }

func (failing) Settle(context.Context, uint64, int, []event.Aside) error {
	return fmt.Errorf("settle: %w", errors.New("broken"))
}
