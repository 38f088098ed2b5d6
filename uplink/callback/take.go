package callback

import (
	"context"
	"errors"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// take stores a list. It gives the numbers of the requests that were not known before; those are durable even if there is an error
// about others. A list in which there is nothing new takes no writing.
func (b *book) take(ctx context.Context, list []application) (fresh []uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mark, err := b.marker(ctx)
	if err != nil {
		return nil, err
	}
	var last counts
	if _, err := b.get(countKey, &last); err != nil {
		return nil, err
	}
	t := taking{book: b, counts: last, now: time.Now(), seen: make(map[string]bool)}
	for i := range list {
		a := &list[i]
		id, err := a.identity()
		if err == nil {
			err = t.one(ctx, a, mark(id))
		}
		if err != nil {
			return t.stored, err
		}
	}
	return t.stored, t.flush(ctx)
}

// A taking is one list on its way into the book.
type taking struct {
	*book
	counts counts
	now    time.Time
	// seen are the marks of the list so far: the same request may stand in it twice.
	seen  map[string]bool
	batch batch
	// fresh are the new requests of the batch, stored those of earlier ones.
	fresh, stored []uint64
}

func (t *taking) one(ctx context.Context, a *application, mark string) error {
	if t.seen[mark] {
		return nil
	}
	t.seen[mark] = true
	var k known
	found, err := t.get(mark, &k)
	if err != nil {
		return err
	}
	if found && !k.GoneAt.IsZero() {
		return nil // it is closed, done and deleted
	}
	var x batch
	if found {
		r, err := t.request(k.Number)
		switch {
		case err == nil && r.Application == *a:
			return nil
		case err == nil: // somebody has corrected it, perhaps the number to call
			r.Application, r.ChangedAt = *a, t.now
			x.put(key(requestKey, r.Number), r)
			return t.add(ctx, &x)
		case errors.Is(err, errNoRequest):
			// The mark stands without its request, which cannot be: take the request as new rather than lose it.
		default:
			return err
		}
	}
	t.counts.Request++
	r := request{Number: t.counts.Request, Application: *a, ReceivedAt: t.now}
	if a.problem() == "" {
		t.counts.Status++
		r.Statuses = []status{{Number: t.counts.Status, Code: registered, At: t.now, Outcome: waiting}}
		x.put(key(outKey, t.counts.Status), r.Number)
	}
	x.put(key(requestKey, r.Number), r)
	x.put(mark, known{Number: r.Number})
	if err := t.add(ctx, &x); err != nil {
		return err
	}
	t.fresh = append(t.fresh, r.Number)
	return nil
}

// add puts changes into the batch, and makes room for them first.
func (t *taking) add(ctx context.Context, x *batch) error {
	const forCounts = 100 // bytes of the record that flush adds, and more
	if len(t.batch.changes)+len(x.changes)+1 > event.MaxChanges || t.batch.size+x.size+forCounts > event.MaxChangeBytes {
		// The counts run ahead to those of x. A number that is then never used does no harm.
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	t.batch.changes = append(t.batch.changes, x.changes...)
	t.batch.size += x.size
	t.batch.err = errors.Join(t.batch.err, x.err)
	return nil
}

// flush stores the batch.
func (t *taking) flush(ctx context.Context) error {
	if len(t.batch.changes) == 0 {
		return t.batch.err
	}
	t.batch.put(countKey, t.counts)
	if err := t.apply(ctx, &t.batch); err != nil {
		return err
	}
	t.stored = append(t.stored, t.fresh...)
	t.fresh, t.batch = nil, batch{}
	return nil
}
