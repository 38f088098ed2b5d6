package callback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A comment has at most so many characters and bytes.
const (
	maxComment      = 1000
	maxCommentBytes = 2 * maxComment
)

// errWrong is wrapped when a person asked for something that cannot be.
var errWrong = errors.New("not possible")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errWrong, fmt.Sprintf(format, args...))
}

// checkStatus says what keeps a status from being sent.
func checkStatus(code, comment string) error {
	switch {
	case code != rendered && code != rejected:
		return wrong("the status is %s or %s (%s is sent by itself when a request comes)", rendered, rejected, registered)
	case code == rejected && comment == "":
		return wrong("%s needs a comment that says why", rejected)
	case !utf8.ValidString(comment), utf8.RuneCountInString(comment) > maxComment, len(comment) > maxCommentBytes:
		return wrong("the comment is longer than %d characters", maxComment)
	}
	return nil
}

// set stores a status that a person gives. The same status once more changes nothing, unless the platform has refused it.
func (b *book) set(ctx context.Context, number uint64, code, comment string) (request, error) {
	comment = strings.TrimSpace(clip(comment, len(comment)+1))
	if err := checkStatus(code, comment); err != nil {
		return request{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := b.request(number)
	if err != nil {
		return request{}, err
	}
	if n := len(r.Statuses); n > 0 {
		if last := &r.Statuses[n-1]; last.Code == code && last.Comment == comment && last.Outcome != refused {
			return r, nil
		}
		if n == maxStatuses {
			return request{}, wrong("the request has had %d statuses already; settle it with the platform's operator", n)
		}
	}
	var last counts
	if _, err := b.get(countKey, &last); err != nil {
		return request{}, err
	}
	last.Status++
	s := status{Number: last.Status, Code: code, Comment: comment, At: time.Now(), Outcome: waiting}
	r.ClosedAt = time.Time{}
	var x batch
	if problem := r.Application.problem(); problem != "" {
		s.Outcome, s.DoneAt, s.Reason, r.ClosedAt = refused, s.At, problem, s.At // closed here, as nowhere else
	} else {
		x.put(key(outKey, s.Number), number)
	}
	r.Statuses = append(r.Statuses, s)
	x.put(key(requestKey, number), r)
	x.put(countKey, last)
	return r, b.apply(ctx, &x)
}

// change rewrites a waiting status in its request. What is gone or done is left alone.
func (b *book) change(ctx context.Context, number, statusNumber uint64, edit func(*request, *status, *batch)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var x batch
	r, err := b.request(number)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Statuses, func(s status) bool { return s.Number == statusNumber })
	if i < 0 || r.Statuses[i].Outcome != waiting {
		return nil
	}
	edit(&r, &r.Statuses[i], &x)
	x.put(key(requestKey, number), r)
	return b.apply(ctx, &x)
}

// lose notes that an attempt got no answer.
func (b *book) lose(ctx context.Context, number, statusNumber uint64) error {
	return b.change(ctx, number, statusNumber, func(_ *request, s *status, _ *batch) { s.Lost = true })
}

// finish notes what the platform has said to a status.
func (b *book) finish(ctx context.Context, number, statusNumber uint64, o outcome, reason string) error {
	return b.change(ctx, number, statusNumber, func(r *request, s *status, x *batch) {
		s.Outcome, s.Reason, s.DoneAt = o, reason, time.Now()
		if s.Code != registered && r.next() == nil {
			r.ClosedAt = s.DoneAt
		}
		x.put(key(outKey, statusNumber), nil)
	})
}

// drop forgets that a status waits whose request cannot be found.
func (b *book) drop(ctx context.Context, i item) error {
	var x batch
	x.put(i.key, nil)
	return b.apply(ctx, &x)
}
