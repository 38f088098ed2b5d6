package callback

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// A trouble is why a call came to nothing. nil means that there is none.
type trouble struct {
	reason string
	// code is the same for machines; empty if nothing more is known.
	code health.Code
	// stop says that nothing will change before a person acts.
	stop bool
	// wide says that other calls would fare no better: the network, the login, a portal that wants to be left alone.
	wide bool
	// taken says that the platform may have taken the call all the same.
	taken bool
	// after is how long to wait at least.
	after time.Duration
}

func (t *trouble) err() error {
	return health.Coded(cmp.Or(t.code, health.Failing), errors.New(t.reason))
}

// unanswered is the trouble of a request that got no answer.
func unanswered(err error) *trouble {
	var f *uplink.Failure
	return &trouble{reason: err.Error(), code: health.Code(health.CodeOf(err)), wide: true, taken: !errors.As(err, &f) || !f.Unsent}
}

// unexpected is the trouble of an answer that is neither success nor one of the refusals that a call knows. path is the setting
// that may be wrong.
func (r *reply) unexpected(path string) *trouble {
	t := &trouble{reason: r.String(), code: uplink.CodeOf(r.code), after: r.after, taken: r.code < 300 || r.code >= 500}
	switch {
	case r.code == http.StatusOK && !r.isJSON:
		t.reason = "something answered 200 that is not the platform (a login page of the network?)"
		t.wide = true
	case r.code == http.StatusOK:
		t.reason += " in a form that the document does not know"
	case r.code == http.StatusRequestTimeout, r.code == http.StatusTooManyRequests:
		t.wide = true
	case r.code >= 500, r.code < 300:
	case r.code == http.StatusForbidden && !r.isJSON:
		t.wide, t.code = true, health.PortalStrange
		t.reason += "; something in front of the platform does not let us through"
	case r.http/100 == 3:
		t.stop, t.code = true, health.WrongAddress
		t.reason += ", which sends us elsewhere; nothing is sent to an address that is not in the configuration: check " + path + " to the last slash"
	case r.code == http.StatusBadRequest && !r.isJSON:
		t.code = health.PortalStrange // not the platform's own
	case r.code == http.StatusForbidden:
		t.stop = true
		t.reason += "; the login has no right to this call: ask the platform's operator"
	default:
		t.stop = true
		t.reason += "; check " + path
	}
	return t
}

// wait is how long to leave the platform alone after so many failures in a row.
func (c *config) wait(t *trouble, attempt int) time.Duration {
	if t.stop {
		return max(t.after, c.Probe.Std())
	}
	return max(t.after, uplink.Backoff(attempt, c.RetryMax.Std()))
}
