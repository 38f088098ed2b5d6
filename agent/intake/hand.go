package intake

import (
	"sync"
	"time"
)

// inHand knows which passes are being taken.
type inHand struct {
	mu    sync.Mutex
	next  uint64
	begun map[uint64]time.Time
}

// take notes the begin of a Take; drop notes its end.
func (h *inHand) take() (id uint64) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.begun == nil {
		h.begun = make(map[uint64]time.Time)
	}
	h.next++
	h.begun[h.next] = now
	return h.next
}

func (h *inHand) drop(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.begun, id)
}

// Oldest says when the Take began that has been under way for longest; ok is false if none is.
func (i *Intake) Oldest() (begun time.Time, ok bool) {
	i.hand.mu.Lock()
	defer i.hand.mu.Unlock()
	for _, t := range i.hand.begun {
		if !ok || t.Before(begun) {
			begun, ok = t, true
		}
	}
	return begun, ok
}
