package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// codecVersion is the first byte of every encoded pass. A later version reads all earlier ones.
const codecVersion = 1

const (
	flagTrusted = 1 << iota
	flagDeviceTime
	flagTextIsRaw
)

// ErrEncoding is in every error that Decode returns.
var ErrEncoding = errors.New("event: damaged or foreign encoding")

// AppendEncoded appends the compact binary form of p to b. Integers are varints, texts and bytes carry their length first,
// and times are milliseconds of Unix time with the zone's offset in minutes.
func AppendEncoded(b []byte, p *Pass) []byte {
	var flags byte
	if p.At.Trusted {
		flags |= flagTrusted
	}
	if !p.DeviceTime.IsZero() {
		flags |= flagDeviceTime
	}
	if p.Credential.Text == string(p.Credential.Raw) {
		flags |= flagTextIsRaw
	}
	b = append(b, codecVersion, flags, byte(p.Direction), byte(p.Outcome), byte(p.Pending))
	b = append(b, p.ID[:]...)
	b = appendTime(b, p.At.Wall)
	b = binary.AppendUvarint(b, uint64(max(0, p.At.SinceBoot.Milliseconds())))
	b = appendString(b, p.At.Boot)
	if flags&flagDeviceTime != 0 {
		b = appendTime(b, p.DeviceTime)
	}
	for _, s := range [...]string{
		p.Device, p.Reader, p.EventID, p.KnownAs, p.Organization.BIN, p.Organization.Name,
		p.Note, p.Holder.IIN, p.Holder.Name, p.Credential.Format,
	} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(p.Credential.Bits)) //nolint:gosec // not negative
	b = appendBytes(b, p.Credential.Number)
	b = appendBytes(b, p.Credential.Short)
	b = appendBytes(b, p.Credential.Raw)
	if flags&flagTextIsRaw == 0 {
		b = appendString(b, p.Credential.Text)
	}
	return b
}

// Decode fills p from what AppendEncoded wrote. It copies nothing but texts: the credential's byte slices point into b.
func Decode(b []byte, p *Pass) error {
	if len(b) < 5+len(p.ID) {
		return fmt.Errorf("%w: %d bytes", ErrEncoding, len(b))
	}
	if b[0] != codecVersion {
		return fmt.Errorf("%w: version %d (written by a newer agent?)", ErrEncoding, b[0])
	}
	flags := b[1]
	*p = Pass{Direction: Direction(b[2]), Outcome: Outcome(b[3]), Pending: Pending(b[4])}
	copy(p.ID[:], b[5:])
	r := reader{rest: b[5+len(p.ID):]}
	p.At.Trusted = flags&flagTrusted != 0
	p.At.Wall = r.time()
	p.At.SinceBoot = time.Duration(r.uvarint()) * time.Millisecond //nolint:gosec // as it was written
	p.At.Boot = string(r.bytes())
	if flags&flagDeviceTime != 0 {
		p.DeviceTime = r.time()
	}
	for _, s := range [...]*string{
		&p.Device, &p.Reader, &p.EventID, &p.KnownAs, &p.Organization.BIN, &p.Organization.Name,
		&p.Note, &p.Holder.IIN, &p.Holder.Name, &p.Credential.Format,
	} {
		*s = string(r.bytes())
	}
	p.Credential.Bits = int(r.uvarint()) //nolint:gosec // as it was written
	p.Credential.Number = r.bytes()
	p.Credential.Short = r.bytes()
	p.Credential.Raw = r.bytes()
	if flags&flagTextIsRaw != 0 {
		p.Credential.Text = string(p.Credential.Raw)
	} else {
		p.Credential.Text = string(r.bytes())
	}
	if r.short || len(r.rest) != 0 {
		return fmt.Errorf("%w: lengths do not fit", ErrEncoding)
	}
	return nil
}

func appendTime(b []byte, t time.Time) []byte {
	_, offset := t.Zone()
	b = binary.AppendVarint(b, t.UnixMilli())
	return binary.AppendVarint(b, int64(offset/60))
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendBytes(b, s []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// reader takes an encoding apart; after the first thing that does not fit it yields zeros and short is set.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return v * r.take(n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return v * int64(r.take(n)) //nolint:gosec // 0 or 1
}

// take moves past n bytes and returns 1, or 0 if the varint was damaged.
func (r *reader) take(n int) uint64 {
	if n <= 0 {
		r.short, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return 1
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.short, r.rest = true, nil
		return nil
	}
	if n == 0 {
		return nil
	}
	s := r.rest[:n:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) time() time.Time {
	ms, minutes := r.varint(), r.varint()
	return time.UnixMilli(ms).In(zone(minutes))
}

// zones are shared: a zone for every pass would cost an allocation for every pass.
var zones = func() (z [2*maxZone/quarter + 1]*time.Location) {
	for i := range z {
		z[i] = time.FixedZone("", (i*quarter-maxZone)*60)
	}
	return z
}()

const (
	quarter = 15      // minutes: every zone in use is a multiple of it
	maxZone = 14 * 60 // minutes
)

func zone(minutes int64) *time.Location {
	if minutes%quarter == 0 && -maxZone <= minutes && minutes <= maxZone {
		return zones[(minutes+maxZone)/quarter]
	}
	return time.FixedZone("", int(minutes%(24*60))*60)
}
