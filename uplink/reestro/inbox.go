package reestro

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/table"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// mostRows is how many rows are put into the store at a time.
	mostRows = 64
	// mostPause is the longest time between two looks into the folder.
	mostPause = 5 * time.Second
	takenEnd  = ".taken"
	keptEnd   = ".unreadable"
)

// An inbox takes tables of subjects from a folder. The subjects are in the store before their file is removed; a file that is
// read twice because of a crash in between holds nobody new the second time. Names of files never leave this code, for people
// call them after people.
type inbox struct {
	*reestro
	voices *voices
	// files are those that were seen at the last look, by name.
	files map[string]sighting
	// departing are those that were taken and will be removed.
	departing []departure
}

// A sighting is a file as it was seen.
type sighting struct {
	size  int64
	mtime time.Time
	// since is when it was seen first as it is.
	since time.Time
	// hopeless: it was read as it is and cannot be used.
	hopeless bool
}

func newInbox(r *reestro, v *voices) *inbox {
	return &inbox{reestro: r, voices: v, files: make(map[string]sighting)}
}

func (b *inbox) run(ctx context.Context) {
	err := b.putBack()
	for ctx.Err() == nil {
		err = errors.Join(err, b.look(ctx))
		switch {
		case ctx.Err() != nil:
		case err != nil:
			b.voices.down(inboxVoice, health.Fallback(health.ListUnusable, fmt.Errorf("the inbox: %w", plain(err))))
		default:
			b.voices.up(inboxVoice)
		}
		err = nil
		_ = uplink.Sleep(ctx, min(mostPause, b.InboxWait.Std())) // the loop sees the end
	}
}

// plain takes the names of files out of an error.
func plain(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}

// look takes the files that have not changed for a while.
func (b *inbox) look(ctx context.Context) error {
	entries, err := os.ReadDir(b.Inbox)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(b.Inbox, 0o700)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	seen := make(map[string]sighting)
	failed := b.depart()
	for _, e := range entries {
		name := e.Name()
		if !wanted(name) || !e.Type().IsRegular() || ctx.Err() != nil {
			continue
		}
		about, err := e.Info()
		if err != nil || about.Size() == 0 {
			continue // gone, or about to be written
		}
		s := sighting{size: about.Size(), mtime: about.ModTime(), since: now}
		if before, found := b.files[name]; found && before.size == s.size && before.mtime.Equal(s.mtime) {
			s = before
		}
		if !s.hopeless && now.Sub(s.since) >= b.InboxWait.Std() {
			unusable, err := b.take(ctx, name, s)
			if unusable != nil {
				s.hopeless = true
				b.voices.odd(fmt.Errorf("a file in the inbox cannot be used and is left there: %w", plain(unusable)))
			}
			if err != nil && failed == nil {
				failed = err
			}
		}
		seen[name] = s
	}
	b.files = seen
	return failed
}

// wanted says whether a file of that name is a table that somebody has put there.
func wanted(name string) bool {
	lower := strings.ToLower(name)
	return (strings.HasSuffix(lower, ".csv") || strings.HasSuffix(lower, ".txt")) &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "~") && !table.IsRejected(name)
}

// take puts the subjects of a file into the store and then removes the file. unusable says why nothing can be made of the file
// as it is; any other error may pass.
func (b *inbox) take(ctx context.Context, name string, s sighting) (unusable, err error) {
	path := filepath.Join(b.Inbox, name)
	f, err := os.Open(path) //nolint:gosec // a file of the folder that the configuration names
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	if s.size > table.MaxFile {
		return fmt.Errorf("it is larger than %d MB", table.MaxFile>>20), nil
	}
	rows, err := table.New(f, columns())
	var broken *fs.PathError
	switch {
	case errors.As(err, &broken):
		return nil, err // the disk, not what stands in the file
	case err != nil:
		return err, nil //nolint:nilerr // it is given back as the reason
	}
	rejected, err := b.freeName(path)
	if err != nil {
		return nil, err
	}
	t := taking{inbox: b, rejects: table.Rejected(rejected, rows), encoding: rows.Form().Encoding}
	if err := t.rows(ctx, rows); err != nil {
		return nil, errors.Join(err, t.rejects.Discard())
	}
	if err := t.rejects.Close(); err != nil {
		return nil, err
	}
	if err := b.dropTwin(path, t.rejects.Path()); err != nil {
		return nil, err
	}
	t.report()
	_ = f.Close() // Windows does not rename what is open; it was only read from
	return nil, b.dispose(path, s, t.unreadable > 0)
}

// A taking is the way of one file into the store.
type taking struct {
	*inbox
	rejects  *table.Rejects
	encoding table.Encoding
	batch    []*subject
	// The rows that were taken, by what became of them; those that were rejected, and those that could not even be read.
	count                [mended + 1]int
	rejected, unreadable int
}

func (t *taking) rows(ctx context.Context, rows *table.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := rows.Next()
		var bad *table.RowError
		switch {
		case errors.Is(err, io.EOF):
			return t.flush()
		case errors.As(err, &bad):
			t.rejects.AddError(bad)
			t.unreadable++
			continue
		case err != nil:
			return err
		}
		s, wrong := validate(read(&row), t.encoding, time.Now().In(t.zone))
		if wrong != "" {
			t.rejects.Add(row, wrong, nil)
			t.rejected++
			continue
		}
		if t.batch = append(t.batch, s); len(t.batch) == mostRows {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
}

func (t *taking) flush() error {
	receipts, err := t.subjects.take(t.batch...)
	if err != nil {
		return health.Fallback(health.JournalFailing, fmt.Errorf("store subjects: %w", err))
	}
	for _, r := range receipts {
		t.count[r.kind]++
	}
	t.batch = t.batch[:0]
	return nil
}

// An inboxEvent is told when a file was taken.
type inboxEvent struct {
	Event    string `json:"event"`
	Added    int    `json:"added"`
	Known    int    `json:"known"`
	Mended   int    `json:"mended"`
	Rejected int    `json:"rejected"`
}

func (t *taking) report() {
	e := inboxEvent{"inbox", t.count[added], t.count[known], t.count[mended], t.rejected + t.unreadable}
	t.log.Info("subjects taken from the inbox", "added", e.Added, "known", e.Known, "mended", e.Mended, "rejected", e.Rejected)
	t.tell(e)
	if e.Rejected > 0 {
		t.voices.odd(fmt.Errorf("%d rows of a file in the inbox cannot be used; they stand with their reasons beside it in a file that ends in .rejected.csv", e.Rejected))
	}
}
