// Package s2 stands in for a compressor. The journal compresses nothing, since sealed values do not get smaller.
package s2

import "errors"

// MaxEncodedLen is the length of what is encoded from n bytes, at most.
func MaxEncodedLen(n int) int { return n }

// EncodeSnappy compresses nothing.
func EncodeSnappy(_, _ []byte) ([]byte, error) { return nil, errors.ErrUnsupported }
