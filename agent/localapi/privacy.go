package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
)

// A Forgetting uplink deletes the records of a person, or only counts them; see uplink.Forgetting.
type Forgetting interface {
	Forget(ctx context.Context, number string, count bool) (records, waiting int, err error)
}

// A Privacy is what the routes below /v1/forget and /v1/key need beside the journal.
type Privacy struct {
	// Forgetting are the uplinks that keep records of people, by name.
	Forgetting func() map[string]Forgetting
	// Listed says whether the list of cardholders still has the IIN.
	Listed func(iin string) bool
}

// A ForgetOrder says who is to be forgotten.
type ForgetOrder struct {
	// Number is an IIN or INN of 12 digits, or a SNILS of 11.
	Number string `json:"number"`
	// AlsoWaiting: passes and records too that the portals have not got yet.
	AlsoWaiting bool `json:"also_waiting,omitempty"`
	// Count: only say what there is.
	Count bool `json:"count,omitempty"`
}

// A ForgetReport says what there is of a person, or was.
type ForgetReport struct {
	// Delivered and Waiting count passes in the journal; Aside those that are held, dead or uncertain.
	Delivered uint64 `json:"delivered"`
	Waiting   uint64 `json:"waiting"`
	Aside     uint64 `json:"aside"`
	// Records are those of uplinks; RecordsWaiting those among them of which the portal has not been told everything.
	Records        int `json:"records"`
	RecordsWaiting int `json:"records_waiting"`
	// Listed: the list of cardholders still has the person.
	Listed bool `json:"listed"`
	// Damaged are the folders of stores that were put aside. They hold passes with their keys, and nothing is forgotten in there.
	Damaged []string `json:"damaged,omitempty"`
	// Done: it was carried out, not only counted.
	Done bool `json:"done"`
}

// Owed is how much the portals have not got.
func (r *ForgetReport) Owed() uint64 { return r.Waiting + r.Aside + uint64(max(0, r.RecordsWaiting)) }

// Empty says that there is nothing of the person.
func (r *ForgetReport) Empty() bool {
	return r.Delivered == 0 && r.Waiting == 0 && r.Aside == 0 && r.Records == 0
}

// forgetAnswer is the last line of the answer.
type forgetAnswer struct {
	Report *ForgetReport `json:"report,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// maxOrder bounds the body of a request.
const maxOrder = 4 << 10

// forget streams {"done":…,"total":…} lines and ends with the report. The number comes in the body: addresses of requests are
// for everyone to read who looks at a log.
func (s *Server) forget(w http.ResponseWriter, r *http.Request) {
	var o ForgetOrder
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
	if err == nil && json.Unmarshal(text, &o) != nil {
		err = errors.New("the request cannot be understood") // the decoder's own words could repeat the number
	}
	if err == nil && !personal(o.Number) {
		err = errors.New("want an IIN or INN of 12 digits, or a SNILS of 11")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	flush := startStream(w)
	report, err := s.forgetPerson(r.Context(), o, func(done, total uint64) {
		_ = writeLine(w, Progress{Done: done, Total: total})
		flush()
	})
	last := forgetAnswer{Report: &report}
	if err != nil {
		last = forgetAnswer{Error: err.Error()}
	}
	_ = writeLine(w, last)
}

// personal says whether s is the number of a person, by its form. SNILS have no control digit below a certain number, and the
// control digits of IIN and INN are different ones.
func personal(s string) bool {
	return (len(s) == 11 || len(s) == 12) && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}

func (s *Server) forgetPerson(ctx context.Context, o ForgetOrder, progress func(done, total uint64)) (r ForgetReport, err error) {
	is := mentions(o.Number)
	m, err := s.Desk.Journal.Mentions(ctx, is)
	if err != nil {
		return r, err
	}
	r = ForgetReport{Delivered: m.Delivered, Waiting: m.Waiting, Aside: m.Held + m.Dead + m.Uncertain, Listed: s.Listed != nil && s.Listed(o.Number)}
	if aside, ok := s.Desk.Journal.Salvage(); ok {
		r.Damaged = aside.Folders
	}
	if err := s.forgetRecords(ctx, o.Number, true, &r); err != nil || o.Count {
		return r, err
	}
	if r.Owed() > 0 && !o.AlsoWaiting {
		return r, errors.New("the portals have not got everything of this person yet: nothing was changed")
	}
	if err := s.forgetRecords(ctx, o.Number, false, &r); err != nil {
		return r, err
	}
	if _, err := s.Desk.Journal.Forget(ctx, is, progress); err != nil {
		return r, err
	}
	s.Log.Info("asked by a person", "action", "forget", "passes", m.Delivered+m.Owed(), "records", r.Records)
	r.Done = true
	return r, nil
}

// forgetRecords has the uplinks count or delete what they keep.
func (s *Server) forgetRecords(ctx context.Context, number string, count bool, r *ForgetReport) error {
	if s.Forgetting == nil {
		return nil
	}
	all := s.Forgetting()
	r.Records, r.RecordsWaiting = 0, 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		records, waiting, err := all[name].Forget(ctx, number, count)
		if err != nil {
			return fmt.Errorf("records of %s: %w", name, err)
		}
		r.Records, r.RecordsWaiting = r.Records+records, r.RecordsWaiting+waiting
	}
	return nil
}

// mentions says whether a pass is of the person with that number, or has it in one of its texts, as a code that was shown does.
func mentions(number string) func(*event.Pass) bool {
	return func(p *event.Pass) bool {
		if p.Holder.IIN == number {
			return true
		}
		for _, text := range []string{p.Credential.Text, p.KnownAs, p.EventID, p.Note, string(p.Credential.Raw)} {
			if names(text, number) {
				return true
			}
		}
		return false
	}
}

// names says whether a number stands in a text by itself, and not as a part of a longer one.
func names(text, number string) bool {
	digit := func(i int) bool { return 0 <= i && i < len(text) && '0' <= text[i] && text[i] <= '9' }
	for from := 0; ; {
		i := strings.Index(text[from:], number)
		if i < 0 {
			return false
		}
		i += from
		if !digit(i-1) && !digit(i+len(number)) {
			return true
		}
		from = i + 1
	}
}

// rotate exchanges the device key.
func (s *Server) rotate(w http.ResponseWriter, r *http.Request) {
	if err := s.Desk.Journal.Rotate(r.Context()); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	s.key(w, r)
}

// key describes the device key.
func (s *Server) key(w http.ResponseWriter, _ *http.Request) {
	status, err := s.Desk.Journal.KeyStatus()
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, status)
}

// Forget has a person forgotten, or counted.
func (c *Client) Forget(ctx context.Context, o ForgetOrder, progress func(Progress)) (report ForgetReport, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return report, err
	}
	return report, c.ask(ctx, http.MethodPost, "forget", nil, bytes.NewReader(text), func(line json.RawMessage) error {
		var v struct {
			forgetAnswer
			Progress
		}
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		if v.Report != nil {
			report = *v.Report
		} else {
			progress(v.Progress)
		}
		return nil
	})
}

// Key describes the device key.
func (c *Client) Key(ctx context.Context) (s buffer.KeyStatus, err error) {
	return s, c.lines(ctx, http.MethodGet, "key", nil, func(line json.RawMessage) error { return json.Unmarshal(line, &s) })
}

// Rotate exchanges the device key and describes the new one.
func (c *Client) Rotate(ctx context.Context) (s buffer.KeyStatus, err error) {
	return s, c.lines(ctx, http.MethodPost, "key/rotate", nil, func(line json.RawMessage) error { return json.Unmarshal(line, &s) })
}
