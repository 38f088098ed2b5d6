package buffer

import (
	"context"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
)

// maxProblems is how many problems a VerifyReport lists.
const maxProblems = 100

// A VerifyReport is what Verify has found.
type VerifyReport struct {
	// First and Last are the numbers between which was looked.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Passes is how many could be read, Missing how many are not there, Unreadable how many are damaged.
	Passes     uint64 `json:"passes"`
	Missing    uint64 `json:"missing"`
	Unreadable uint64 `json:"unreadable"`
	// Forgotten is how many were emptied because a person was to be forgotten.
	Forgotten uint64 `json:"forgotten,omitempty"`
	// Asides is how many passes aside could be read, UnreadableAsides how many not.
	Asides           uint64 `json:"asides"`
	UnreadableAsides uint64 `json:"unreadable_asides"`
	// Problems says in words what is wrong; at most 100 are listed. Without personal data.
	Problems []string `json:"problems,omitempty"`
}

// OK says that nothing is wrong.
func (r *VerifyReport) OK() bool { return len(r.Problems) == 0 }

func (r *VerifyReport) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify reads all that is stored and checks that nothing is missing, that every value opens at its place and can be decoded,
// and that cursors and counts fit. It can run beside everything else; progress, if not nil, is called now and then.
func (j *Journal) Verify(ctx context.Context, progress func(done, total uint64)) (VerifyReport, error) {
	var r VerifyReport
	if err := j.enterWhole(); err != nil {
		return r, err
	}
	defer j.leave()
	r.First, r.Last = 1, j.End()
	if s := j.locate(0); s != nil {
		r.First = s.first
	}
	total := max(r.Last+1, r.First) - r.First
	w := j.walk(func(e *HoleError) {
		if e.Cause != nil {
			r.Unreadable++
		} else {
			r.Missing += e.To + 1 - e.From
		}
		r.problem("%v", e)
	})
	err := w.run(ctx, r.First-1, r.Last, func(seq uint64, _ []byte, _ *event.Pass) bool {
		if r.Passes++; progress != nil && r.Passes%1024 == 0 {
			progress(seq+1-r.First, total)
		}
		return true
	})
	if err != nil {
		return r, fmt.Errorf("verify the journal: %w", err)
	}
	r.Forgotten = w.forgotten
	if progress != nil {
		progress(total, total)
	}
	if err := j.verifyAsides(ctx, &r); err != nil {
		return r, fmt.Errorf("verify the journal: %w", err)
	}
	j.verifyCursors(&r)
	return r, nil
}

func (j *Journal) verifyAsides(ctx context.Context, r *VerifyReport) error {
	return j.each([]byte{prefixAside}, func(key, value []byte) error {
		if err := j.mayWalk(ctx); err != nil {
			return err
		}
		if _, err := j.readAside(key, value); err != nil {
			r.UnreadableAsides++
			name, state, seq, _ := parseAsideKey(key)
			r.problem("pass %d of %s, aside as %s, cannot be read: %v", seq, name, event.State(state), err)
			return nil
		}
		r.Asides++
		return nil
	})
}

func (j *Journal) verifyCursors(r *VerifyReport) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for name, u := range j.uplinks {
		if u.cursor > j.end {
			r.problem("%s is at pass %d, but the newest is %d", name, u.cursor, j.end)
		}
		if u.lost {
			r.problem("%s has passes aside, but its place is lost", name)
		}
	}
	if j.lostTail > 0 {
		r.problem("%d of the newest passes were gone at the start", j.lostTail)
	}
	if err := j.Err(); errors.Is(err, ErrFailed) {
		r.problem("%v", err)
	}
}
