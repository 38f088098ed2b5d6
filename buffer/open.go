package buffer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Open opens the journal, or makes it. A store that is broken, or that has ended the process at two starts of one boot while it was
// being opened, is put aside: its folder is renamed, passes go into a fresh store at once, and what can be read is read back beside
// that; see Salvaged. Where another store would fare no better (the key, the rights, the room on the disk), and where the
// journal is in use or from a newer agent, nothing is changed and the error says what to do.
func Open(ctx context.Context, o Options) (*Journal, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if err := checkCorrections(); err != nil {
		return nil, err
	}
	j, err := openAny(ctx, &o)
	if err != nil {
		return nil, err
	}
	j.begin()
	j.serve()
	return j, nil
}

// openAny opens the store that is there, or another one in its place if it is broken.
func openAny(ctx context.Context, o *Options) (*Journal, error) {
	j, err := openJournal(ctx, o)
	b, ok := errors.AsType[*broken](err)
	if !ok {
		return j, err
	}
	folder, asideErr := setAside(o, b)
	if asideErr != nil {
		return nil, errors.Join(err, o.blame(asideErr))
	}
	o.Log.Error("the store of the journal is broken and was put aside; passes go into a fresh one, and what can be read is read back",
		"folder", folder, "error", b.cause)
	return openJournal(ctx, o)
}

// serve starts the goroutines of a journal that was opened.
func (j *Journal) serve() {
	go j.write()
	j.keeper.Go(j.keep)
	if j.pending() {
		j.keeper.Go(j.runSalvage)
	}
}

// openJournal opens what is in the folder. The error is a *broken, somewhere in its chain, if another store has to take its place.
func openJournal(ctx context.Context, o *Options) (*Journal, error) {
	j := newJournal(o)
	err := j.open(ctx)
	if cause := j.damaged.Load(); cause != nil {
		err = errors.Join(err, &broken{*cause})
	}
	err = o.blame(err)
	if err != nil {
		if j.db != nil {
			err = errors.Join(err, j.db.Close())
		}
		if j.lock != nil {
			err = errors.Join(err, j.lock.Close())
		}
		return nil, fmt.Errorf("open the journal in %s: %w", o.Dir, err)
	}
	return j, nil
}

func newJournal(o *Options) *Journal {
	return &Journal{
		opts: *o, log: o.Log, numbers: numbers{path: o.Dir + ".numbers"}, troubles: new(atomic.Uint64),
		space: &space{
			dir: o.Dir, limit: o.MaxSize, minFree: o.MinFree, ballast: o.tuning.ballast,
			freeSpace: o.tuning.freeSpace, freeFiles: o.tuning.freeFiles,
		},
		ops: make(chan *op, maxGroup), stop: make(chan struct{}), written: make(chan struct{}),
		changed: make(chan struct{}), failed: make(chan struct{}), closing: make(chan struct{}),
		holes: holes{known: map[uint64]struct{}{}}, salvaged: make(chan struct{}),
	}
}

// complete checks the options and fills in what was left out.
func (o *Options) complete() error {
	switch {
	case o.Dir == "" || o.KeyFile == "":
		return errors.New("a folder and a key file are needed")
	case o.MaxSize != 0 && o.MaxSize < minMaxSize:
		return fmt.Errorf("a size limit of %d bytes is too small: at least %d MiB", o.MaxSize, minMaxSize>>20)
	}
	if err := checkNames(o.Uplinks); err != nil {
		return err
	}
	o.Dir = filepath.Clean(o.Dir)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	fill(&o.MaxSize, DefaultMaxSize)
	fill(&o.Keep, DefaultKeep)
	fill(&o.MinFree, DefaultMinFree)
	fill(&o.tuning.segmentPasses, 50_000)
	fill(&o.tuning.segmentBytes, 8<<20)
	fill(&o.tuning.ballast, ballastSize)
	fill(&o.tuning.patience, 10*time.Second)
	if o.tuning.freeSpace == nil {
		o.tuning.freeSpace = freeSpace
	}
	if o.tuning.cut == nil {
		o.tuning.cut = func(string) error { return nil }
	}
	if o.tuning.freeFiles == nil {
		o.tuning.freeFiles = freeFiles
	}
	if o.tuning.tryFolder == nil {
		o.tuning.tryFolder = tryFolder
	}
	if o.tuning.trialError == nil {
		o.tuning.trialError = func() error { return nil }
	}
	if o.tuning.commitError == nil {
		o.tuning.commitError = func() error { return nil }
	}
	if bits.UintSize == 32 && o.MaxSize > DefaultMaxSize {
		o.Log.Warn("journal size limited on a 32-bit system", "bytes", DefaultMaxSize)
		o.MaxSize = DefaultMaxSize
	}
	return nil
}

func fill[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func (j *Journal) open(ctx context.Context) (err error) {
	dir := j.opts.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs the x
		return err
	}
	if j.lock, err = lockFile(filepath.Join(dir, "lock.agent")); err != nil {
		return err
	}
	if err := j.space.makeRoom(); err != nil {
		return err
	}
	exists, missing := inspect(dir)
	if missing != nil && !exists {
		return missing
	}
	if j.keys, err = openKeyring(&j.opts, exists); err != nil {
		return err
	}
	if missing != nil {
		return missing
	}
	if err := checkNoted(dir); err != nil {
		return err
	}
	if err := j.countCrash(); err != nil {
		return err
	}
	if err := mendManifest(dir, j.log); err != nil {
		return err
	}
	if j.torn, err = checkFiles(&j.opts); err != nil {
		return err
	}
	a, err := beginAttempt(dir, j.opts.Boot)
	if err != nil {
		if _, ok := errors.AsType[*broken](err); ok {
			return err
		}
		j.log.Warn("an attempt to open the journal cannot be noted", "error", err)
	}
	defer func() {
		if err := a.end(); err != nil {
			j.log.Warn("the end of an attempt to open the journal cannot be noted", "error", err)
		}
	}()
	manifest, err := readManifest(dir)
	if err != nil {
		return err
	}
	options := storeOptions(dir, storeLog{j.log, j.troubles, func(cause error) { j.heir().unsound(cause) }})
	options.SyncWrites = !j.opts.tuning.unsynced
	if j.db, err = openStore(options); err != nil {
		return j.opts.judge(err)
	}
	if err := j.opts.judge(j.prepareSalvage()); err != nil {
		return err
	}
	if len(manifest) > 0 {
		if err := replaceFile(filepath.Join(dir, manifestCopy), manifest); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := j.opts.judge(j.load(ctx)); err != nil {
		return err
	}
	if err := j.opts.judge(j.checkOrphans()); err != nil {
		return err
	}
	if j.salvage.Pending {
		return nil
	}
	close(j.salvaged)
	return j.suspect()
}

// inspect looks at the files before the store does. Being killed while it deletes a file, the store leaves the file behind,
// empty, and then cannot start with it; an empty file has nothing to lose. And where tables are but no manifest is, the store
// would take all of them for garbage: then exists is true, and the error is a *broken.
func inspect(dir string) (exists bool, err error) {
	_, err = os.Stat(filepath.Join(dir, badger.ManifestFilename))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	exists = err == nil
	listed := exists
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		switch ext := filepath.Ext(e.Name()); {
		case ext == ".sst" && !listed:
			return true, &broken{fmt.Errorf("there are tables of passes, but the file %s is missing", badger.ManifestFilename)}
		case ext == ".mem" || ext == ".vlog":
			info, err := e.Info()
			if err != nil {
				return false, err
			}
			exists = exists || info.Size() > 0
			if info.Size() == 0 {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
					return false, err
				}
			}
		}
	}
	return exists, nil
}

// manifestCopy is the manifest as it was before the last good start. It is for a person who mends a broken store: put back as
// it is, it would make the store delete every table that is younger.
const manifestCopy = "MANIFEST.start"

func readManifest(dir string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, badger.ManifestFilename)) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func openStore(options badger.Options) (db *badger.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, errors.New("opening it ended in a panic") // whose words may repeat what is stored
		}
	}()
	db, err = badger.Open(options)
	if err == nil {
		return db, nil
	}
	if strings.Contains(err.Error(), "directory lock") {
		return nil, ErrLocked
	}
	first := err
	if _, err = inspect(options.Dir); err != nil { // the first attempt may have left an empty file
		return nil, errors.Join(first, err)
	}
	if db, err = badger.Open(options); err != nil {
		return nil, err
	}
	return db, nil
}

func checkNames(uplinks []string) error {
	seen := map[string]bool{}
	for _, name := range uplinks {
		if name == "" || len(name) > 255 || strings.ContainsRune(name, 0) || seen[name] {
			return fmt.Errorf("uplink name %q: names must be unique, of 1 to 255 bytes, without zero bytes", name)
		}
		seen[name] = true
	}
	return nil
}
