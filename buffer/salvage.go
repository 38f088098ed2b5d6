package buffer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// ErrSalvaging says that the store was broken and what it held is still being read back. Passes are taken meanwhile.
var ErrSalvaging = errors.New("the journal is being put together again after damage: try again in a minute")

// salvageAgain is when a salvage that could not go on is tried again.
const salvageAgain = 30 * time.Second

// A Salvage tells of stores that were broken and put aside.
type Salvage struct {
	// Folders are the stores that were put aside and still lie there, Bytes what they take on the disk.
	Folders []string `json:"folders,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	// Running: not everything is read back yet; uplinks have to wait for it.
	Running bool `json:"running,omitempty"`
	// Problem is why it does not go on at present.
	Problem string `json:"problem,omitempty"`
	// Passes is how many passes were read back of those that some uplink had not got, and of the newest ones. Lost is how many of these
	// are not there any more, or do not open.
	Passes uint64 `json:"passes"`
	Lost   uint64 `json:"lost"`
	// Records is how many passes aside and records of uplinks were read back, and BadRecords how many of these do not open.
	Records    uint64 `json:"records"`
	BadRecords uint64 `json:"bad_records"`
	// Doubtful: newer places or records of the uplinks may have stood in what could not be read.
	Doubtful bool `json:"doubtful,omitempty"`
	// Uncertain is how many passes were put aside as uncertain because nobody knows whether their portal has got them.
	Uncertain uint64 `json:"uncertain,omitempty"`
}

// salvageRecord is the record below kindSalvage.
type salvageRecord struct {
	Pending bool `json:"pending"`
	// Folders are the names of the stores that are, or were, read back.
	Folders []string `json:"folders"`
	// Begin is the number with which the fresh store began.
	Begin uint64 `json:"begin"`
	// Proven is up to where passes were stored for certain before that.
	Proven uint64 `json:"proven"`
	// Suspect is the last number of passes that an uplink may have delivered whose place is not certain; 0 if that is settled.
	Suspect uint64 `json:"suspect,omitempty"`
	// Seams are the segments with which a fresh store began: no segments are missing before them.
	Seams  []uint32 `json:"seams"`
	Result Salvage  `json:"result"`
}

// Salvage tells of stores that were put aside; ok is false if there are none, or a person has deleted them.
func (j *Journal) Salvage() (s Salvage, ok bool) {
	folders, err := asideFolders(j.opts.Dir)
	if err != nil || len(folders) == 0 {
		return Salvage{}, false
	}
	j.mu.RLock()
	s = j.salvage.Result
	s.Running = j.salvage.Pending
	j.mu.RUnlock()
	s.Folders = folders
	for _, folder := range folders {
		s.Bytes += folderSize(folder)
	}
	return s, true
}

// Salvaged gives a channel that is closed when the journal is whole: at once, but for the start with which a broken store was
// put aside. Before that nobody but Append, Tail and Stats is served, and everybody else gets ErrSalvaging.
// After Reopen it is another channel.
func (j *Journal) Salvaged() <-chan struct{} {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.salvaged
}

// enterWhole is enter for those who need more than the passes of this run.
func (j *Journal) enterWhole() error {
	if err := j.enter(); err != nil {
		return err
	}
	if j.pending() {
		j.leave()
		return ErrSalvaging
	}
	return nil
}

func (j *Journal) pending() bool { return isOpen(j.Salvaged()) }

// prepareSalvage marks a new store as one that stands in for others, before it takes anything: it goes on behind all their
// numbers. It also reads the mark of one that is in use.
func (j *Journal) prepareSalvage() error {
	value, err := j.get(stateKey(kindSalvage))
	if err == nil {
		if err := json.Unmarshal(value, &j.salvage); err != nil {
			return fmt.Errorf("the record of a salvage: %w", err)
		}
		if !j.salvage.Pending {
			return j.markSalvaged()
		}
		return nil
	}
	if !errors.Is(err, badger.ErrKeyNotFound) {
		return err
	}
	fresh, err := j.empty(nil)
	if err != nil || !fresh {
		return err
	}
	folders, err := unsalvaged(j.opts.Dir)
	if err != nil || len(folders) == 0 {
		return err
	}
	next := highestSoon(folders)
	if err := j.numbers.read(); err != nil {
		j.report(err)
		next += 1 << 20 // what cannot be read may have had higher ones
	}
	next = max(next, j.numbers.given) + 1
	// A segment never has a higher number than its first pass, so that this one is new.
	begin := floor{uint32(min(next, math.MaxUint32/2)), next}
	j.salvage = salvageRecord{Pending: true, Begin: next, Proven: j.numbers.stored, Seams: []uint32{begin.id}}
	for _, folder := range folders {
		j.salvage.Folders = append(j.salvage.Folders, filepath.Base(folder))
	}
	record, err := json.Marshal(j.salvage)
	if err != nil {
		return err
	}
	return j.store([]entry{
		{stateKey(kindMeta), []byte{schemaVersion}},
		{stateKey(kindFloor), begin.encode()},
		{stateKey(kindSalvage), record},
	})
}

// markSalvaged notes in the folders that were put aside that nothing in them is needed any more.
func (j *Journal) markSalvaged() error {
	for _, name := range j.salvage.Folders {
		folder := filepath.Join(filepath.Dir(j.opts.Dir), name)
		if _, err := os.Stat(folder); err != nil {
			continue // deleted by a person
		}
		mark := filepath.Join(folder, salvagedMark)
		if _, err := os.Stat(mark); err == nil {
			continue
		}
		text, err := json.MarshalIndent(j.salvage.Result, "", "  ")
		if err != nil {
			return err
		}
		if err := replaceFile(mark, append(text, '\n')); err != nil {
			return fmt.Errorf("note that the store that was put aside is read back: %w", err)
		}
	}
	return nil
}

// runSalvage reads back what was put aside, and tries again until it has come to its end or the journal is closed.
func (j *Journal) runSalvage() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	j.keeper.Go(func() {
		select {
		case <-j.closing:
			cancel()
		case <-stop:
		}
	})
	for {
		began := time.Now()
		err := j.salvageOnce(ctx)
		if err == nil {
			s, _ := j.Salvage()
			j.log.Error("broken store read back; look at what is lost, then delete the folder", "passes", s.Passes, "lost", s.Lost,
				"records", s.Records, "bad_records", s.BadRecords, "uncertain", s.Uncertain, "folders", s.Folders, "bytes", s.Bytes,
				"took", time.Since(began).Round(time.Millisecond))
			return
		}
		if ctx.Err() != nil || j.Err() != nil {
			return
		}
		j.mu.Lock()
		known := j.salvage.Result.Problem
		j.salvage.Result.Problem = err.Error()
		j.mu.Unlock()
		if known != err.Error() {
			j.log.Error("broken store cannot be read back at present; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(salvageAgain):
		}
	}
}

func (j *Journal) salvageOnce(ctx context.Context) error {
	folders, err := unsalvaged(j.opts.Dir)
	if err != nil {
		return err
	}
	j.keys.mu.Lock()
	devices := j.keys.devices
	j.keys.mu.Unlock()
	w, err := survey(ctx, folders, devices)
	if err != nil {
		return err
	}
	r := newRestoration(j, w)
	if err := r.run(ctx); err != nil {
		return err
	}
	return j.do(ctx, &op{alone: func(ctx context.Context) error { return j.finishSalvage(ctx, r) }})
}

// finishSalvage makes what was read back a part of the journal, in one step; the writer does it.
func (j *Journal) finishSalvage(ctx context.Context, r *restoration) error {
	record := salvageRecord{
		Begin: j.salvage.Begin, Proven: j.salvage.Proven, Result: r.result,
		Seams: append(slices.Sorted(maps.Keys(r.seams)), j.salvage.Seams...),
	}
	for _, folder := range r.wreck.folders {
		record.Folders = append(record.Folders, filepath.Base(folder))
	}
	if r.result.Doubtful {
		record.Suspect = r.last
	}
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	entries := []entry{{stateKey(kindFloor), r.begin.encode()}, {stateKey(kindSalvage), text}}
	for name, cursor := range r.cursors {
		entries = append(entries, cursorEntry(name, cursor))
	}
	if err := j.store(entries); err != nil {
		j.fail(err)
		return j.Err()
	}
	// From here on it is done, and a start would find it so.
	whole := &Journal{
		opts: j.opts, log: j.log, db: j.db, keys: j.keys, salvage: record, salvaged: closedChannel(), closing: j.closing,
		holes: holes{known: map[uint64]struct{}{}},
	}
	first, err := whole.loadSegments()
	for _, step := range []func() error{func() error { return whole.loadEnd(first.seq) }, whole.loadCursors, whole.loadAsides} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		j.fail(fmt.Errorf("load what was read back: %w", err))
		return j.Err()
	}
	whole.measureTail(ctx)
	j.mu.Lock()
	j.segments, j.uplinks, j.salvage = whole.segments, whole.uplinks, record
	j.asideKey, j.asideGen, j.asideAge = whole.asideKey, whole.asideGen, whole.asideAge
	j.lostTail += r.tail
	close(j.changed)
	j.changed = make(chan struct{})
	j.mu.Unlock()
	j.space.remeasure(time.Now())
	if err := j.suspect(); err != nil {
		j.fail(fmt.Errorf("put aside what is uncertain: %w", err))
		return j.Err()
	}
	if err := j.markSalvaged(); err != nil {
		j.log.Warn("it will be done at the next start", "error", err)
	}
	close(j.salvaged)
	return nil
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// suspect puts aside as uncertain what an uplink may have delivered whose place is not known for certain, if its portal would take
// a pass twice. A person decides about those. Only the writer calls it, and Open before that.
func (j *Journal) suspect() error {
	last := j.salvage.Suspect
	if last == 0 {
		return nil
	}
	g := newGroup(j)
	var uncertain uint64
	for name, u := range j.uplinks {
		for !u.orphaned && !slices.Contains(j.opts.Repeatable, name) && u.cursor < last {
			upto := min(last, u.cursor+event.MaxAside)
			aside, err := j.doubted(name, u.cursor, upto)
			if err == nil {
				err = g.settle(name, upto, 0, aside)
			}
			if err == nil {
				err = g.commit()
			}
			if err != nil {
				return err
			}
			uncertain += uint64(len(aside))
		}
	}
	record := j.salvage
	record.Suspect = 0
	record.Result.Uncertain += uncertain
	text, err := json.Marshal(record)
	if err == nil {
		err = j.store([]entry{{stateKey(kindSalvage), text}})
	}
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.salvage = record
	return nil
}

// doubted lists the passes of a stretch that are for an uplink, as uncertain.
func (j *Journal) doubted(name string, after, upto uint64) (aside []event.Aside, err error) {
	err = j.walk(j.hole).run(context.Background(), after, upto, func(seq uint64, addressee []byte, _ *event.Pass) bool {
		if len(addressee) == 0 || string(addressee) == name {
			aside = append(aside, event.Aside{
				Seq: seq, State: event.Uncertain, Reason: "the journal was damaged: nobody knows whether it was delivered",
			})
		}
		return true
	})
	return aside, err
}
