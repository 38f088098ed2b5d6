package heartbeat

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// calm lies between two heartbeats, whatever happens.
	calm = time.Second
	// lookEvery is how often is looked for what nobody announces: passes that were refused, a disk that fills up.
	lookEvery = 10 * time.Second
)

// A life is one session: what is told over one connection.
type life struct {
	*heartbeat
	link    link
	say     *health.Part
	session uint64
	// seq is the number of the last heartbeat, and beat when it was told.
	seq  uint64
	beat time.Time
	// alerts are those that the broker has, by their codes; nil for one of an earlier life, which it may have or not.
	//
	// At the first connection all codes stand here, so that whatever was left over by an earlier start of the agent is taken
	// away. The broker could be asked what it has, but that takes the right to read, which many give to the centre alone, and
	// nobody can say when all has come; and a list on disk is wrong after the disk or the broker was exchanged.
	alerts map[string]*Alert
	// will is told by the broker if the connection breaks, farewell by us at an orderly end.
	will, farewell message
}

// newLife prepares a session; link and say are the caller's.
func (h *heartbeat) newLife(session uint64) (l *life, err error) {
	l = &life{heartbeat: h, session: session, alerts: make(map[string]*Alert)}
	if h.began == nil { // the first life since the agent was started
		h.began = h.ledger.began()
		h.stood = Codes()
	}
	for _, code := range h.stood {
		l.alerts[code] = nil
	}
	if l.will, err = l.state(Lost); err != nil {
		return nil, err
	}
	l.farewell, err = l.state(Stopped)
	return l, err
}

func (l *life) state(p Presence) (message, error) {
	return says(StateTopic(l.device), State{Version: Version, Device: l.device, State: p, Session: l.session})
}

// run tells until ctx ends, and then returns nil, or until something fails.
func (l *life) run(ctx context.Context) error {
	introduced := false
	for due := true; ; {
		changed := l.agent.Changed() // before the look, so that no change falls in between
		err := l.tell(ctx, due)
		if err == nil && !introduced {
			introduced = true
			err = l.introduce(ctx)
			if local, ok := errors.AsType[*ledgerError](err); ok { // the rest does not depend on it
				l.log.Warn("Home Assistant is not told of this device", "error", local)
				err = nil
			}
		}
		if err == nil {
			due, err = l.wait(ctx, changed)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// wait waits for the next look; due says that a heartbeat is due whatever is seen.
func (l *life) wait(ctx context.Context, changed <-chan struct{}) (due bool, err error) {
	next := time.NewTimer(time.Until(l.beat.Add(l.interval)))
	defer next.Stop()
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	select {
	case <-changed:
		pause := time.NewTimer(time.Until(l.beat.Add(calm)))
		defer pause.Stop()
		select {
		case <-pause.C:
			return true, nil
		case err := <-l.link.lost():
			return false, err
		case <-ctx.Done():
			return false, nil
		}
	case <-next.C:
		return true, nil
	case <-look.C:
		return false, nil
	case err := <-l.link.lost():
		return false, err
	case <-ctx.Done():
		return false, nil
	}
}

// tell looks at the agent, and tells what the broker does not know yet: alerts, and if there are any, or one is due, a heartbeat.
func (l *life) tell(ctx context.Context, due bool) error {
	status := l.agent.Status()
	standing := alertsOf(&status, l.began)
	news, err := l.news(standing)
	if err != nil {
		return err
	}
	if !due && len(news) == 0 {
		return nil
	}
	beat := compose(&status)
	beat.Session, beat.Seq, beat.Interval, beat.Alerts = l.session, l.seq+1, int(l.interval.Seconds()), codesOf(standing)
	last, err := says(Topic(l.device), beat)
	if err != nil {
		return err
	}
	// The state stands with each heartbeat, so that a will of an earlier session that comes late does not stand for long.
	online, err := l.state(Online)
	if err != nil {
		return err
	}
	l.stood = slices.Collect(maps.Keys(l.alerts)) // the broker may have these and those that stand, until it has confirmed
	l.stood = append(l.stood, beat.Alerts...)
	if err := l.link.send(ctx, slices.Concat([]message{online}, news, []message{last})...); err != nil {
		return err
	}
	l.say.Add(1)
	l.seq, l.beat, l.alerts, l.stood = beat.Seq, time.Now(), standing, beat.Alerts
	return l.note(ctx, standing)
}

// news are the messages by which the broker comes to know what stands.
func (l *life) news(standing map[string]*Alert) (news []message, err error) {
	for _, code := range Codes() {
		before, there := l.alerts[code]
		alert := standing[code]
		switch {
		case alert == nil && there:
			news = append(news, message{topic: AlertTopic(l.device, code)})
		case alert != nil && (before == nil || !before.equal(alert)):
			m, err := says(AlertTopic(l.device, code), alert)
			if err != nil {
				return nil, err
			}
			news = append(news, m)
		}
	}
	return news, nil
}

// note remembers since when the alerts stand that have no time of their own, also over a restart.
func (l *life) note(ctx context.Context, standing map[string]*Alert) error {
	began := make(map[string]time.Time)
	for _, code := range timeless {
		if alert := standing[code]; alert != nil {
			began[code] = alert.Since
		}
	}
	if maps.EqualFunc(began, l.began, time.Time.Equal) {
		return nil
	}
	l.began = began
	if err := l.ledger.keepBegan(ctx, began); err != nil && ctx.Err() == nil {
		l.log.Warn("alerts may begin anew after a restart", "error", err) // the journal complains on its own
	}
	return nil
}

// introduce makes the device known to Home Assistant, or unknown, as the settings have it.
func (l *life) introduce(ctx context.Context) error {
	before, err := l.ledger.discovery()
	if err != nil {
		return err
	}
	now := l.discovery.topics(l.device)
	var messages []message
	for _, topic := range before {
		if !slices.Contains(now, topic) {
			messages = append(messages, message{topic: topic})
		}
	}
	for _, topic := range now {
		m, err := says(topic, l.discovery.entry(l.device, l.program))
		if err != nil {
			return err
		}
		messages = append(messages, m)
		if !slices.Contains(before, topic) { // on disk before it is at the broker, or nobody could take it away
			before = append(before, topic)
			if err := l.ledger.keepDiscovery(ctx, before); err != nil {
				return err
			}
		}
	}
	if len(messages) == 0 {
		return nil
	}
	if err := l.link.send(ctx, messages...); err != nil || slices.Equal(before, now) {
		return err
	}
	return l.ledger.keepDiscovery(ctx, now)
}
