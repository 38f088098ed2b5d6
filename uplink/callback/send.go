package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// endAfter failures in a row a round of sending ends: they are hardly the fault of single requests.
const endAfter = 3

// A refusedEvent is told when the platform does not want a status.
type refusedEvent struct {
	Event   string `json:"event"` // status_refused
	Request uint64 `json:"request"`
	Status  string `json:"status"`
}

// deliver sends the statuses that wait, oldest first, and those of one request never out of order. A request whose status fails
// does not keep others waiting: the next round begins behind it.
func (u *callback) deliver(ctx context.Context, say *health.Part) *trouble {
	var worst *trouble
	failed := make(map[uint64]bool)
	inRow := 0
	begun := u.resume
	for after := begun; ; {
		items, err := u.book.pending(after)
		if err != nil {
			return storeTrouble("read the statuses", err)
		}
		for _, i := range items {
			after = i.key
			if failed[i.request] {
				continue
			}
			t := u.tell(ctx, i, say)
			if ctx.Err() != nil {
				return nil
			}
			if t == nil {
				inRow = 0
				continue
			}
			worst, failed[i.request] = t, true
			if inRow++; t.wide || t.stop || inRow == endAfter {
				if !t.wide {
					u.resume = after
				}
				return worst
			}
		}
		switch {
		case len(items) > 0:
		case begun != "":
			begun, after, u.resume = "", "", "" // those before the beginning of this round
		default:
			return worst
		}
	}
}

func storeTrouble(doing string, err error) *trouble {
	err = health.Fallback(health.JournalFailing, fmt.Errorf("%s: %w", doing, err))
	return &trouble{reason: err.Error(), code: health.Code(health.CodeOf(err))}
}

// tell sends one status.
func (u *callback) tell(ctx context.Context, i item, say *health.Part) *trouble {
	r, err := u.book.request(i.request)
	switch {
	case errors.Is(err, errNoRequest):
		if err := u.book.drop(ctx, i); err != nil {
			return storeTrouble("forget a status", err)
		}
		return nil
	case err != nil:
		return storeTrouble("read a request", err)
	}
	s := r.next()
	if s == nil || key(outKey, s.Number) != i.key {
		return nil // an earlier one comes first
	}
	reply, t := u.session.do(ctx, call{http.MethodPost, u.Paths.Status, struct {
		ID      string `json:"applicationId"`
		Status  string `json:"status"`
		Comment string `json:"comment,omitempty"`
	}{r.Application.ID, s.Code, s.Comment}, "paths.status"})
	if t == nil && reply.done() {
		if err := u.book.finish(ctx, r.Number, s.Number, sent, ""); err != nil {
			return storeTrouble("store what the platform has answered", err)
		}
		return nil
	}
	if t == nil && reply.refused() {
		return u.refuse(ctx, &r, s, &reply, say)
	}
	if t == nil {
		t = reply.unexpected("paths.status")
	}
	if t.taken && !s.Lost {
		if err := u.book.lose(ctx, r.Number, s.Number); err != nil {
			return storeTrouble("store that an answer is missing", err)
		}
	}
	return t
}

// refuse notes that the platform does not want a status, with all that it says about it: where the explanation stands is not
// documented. It may name people, so it stays with the request.
func (u *callback) refuse(ctx context.Context, r *request, s *status, reply *reply, say *health.Part) *trouble {
	reason := uplink.Quote(string(reply.data))
	if s.Lost {
		reason += " (an earlier attempt got no answer, and may have been taken)"
	}
	if err := u.book.finish(ctx, r.Number, s.Number, refused, reason); err != nil {
		return storeTrouble("store what the platform has answered", err)
	}
	say.Odd(fmt.Errorf("%s to the status %s of request %d; see `acs-agent callbacks show %d`", reply, s.Code, r.Number, r.Number))
	u.env.Tell(refusedEvent{"status_refused", r.Number, s.Code})
	return nil
}
