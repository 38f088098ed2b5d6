package callback

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

// The records in the store. Numbers are our own; see known for how a request is found by the platform's id.
const (
	requestKey = "request/" // + number: a request
	knownKey   = "known/"   // + mark of an id: the number that the request has or had
	outKey     = "out/"     // + number of a status: the number of the request that it belongs to
	countKey   = "count"    // the last numbers that were given
	secretKey  = "mark"     // what marks are made with
	sweptKey   = "swept"    // see sweep
)

// The codes of a status.
const (
	registered = "registered"
	rendered   = "rendered"
	rejected   = "rejected"
)

// An outcome is what became of a status.
type outcome string

// The outcomes.
const (
	waiting outcome = "waiting"
	sent    outcome = "sent"
	refused outcome = "refused"
)

// maxStatuses is how many statuses one request can have: more is a mistake, and a record is bounded.
const maxStatuses = 8

// A request is the record of one call-back request.
type request struct {
	Number      uint64      `json:"number"`
	Application application `json:"application"`
	ReceivedAt  time.Time   `json:"received_at"`
	// ChangedAt is when the platform gave it out with other data; zero if never.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// ClosedAt is when the platform had answered to the status that closes it; zero while it is open.
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Statuses []status  `json:"statuses,omitempty"`
}

// A status is something that the platform is to be told, in the order in which it happened.
type status struct {
	Number  uint64    `json:"number"`
	Code    string    `json:"code"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
	Outcome outcome   `json:"outcome"`
	DoneAt  time.Time `json:"done_at,omitzero"`
	// Reason is the platform's, if it was refused.
	Reason string `json:"reason,omitempty"`
	// Lost says that an attempt got no answer: the platform may have taken it.
	Lost bool `json:"lost,omitempty"`
}

// state is the code of the last status, whether it has arrived or not.
func (r *request) state() string {
	if n := len(r.Statuses); n > 0 {
		return r.Statuses[n-1].Code
	}
	return registered
}

// next is the status to be sent next; nil if there is none.
func (r *request) next() *status {
	for i := range r.Statuses {
		if r.Statuses[i].Outcome == waiting {
			return &r.Statuses[i]
		}
	}
	return nil
}

// waits says whether a status of the request still has to be told.
func (r *request) waits() bool {
	for i := range r.Statuses {
		if r.Statuses[i].Outcome == waiting {
			return true
		}
	}
	return false
}

// counts are the last numbers that were given.
type counts struct {
	Request uint64 `json:"request"`
	Status  uint64 `json:"status"`
}

// A known says which request an id belongs to. It outlives the request by forgetAfter, so that one that comes again when it has
// been deleted is not taken for a new one.
type known struct {
	Number uint64 `json:"number"`
	// GoneAt is when the request was deleted; zero while it is there.
	GoneAt time.Time `json:"gone_at,omitzero"`
}

// A book keeps the requests. Its methods may be called by several goroutines; what changes it is durable when they return.
type book struct {
	store uplink.Store
	// mu is held from the reading of a record to its writing.
	mu sync.Mutex
}

func key(prefix string, number uint64) string { return fmt.Sprintf("%s%012d", prefix, number) }

// encode gives the JSON of a record, without the escapes that are for web pages alone and make texts long.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// get reads a record; found is false if there is none.
func (b *book) get(key string, into any) (found bool, err error) {
	value, err := b.store.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("record %s cannot be read: %w", key, err)
	}
	return true, nil
}

// A batch is a number of changes that belong together.
type batch struct {
	changes []uplink.Change
	size    int
	err     error
}

// put sets a record; nil deletes it.
func (x *batch) put(key string, v any) {
	c := uplink.Change{Key: key}
	if v != nil {
		value, err := encode(v)
		x.err = errors.Join(x.err, err)
		c.Value = value
	}
	x.changes = append(x.changes, c)
	x.size += len(c.Key) + len(c.Value)
}

// apply makes the changes of a batch.
func (b *book) apply(ctx context.Context, x *batch) error {
	if x.err != nil || len(x.changes) == 0 {
		return x.err
	}
	return b.store.Apply(ctx, x.changes...)
}

// errNoRequest says that there is no request with that number.
var errNoRequest = errors.New("there is no such request; it may have been deleted some time after it was closed")

// request gives a request.
func (b *book) request(number uint64) (request, error) {
	var r request
	found, err := b.get(key(requestKey, number), &r)
	if err == nil && !found {
		err = errNoRequest
	}
	return r, err
}

// each visits all requests, oldest first. Those whose records cannot be read are left out, counted and told at the end.
func (b *book) each(visit func(r *request) bool) error {
	damaged := 0
	err := b.store.Each(requestKey, func(_ string, value []byte) bool {
		var r request
		if json.Unmarshal(value, &r) != nil {
			damaged++
			return true
		}
		return visit(&r)
	})
	if err == nil && damaged > 0 {
		err = fmt.Errorf("%d requests cannot be read", damaged)
	}
	return err
}

// An item is a status that waits.
type item struct {
	key     string
	request uint64
}

// pending gives the statuses that wait behind after, oldest first; at most as many as a round takes at once.
func (b *book) pending(after string) (items []item, err error) {
	const most = 100
	err = b.store.Each(outKey, func(key string, value []byte) bool {
		if key > after {
			number, _ := strconv.ParseUint(strings.TrimSpace(string(value)), 10, 64)
			items = append(items, item{key, number})
		}
		return len(items) < most
	})
	return items, err
}

// marker makes the marks by which ids of the platform are found. A mark is keyed with a secret that lies sealed in the store, so
// that it tells nothing to somebody who has the disk alone.
func (b *book) marker(ctx context.Context) (func(text string) string, error) {
	secret, err := b.store.Get(secretKey)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		secret = make([]byte, sha256.Size)
		_, _ = rand.Read(secret) // it never fails
		if err := b.store.Apply(ctx, uplink.Change{Key: secretKey, Value: secret}); err != nil {
			return nil, err
		}
	}
	return func(text string) string {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return knownKey + hex.EncodeToString(mac.Sum(nil)[:16])
	}, nil
}
