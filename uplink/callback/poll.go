package callback

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// maxLists is how many lists one poll takes; the rest comes with the next.
	maxLists = 100
	// maxRefused is how many commits may be refused in one poll.
	maxRefused = 2
	// largest is the size from which on an answer has been cut by the client.
	largest = 64 << 10
)

// A newEvent is told when requests have come.
type newEvent struct {
	Event    string   `json:"event"` // new_requests
	Count    int      `json:"count"`
	Requests []uint64 `json:"requests"`
}

// A list is what the platform hands out.
type list struct {
	commit       string
	applications []application
}

// poll takes lists until one is empty or brings nothing new. Each is on disk before it is confirmed.
func (u *callback) poll(ctx context.Context, say *health.Part) *trouble {
	refusals := 0
	for range maxLists {
		l, t := u.list(ctx)
		if t != nil || len(l.applications) == 0 {
			return t
		}
		fresh, err := u.book.take(ctx, l.applications)
		if len(fresh) > 0 {
			u.arrived = true
			say.Add(len(fresh))
			u.env.Tell(newEvent{"new_requests", len(fresh), fresh})
		}
		switch {
		case err != nil:
			return storeTrouble("store the requests, which are therefore not confirmed", err)
		case l.commit == "":
			say.Odd(fmt.Errorf("a list of %d requests came without a code to confirm it; they are stored", len(l.applications)))
			return nil
		}
		confirmed, t := u.commit(ctx, l.commit)
		switch {
		case t != nil:
			return t
		case !confirmed:
			// The code is used up: an answer was lost, or the connection was cut and the request sent twice. The next list tells.
			if refusals++; refusals > maxRefused {
				return &trouble{code: health.PortalStrange, reason: "the platform does not take the codes of its own lists; the requests are stored, and come again and again: ask its operator"}
			}
		case len(fresh) == 0:
			return nil
		}
	}
	return nil
}

// list asks for requests.
func (u *callback) list(ctx context.Context) (list, *trouble) {
	r, t := u.session.do(ctx, call{http.MethodGet, u.Paths.list(u.Limit), nil, "paths.list"})
	if t != nil {
		return list{}, t
	}
	if len(r.body) >= largest {
		if u.Limit > 1 {
			u.Limit = max(1, u.Limit/2)
		}
		return list{}, &trouble{code: health.PortalStrange, reason: fmt.Sprintf("the list is larger than %d KB; asking for %d requests at once from now on: make `limit` smaller", largest>>10, u.Limit)}
	}
	var of struct {
		Commit       text              `json:"commit"`
		Applications []json.RawMessage `json:"applications"`
	}
	err := decode(r.body, &of)
	if r.code != http.StatusOK || r.http != http.StatusOK || !r.isJSON || err != nil || !r.said && of.Applications == nil {
		return list{}, r.unexpected("paths.list")
	}
	l := list{commit: string(of.Commit), applications: make([]application, 0, len(of.Applications))}
	for _, raw := range of.Applications {
		l.applications = append(l.applications, readApplication(raw))
	}
	return l, nil
}

// commit confirms a list; false if the platform does not know the code any more.
func (u *callback) commit(ctx context.Context, code string) (bool, *trouble) {
	c := call{http.MethodGet, u.Paths.commit(code), nil, "paths.commit"}
	if u.CommitBody {
		c.body = struct {
			Code string `json:"code"`
		}{code}
	}
	r, t := u.session.do(ctx, c)
	switch {
	case t != nil:
		return false, t
	case r.done():
		return true, nil
	case r.refused(), r.code == http.StatusNotFound && r.isJSON:
		return false, nil
	}
	return false, r.unexpected("paths.commit")
}
