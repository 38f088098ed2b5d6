package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

const (
	// trialName begins the name of the file by which the disk is measured.
	trialName = ".acs-agent-doctor-"
	// trialBlock bytes are written trialBlocks times, in at most trialTime.
	trialBlock  = 64 << 10
	trialBlocks = 16
	trialTime   = 3 * time.Second
	// slowSync and dyingSync are times for one block: a card in good health needs some 5 to 50 ms.
	slowSync  = 200 * time.Millisecond
	dyingSync = time.Second
	// leastFree is what the journal needs to take passes at all, with a margin; leastNodes how many files it may want to make.
	leastFree  = 64 << 20
	leastNodes = 200
)

// A Volume is the disk below data_dir.
type Volume struct {
	DataDir string
	// MayGrow is how many bytes the journal may still take by its own limit.
	MayGrow int64

	// sync replaces the flushing of a file in tests.
	sync func(*os.File) error
}

// room is what a disk has left.
type room struct {
	free, total int64
	// nodes is how many files can still be made, of allNodes; both 0 where the file system does not count them.
	nodes, allNodes int64
	readOnly        bool
}

// Look takes down how much room the disk has and how long it takes to store something.
func (v *Volume) Look(ctx context.Context, s *Sheet) {
	subject := fmt.Sprintf("disk of %s", v.DataDir)
	r, err := roomOf(v.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Unseen(subject, "", "the folder does not exist yet; the agent makes it when it starts")
		return
	case err != nil:
		s.Unseen(subject, "run this with sudo", "it cannot be looked at: %v", err)
		return
	}
	if v.room(s, subject, r) {
		v.speed(ctx, s, subject)
	}
}

// room says whether anything can be written at all.
func (v *Volume) room(s *Sheet, subject string, r room) (writable bool) {
	switch {
	case r.readOnly:
		s.Wrong(subject, "a disk becomes read-only when it fails: look at dmesg, and replace the card", "it is read-only, and no pass can be stored")
		return false
	case r.free < leastFree:
		s.Wrong(subject, "delete what is not needed: old logs, packages (apt-get clean)", "only %s are free; the journal takes no more passes", size(r.free))
	case r.free < v.MayGrow+leastFree:
		s.Doubt(subject, "delete what is not needed, or make buffer.max_size smaller", "%s are free, but the journal may take %s more", size(r.free), size(v.MayGrow))
	default:
		s.Good(subject, "%s of %s are free", size(r.free), size(r.total))
	}
	if r.allNodes > 0 && r.nodes < leastNodes {
		s.Wrong(subject, "somewhere there are very many small files: find and delete them", "only %d files more can be made on it", r.nodes)
	}
	return r.free > 4*trialBlock*trialBlocks
}

// speed writes and flushes a few small blocks.
func (v *Volume) speed(ctx context.Context, s *Sheet, subject string) {
	took, err := v.measure(ctx)
	switch {
	case errors.Is(err, fs.ErrPermission):
		s.Unseen(subject, "run this with sudo, or as the user who runs the agent", "its speed is not measured: this user may not write there")
		return
	case err != nil:
		s.Wrong(subject, "look at dmesg: disk and file system may be damaged; replace the card in time", "a small file cannot be written and flushed: %v", err)
		return
	case len(took) == 0:
		return
	}
	slices.Sort(took)
	median, slowest := took[len(took)/2], took[len(took)-1]
	switch {
	case median >= dyingSync:
		s.Wrong(subject, "the card or disk is dying or worn out: replace it", "storing takes %s (median of %d, at most %s)", round(median), len(took), round(slowest))
	case median >= slowSync || slowest >= dyingSync:
		s.Doubt(subject, "a card that grows slow is going to fail: keep a new one at hand", "storing is slow: %s (median of %d, at most %s)", round(median), len(took), round(slowest))
	default:
		s.Good(subject, "storing takes %s (median of %d, at most %s)", round(median), len(took), round(slowest))
	}
}

// measure gives how long each block took. The file is gone before anything is written into it, where the system allows that.
func (v *Volume) measure(ctx context.Context) (took []time.Duration, err error) {
	flush := v.sync
	if flush == nil {
		flush = dataSync
	}
	f, err := os.CreateTemp(v.DataDir, trialName+"*")
	if err != nil {
		return nil, err
	}
	early := os.Remove(f.Name()) == nil
	defer func() {
		_ = f.Close()
		if !early {
			_ = os.Remove(f.Name())
		}
	}()
	block := make([]byte, trialBlock)
	for began := time.Now(); len(took) < trialBlocks && time.Since(began) < trialTime && ctx.Err() == nil; {
		for i := range block { // no two blocks alike: a clever disk would keep one of them
			block[i] = byte(i*7 + len(took) + int(began.UnixNano())) //nolint:gosec // any byte will do
		}
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := flush(f); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// size prints bytes for people.
func size(n int64) string {
	const unit = 1024
	switch {
	case n < unit*unit:
		return fmt.Sprintf("%d KiB", max(0, n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%d MiB", n/unit/unit)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
}
