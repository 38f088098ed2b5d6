package buffer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"
)

// A KeyStatus describes the device key without giving it away.
type KeyStatus struct {
	// Fingerprint tells two keys apart: 16 hexadecimal digits from which the key cannot be found.
	Fingerprint string `json:"fingerprint"`
	// Since is when the key file was written.
	Since time.Time `json:"since"`
	// DataKeys is how many data keys are sealed with it.
	DataKeys int `json:"data_keys"`
}

// KeyStatus describes the key file as it is now.
func (j *Journal) KeyStatus() (s KeyStatus, err error) {
	j.keys.mu.Lock() // not in the middle of a change
	defer j.keys.mu.Unlock()
	key, err := rawKey(j.opts.KeyFile)
	if err != nil {
		return s, fmt.Errorf("journal key: %w", err)
	}
	about, err := os.Stat(j.opts.KeyFile)
	if err != nil {
		return s, fmt.Errorf("journal key: %w", err)
	}
	mark := hmac.New(sha256.New, key)
	_, _ = mark.Write([]byte("acs-agent journal key")) // a hash takes everything
	return KeyStatus{Fingerprint: hex.EncodeToString(mark.Sum(nil)[:8]), Since: about.ModTime(), DataKeys: len(j.keys.keys)}, nil
}
