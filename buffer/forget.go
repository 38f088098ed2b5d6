package buffer

import (
	"context"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
)

// passForgotten takes the place of passVersion where a person was forgotten: the number stays, and nothing else of the pass. It is
// no hole: who reads the row passes over it.
const passForgotten = 2

// errForgotten says that the pass was forgotten on purpose.
var errForgotten = errors.New("the pass was forgotten")

// A Mention counts the passes of one person.
type Mention struct {
	// Delivered are in the row and done with, Waiting are still to be sent by at least one configured uplink.
	Delivered, Waiting uint64
	// Held, Dead and Uncertain are aside, counted for each uplink.
	Held, Dead, Uncertain uint64
}

// Owed is how many passes have not been reported, or nobody knows whether they were.
func (m Mention) Owed() uint64 { return m.Waiting + m.Held + m.Dead + m.Uncertain }

// Mentions counts the passes that a person has in the journal. is must not keep the pass.
func (j *Journal) Mentions(ctx context.Context, is func(*event.Pass) bool) (m Mention, err error) {
	if err := j.enterWhole(); err != nil {
		return m, err
	}
	defer j.leave()
	err = j.walk(j.hole).run(ctx, 0, j.End(), func(seq uint64, addressee []byte, p *event.Pass) bool {
		switch {
		case !is(p):
		case j.awaited(seq, string(addressee)):
			m.Waiting++
		default:
			m.Delivered++
		}
		return true
	})
	if err != nil {
		return m, fmt.Errorf("count passes: %w", err)
	}
	err = j.eachAsideOf(ctx, is, func(_ string, state event.State, _ uint64) {
		switch state {
		case event.Held:
			m.Held++
		case event.Dead:
			m.Dead++
		case event.Uncertain:
			m.Uncertain++
		}
	})
	if err != nil {
		return m, fmt.Errorf("count passes aside: %w", err)
	}
	return m, nil
}

// awaited says whether a configured uplink has not come past the pass.
func (j *Journal) awaited(seq uint64, addressee string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for name, u := range j.uplinks {
		if !u.orphaned && u.cursor < seq && (addressee == "" || addressee == name) {
			return true
		}
	}
	return false
}

func (j *Journal) eachAsideOf(ctx context.Context, is func(*event.Pass) bool, visit func(uplink string, state event.State, seq uint64)) error {
	return j.each([]byte{prefixAside}, func(key, value []byte) error {
		if err := j.mayWalk(ctx); err != nil {
			return err
		}
		name, _, seq, ok := parseAsideKey(key)
		if !ok {
			return nil
		}
		r, err := j.readAside(key, value)
		if err != nil {
			j.badAside(key, err)
			return nil
		}
		if is(&r.Pass) {
			visit(name, r.State, seq)
		}
		return nil
	})
}

// A Forgotten says what Forget has done.
type Forgotten struct {
	// Passes of the row that were emptied, and passes aside that were deleted.
	Passes uint64 `json:"passes"`
	Asides uint64 `json:"asides"`
	// Segments are those that got another data key.
	Segments int `json:"segments"`
}

// maxForgetRounds bounds how often Forget looks again for passes that have gone from the row aside, or back, meanwhile.
const maxForgetRounds = 8

// Forget makes the passes of a person unreadable for good, those included that wait. In the row an empty pass takes the place of
// each; all others of the segments concerned are sealed with fresh data keys, and the old ones are destroyed: what is left over
// of the old values in files and on flash opens no more, also for who has the device key. Passes aside are deleted in the same
// way, and what was deleted from the records of uplinks before. It can run beside everything else, needs room for the
// segments concerned once more for a while, and can be called again when it was interrupted. progress may be nil.
func (j *Journal) Forget(ctx context.Context, is func(*event.Pass) bool, progress func(done, total uint64)) (f Forgotten, err error) {
	if err := j.enterWhole(); err != nil {
		return f, err
	}
	defer j.leave()
	for range maxForgetRounds {
		before := f
		if err := j.forgetRow(ctx, is, progress, &f); err != nil {
			return f, fmt.Errorf("forget passes: %w", err)
		}
		if err := j.forgetAsides(ctx, is, &f); err != nil {
			return f, fmt.Errorf("forget passes aside: %w", err)
		}
		if f == before {
			break
		}
	}
	if err := j.renewAsides(ctx); err != nil {
		return f, fmt.Errorf("exchange the key of what is aside: %w", err)
	}
	j.log.Info("a person was forgotten", "passes", f.Passes, "asides", f.Asides, "segments", f.Segments)
	return f, nil
}

// forgetRow seals the segments anew in which the person is, and those that an interruption has left with two keys.
func (j *Journal) forgetRow(ctx context.Context, is func(*event.Pass) bool, progress func(done, total uint64), f *Forgotten) error {
	concerned := map[uint32]bool{}
	for _, id := range j.keys.numbers(kindKey) {
		if j.keys.several(id) {
			concerned[id] = true
		}
	}
	err := j.walk(j.hole).run(ctx, 0, j.End(), func(seq uint64, _ []byte, p *event.Pass) bool {
		if is(p) {
			if s := j.locate(seq); s != nil {
				concerned[s.id] = true
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	var all []segment
	var done, total uint64
	j.mu.RLock()
	for _, s := range j.segments {
		if concerned[s.id] {
			all = append(all, *s)
			total += s.passes()
		}
	}
	j.mu.RUnlock()
	for i := range all {
		count := func(n uint64) {
			if done += n; progress != nil {
				progress(min(done, total), total)
			}
		}
		emptied, err := j.reseal(ctx, all[i].id, is, count)
		f.Passes += emptied
		if err != nil {
			return err
		}
		f.Segments++
	}
	return nil
}

func (j *Journal) forgetAsides(ctx context.Context, is func(*event.Pass) bool, f *Forgotten) error {
	type place struct {
		uplink string
		state  event.State
		seq    uint64
	}
	var found []place
	err := j.eachAsideOf(ctx, is, func(uplink string, state event.State, seq uint64) {
		found = append(found, place{uplink, state, seq})
	})
	if err != nil {
		return err
	}
	for _, p := range found {
		err := j.do(ctx, &op{run: func(g *group) error { return g.drop(p.uplink, p.state, p.seq) }})
		switch {
		case errors.Is(err, ErrNotFound): // sent on meanwhile; the next round finds it in the row
		case err != nil:
			return err
		default:
			f.Asides++
		}
	}
	return nil
}
