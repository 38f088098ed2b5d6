package sandbox

import (
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

// maxTokens bounds how many tokens are good at once; the oldest go first.
const maxTokens = 1000

// tokens are those that were given out. It is usable once now is set.
type tokens struct {
	life time.Duration // 0: for ever
	now  func() time.Time

	mu   sync.Mutex
	list []token // oldest first
}

type token struct {
	text string
	ends time.Time // zero: never
}

// give makes a token that looks like a JWT: with a claim "exp" if it ends by itself.
func (t *tokens) give() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	claims := fmt.Sprintf(`{"jti":%q}`, randomHex(8))
	var ends time.Time
	if t.life > 0 {
		ends = t.now().Add(t.life)
		claims = fmt.Sprintf(`{"exp":%d,"jti":%q}`, ends.Unix(), randomHex(8))
	}
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + part([]byte(claims)) + "." + part([]byte(randomHex(16)))
	t.list = append(t.list, token{text, ends})
	t.list = t.list[max(0, len(t.list)-maxTokens):]
	return text
}

func (t *tokens) good(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.list {
		if one.text == text {
			return one.ends.IsZero() || t.now().Before(one.ends)
		}
	}
	return false
}

func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
}
