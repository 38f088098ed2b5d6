//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A measure is what the system says of the agent at one moment, and its goroutines, which only it knows.
type measure struct {
	goroutines float64
	// fds are open descriptors but for those of the journal's files, which are tables.
	fds, tables float64
	threads     float64
	// anon is memory that no file stands behind, rss all that is resident; disk what the folder of the data occupies. MiB.
	anon, rss, disk float64
}

// measure looks at the agent from outside. It is an error if the agent does not answer or has ended.
func (s *soak) measure() (m measure, err error) {
	if m.goroutines, err = s.metric("go_goroutines"); err != nil {
		return m, err
	}
	proc := fmt.Sprintf("/proc/%d", s.agent.cmd.Process.Pid)
	files, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return m, err
	}
	for _, f := range files {
		switch to, err := os.Readlink(filepath.Join(proc, "fd", f.Name())); {
		case err != nil: // closed meanwhile
		case strings.HasPrefix(to, s.path("data/journal/")):
			m.tables++
		default:
			m.fds++
		}
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return m, err
	}
	for field, into := range map[string]*float64{"Threads": &m.threads, "RssAnon": &m.anon, "VmRSS": &m.rss} {
		if *into, err = statusField(string(status), field); err != nil {
			return m, err
		}
	}
	m.anon, m.rss = m.anon/1024, m.rss/1024
	m.disk, err = occupied(s.path("data"))
	return m, err
}

// statusField is a number of /proc/PID/status; sizes are in KiB there.
func statusField(status, name string) (float64, error) {
	_, rest, found := strings.Cut(status, "\n"+name+":")
	if words := strings.Fields(rest); found && len(words) > 0 {
		return strconv.ParseFloat(words[0], 64)
	}
	return 0, fmt.Errorf("the system does not tell %s", name)
}

// occupied is how many MiB of the disk a folder takes.
func occupied(dir string) (float64, error) {
	var blocks int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // deleted meanwhile
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if system, ok := info.Sys().(*syscall.Stat_t); ok {
			blocks += system.Blocks
		}
		return nil
	})
	return float64(blocks) * 512 / (1 << 20), err
}

// metric asks the agent for a metric that has no labels.
func (s *soak) metric(name string) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.listen+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	req.Close = true // a connection that is kept would be among the agent's descriptors
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	lines := bufio.NewScanner(io.LimitReader(answer.Body, 1<<20))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("no metric %s in the answer %s: %w", name, answer.Status, lines.Err())
}

// gauged are the values in the order of soakGauges.
func (m *measure) gauged() []float64 {
	return []float64{m.goroutines, m.fds, m.threads, m.anon, m.disk, m.tables}
}

// A peak is the most that was measured, at quiet points and between them.
type peak struct {
	mu   sync.Mutex
	most [6]float64
	// waiting is the most passes that waited for the visits portal since backlog was asked.
	waiting float64
}

func (p *peak) backlog() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.waiting
	p.waiting = 0
	return was
}

// watch measures all the time. While the agent opens everything anew, it does not answer.
func (s *soak) watch(ctx context.Context) {
	for ctx.Err() == nil {
		waiting, err := s.metric(`acs_agent_uplink_waiting_passes{uplink="visits"}`)
		if m, failed := s.measure(); err == nil && failed == nil {
			s.peak.mu.Lock()
			for i, value := range m.gauged() {
				s.peak.most[i] = max(s.peak.most[i], value)
			}
			s.peak.waiting = max(s.peak.waiting, waiting)
			s.peak.mu.Unlock()
		}
		pause(ctx, s.cycle/20)
	}
}

// calmest measures a few times and takes the least of what a connection under way adds to, and the last of the rest.
func (s *soak) calmest() (m measure, err error) {
	for i := range 5 {
		if i > 0 {
			time.Sleep(s.cycle / 100)
		}
		now, err := s.measure()
		if err != nil {
			return m, err
		}
		if i > 0 {
			now.goroutines, now.fds, now.tables = min(now.goroutines, m.goroutines), min(now.fds, m.fds), min(now.tables, m.tables)
		}
		m = now
	}
	return m, nil
}
