package fleet

import (
	"math"
	"time"
	"unicode"

	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

const (
	// missing is how many heartbeats have to be missing before a device counts as silent.
	missing = 3
	// skew is by how much the clock of a device that trusts it may be wrong, where nothing but that clock is known.
	skew = 2 * time.Minute

	usualInterval = time.Minute
	mostInterval  = 24 * time.Hour

	// maxAlerts bounds the alerts of a device; there are fewer codes.
	maxAlerts = 32
	// maxNames bounds the names that are kept of those whom a problem concerns, maxName the letters of each.
	maxNames = 4
	maxName  = 64
)

// device is what is known of one.
type device struct {
	name string
	// first is when it was heard of first.
	first    time.Time
	presence heartbeat.Presence
	// stored: the broker had kept the presence.
	stored bool
	// session is the greatest that was seen, and rival one that is smaller and lives nevertheless.
	session uint64
	rival   rival
	beat    *beat
	alerts  map[string]Problem
}

// rival is a session with a smaller number than one that was seen before.
type rival struct{ session, seq uint64 }

// beat is what is kept of a heartbeat.
type beat struct {
	session, seq uint64
	// heard is when it came: the latest moment that is possible, if the broker had kept it. dated is false if even that is unknown.
	heard    time.Time
	dated    bool
	interval time.Duration

	version             string
	untrusted           bool
	waiting             uint64
	oldest              time.Duration
	held, dead, unclear uint64
	freeDisk            int64
	problems            []Problem
}

// forgotten says whether all that was said has been taken back.
func (d *device) forgotten() bool { return d.presence == "" && d.beat == nil && len(d.alerts) == 0 }

// state notes a presence. That of a smaller session than was seen is a will that came after the device was back.
func (d *device) state(s *heartbeat.State, m *Message) {
	if s.Session < d.session {
		return
	}
	d.session, d.presence, d.stored = s.Session, s.State, m.Retained
}

// heartbeat notes how the device is.
func (d *device) heartbeat(h *heartbeat.Heartbeat, m *Message) {
	switch {
	case h.Session > d.session || d.presence == "": // it has come back; what is said of its presence is on the way, or older
		d.session, d.presence, d.stored = max(d.session, h.Session), heartbeat.Online, m.Retained
	case h.Session < d.session && d.beat == nil:
		// The last words before the connection that it has now: better than none.
	case h.Session < d.session && !d.overtaken(h, m):
		return
	case d.beat != nil && h.Session == d.beat.session && h.Seq < d.beat.seq:
		return
	}
	b := summary(h)
	b.heard, b.dated = m.At, true
	if m.Retained {
		b.heard, b.dated = dateOf(h, m.At)
	}
	if d.beat != nil && d.beat.session == b.session && d.beat.seq == b.seq && d.beat.heard.Before(b.heard) {
		b.heard, b.dated = d.beat.heard, d.beat.dated // the same once more, after the connection broke
	}
	d.beat = b
}

// overtaken says whether a smaller session has to be believed: two of its heartbeats in a row came just now. The device counts
// anew, because its disk was exchanged.
func (d *device) overtaken(h *heartbeat.Heartbeat, m *Message) bool {
	before := d.rival
	if m.Retained {
		return false
	}
	d.rival = rival{h.Session, h.Seq}
	if before.session != h.Session || before.seq == 0 || h.Seq <= before.seq {
		return false
	}
	d.session, d.presence, d.stored, d.rival = h.Session, heartbeat.Online, false, rival{}
	return true
}

// dateOf is when a heartbeat was sent that the broker had kept: what the device says, if it trusts its clock, and as late as can
// be. Otherwise nobody knows, and it gets the benefit of the doubt until the next one should have come.
func dateOf(h *heartbeat.Heartbeat, received time.Time) (heard time.Time, dated bool) {
	if !h.Clock.Trusted || h.At.IsZero() {
		return received, false
	}
	if latest := h.At.Add(skew); latest.Before(received) {
		return latest, true
	}
	return received, true
}

// alert notes one that stands, and says whether there is room for it.
func (d *device) alert(a *heartbeat.Alert) bool {
	if _, known := d.alerts[a.Code]; !known && len(d.alerts) >= maxAlerts {
		return false
	}
	if d.alerts == nil {
		d.alerts = make(map[string]Problem)
	}
	p := Problem{Code: a.Code, Since: a.Since, Count: a.Count}
	for _, name := range a.Readers {
		p.concerns(name, "")
	}
	for _, name := range a.Uplinks {
		p.concerns(name, "")
	}
	d.alerts[a.Code] = p
	return true
}

// summary keeps of a heartbeat what is shown.
func summary(h *heartbeat.Heartbeat) *beat {
	b := &beat{
		session: h.Session, seq: h.Seq, version: printable(h.Agent), untrusted: !h.Clock.Trusted, freeDisk: h.Journal.FreeDisk,
		interval: usualInterval,
	}
	if h.Interval > 0 {
		b.interval = min(mostInterval, seconds(int64(h.Interval)))
	}
	for i := range h.Uplinks {
		u := &h.Uplinks[i]
		b.waiting = sum(b.waiting, u.Waiting)
		b.held, b.dead, b.unclear = sum(b.held, count(u.Held)), sum(b.dead, count(u.Dead)), sum(b.unclear, count(u.Uncertain))
		if !u.Orphaned {
			b.oldest = max(b.oldest, seconds(u.Oldest))
		}
	}
	b.problems = problemsOf(h)
	return b
}

// sum adds what devices say, which may be anything, without running over.
func sum(a, b uint64) uint64 { return min(a, math.MaxInt64/2) + min(b, math.MaxInt64/2) }

func count(n int) uint64 { return uint64(max(0, n)) }

// seconds is a duration that a device tells, a century at most.
func seconds(n int64) time.Duration {
	const century = 100 * 365 * 24 * 60 * 60
	return time.Duration(min(max(0, n), century)) * time.Second
}

// printable is what a terminal can show of a text without doing anything else, and no longer than a name should be.
func printable(text string) string {
	kept := make([]rune, 0, min(len(text), maxName))
	for _, r := range text {
		if len(kept) == maxName {
			kept[maxName-1] = '…'
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			r = '?'
		}
		kept = append(kept, r)
	}
	return string(kept)
}
