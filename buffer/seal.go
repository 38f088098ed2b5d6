package buffer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

const (
	keyLen = 32 // AES-256
	// sealOverhead is what sealing adds: nonce and tag.
	sealOverhead = 12 + 16
)

// The first byte of the associated data says what a sealed value is, so that none can be passed off as another.
const (
	domainPass    = 'p'
	domainAside   = 'A'
	domainDataKey = 'K'
	domainMeta    = 'M'
	domainRecord  = 'R'
)

// newAEAD gives AES-256-GCM that draws a random nonce for every value and stores it before the value. A counter would not
// do: after a torn write the same segment and sequence number can be given again, to another pass, and GCM breaks when a
// nonce comes twice under one key. A data key seals at most some ten thousand values, far below what random nonces allow.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// passData is the associated data of a pass: it opens at its own place only.
func passData(key []byte) (ad [passKeyLen]byte) {
	copy(ad[:], key)
	ad[0] = domainPass
	return ad
}

// asideData is the associated data of a pass aside, or of a record; it has the whole key, and so the uplink and the state.
func asideData(key []byte) []byte {
	domain := byte(domainAside)
	if len(key) > 0 && key[0] == prefixRecord {
		domain = domainRecord
	}
	return append([]byte{domain}, key...)
}

// newDataKey makes a data key, and wraps it with the device key for the record at place.
func newDataKey(device cipher.AEAD, place []byte) (aead cipher.AEAD, wrapped []byte, err error) {
	key := make([]byte, keyLen)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	if aead, err = newAEAD(key); err != nil {
		return nil, nil, fmt.Errorf("make a data key: %w", err)
	}
	return aead, device.Seal(nil, nil, key, append([]byte{domainDataKey}, place...)), nil
}

// unwrap opens what newDataKey wrapped for the same place.
func unwrap(device cipher.AEAD, wrapped, place []byte) (cipher.AEAD, error) {
	key, err := device.Open(nil, nil, wrapped, append([]byte{domainDataKey}, place...))
	if err != nil {
		return nil, fmt.Errorf("unwrap a data key: %w", err)
	}
	return newAEAD(key)
}
