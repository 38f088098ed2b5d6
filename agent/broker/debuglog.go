package broker

import (
	"context"
	"log/slog"
	"slices"
)

// debugHandler passes on what the embedded broker logs, at debug level. Only attributes that say where something happened go
// through: others hold user names and whole packets, and in these are the cards of people.
type debugHandler struct{ slog.Handler }

var harmless = []string{"client", "remote", "listener", "id", "address", "hook", "error", "version", "keepalive"}

func (h *debugHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h *debugHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, slog.LevelDebug, "embedded broker: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if slices.Contains(harmless, a.Key) {
			clean.AddAttrs(a)
		}
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h *debugHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.DeleteFunc(slices.Clone(attrs), func(a slog.Attr) bool { return !slices.Contains(harmless, a.Key) })
	return &debugHandler{h.Handler.WithAttrs(attrs)}
}

func (h *debugHandler) WithGroup(name string) slog.Handler {
	return &debugHandler{h.Handler.WithGroup(name)}
}
