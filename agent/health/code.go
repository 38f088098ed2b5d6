package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// A Code says in one word what is wrong: lower case, digits and hyphens, at most 40 bytes. Codes leave the device, so nothing
// that was read from a card, a file or a portal may become part of one.
type Code string

// The codes that CodeOf finds by itself.
const (
	Failing    Code = "failing" // nothing more is known
	Fault      Code = "fault"   // a fault of this program
	Missing    Code = "missing" // a file or a device is not there
	Permission Code = "permission"
	Busy       Code = "busy" // another program holds it
	Unplugged  Code = "unplugged"
	DiskFull   Code = "disk-full"
	ReadOnly   Code = "read-only"
	NoName     Code = "no-such-name" // DNS
	Refused    Code = "refused"      // nobody listens there
	NoRoute    Code = "no-route"
	Cut        Code = "cut" // a connection ended early
	Timeout    Code = "timeout"
	TLS        Code = "tls"
	ClockWrong Code = "clock"
)

// Codes that only those can give who know what happened; see Coded.
const (
	KeyRefused    Code = "key-refused"    // the portal or broker does not take key or password
	PortalBusy    Code = "portal-busy"    // 429 and 5xx
	PortalRefused Code = "portal-refused" // the portal does not want what it got
	PortalStrange Code = "portal-strange" // an answer that is not in the portal's document
	JournalFull   Code = "journal-full"
	ConfigRefused Code = "config-refused"
	ListUnusable  Code = "list-unusable" // a list of cardholders, a roster, an inbox
)

// coded is an error whose code is known.
type coded struct {
	error
	code Code
}

func (c *coded) Unwrap() error { return c.error }

// Coded gives err that code, unless it is nil.
func Coded(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &coded{err, code}
}

// CodeOf gives the outermost code of an error, or one that its cause tells. It is empty for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	if c, ok := errors.AsType[*coded](err); ok {
		return string(c.code)
	}
	var (
		name    *net.DNSError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		foreign x509.HostnameError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		checked *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return string(ClockWrong)
	case errors.As(err, &unknown), errors.As(err, &foreign), errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert),
		errors.As(err, &checked):
		return string(TLS)
	case errors.As(err, &name):
		return string(NoName)
	}
	for _, known := range []struct {
		cause error
		code  Code
	}{
		{fs.ErrNotExist, Missing},
		{fs.ErrPermission, Permission},
		{syscall.EBUSY, Busy},
		{syscall.ENXIO, Unplugged},
		{syscall.ENODEV, Unplugged},
		{syscall.EIO, Unplugged},
		{syscall.ENOSPC, DiskFull},
		{syscall.EROFS, ReadOnly},
		{syscall.ECONNREFUSED, Refused},
		{syscall.ENETUNREACH, NoRoute},
		{syscall.EHOSTUNREACH, NoRoute},
		{context.DeadlineExceeded, Timeout},
		{os.ErrDeadlineExceeded, Timeout},
		{syscall.ETIMEDOUT, Timeout},
		{syscall.ECONNRESET, Cut},
		{syscall.EPIPE, Cut},
		{net.ErrClosed, Cut},
		{io.EOF, Cut},
		{io.ErrUnexpectedEOF, Cut},
	} {
		if errors.Is(err, known.cause) {
			return string(known.code)
		}
	}
	if os.IsTimeout(err) {
		return string(Timeout)
	}
	if waits, ok := errors.AsType[net.Error](err); ok && waits.Timeout() {
		return string(Timeout)
	}
	return string(Failing)
}
