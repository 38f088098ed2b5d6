package buffer

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A keyring holds the data keys, in two files of equal content in the folder of the journal, sealed with the device key. They do
// not lie in the store: that keeps what was deleted or replaced in its files until some compaction, and a data key that is to
// be destroyed must be gone at once, wherever values that it sealed are left. The files are overwritten where they stand, one
// after the other, each synced before the next is touched, so that one of them is whole at any moment; and since they are two,
// a bad block costs nothing.
type keyring struct {
	dir string

	mu         sync.Mutex
	generation uint64 // grows with each writing; of two copies that differ the younger one counts
	devices    []cipher.AEAD
	keys       []dataKey
	// stale: the copies on disk are not both as they should be.
	stale bool
	// write is what puts a copy on disk; tests let it fail.
	write func(path string, content []byte) error
}

// A dataKey belongs to a segment (kindKey) or to a generation of passes aside (kindAsideKey). Of several for the same the last
// one seals, and all of them open: so it is while a segment is being sealed anew.
type dataKey struct {
	kind   byte
	number uint32
	key    [keyLen]byte
}

const (
	ringMagic = "acskeys1"
	// ringBlock is what the size of a copy is a multiple of. It never shrinks, so that each writing covers all of the last.
	ringBlock   = 4096
	ringHead    = len(ringMagic) + 1 + 4
	ringKeyLen  = 1 + 4 + keyLen
	maxRingFile = 16 << 20
	maxBoxes    = 2
)

func ringPaths(dir string) []string {
	return []string{filepath.Join(dir, "keys.a"), filepath.Join(dir, "keys.b")}
}

var errNoRing = errors.New("there is no key ring")

// readKeyring opens the younger of the copies that one of the device keys opens. boxes says with how many keys it is sealed.
func readKeyring(dir string, devices []cipher.AEAD) (r *keyring, boxes int, err error) {
	r = &keyring{dir: dir, devices: devices, write: overwrite}
	found, opened := 0, 0
	var same []byte
	var unread error
	for _, path := range ringPaths(dir) {
		content, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
		if errors.Is(err, fs.ErrNotExist) {
			r.stale = true
			continue
		}
		if err != nil && !says(err, defects()...) {
			return nil, 0, fmt.Errorf("read the data keys: %w", err)
		}
		found++
		if err != nil { // a bad block; the other copy has the same
			r.stale, unread = true, err
			continue
		}
		plain, n := openRing(content, devices)
		if plain == nil || !r.adopt(plain) {
			r.stale = true
			continue
		}
		if opened++; opened == 2 && !bytes.Equal(plain, same) {
			r.stale = true
		}
		same, boxes = plain, max(boxes, n)
	}
	switch {
	case found == 0:
		return r, 0, errNoRing
	case opened == 0 && unread != nil:
		// Another store would not have the keys of this one either.
		return nil, 0, fmt.Errorf("%w: the data keys of the journal, keys.a and keys.b in %s, cannot be read: %w "+
			"(look at dmesg; put one of the two back from a copy of the folder)", ErrDisk, dir, unread)
	case opened == 0:
		return nil, 0, fmt.Errorf("%w is not the one with which the journal was made: put the right file back "+
			"(nothing has been changed; if it is the right one, both keys.a and keys.b in %s are damaged)", ErrKey, dir)
	}
	return r, boxes, nil
}

// openRing opens the first box that one of the device keys fits.
func openRing(content []byte, devices []cipher.AEAD) (plain []byte, boxes int) {
	if len(content) < ringHead || string(content[:len(ringMagic)]) != ringMagic {
		return nil, 0
	}
	boxes = int(content[len(ringMagic)])
	size := uint64(binary.BigEndian.Uint32(content[len(ringMagic)+1:]))
	rest := content[ringHead:]
	if boxes > maxBoxes || uint64(boxes)*size > uint64(len(rest)) {
		return nil, 0
	}
	for i := range uint64(boxes) {
		for _, device := range devices {
			if plain, err := device.Open(nil, nil, rest[i*size:(i+1)*size], []byte{domainRing}); err == nil {
				return plain, boxes
			}
		}
	}
	return nil, boxes
}

// adopt takes over a copy if it is younger than what is there.
func (r *keyring) adopt(plain []byte) bool {
	if len(plain) < 8 || (len(plain)-8)%ringKeyLen != 0 {
		return false
	}
	generation := binary.BigEndian.Uint64(plain)
	if generation <= r.generation {
		return true
	}
	r.generation, r.keys = generation, nil
	for b := plain[8:]; len(b) > 0; b = b[ringKeyLen:] {
		k := dataKey{kind: b[0], number: binary.BigEndian.Uint32(b[1:])}
		copy(k.key[:], b[5:])
		r.keys = append(r.keys, k)
	}
	return true
}

// save puts the keys on disk. An error says that at least one copy is not written; the keys in memory are to be as they were then.
func (r *keyring) save(keys []dataKey, devices []cipher.AEAD) error {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(keys)*ringKeyLen), r.generation+1)
	for i := range keys {
		plain = append(plain, keys[i].kind)
		plain = binary.BigEndian.AppendUint32(plain, keys[i].number)
		plain = append(plain, keys[i].key[:]...)
	}
	content := append(make([]byte, 0, ringHead+len(devices)*(len(plain)+sealOverhead)), ringMagic...)
	content = append(content, byte(len(devices)))                                     //nolint:gosec // two at most
	content = binary.BigEndian.AppendUint32(content, uint32(len(plain)+sealOverhead)) //nolint:gosec // some KB
	for _, device := range devices {
		content = device.Seal(content, nil, plain, []byte{domainRing})
	}
	// Whatever comes of it, no later writing may have the same generation with other keys.
	r.generation++
	for _, path := range ringPaths(r.dir) {
		if err := r.write(path, content); err != nil {
			r.stale = true
			return fmt.Errorf("write the data keys: %w", err)
		}
	}
	r.stale = false
	r.keys, r.devices = keys, devices
	return syncDir(r.dir)
}

// overwrite writes content over what the file holds, and zeros over the rest of it.
func overwrite(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size > maxRingFile {
		err = fmt.Errorf("%s has %d bytes: that is no file of keys", path, size)
	}
	if err == nil {
		whole := max(size, int64(len(content)))
		content = append(slices.Clip(content), make([]byte, (whole+ringBlock-1)/ringBlock*ringBlock-int64(len(content)))...)
		_, err = f.WriteAt(content, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// begin makes the data key of a segment or generation that begins. A key that is there already has sealed nothing that was stored.
func (r *keyring) begin(kind byte, number uint32) (cipher.AEAD, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.DeleteFunc(slices.Clone(r.keys), func(k dataKey) bool { return k.kind == kind && k.number == number })
	return r.add(keys, kind, number)
}

// another makes a data key more for a segment: it seals from now on, and those of before go on to open.
func (r *keyring) another(kind byte, number uint32) (cipher.AEAD, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(slices.Clone(r.keys), kind, number)
}

func (r *keyring) add(keys []dataKey, kind byte, number uint32) (cipher.AEAD, error) {
	k := dataKey{kind: kind, number: number}
	_, _ = rand.Read(k.key[:]) // never fails: crypto/rand ends the process instead
	keys = append(keys, k)
	aead, err := aeadIn(keys, kind, number)
	if err != nil {
		return nil, err
	}
	return aead, r.save(keys, r.devices)
}

// aead gives what the data keys of a segment or generation open and seal with; nil if there is none.
func (r *keyring) aead(kind byte, number uint32) (cipher.AEAD, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return aeadIn(r.keys, kind, number)
}

func aeadIn(keys []dataKey, kind byte, number uint32) (aead cipher.AEAD, err error) {
	for i := range keys {
		if keys[i].kind != kind || keys[i].number != number {
			continue
		}
		now, err := newAEAD(keys[i].key[:])
		if err != nil {
			return nil, fmt.Errorf("use a data key: %w", err)
		}
		if aead == nil {
			aead = now
		} else {
			aead = succession{now, aead}
		}
	}
	return aead, nil
}

// numbers are the generations, or segments, that have data keys.
func (r *keyring) numbers(kind byte) (all []uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.keys {
		if r.keys[i].kind == kind && !slices.Contains(all, r.keys[i].number) {
			all = append(all, r.keys[i].number)
		}
	}
	return all
}

// several says whether more than one data key is there for a segment.
func (r *keyring) several(number uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := range r.keys {
		if r.keys[i].kind == kindKey && r.keys[i].number == number {
			n++
		}
	}
	return n > 1
}

// newest destroys all data keys of a segment but the one that seals.
func (r *keyring) newest(number uint32) (cipher.AEAD, error) {
	last := -1
	for i := range r.keys {
		if r.keys[i].kind == kindKey && r.keys[i].number == number {
			last = i
		}
	}
	i := -1
	err := r.destroy(func(k *dataKey) bool {
		i++
		return k.kind == kindKey && k.number == number && i != last
	})
	if err != nil {
		return nil, err
	}
	return r.aead(kindKey, number)
}

// destroy removes data keys from both files. On an error some may still be there.
func (r *keyring) destroy(gone func(k *dataKey) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := make([]dataKey, 0, len(r.keys))
	for i := range r.keys {
		if !gone(&r.keys[i]) {
			kept = append(kept, r.keys[i])
		}
	}
	if len(kept) == len(r.keys) && !r.stale {
		return nil
	}
	return r.save(kept, r.devices)
}

// succession opens with the key of before what the one of now does not open.
type succession struct {
	cipher.AEAD
	before cipher.AEAD
}

func (s succession) Open(dst, nonce, sealed, data []byte) ([]byte, error) {
	plain, err := s.AEAD.Open(dst, nonce, sealed, data)
	if err != nil {
		return s.before.Open(dst, nonce, sealed, data)
	}
	return plain, nil
}
