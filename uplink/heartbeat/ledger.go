package heartbeat

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

// The keys of the records.
const (
	keySession   = "session"
	keyBegan     = "began"
	keyDiscovery = "discovery"
)

// A ledger is what the heartbeat keeps on disk.
type ledger struct{ store uplink.Store }

// A ledgerError is trouble on this device, which the broker has no part in.
type ledgerError struct {
	doing string
	cause error
}

func (e *ledgerError) Error() string { return e.doing + ": " + e.cause.Error() }
func (e *ledgerError) Unwrap() error { return e.cause }

// begin gives the number of the next session. When it returns, the number is on disk.
func (l ledger) begin(ctx context.Context) (uint64, error) {
	text, err := l.store.Get(keySession)
	if err != nil {
		return 0, &ledgerError{"read the number of the session", err}
	}
	var last uint64
	if text != nil {
		if last, err = strconv.ParseUint(string(text), 10, 64); err != nil {
			return 0, &ledgerError{"read the number of the session", err}
		}
	}
	if err := l.store.Apply(ctx, uplink.Change{Key: keySession, Value: strconv.AppendUint(nil, last+1, 10)}); err != nil {
		return 0, &ledgerError{"store the number of the session", err}
	}
	return last + 1, nil
}

// began gives since when the alerts stand that have no time of their own; empty if that is not known.
func (l ledger) began() map[string]time.Time {
	began := make(map[string]time.Time)
	if text, err := l.store.Get(keyBegan); err != nil || json.Unmarshal(text, &began) != nil {
		return make(map[string]time.Time)
	}
	return began
}

// keepBegan replaces them.
func (l ledger) keepBegan(ctx context.Context, began map[string]time.Time) error {
	return l.put(ctx, keyBegan, began)
}

// discovery gives the topics on which the device may be known to Home Assistant.
func (l ledger) discovery() (topics []string, err error) {
	text, err := l.store.Get(keyDiscovery)
	if err == nil && text != nil {
		err = json.Unmarshal(text, &topics)
	}
	if err != nil {
		return nil, &ledgerError{"read where Home Assistant knows of this device", err}
	}
	return topics, nil
}

// keepDiscovery replaces them.
func (l ledger) keepDiscovery(ctx context.Context, topics []string) error {
	return l.put(ctx, keyDiscovery, topics)
}

func (l ledger) put(ctx context.Context, key string, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		err = l.store.Apply(ctx, uplink.Change{Key: key, Value: text})
	}
	if err != nil {
		return &ledgerError{"store the record " + key, err}
	}
	return nil
}
