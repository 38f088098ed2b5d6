package buffer

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// What lies beside the key file while the device key is changed.
const (
	nextKeyEnd = ".new" // the key to come
	lastKeyEnd = ".old" // the key that was, about to be overwritten
)

// openKeyring reads the device key and the data keys, makes them for a new journal, and finishes a change of the device key that
// was interrupted. A journal from before the key ring has none yet; load makes it.
func openKeyring(o *Options, exists bool) (*keyring, error) {
	device, err := deviceKey(o.KeyFile, exists, o.Log)
	if err != nil {
		return nil, err
	}
	devices := []cipher.AEAD{device}
	next, err := readKeyFile(o.KeyFile + nextKeyEnd)
	switch {
	case err == nil:
		devices = append(devices, next)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	r, boxes, err := readKeyring(o.Dir, devices)
	r, err = adoptRing(r, err, exists, device)
	if err != nil || r.generation == 0 {
		return r, err // of a journal from before the key ring
	}
	switch {
	case next != nil:
		if err := r.changeDevice(o, device, next); err != nil {
			return nil, fmt.Errorf("finish the change of the journal key: %w", err)
		}
		o.Log.Info("journal key changed", "key_file", o.KeyFile)
	case boxes > 1:
		if err := r.save(r.keys, []cipher.AEAD{device}); err != nil {
			return nil, err
		}
	case r.stale: // a bad block, or a power cut between the two
		if err := r.save(r.keys, r.devices); err != nil {
			o.Log.Warn("one of the two copies of the data keys cannot be written", "error", err)
		}
	}
	if err := shredLast(o.KeyFile, o.Log); err != nil {
		return nil, err
	}
	return r, nil
}

// adoptRing gives a new journal an empty key ring.
func adoptRing(r *keyring, err error, exists bool, device cipher.AEAD) (*keyring, error) {
	if !errors.Is(err, errNoRing) {
		return r, err
	}
	r.devices = []cipher.AEAD{device}
	if exists {
		return r, nil
	}
	return r, r.save(nil, r.devices)
}

// Rotate exchanges the device key: a new one is made, the data keys are sealed with it, and the old one is overwritten. At every
// moment, also after a power cut, the key file opens everything; a change that was interrupted is finished at the next start. Data
// keys, and with them the stored passes, stay as they are.
func (j *Journal) Rotate(ctx context.Context) error {
	if err := j.enterWhole(); err != nil {
		return err
	}
	defer j.leave()
	err := j.do(ctx, &op{alone: func(context.Context) error {
		return j.keys.rotate(&j.opts)
	}})
	if err != nil {
		return fmt.Errorf("change the journal key: %w", err)
	}
	j.log.Info("journal key changed", "key_file", j.opts.KeyFile)
	return nil
}

func (r *keyring) rotate(o *Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	path := o.KeyFile + nextKeyEnd
	next, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) { // else an earlier attempt has failed half-way
		if err := makeKeyFile(path); err != nil {
			return fmt.Errorf("make the new key file: %w (the agent must be allowed to write beside key_file)", err)
		}
		next, err = readKeyFile(path)
	}
	if err != nil {
		return err
	}
	if err := o.tuning.cut("made"); err != nil {
		return err
	}
	device, err := readKeyFile(o.KeyFile) // which an earlier attempt may have exchanged already
	if err != nil {
		return err
	}
	return r.changeDevice(o, device, next)
}

// changeDevice does what is left to do when the file of the new key is there.
func (r *keyring) changeDevice(o *Options, device, next cipher.AEAD) error {
	if err := r.save(r.keys, []cipher.AEAD{device, next}); err != nil {
		return err
	}
	if err := o.tuning.cut("both"); err != nil {
		return err
	}
	if err := putInPlace(o); err != nil {
		return err
	}
	if err := r.save(r.keys, []cipher.AEAD{next}); err != nil {
		return err
	}
	if err := o.tuning.cut("sealed"); err != nil {
		return err
	}
	return shredLast(o.KeyFile, o.Log)
}

// putInPlace renames the new key file over the old one, which keeps a second name until it is overwritten.
func putInPlace(o *Options) error {
	last := o.KeyFile + lastKeyEnd
	if err := os.Remove(last); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Where a file system knows no second names, the old key is only deleted.
	if err := os.Link(o.KeyFile, last); err == nil {
		if err := o.tuning.cut("linked"); err != nil {
			return err
		}
	}
	if err := os.Rename(o.KeyFile+nextKeyEnd, o.KeyFile); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(o.KeyFile)); err != nil {
		return err
	}
	return o.tuning.cut("renamed")
}

// shredLast overwrites and removes the key that was. If that is still the one in use under its second name, only the name goes.
func shredLast(keyFile string, log *slog.Logger) error {
	last := keyFile + lastKeyEnd
	was, err := os.Lstat(last)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	is, err := os.Stat(keyFile)
	if err != nil {
		return err
	}
	if was.Mode().IsRegular() && !os.SameFile(was, is) {
		noise := make([]byte, 2*keyLen+1)
		_, _ = rand.Read(noise) // never fails
		if err := overwrite(last, noise); err != nil {
			log.Warn("old journal key cannot be overwritten; delete it", "key_file", last, "error", err)
			return nil
		}
	}
	if err := os.Remove(last); err != nil {
		return err
	}
	return syncDir(filepath.Dir(keyFile))
}
