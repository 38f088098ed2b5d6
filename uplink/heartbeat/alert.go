package heartbeat

import (
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// The codes of alerts. The list is closed: docs/mqtt.md says for each what to do.
const (
	ReaderFailing      = "reader-failing"
	ReaderStopped      = "reader-stopped"
	UplinkFailing      = "uplink-failing"
	UplinkStopped      = "uplink-stopped"
	UplinkGone         = "uplink-gone" // passes wait for an uplink that the configuration does not name any more
	DeadLetters        = "dead-letters"
	Uncertain          = "uncertain"
	JournalBroken      = "journal-broken"
	JournalFailing     = "journal-failing"
	JournalFilling     = "journal-filling" // what cannot be deleted takes 80 % of the room
	JournalFull        = "journal-full"
	JournalHoles       = "journal-holes"
	DiskLow            = "disk-low"
	ClockNotSet        = "clock-not-set"
	ConfigRefused      = "config-refused"
	CardholdersFailing = "cardholders-failing"
	WebFailing         = "web-failing" // of the agent's own server
	BrokerFailing      = "broker-failing"
)

// Codes are all codes of alerts, in the order in which they are told.
func Codes() []string {
	return []string{
		JournalFull, JournalBroken, JournalFailing, JournalFilling, JournalHoles, DiskLow, ClockNotSet, ConfigRefused, CardholdersFailing, WebFailing,
		ReaderStopped, ReaderFailing, BrokerFailing, UplinkStopped, UplinkFailing, UplinkGone, DeadLetters, Uncertain,
	}
}

// timeless are the codes of what is seen only when one looks, so that its beginning has to be noted. See alarms.count.
var timeless = []string{JournalFilling, JournalHoles, DiskLow, ClockNotSet, UplinkGone, DeadLetters, Uncertain}

// codesOf are the codes of alerts in the order of Codes; never nil.
func codesOf(alerts map[string]*Alert) []string {
	return slices.DeleteFunc(Codes(), func(code string) bool { return alerts[code] == nil })
}

// equal says whether two alerts tell the same.
func (a *Alert) equal(b *Alert) bool {
	return a.Version == b.Version && a.Device == b.Device && a.Code == b.Code && a.Since.Equal(b.Since) && a.Count == b.Count &&
		slices.Equal(a.Readers, b.Readers) && slices.Equal(a.Uplinks, b.Uplinks)
}

// lowDisk is how much free disk, in bytes, is little: four times what the journal leaves free before it takes no more passes.
const lowDisk = 128 << 20

// alarms collects what is wrong.
type alarms struct {
	device string
	now    time.Time
	// began says since when that stands which has no time of its own.
	began map[string]time.Time
	found map[string]*Alert
}

// alertsOf gives the alerts that stand, by their codes. began has the times of those that stood before and have no time of
// their own, such as counts.
func alertsOf(s *health.Status, began map[string]time.Time) map[string]*Alert {
	a := &alarms{device: s.Device, now: s.Now, began: began, found: make(map[string]*Alert)}
	for i := range s.Parts {
		a.part(&s.Parts[i])
	}
	for i := range s.Uplinks {
		a.queue(&s.Uplinks[i])
	}
	a.count(JournalHoles, s.Journal.Holes)
	a.count(JournalFilling, truth(s.Journal.Filling))
	a.count(DiskLow, truth(s.Journal.FreeDisk >= 0 && s.Journal.FreeDisk < lowDisk))
	a.count(ClockNotSet, truth(!s.ClockTrusted))
	return a.found
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// raise adds n to the alert of that code, which began at the earliest of all times.
func (a *alarms) raise(code string, since time.Time, n uint64) *Alert {
	since = second(since, a.now)
	alert := a.found[code]
	if alert == nil {
		alert = &Alert{Version: Version, Device: a.device, Code: code, Since: since}
		a.found[code] = alert
	}
	if since.Before(alert.Since) {
		alert.Since = since
	}
	alert.Count += n
	return alert
}

// count raises an alert that has no time of its own, if n is not 0.
func (a *alarms) count(code string, n uint64) *Alert {
	if n == 0 {
		return nil
	}
	since := a.began[code]
	if since.IsZero() {
		since = a.now
	}
	return a.raise(code, since, n)
}

// partAlerts are the codes for a part that fails, and for one that has stopped.
func partAlerts(p *health.Report) (failing, stopped string) {
	switch p.Kind {
	case health.Reader:
		return ReaderFailing, ReaderStopped
	case health.Uplink:
		return UplinkFailing, UplinkStopped
	case health.Journal:
		if p.Code == string(health.JournalFull) {
			return JournalFull, JournalFull
		}
		if p.Code == string(health.JournalBroken) || p.Code == string(health.JournalSalvaged) {
			return JournalBroken, JournalBroken
		}
		return JournalFailing, JournalFailing
	case health.Config:
		return ConfigRefused, ConfigRefused
	case health.Cardholders:
		return CardholdersFailing, CardholdersFailing
	case health.Broker:
		return BrokerFailing, BrokerFailing
	case health.Web:
		return WebFailing, WebFailing
	default:
		return "", ""
	}
}

func (a *alarms) part(p *health.Report) {
	failing, stopped := partAlerts(p)
	var alert *Alert
	switch {
	case failing == "":
		return
	case p.State == health.Down:
		alert = a.raise(failing, p.Since, 1)
	case p.State == health.Stopped:
		alert = a.raise(stopped, p.Since, 1)
	default:
		return
	}
	switch p.Kind {
	case health.Reader:
		alert.Readers = append(alert.Readers, p.Name)
	case health.Uplink:
		alert.Uplinks = append(alert.Uplinks, p.Name)
	default: // there is one of each
	}
}

func (a *alarms) queue(q *health.Queue) {
	gone := uint64(0)
	if q.Orphaned {
		gone = q.Waiting
	}
	for _, c := range []struct {
		code string
		n    uint64
	}{{DeadLetters, uint64(max(0, q.Dead))}, {Uncertain, uint64(max(0, q.Uncertain))}, {UplinkGone, gone}} {
		if alert := a.count(c.code, c.n); alert != nil {
			alert.Uplinks = append(alert.Uplinks, q.Name)
		}
	}
}
