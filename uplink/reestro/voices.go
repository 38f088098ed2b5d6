package reestro

import (
	"sync"

	"github.com/acs-agent/acs-agent/agent/health"
)

// A voice is one of those who work for the uplink and know how it is doing.
type voice int

const (
	inboxVoice voice = iota
	subjectsVoice
	checksVoice
	voiceCount
)

// voices make one word of what all of them say: the worst. Otherwise a portal that takes subjects and shows no checks would be
// well and ill in turn.
type voices struct {
	part *health.Part

	mu   sync.Mutex
	said [voiceCount]struct {
		problem error
		stopped bool
	}
}

func (v *voices) up(who voice)              { v.say(who, nil, false) }
func (v *voices) down(who voice, why error) { v.say(who, why, false) }
func (v *voices) stop(who voice, why error) { v.say(who, why, true) }
func (v *voices) odd(what error)            { v.part.Odd(what) }
func (v *voices) registered()               { v.part.Add(1) }

func (v *voices) say(who voice, problem error, stopped bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said[who].problem, v.said[who].stopped = problem, stopped
	var worst error
	for _, s := range v.said {
		switch {
		case s.stopped:
			v.part.Stop(s.problem)
			return
		case worst == nil:
			worst = s.problem
		}
	}
	switch {
	case worst != nil:
		v.part.Down(worst)
	case who == subjectsVoice || who == checksVoice:
		v.part.Up() // the portal has answered; that the disk works says nothing of it
	case v.part.State() != health.Starting:
		v.part.Up()
	}
}
