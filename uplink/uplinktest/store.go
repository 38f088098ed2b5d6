package uplinktest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

// Store is an uplink.Store in memory, as strict as that of the journal. Its zero value is empty and ready.
type Store struct {
	mu      sync.Mutex
	records map[string][]byte
	// Fail, if not nil, is asked before each Apply; its error is returned and nothing is changed: a disk that is full.
	Fail func() error
}

// Get implements uplink.Store.
func (s *Store) Get(key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records[key]), nil
}

// Each implements uplink.Store.
func (s *Store) Each(prefix string, visit func(key string, value []byte) bool) error {
	s.mu.Lock()
	snapshot := maps.Clone(s.records)
	s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(snapshot)) {
		if strings.HasPrefix(key, prefix) && !visit(key, slices.Clone(snapshot[key])) {
			return nil
		}
	}
	return nil
}

// Apply implements uplink.Store.
func (s *Store) Apply(ctx context.Context, changes ...uplink.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(changes) > event.MaxChanges {
		return fmt.Errorf("%d changes at once", len(changes))
	}
	size := 0
	for _, c := range changes {
		if size += len(c.Key) + len(c.Value); c.Key == "" || len(c.Key) > event.MaxKey {
			return fmt.Errorf("key %.20q of %d bytes", c.Key, len(c.Key))
		}
	}
	if size > event.MaxChangeBytes {
		return fmt.Errorf("%d bytes at once", size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Fail != nil {
		if err := s.Fail(); err != nil {
			return err
		}
	}
	if s.records == nil {
		s.records = make(map[string][]byte)
	}
	for _, c := range changes {
		if c.Value == nil {
			delete(s.records, c.Key)
		} else {
			s.records[c.Key] = slices.Clone(c.Value)
		}
	}
	return nil
}

// Clone is what a restart finds: the records as they are now.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{records: maps.Clone(s.records)}
}
