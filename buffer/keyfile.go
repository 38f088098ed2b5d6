package buffer

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// deviceKey reads the device key, or makes it if there is no journal yet. A file that is there is never written to.
func deviceKey(path string, journalExists bool, log *slog.Logger) (cipher.AEAD, error) {
	device, err := readKeyFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && journalExists:
		return nil, fmt.Errorf("%w: the journal is there, but its key file %s is missing: put it back from the backup "+
			"(without it the stored passes cannot be read; nothing has been changed)", ErrKey, path)
	case errors.Is(err, fs.ErrNotExist):
		if err = makeKeyFile(path); err != nil {
			return nil, fmt.Errorf("make the key file of the journal: %w", err)
		}
		log.Info("journal key made", "key_file", path)
		device, err = readKeyFile(path)
	}
	if err == nil {
		warnOfRights(path, log)
	}
	return device, err
}

// readKeyFile reads a device key.
func readKeyFile(path string) (cipher.AEAD, error) {
	key, err := rawKey(path)
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

// rawKey reads the bytes of a device key. Its errors repeat nothing of the content.
func rawKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil && says(err, defects()...) {
		return nil, fmt.Errorf("%w: read the key file of the journal: %w (look at dmesg; put the file back from the backup)", ErrDisk, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read the key file: %w", ErrKey, err)
	}
	text = bytes.TrimSpace(text)
	key := make([]byte, keyLen)
	if hex.DecodedLen(len(text)) != keyLen || len(text)%2 != 0 {
		return nil, fmt.Errorf("%w: %s: want %d hexadecimal digits, found %d characters", ErrKey, path, hex.EncodedLen(keyLen), len(text))
	}
	if _, err := hex.Decode(key, text); err != nil {
		return nil, fmt.Errorf("%w: %s: not hexadecimal", ErrKey, path)
	}
	return key, nil
}

func makeKeyFile(path string) error {
	key := make([]byte, keyLen)
	_, _ = rand.Read(key)
	text := append(hex.AppendEncode(nil, key), '\n')
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, text)
}

func warnOfRights(path string, log *slog.Logger) {
	if runtime.GOOS == "windows" {
		return // rights are no bits there
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("journal key can be read by others: chmod 600", "key_file", path, "rights", info.Mode().Perm().String())
	}
}

// replaceFile writes a file whole or not at all, with rights 0600, and returns when it is on disk.
func replaceFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // made with rights 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir durable. Windows has no such call for folders.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
