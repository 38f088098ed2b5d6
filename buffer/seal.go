package buffer

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
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
	domainDataKey = 'K' // of a journal from before the key ring
	domainMeta    = 'M' // likewise
	domainRecord  = 'R'
	domainRing    = 'G'
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

// unwrap opens a data key that lies in the store, as it did before there was a key ring.
func unwrap(device cipher.AEAD, wrapped, place []byte) (key [keyLen]byte, err error) {
	plain, err := device.Open(nil, nil, wrapped, append([]byte{domainDataKey}, place...))
	if err == nil && len(plain) != keyLen {
		err = errors.New("it has another length")
	}
	if err != nil {
		return key, fmt.Errorf("unwrap a data key: %w", err)
	}
	copy(key[:], plain)
	return key, nil
}
