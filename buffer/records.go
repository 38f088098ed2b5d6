package buffer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A Records is where one uplink keeps what it must not forget beside its cursor. Values are sealed with the same data keys as
// passes aside; retention never touches them.
type Records struct {
	j    *Journal
	name string
}

// Records gives the records of the uplink with that name.
func (j *Journal) Records(uplinkName string) *Records { return &Records{j: j, name: uplinkName} }

// Get gives the value of a key, or nil if there is none.
func (r *Records) Get(key string) (value []byte, err error) {
	if err := r.j.enterWhole(); err != nil {
		return nil, err
	}
	defer r.j.leave()
	place := recordKey(r.name, key)
	sealed, err := r.j.get(place)
	switch {
	case errors.Is(err, badger.ErrKeyNotFound):
		return nil, nil
	case err == nil:
		value, err = r.j.unseal(place, sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("record %s of %s: %w", key, r.name, err)
	}
	return value, nil
}

// Each calls visit for the records whose keys begin with prefix, in the order of their keys, until visit returns false. visit may
// change records. A record that cannot be read is an error after all others were visited.
func (r *Records) Each(prefix string, visit func(key string, value []byte) bool) error {
	if err := r.j.enterWhole(); err != nil {
		return err
	}
	defer r.j.leave()
	var bad []error
	next := recordKey(r.name, prefix)
	for {
		page, last, err := r.page(prefix, next)
		if unsound := r.j.sound(); unsound != nil {
			return unsound // what was found may be older than what could not be read
		}
		if err != nil {
			bad = append(bad, err)
		}
		for _, c := range page {
			if !visit(c.Key, c.Value) {
				return nil
			}
		}
		if last == nil {
			return errors.Join(bad...)
		}
		next = append(last, 0) // the key right behind it
	}
}

// page reads the next records, few enough to be kept in memory. last is nil at the end. No read transaction is open between pages.
func (r *Records) page(prefix string, from []byte) (page []event.Change, last []byte, err error) {
	const most, mostBytes = 64, 128 << 10
	head := len(recordKey(r.name, ""))
	txn := r.j.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Prefix: recordKey(r.name, prefix)})
	defer it.Close()
	var bad []error
	bytes := 0
	for it.Seek(from); it.Valid(); it.Next() {
		if len(page) >= most || bytes >= mostBytes {
			return page, last, errors.Join(bad...)
		}
		item := it.Item()
		last = item.KeyCopy(nil)
		bytes += int(item.ValueSize())
		err := item.Value(func(sealed []byte) error {
			value, err := r.j.unseal(last, sealed)
			if err == nil {
				page = append(page, event.Change{Key: string(last[head:]), Value: value})
			}
			return err
		})
		if err != nil {
			bad = append(bad, fmt.Errorf("record %s of %s: %w", last[head:], r.name, err))
		}
	}
	return page, nil, errors.Join(bad...)
}

// Apply makes all changes or none of them, in one transaction that is on disk when it returns nil.
func (r *Records) Apply(ctx context.Context, changes ...event.Change) error {
	size := 0
	for _, c := range changes {
		if c.Key == "" || len(c.Key) > event.MaxKey {
			return fmt.Errorf("records of %s: a key of %d bytes: want 1 to %d", r.name, len(c.Key), event.MaxKey)
		}
		size += len(c.Key) + len(c.Value)
	}
	if len(changes) > event.MaxChanges || size > event.MaxChangeBytes {
		return fmt.Errorf("records of %s: %d changes of %d bytes: at most %d of %d in one step",
			r.name, len(changes), size, event.MaxChanges, event.MaxChangeBytes)
	}
	if err := r.j.enterWhole(); err != nil {
		return err
	}
	defer r.j.leave()
	changes = slices.Clone(changes) // the caller may give up and use them again
	grows := slices.ContainsFunc(changes, func(c event.Change) bool { return c.Value != nil })
	err := r.j.do(ctx, &op{grows: grows, run: func(g *group) error { return g.apply(r.name, changes) }})
	if err != nil {
		return fmt.Errorf("records of %s: %w", r.name, err)
	}
	return nil
}

func (g *group) apply(name string, changes []event.Change) error {
	need := 0
	for _, c := range changes {
		need += 2*len(name) + len(c.Key) + len(c.Value) + 64 + sealOverhead
	}
	// The whole step has to be in one transaction.
	if len(g.entries) > 0 && (g.bytes+need > maxGroupBytes || len(g.entries)+len(changes) > maxEntries) {
		if err := g.commit(); err != nil {
			return err
		}
	}
	for _, c := range changes {
		key := recordKey(name, c.Key)
		if c.Value == nil {
			g.delete(key)
			continue
		}
		if err := g.setAside(key, slices.Clone(c.Value)); err != nil {
			return err
		}
	}
	return nil
}
