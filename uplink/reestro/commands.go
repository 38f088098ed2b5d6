package reestro

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/acs-agent/acs-agent/agent/table"
)

// maxBody is the largest body of a command.
const maxBody = 64 << 10

// Commands answers what people ask and takes what they tell:
//
//	GET  /status                       counts
//	GET  /subjects                     state (several), limit (100; 0 all), reveal
//	POST /subjects                     a subject; see fields
//	GET  /subjects/{number}            reveal
//	POST /subjects/{number}/retry      a refused one, with corrected fields in the body
//	POST /subjects/{number}/resolve    subject_id
//	GET  /checks                       type, state (several each), from, to, subject, external-id, correlation-id, limit, live
func (r *reestro) Commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", r.serveStatus)
	mux.HandleFunc("GET /subjects", r.listSubjects)
	mux.HandleFunc("POST /subjects", r.addSubject)
	mux.HandleFunc("GET /subjects/{number}", r.showSubject)
	mux.HandleFunc("POST /subjects/{number}/retry", r.retrySubject)
	mux.HandleFunc("POST /subjects/{number}/resolve", r.resolveSubject)
	mux.HandleFunc("GET /checks", r.listChecks)
	return mux
}

// A refusal is a mistake of whoever gave the command, with the status of HTTP that says so.
type refusal struct {
	status int
	error
}

func (r refusal) Unwrap() error { return r.error }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has gone needs no answer
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var (
		wrong refusal
		late  conflict
	)
	switch {
	case errors.As(err, &wrong):
		status = wrong.status
	case errors.As(err, &late), errors.Is(err, errSettled):
		status = http.StatusConflict
	case errors.Is(err, errNoNumber):
		status = http.StatusNotFound
	case errors.Is(err, errFull):
		status = http.StatusInsufficientStorage
	}
	answer(w, status, map[string]string{"error": err.Error()})
}

// A StatusView tells how many subjects and checks there are.
type StatusView struct {
	Subjects map[string]int `json:"subjects"`
	Checks   int            `json:"checks"`
	// Open is how many checks can still change.
	Open int `json:"open"`
}

func (r *reestro) serveStatus(w http.ResponseWriter, _ *http.Request) {
	v := StatusView{Subjects: make(map[string]int)}
	counts, err := r.subjects.count()
	if err == nil {
		v.Checks, v.Open, err = r.mirror.counts()
	}
	for s, n := range counts {
		v.Subjects[string(s)] = n
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, v)
}

func (r *reestro) listSubjects(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	limit, err := parseLimit(q)
	if err != nil {
		fail(w, refusal{http.StatusBadRequest, err})
		return
	}
	wanted := q["state"]
	for _, s := range wanted {
		if !slices.Contains(states(), state(s)) {
			fail(w, refusal{http.StatusBadRequest, fmt.Errorf("%.40q is no state of a subject: want one of %v", s, states())})
			return
		}
	}
	out := list{w: w}
	err = r.subjects.walk(func(s *subject) bool {
		if len(wanted) == 0 || slices.Contains(wanted, string(s.State)) {
			out.add(s.view(r.zone, q.Has("reveal")))
		}
		return out.more(limit)
	})
	out.end(err)
}

// A list writes a JSON array one element after the other, so that a long one does not lie in memory.
type list struct {
	w     http.ResponseWriter
	count int
	err   error
}

func (l *list) add(v any) {
	text, err := json.Marshal(v)
	if err == nil {
		before := ",\n"
		if l.count == 0 {
			l.w.Header().Set("Content-Type", "application/json")
			before = "["
		}
		_, err = io.WriteString(l.w, before+string(text))
	}
	l.count++
	l.err = errors.Join(l.err, err)
}

// more says whether another element is wanted.
func (l *list) more(limit int) bool { return l.err == nil && (limit == 0 || l.count < limit) }

// end closes the array. An error that comes after the first element leaves it open, so that nobody takes it for the whole.
func (l *list) end(err error) {
	switch {
	case err != nil && l.count == 0:
		fail(l.w, err)
	case err != nil:
	case l.count == 0:
		answer(l.w, http.StatusOK, []any{})
	default:
		_, _ = io.WriteString(l.w, "]\n") // who has gone needs no answer
	}
}

// readFields reads the body of a command.
func readFields(req *http.Request) (f Fields, err error) {
	d := json.NewDecoder(io.LimitReader(req.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		// The words of the decoder could repeat what stands in the body.
		return f, refusal{http.StatusBadRequest, errors.New("the body is not understood: want a JSON object with texts named " +
			"surname, name, patronymic, birth_date, inn, snils, ogrn, consent")}
	}
	return f.tidy(), nil
}

// A ReceiptView tells what became of a subject that was added.
type ReceiptView struct {
	Number uint32 `json:"number"`
	State  string `json:"state"`
	// Known: it was added before, and this has changed nothing.
	Known bool `json:"known"`
	// Mended: it was refused before and is sent again with these data.
	Mended bool `json:"mended"`
}

func (r *reestro) addSubject(w http.ResponseWriter, req *http.Request) {
	f, err := readFields(req)
	if err != nil {
		fail(w, err)
		return
	}
	s, wrong := validate(f, table.UTF8, time.Now().In(r.zone))
	if wrong != "" {
		fail(w, refusal{http.StatusUnprocessableEntity, errors.New(wrong)})
		return
	}
	receipts, err := r.subjects.take(s)
	if err != nil {
		fail(w, err)
		return
	}
	got := receipts[0]
	status := http.StatusOK
	if got.kind == added {
		status = http.StatusCreated
	}
	answer(w, status, ReceiptView{got.number, string(got.state), got.kind == known, got.kind == mended})
}

// number reads the number of a subject out of the path.
func number(req *http.Request) (uint32, error) {
	n, err := strconv.ParseUint(req.PathValue("number"), 10, 32)
	if err != nil {
		return 0, refusal{http.StatusNotFound, errNoNumber}
	}
	return uint32(n), nil
}

func (r *reestro) showSubject(w http.ResponseWriter, req *http.Request) {
	n, err := number(req)
	var s *subject
	if err == nil {
		s, err = r.subjects.show(n)
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, s.view(r.zone, req.URL.Query().Has("reveal")))
}

func (r *reestro) retrySubject(w http.ResponseWriter, req *http.Request) {
	n, err := number(req)
	if err != nil {
		fail(w, err)
		return
	}
	f, err := readFields(req)
	if err != nil {
		fail(w, err)
		return
	}
	s, err := r.subjects.again(n, func(s *subject) (*subject, error) {
		corrected, wrong := validate(s.fields().with(f), table.UTF8, time.Now().In(r.zone))
		if wrong != "" {
			return nil, refusal{http.StatusUnprocessableEntity, errors.New(wrong)}
		}
		return corrected, nil
	})
	if err != nil {
		fail(w, err)
		return
	}
	r.tellSubject(s)
	answer(w, http.StatusOK, s.view(r.zone, req.URL.Query().Has("reveal")))
}

func (r *reestro) resolveSubject(w http.ResponseWriter, req *http.Request) {
	n, err := number(req)
	if err != nil {
		fail(w, err)
		return
	}
	id := req.URL.Query().Get("subject_id")
	if !guid(id) {
		fail(w, refusal{http.StatusBadRequest, errors.New("want the portal's id of the subject, of the form 3f813a2f-958b-499b-90c7-a038d98955c0")})
		return
	}
	s, err := r.subjects.resolve(n, id)
	if err != nil {
		fail(w, err)
		return
	}
	r.tellSubject(s)
	answer(w, http.StatusOK, s.view(r.zone, req.URL.Query().Has("reveal")))
}

func (r *reestro) listChecks(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	f, err := parseFilter(q, r.zone)
	if err != nil {
		fail(w, refusal{http.StatusBadRequest, err})
		return
	}
	if q.Has("live") {
		found, err := r.live(req.Context(), f)
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, found)
		return
	}
	out := list{w: w}
	out.end(r.mirror.walk(func(c *Check) bool {
		if f.chooses(c) {
			out.add(c)
		}
		return out.more(f.limit)
	}))
}
