package buffer

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Configure changes which uplinks read the journal while it is open. A new one begins as if it had been named to Open; one that
// is not named any more becomes orphaned and keeps its place.
func (j *Journal) Configure(ctx context.Context, uplinks []string) error {
	if err := checkNames(uplinks); err != nil {
		return fmt.Errorf("configure the journal: %w", err)
	}
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	err := j.do(ctx, &op{alone: func(context.Context) error {
		if err := j.space.check(min(openNeeds, j.space.minFree)); err != nil {
			return err
		}
		j.opts.Uplinks = slices.Clone(uplinks)
		if j.pending() {
			return nil // they get their places with those that are read back
		}
		return j.enlist(uplinks)
	}})
	if err != nil {
		return fmt.Errorf("configure the journal: %w", err)
	}
	return nil
}

// enlist stores where those uplinks begin that were never seen: with all that is kept if they are among the first, and with the
// next pass if they came later. The others go on where they are, and who is not among them is orphaned.
func (j *Journal) enlist(names []string) error {
	var begin uint64
	if len(j.uplinks) > 0 {
		begin = j.end
	}
	fresh := make(map[string]*uplink)
	var entries []entry
	for _, name := range slices.Sorted(slices.Values(names)) {
		known := j.uplinks[name]
		switch {
		case known == nil:
			fresh[name] = &uplink{cursor: begin}
		case known.lost:
			fresh[name] = &uplink{cursor: begin, aside: known.aside}
		default:
			continue
		}
		entries = append(entries, cursorEntry(name, begin))
	}
	if err := j.store(entries); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.Copy(j.uplinks, fresh)
	for name, u := range j.uplinks {
		was := u.orphaned
		u.orphaned = !slices.Contains(names, name)
		if u.orphaned && !was {
			j.log.Warn("journal keeps the place of an uplink that is not configured", "uplink", name, "cursor", u.cursor)
		}
	}
	return nil
}

// Uplinks are the names of those that have a place in the journal, orphaned ones included, sorted.
func (j *Journal) Uplinks() []string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return slices.Sorted(maps.Keys(j.uplinks))
}
