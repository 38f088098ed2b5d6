package sandbox

import (
	"maps"
	"sync"
	"time"
)

// keptRequests is how many requests the list holds.
const keptRequests = 100

// A Request is what the sandbox remembers of a request. It holds no personal data.
type Request struct {
	At time.Time `json:"at"`
	// Portal is the service that was asked, for example "acs"; empty if no portal has the path.
	Portal string `json:"portal"`
	// Call is which of the portal's calls it was, for example "login"; empty if the portal has only one.
	Call string `json:"call,omitempty"`
	// Status is the answer's; 0 if the request got none.
	Status int `json:"status"`
	// Rows is how many rows the request brought that were not known before, Repeats how many were; both 0 if it was refused.
	Rows    int `json:"rows"`
	Repeats int `json:"repeats"`
	// Bytes is how much of the body was read.
	Bytes int64 `json:"bytes"`
	// Duration is the time from the arrival to the answer's first byte.
	Duration time.Duration `json:"duration_ns"`
	// TooFast says that it came above the pace which the document allows.
	TooFast bool `json:"too_fast,omitempty"`
	// Fault is the kind of fault that hit it, or empty.
	Fault string `json:"fault,omitempty"`
	// Reason says what was wrong and where; the portal itself does not tell.
	Reason string `json:"reason,omitempty"`
}

// Stats are counts since the Portal was made.
type Stats struct {
	// Rows is how many different rows are kept, those that KeepIn has found included.
	Rows int `json:"rows"`
	// Repeats is how many rows came again and changed nothing.
	Repeats int `json:"repeats"`
	// Requests is how many requests have arrived, those that are still being served included.
	Requests int `json:"requests"`
	// Answers counts the requests by status; 0 stands for those that got no answer.
	Answers map[int]int `json:"answers"`
	// TooFast is how many requests came above the documented pace, whatever they were answered.
	TooFast int `json:"too_fast"`
	// Faulted is how many requests were hit by a fault.
	Faulted int `json:"faulted"`
}

// book remembers requests. The zero value is ready.
type book struct {
	mu       sync.Mutex
	requests int
	tooFast  int
	faulted  int
	answers  map[int]int
	last     []Request // a ring, once it is full
	next     int       // place of the oldest in a full ring
}

func (b *book) arrived() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
}

func (b *book) ended(r Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers == nil {
		b.answers = make(map[int]int)
	}
	b.answers[r.Status]++
	if r.TooFast {
		b.tooFast++
	}
	if r.Fault != "" {
		b.faulted++
	}
	if len(b.last) < keptRequests {
		b.last = append(b.last, r)
		return
	}
	b.last[b.next] = r
	b.next = (b.next + 1) % keptRequests
}

// Requests gives the last 100 requests that have ended, oldest first.
func (p *Portal) Requests() []Request {
	b := &p.book
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(append(make([]Request, 0, len(b.last)), b.last[b.next:]...), b.last[:b.next]...)
}

// Stats gives the counts as they are now.
func (p *Portal) Stats() Stats {
	rows, repeats := p.acs.store.counts()
	b := &p.book
	b.mu.Lock()
	defer b.mu.Unlock()
	answers := make(map[int]int, len(b.answers))
	maps.Copy(answers, b.answers)
	return Stats{
		Rows: rows, Repeats: repeats,
		Requests: b.requests, Answers: answers, TooFast: b.tooFast, Faulted: b.faulted,
	}
}
