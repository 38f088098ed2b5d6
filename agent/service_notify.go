package main

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells the service manager something, if it listens: the words of sd_notify(3).
func notify(log *slog.Logger, words string) {
	if _, err := daemon.SdNotify(false, words); err != nil {
		log.Warn("the service manager cannot be told", "words", words, "error", err)
	}
}
