package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A LogFile takes what the agent says where the system keeps no log of it. When the file has grown to MaxSize it becomes the
// first of the old ones, of which Keep remain: agent.log, agent.log.1, agent.log.2. Its methods may be called by several
// goroutines.
type LogFile struct {
	Path string
	// MaxSize is in bytes.
	MaxSize int64
	Keep    int

	mu   sync.Mutex
	file *os.File
	size int64
}

// Write appends one message. What cannot be written is lost: the agent does not stand still for its log.
func (l *LogFile) Write(message []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.size+int64(len(message)) > l.MaxSize {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(message)
	l.size += int64(n)
	return n, err
}

// Close ends the file; a later Write opens it again.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

func (l *LogFile) open() error {
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o750); err != nil {
		return fmt.Errorf("folder of the log: %w", err)
	}
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640) //nolint:gosec // the group of the service may read its log
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("log: %w", err), f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// turn closes the file and moves it out of the way, the oldest one out of existence.
func (l *LogFile) turn() error {
	err := l.file.Close()
	l.file = nil
	old := func(n int) string { return fmt.Sprintf("%s.%d", l.Path, n) }
	for n := l.Keep; n > 1 && err == nil; n-- {
		if err = os.Rename(old(n-1), old(n)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(l.Path, old(1))
	}
	if err != nil {
		return fmt.Errorf("put the log away: %w", err)
	}
	return nil
}
