package web

import (
	"cmp"
	"io"
	"net/http"

	"github.com/acs-agent/acs-agent/agent/health"
)

// Alive answers that the process answers. Who gets no answer may start it again.
func Alive() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { line(w, http.StatusOK, "ok") })
}

// Ready answers 200 if the agent can store passes, and 503 with a word for the reason if it cannot. Whether a portal or a broker
// can be reached does not matter: nothing would be mended by starting an agent again that keeps what it cannot deliver.
func Ready(status func() health.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := status()
		if reason := cannotStore(&s); reason != "" {
			line(w, http.StatusServiceUnavailable, reason)
			return
		}
		line(w, http.StatusOK, "ready")
	})
}

// cannotStore is the code of why passes cannot be stored, and empty if they can.
func cannotStore(s *health.Status) string {
	for _, p := range s.Parts {
		if p.Kind == health.Journal {
			if p.State == health.Up {
				return ""
			}
			return cmp.Or(p.Code, "journal-"+string(p.State))
		}
	}
	return "journal-closed"
}

func line(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever went away asks again
}
