package buffer

import (
	"context"
	"fmt"
	"slices"
)

// put stores an entry with the next ones, or deletes what is there.
func (r *restoration) put(ctx context.Context, e entry) error {
	r.batch = append(r.batch, e)
	r.bytes += len(e.key) + len(e.value) + 16
	if r.bytes < salvageBatch && len(r.batch) < maxEntries/4 {
		return nil
	}
	return r.flush(ctx)
}

// flush stores what has gathered, in one transaction with what others store. New passes go before: where the room gets scarce,
// nothing is read back.
func (r *restoration) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	j := r.j
	if err := j.space.check(j.space.minFree + salvageLeaves); err != nil {
		return err
	}
	if used, most := j.space.used.Load(), j.space.limit/5*4; used+int64(r.bytes) > most {
		return fmt.Errorf("%w: what was put aside does not fit beside what was taken since (raise max_size)", ErrFull)
	}
	batch, bytes := r.batch, r.bytes
	err := j.do(ctx, &op{grows: true, run: func(g *group) error {
		if len(g.entries)+len(batch) > maxEntries {
			if err := g.commit(); err != nil {
				return err
			}
		}
		if err := g.fit(bytes); err != nil {
			return err
		}
		for _, e := range batch {
			g.set(e.key, e.value)
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("store what was read back: %w", err)
	}
	r.batch, r.bytes = nil, 0
	return nil
}

// take adds data keys of another ring.
func (r *keyring) take(keys []dataKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.keys)
	for i := range keys {
		if !slices.Contains(all, keys[i]) {
			all = append(all, keys[i])
		}
	}
	if len(all) == len(r.keys) {
		return nil
	}
	return r.save(all, r.devices)
}
