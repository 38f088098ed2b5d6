package reestro

import (
	"errors"
	"fmt"
	"slices"
)

// next gives the subject to be sent now, as one that is on its way: that it is stands on disk before anything leaves. It is nil
// if none waits.
func (r *registry) next() (*subject, error) {
	number, found, err := r.head()
	if !found || err != nil {
		return nil, err
	}
	var current *subject
	_, err = r.move(number, func(s *subject) error {
		switch current = s; s.State {
		case fresh:
			s.State = sending
			return nil
		case sending:
			return errUnchanged
		case registered, exists, refused:
		}
		return errors.New("a subject waits that is settled") // the records are read anew
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	if err != nil {
		r.mu.Lock()
		r.loaded = false
		r.mu.Unlock()
		return nil, err
	}
	return current, nil
}

// errUnchanged keeps move from writing what is on disk already.
var errUnchanged = errors.New("unchanged")

func (r *registry) head() (number uint32, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil || len(r.pending) == 0 {
		return 0, false, err
	}
	return r.pending[0], true, nil
}

// waits says whether there is something to send.
func (r *registry) waits() (bool, error) {
	_, found, err := r.head()
	return found, err
}

// postpone puts the subject behind all others that wait.
func (r *registry) postpone(number uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.pending, number); i >= 0 {
		r.pending = append(slices.Delete(r.pending, i, i+1), number)
	}
}

// doubt notes that the portal may have the subject by now. That it is in sending says as much after a restart.
func (r *registry) doubt(number uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaded {
		r.doubtful[number] = struct{}{}
	}
}

// settle ends the sending of a subject in one of the states registered, exists and refused.
func (r *registry) settle(number uint32, to state, change func(*subject)) (*subject, error) {
	return r.move(number, func(s *subject) error {
		if _, doubtful := r.doubtful[number]; doubtful {
			s.Doubt = true
		}
		s.State = to
		s.Codes, s.Reason = nil, ""
		change(s)
		return nil
	})
}

var errSettled = errors.New("only for a subject that exists at the portal with an unknown id")

// resolve tells the id of a subject that the portal has.
func (r *registry) resolve(number uint32, subjectID string) (*subject, error) {
	return r.move(number, func(s *subject) error {
		if s.State != exists {
			return fmt.Errorf("%w; this one is %s", errSettled, s.State)
		}
		s.State, s.SubjectID = registered, subjectID
		return nil
	})
}

// unresolved gives up to most subjects whose id is unknown, those with numbers above after first and then from the beginning.
func (r *registry) unresolved(after uint32, most int) ([]*subject, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(r.existing))
	for n := range r.existing {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, func(x, y uint32) int {
		if (x > after) != (y > after) {
			if x > after {
				return -1
			}
			return 1
		}
		return int(x) - int(y)
	})
	var all []*subject
	for _, n := range numbers[:min(most, len(numbers))] {
		s, err := r.get(n)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
