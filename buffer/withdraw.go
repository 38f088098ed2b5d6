package buffer

import (
	"context"
	"fmt"
	"slices"
)

// Withdraw empties passes that turned out to be others once more, before anybody has got them: who reads the row passes over them. A
// pass that an uplink has come past stays as it is.
func (j *Journal) Withdraw(ctx context.Context, numbers []uint64) (withdrawn int, err error) {
	if err := j.enterWhole(); err != nil {
		return 0, err
	}
	defer j.leave()
	for part := range slices.Chunk(numbers, resealPasses) {
		err := j.do(ctx, &op{run: func(g *group) error {
			for _, seq := range part {
				done, err := g.withdraw(seq)
				if err != nil {
					return err
				}
				if done {
					withdrawn++
				}
			}
			return nil
		}})
		if err != nil {
			return withdrawn, fmt.Errorf("withdraw %d passes: %w", len(numbers), err)
		}
	}
	return withdrawn, nil
}

func (g *group) withdraw(seq uint64) (done bool, err error) {
	s := g.j.locate(seq)
	if s == nil || seq < s.first || seq > s.last || s.aead == nil {
		return false, nil
	}
	for _, u := range g.j.uplinks {
		if u.cursor >= seq {
			return false, nil
		}
	}
	key := passKey(s.id, seq)
	ad := passData(key)
	value := s.aead.Seal(nil, nil, []byte{passForgotten}, ad[:])
	if err := g.fit(len(key) + len(value) + 64); err != nil {
		return false, err
	}
	g.set(key, value)
	return true, nil
}
