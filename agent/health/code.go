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

// The codes that CodeOf finds by itself. docs/codes.md says what each means; a test compares.
const (
	Failing    Code = "failing"      // nothing more is known
	Missing    Code = "missing"      // a file or a device is not there
	Permission Code = "permission"   // the agent has no right to it
	Busy       Code = "busy"         // another program holds it
	Unplugged  Code = "unplugged"    // a device went away
	DiskFull   Code = "disk-full"    // no space is left on the disk
	ReadOnly   Code = "read-only"    // the disk takes no writes
	NoName     Code = "no-such-name" // DNS
	Refused    Code = "refused"      // nobody listens there
	NoRoute    Code = "no-route"     // there is no way to the host
	Cut        Code = "cut"          // a connection ended early
	Timeout    Code = "timeout"      // nobody answered in time
	TLS        Code = "tls"          // the certificate or the handshake
	ClockWrong Code = "clock"        // the clock of this device, most likely
)

// Codes that only those can give who know what happened; see Coded.
const (
	Fault           Code = "fault"            // a fault of this program
	KeyRefused      Code = "key-refused"      // the portal or broker does not take key or password
	WrongAddress    Code = "wrong-address"    // what answers has no such path, or sends elsewhere
	PortalBusy      Code = "portal-busy"      // 429 and 5xx
	PortalRefused   Code = "portal-refused"   // the portal does not want what it got
	PortalStrange   Code = "portal-strange"   // an answer that is not in the portal's document
	Uncertain       Code = "uncertain"        // nobody knows whether the portal has got it
	WaitsForPerson  Code = "waits-for-person" // something is ready, and a person has to decide
	BrokerRefused   Code = "broker-refused"   // the broker does not take client, protocol or topic
	BrokerStrange   Code = "broker-strange"   // what answers does not speak MQTT
	JournalFull     Code = "journal-full"     // no more passes can be stored
	JournalFailing  Code = "journal-failing"  // the journal cannot be written or read
	JournalBroken   Code = "journal-broken"   // the store was damaged and put aside; it is being read back
	JournalSalvaged Code = "journal-salvaged" // it was read back; a person has to look and delete it
	PassesLost      Code = "passes-lost"      // passes came that could be kept nowhere
	ConfigRefused   Code = "config-refused"   // a changed configuration has mistakes
	ListUnusable    Code = "list-unusable"    // a list of cardholders, a roster, an inbox
	RowsRefused     Code = "rows-refused"     // some rows of such a list; the others are used
	RegistryFull    Code = "registry-full"    // no more subjects can be kept
	PortUnfit       Code = "port-unfit"       // no serial port, or one without this speed
	PortAmbiguous   Code = "port-ambiguous"   // several ports are what the settings ask for
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

// Fallback gives err that code, unless it has one already or its cause tells one.
func Fallback(code Code, err error) error {
	if err == nil || CodeOf(err) != string(Failing) {
		return err
	}
	return Coded(code, err)
}

// As gives err the code that of has: for errors whose words say it better than those of their cause, which they do not wrap.
func As(of, err error) error {
	if of == nil {
		return err
	}
	return Coded(Code(CodeOf(of)), err)
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
