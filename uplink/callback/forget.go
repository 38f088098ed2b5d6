package callback

import (
	"context"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.Forgetting = (*callback)(nil)

// Forget implements uplink.Forgetting: requests are found by their INN. Those that came without one, with a name and a phone
// alone, cannot be found so.
func (u *callback) Forget(ctx context.Context, number string, count bool) (records, waiting int, err error) {
	return u.book.forget(ctx, number, count)
}

// forget deletes the requests that have the number, with their statuses, or only counts them. That a request was here is
// remembered by a mark of the platform's id, as of any that was deleted.
func (b *book) forget(ctx context.Context, number string, count bool) (records, owed int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []request
	if err := b.each(func(r *request) bool {
		if r.Application.of(number) {
			found = append(found, *r)
		}
		return true
	}); err != nil {
		return 0, 0, err
	}
	mark, err := b.marker(ctx)
	if err != nil {
		return 0, 0, err
	}
	for i := range found {
		r := &found[i]
		records++
		if r.waits() {
			owed++
		}
		if count {
			continue
		}
		var x batch
		if id, err := r.Application.identity(); err == nil {
			x.put(mark(id), known{Number: r.Number, GoneAt: time.Now()})
		}
		x.put(key(requestKey, r.Number), nil)
		for s := range r.Statuses {
			x.put(key(outKey, r.Statuses[s].Number), nil)
		}
		if err := b.apply(ctx, &x); err != nil {
			return records, owed, err
		}
	}
	return records, owed, nil
}

// of says whether the request names the number; what came in the place of a request is looked through as it is.
func (a *application) of(number string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, a.INN)
	return digits == number || a.Raw != "" && strings.Contains(a.Raw, number)
}
