package sandbox

import (
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	loginPage = "<html><head><title>Wi-Fi</title></head><body><h1>Подключение к сети</h1>" +
		"<form method=\"post\" action=\"/login\">Номер телефона <input name=\"phone\"></form></body></html>\n"
	otherJSON = `{"status":"accepted"}`
	elsewhere = "https://elsewhere.invalid"
	// An endless answer is endlessParts of endlessPart bytes, 8 GB, if the client lets it.
	endlessPart  = 32 << 10
	endlessParts = 8 << 30 / endlessPart
	// longestHang bounds a request that hangs: whether its client has gone is known only when all of the body has come.
	longestHang = requestTime
	// stalledAnswer is how long a client may leave a part of an endless answer unread.
	stalledAnswer = time.Minute
)

// misbehave carries out a fault that comes before the portal has seen the request, and says whether it has done so.
func (x *exchange) misbehave() bool {
	f := x.fault
	if f.Stored {
		return false
	}
	switch f.Kind {
	case Status, Hang, Captive:
		x.discard()
	case CutBody:
		// A client that is cut off while it still sends is the point, so that an error of the reading changes nothing.
		_, _ = io.CopyN(io.Discard, x.body, max(1, x.r.ContentLength/2))
	case CutBefore:
	default:
		return false
	}
	x.portal.faults.meet(f)
	switch f.Kind {
	case Status:
		x.failWith(f)
	case Hang:
		x.hang()
	case Captive:
		x.write(http.StatusOK, mediaHTML, loginPage)
	default:
		x.cut()
	}
	return true
}

// spoil carries out a fault that comes after the portal has made up its mind, and says whether the exchange is over. Faults
// that change what success looks like leave refusals alone.
func (x *exchange) spoil(status int, mediaType, body string) bool {
	f := x.fault
	switch f.Kind {
	case Slow, CutAnswer, Truncated:
	case Status, Hang, WrongType, Empty, OtherJSON, Endless:
		if status >= 300 {
			return false
		}
	default:
		return false
	}
	x.portal.faults.meet(f)
	switch f.Kind {
	case Slow:
		x.wait(f.Delay)
		return false
	case CutAnswer:
		x.cut()
	case Truncated:
		// net/http closes the connection when an answer ends before its length.
		x.begin(status, mediaType, len(body))
		x.send(body[:len(body)/2])
	case Status:
		x.failWith(f)
	case Hang:
		x.hang()
	case WrongType:
		x.write(status, mediaHTML, body)
	case Empty:
		x.write(status, mediaType, "")
	case OtherJSON:
		x.write(status, mediaJSON, otherJSON)
	default:
		x.pour(status, body)
	}
	return true
}

// failWith answers as Status asks for.
func (x *exchange) failWith(f *Fault) {
	header := x.w.Header()
	if seconds := int64(math.Ceil(f.RetryAfter.Seconds())); f.RetryDate {
		// A date has no fractions: rounding up keeps it from being earlier than was meant.
		at := x.portal.now().Add(time.Duration(seconds)*time.Second + time.Second - 1).Truncate(time.Second)
		header.Set("Retry-After", at.UTC().Format(http.TimeFormat))
	} else if seconds > 0 {
		header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	if f.Status/100 == 3 {
		location := f.Location
		if location == "" {
			location = elsewhere + x.r.URL.EscapedPath()
		}
		header.Set("Location", location)
	}
	if mediaType, body, known := x.service.documented(x.r, f.Status); known {
		x.write(f.Status, mediaType, body)
		return
	}
	x.page(f.Status)
}

// hang waits until the faults are set anew, the client goes, the server ends or its patience does.
func (x *exchange) hang() {
	timer := time.NewTimer(longestHang)
	defer timer.Stop()
	select {
	case <-x.released:
	case <-timer.C:
	case <-x.r.Context().Done():
	}
	x.cut()
}

// wait waits for d, or less if the client goes or the server ends.
func (x *exchange) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
	}
}

// cut resets the connection. What the server does not own (HTTP/2, a test's recorder) cannot be cut; it gets a 502.
func (x *exchange) cut() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.page(http.StatusBadGateway)
		return
	}
	x.record()
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the cut is less abrupt, no more
	}
	_ = conn.Close() // it is of no use any more either way
}

// pour sends an answer that a client should not try to read to its end.
func (x *exchange) pour(status int, body string) {
	x.begin(status, mediaJSON, -1)
	x.send(body[:max(0, len(body)-2)])
	part := strings.Repeat(" ", endlessPart)
	control := http.NewResponseController(x.w)
	for range endlessParts {
		// A writer without deadlines (a test's recorder) never blocks.
		_ = control.SetWriteDeadline(time.Now().Add(stalledAnswer))
		if x.r.Context().Err() != nil || !x.send(part) {
			return
		}
	}
}
