// Package zstd stands in for a compressor. No journal was ever compressed, since sealed values do not get smaller.
package zstd

import (
	"errors"
	"fmt"
)

var errCut = fmt.Errorf("zstd: tables that are compressed: %w", errors.ErrUnsupported)

// A Header is that of compressed bytes.
type Header struct {
	HasFCS           bool
	FrameContentSize uint64
}

// Decode finds no header.
func (*Header) Decode([]byte) error { return errCut }

// A Decoder decodes nothing.
type Decoder struct{}

// NewReader returns a decoder.
func NewReader(any) (*Decoder, error) { return new(Decoder), nil }

// DecodeAll decodes nothing.
func (*Decoder) DecodeAll(_, _ []byte) ([]byte, error) { return nil, errCut }

// An Encoder compresses nothing.
type Encoder struct{}

// NewWriter returns an encoder.
func NewWriter(any, ...int) (*Encoder, error) { return new(Encoder), nil }

// EncoderLevelFromZstd is the level as it is.
func EncoderLevelFromZstd(level int) int { return level }

// WithEncoderLevel is the level as it is.
func WithEncoderLevel(level int) int { return level }

// EncodeAll compresses nothing.
func (*Encoder) EncodeAll(_, _ []byte) ([]byte, error) { return nil, errCut }
