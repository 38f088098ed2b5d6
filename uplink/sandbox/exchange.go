package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	mediaJSON = "application/json"
	mediaHTML = "text/html; charset=utf-8"
)

// maxDiscard is how much of a refused body is read before the answer goes out, in bytes.
const maxDiscard = 2 * acsMaxBody

// An exchange is one request and what becomes of it.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	portal   *Portal
	service  service
	body     *countingBody
	fault    *Fault          // without a kind if there is none
	released <-chan struct{} // closed when those who hang are let go
	tooFast  bool
	entry    Request
	recorded bool
}

// answer ends the exchange as the document says, or in the way of a fault.
func (x *exchange) answer(status int, mediaType, body string) {
	if !x.spoil(status, mediaType, body) {
		x.write(status, mediaType, body)
	}
}

// refuse ends the exchange with an error. The reason is for the people who rehearse: it says where the mistake is, not what
// stands there.
func (x *exchange) refuse(status int, reason string) {
	x.entry.Reason = reason
	x.discard()
	if mediaType, body, known := x.service.documented(x.r, status); known {
		x.answer(status, mediaType, body)
	} else {
		x.answer(status, mediaHTML, page(status))
	}
}

// refuseWith is refuse with 400 and a body that tells the client what was wrong.
func (x *exchange) refuseWith(mediaType, body, reason string) {
	x.entry.Reason = reason
	x.discard()
	x.answer(http.StatusBadRequest, mediaType, body)
}

// page answers as the web server before a portal does: with a page for people.
func (x *exchange) page(status int) { x.write(status, mediaHTML, page(status)) }

func page(status int) string {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return "<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n"
}

// write sends an answer. What the exchange has led to is on record before the first byte leaves, so that whoever has read the
// answer finds it there.
func (x *exchange) write(status int, mediaType, body string) {
	x.begin(status, mediaType, len(body))
	x.send(body)
}

// begin sends the header of an answer; length is -1 if it is not known.
func (x *exchange) begin(status int, mediaType string, length int) {
	x.entry.Status = status
	x.record()
	if mediaType != "" {
		x.w.Header().Set("Content-Type", mediaType)
	}
	if length >= 0 {
		x.w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	x.w.WriteHeader(status)
}

// send sends a part of an answer and says whether there is still somebody who listens.
func (x *exchange) send(part string) bool {
	_, err := io.WriteString(x.w, part)
	return err == nil
}

// discard reads the rest of the body. An answer that comes while the client is still sending can be lost: closing a connection
// with unread data resets it. Who waits for a permission to send, or announces far too much, is answered at once.
func (x *exchange) discard() {
	if strings.EqualFold(x.r.Header.Get("Expect"), "100-continue") || x.r.ContentLength > maxDiscard {
		return
	}
	// An error means that the client has gone; then the answer goes nowhere as well.
	_, _ = io.Copy(io.Discard, io.LimitReader(x.body, maxDiscard))
}

// record puts the exchange on the list of requests, once.
func (x *exchange) record() {
	if x.recorded {
		return
	}
	x.recorded = true
	x.entry.Bytes = x.body.count
	x.entry.TooFast = x.tooFast
	x.entry.Duration = x.portal.now().Sub(x.entry.At)
	x.portal.book.ended(x.entry)
	x.portal.log.Info("request", "portal", x.entry.Portal, "call", x.entry.Call, "status", x.entry.Status, "rows", x.entry.Rows,
		"repeats", x.entry.Repeats, "bytes", x.entry.Bytes, "duration", x.entry.Duration, "fault", x.entry.Fault,
		"too_fast", x.entry.TooFast, "reason", x.entry.Reason)
}

// countingBody counts what is read of a body.
type countingBody struct {
	from  io.Reader
	count int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.count += int64(n)
	return n, err
}
