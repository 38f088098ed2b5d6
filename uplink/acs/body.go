package acs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// chunk is how much of the body is made at a time. The journal is read again for each chunk, so that neither the body nor a
// view of the journal is held while the line is slow.
const chunk = 64 << 10

// body is one request in the making. Only its institutions and its exact length are kept; the rows are made from the journal
// while they are sent, one institution after the other.
type body struct {
	acs    *acs
	orgs   []event.Organization
	length int64
	row    []byte // scratch
}

func newBody(a *acs) *body {
	return &body{acs: a, length: int64(len(opening) + len(closing))}
}

func (l *body) Sort(p *event.Pass) uplink.Sorting { return l.acs.sort(p) }

func (l *body) Add(p *event.Pass) {
	known := false
	for i := range l.orgs {
		known = known || l.orgs[i] == p.Organization
	}
	if known {
		l.length++ // the comma before the row
	} else {
		if len(l.orgs) > 0 {
			l.length++ // the comma before the institution
		}
		l.orgs = append(l.orgs, p.Organization)
		l.row = appendOrg(l.row[:0], p.Organization)
		l.length += int64(len(l.row) + len(orgClosing))
	}
	l.row = appendRow(l.row[:0], p)
	l.length += int64(len(l.row))
}

func (l *body) Size() int64 { return l.length }

func (l *body) Send(ctx context.Context, walk uplink.Walk) uplink.Verdict {
	open := func() (io.ReadCloser, error) { return io.NopCloser(l.stream(ctx, walk)), nil }
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.acs.client.URL.String(), l.stream(ctx, walk))
	if err != nil {
		return uplink.Verdict{Outcome: uplink.Stop, Reason: fmt.Sprintf("make the request: %v", err)}
	}
	req.ContentLength, req.GetBody = l.length, open
	l.acs.introduce(req)
	answer, err := l.acs.client.Do(ctx, req)
	if err != nil {
		return uplink.Verdict{Outcome: uplink.Retry, Reason: err.Error(), Code: health.Code(health.CodeOf(err))}
	}
	v := judge(answer)
	v.Reason = l.conceal(ctx, walk, v.Reason)
	return v
}

// introduce puts into a request what all of them have in common.
func (a *acs) introduce(req *http.Request) {
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header[a.KeyHeader] = []string{a.APIKey.Reveal()} // the name with the very letters of the setting
}

// judge turns the portal's answer into a verdict. Its messages are never compared, only shown: they have misprints that
// somebody may correct one day.
func judge(a *uplink.Answer) uplink.Verdict {
	var said struct {
		Message string `json:"message"`
	}
	isJSON := a.MediaType == "application/json" && json.Unmarshal(a.Body, &said) == nil
	v := uplink.Verdict{After: a.RetryAfter, Reason: fmt.Sprintf("the portal answered %d", a.Status), Code: uplink.CodeOf(a.Status)}
	if said.Message != "" {
		v.Reason += ": " + uplink.Quote(said.Message)
	}
	switch {
	case a.Status == http.StatusOK && isJSON && strings.EqualFold(strings.TrimSpace(said.Message), "OK"):
		v.Outcome, v.Reason, v.Code = uplink.Delivered, "", ""
	case a.Status == http.StatusOK && len(a.Body) == 0:
		v.Outcome, v.Reason = uplink.Retry, "the portal answered 200 with nothing in it, which is no confirmation"
	case a.Status == http.StatusOK:
		v.Outcome = uplink.Retry
		v.Reason = fmt.Sprintf("something answered 200 that is not the portal (%q; a login page of the network?)", uplink.Quote(a.MediaType))
	case a.Status == http.StatusRequestEntityTooLarge:
		v.Outcome = uplink.TooLarge
	case isJSON && (a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity):
		v.Outcome = uplink.Refused
	case a.Status == http.StatusUnauthorized:
		v.Outcome = uplink.Stop
		v.Reason += "; the access key is wrong or blocked: ask the portal's operator and put the new key into api_key_file"
	case a.Status == http.StatusForbidden && !isJSON:
		v.Outcome, v.Code = uplink.Retry, health.PortalStrange // a firewall in front of the portal that wants to be left alone
		v.Reason += "; something in front of the portal does not let us through"
	case a.Status == http.StatusForbidden:
		v.Outcome = uplink.Stop
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		v.Outcome = uplink.Retry
	case a.Status/100 == 3:
		v.Outcome = uplink.Stop
		v.Reason += ", which sends us elsewhere; passes are not sent to an address that is not in the configuration: check url"
	case a.Status/100 == 4 && a.Status != http.StatusBadRequest:
		v.Outcome = uplink.Stop
		v.Reason += "; check url: the address or its path is not the portal's"
	default:
		v.Outcome, v.Code = uplink.Retry, health.PortalStrange // the document does not know it; 400 without JSON is not the portal's either
	}
	return v
}

// stream is the body as it is read by the HTTP client: the passes of the first institution, then those of the second …
type stream struct {
	ctx  context.Context //nolint:containedctx // an io.Reader has no other way to learn of it
	body *body
	walk uplink.Walk
	buf  []byte // made and not read yet, from off on
	off  int
	left int64 // bytes of the body that are not read yet

	org   int    // the institution being written
	after uint64 // its last pass that was written; 0 before the first
	inOrg bool
	first bool // no pass of it is written yet
	done  bool
}

// stream gives the body from its beginning; it can be asked for as often as one likes.
func (l *body) stream(ctx context.Context, walk uplink.Walk) io.Reader {
	return &stream{ctx: ctx, body: l, walk: walk, left: l.length, buf: append(make([]byte, 0, chunk+chunk/4), opening...)}
}

// errChanged cannot happen as long as what lies in the journal does not change. It cuts the request off before it is complete,
// so that the portal sees a broken request rather than a wrong one.
var errChanged = errors.New("the stored passes are not those that were measured")

func (s *stream) Read(b []byte) (int, error) {
	if s.off == len(s.buf) {
		if s.done {
			if s.left != 0 {
				return 0, errChanged
			}
			return 0, io.EOF
		}
		if s.off > 0 {
			s.buf, s.off = s.buf[:0], 0
		}
		if err := s.make(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.buf[s.off:])
	s.off += n
	if s.left -= int64(n); s.left < 0 {
		return 0, errChanged
	}
	return n, nil
}

// make fills buf with the next chunk.
func (s *stream) make() error {
	for len(s.buf) < chunk && !s.done {
		if s.org == len(s.body.orgs) {
			s.buf = append(s.buf, closing...)
			s.done = true
			break
		}
		if !s.inOrg {
			if s.org > 0 {
				s.buf = append(s.buf, ',')
			}
			s.buf = appendOrg(s.buf, s.body.orgs[s.org])
			s.inOrg, s.first, s.after = true, true, 0
		}
		ended := true
		err := s.walk(s.ctx, s.after, func(seq uint64, p *event.Pass) bool {
			s.after = seq
			if s.body.acs.sort(p) != uplink.Carry || p.Organization != s.body.orgs[s.org] {
				return true
			}
			if !s.first {
				s.buf = append(s.buf, ',')
			}
			s.first = false
			s.buf = appendRow(s.buf, p)
			ended = len(s.buf) < chunk
			return ended
		})
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if ended {
			s.buf = append(s.buf, orgClosing...)
			s.org++
			s.inOrg = false
		}
	}
	return nil
}
