package reestro

import (
	"context"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.Forgetting = (*reestro)(nil)

// Forget implements uplink.Forgetting: a person is found by INN or SNILS. Who was registered without them cannot be found so.
func (r *reestro) Forget(_ context.Context, number string, count bool) (records, waiting int, err error) {
	return r.subjects.forget(number, count)
}

// forget deletes the subjects that have the number, or only counts them.
func (r *registry) forget(number string, count bool) (records, waiting int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return 0, 0, err
	}
	var found []*subject
	err = r.walk(func(s *subject) bool {
		if s.Person != nil && (onlyDigits(s.Person.INN) == number || onlyDigits(s.Person.SNILS) == number) {
			found = append(found, s)
		}
		return true
	})
	if err != nil {
		return 0, 0, err
	}
	for _, s := range found {
		records++
		if s.State == fresh || s.State == sending {
			waiting++
		}
		if count {
			continue
		}
		if err := r.write(event.Change{Key: subjectKey(s.number)}); err != nil {
			return records, waiting, err
		}
		r.gone(s)
	}
	return records, waiting, nil
}

// gone brings memory in line with the deletion of a subject.
func (r *registry) gone(s *subject) {
	r.counts[s.State]--
	r.index.remove(s.Mark, s.number)
	r.pending = slices.DeleteFunc(r.pending, func(n uint32) bool { return n == s.number })
	delete(r.doubtful, s.number)
	delete(r.existing, s.number)
}

// onlyDigits leaves out what groups a number.
func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
