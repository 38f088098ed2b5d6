package buffer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// model is the journal as it should be, in plain maps.
type model struct {
	passes  map[uint64]modelPass
	first   uint64
	end     uint64
	uplinks map[string]*modelUplink
}

type modelPass struct{ id, addressee string }

type modelUplink struct {
	cursor uint64
	aside  map[event.State]map[uint64]string // number → event id
}

func (m *model) row(uplink string, after uint64) (ids []string) {
	for seq := max(after+1, m.first); seq <= m.end; seq++ {
		if p := m.passes[seq]; p.addressee == "" || p.addressee == uplink {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// TestRandomOperations does the same at random to a journal and to a model and compares them, also over restarts.
func TestRandomOperations(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomOperations(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func randomOperations(t *testing.T, r *rand.Rand) {
	names := []string{"a", "ab", "visits"}
	o := testOptions(t, names...)
	o.tuning.segmentPasses = 7
	j := open(t, o)
	m := &model{passes: map[uint64]modelPass{}, first: 1, uplinks: map[string]*modelUplink{}}
	for _, name := range names {
		m.uplinks[name] = &modelUplink{aside: map[event.State]map[uint64]string{event.Held: {}, event.Dead: {}, event.Uncertain: {}}}
	}
	for n := range 300 {
		name := names[r.IntN(len(names))]
		u, s := m.uplinks[name], j.Source(name)
		switch op := r.IntN(100); {
		case op < 50:
			appendInOrder(t, j, n, n)
			m.end++
			m.passes[m.end] = modelPass{id: fmt.Sprint(n)}
		case op < 75:
			upto := u.cursor + uint64(r.IntN(int(m.end-u.cursor)+1))
			var aside []event.Aside
			for seq := max(u.cursor+1, m.first); seq <= upto; seq++ {
				if p := m.passes[seq]; r.IntN(3) == 0 && (p.addressee == "" || p.addressee == name) {
					a := event.Aside{Seq: seq, State: event.State(1 + r.IntN(3)), Reason: "reason"}
					aside = append(aside, a)
					u.aside[a.State][seq] = p.id
				}
			}
			settle(t, s, upto, aside...)
			u.cursor = upto
		case op < 90:
			state := event.State(1 + r.IntN(3))
			if len(u.aside[state]) == 0 {
				continue
			}
			seqs := slices.Sorted(maps.Keys(u.aside[state]))
			seq := seqs[r.IntN(len(seqs))]
			id := u.aside[state][seq]
			delete(u.aside[state], seq)
			if op < 78 {
				if err := j.Drop(t.Context(), name, state, seq); err != nil {
					t.Fatal(err)
				}
				continue
			}
			var p *event.Pass
			if op%2 == 0 {
				p, id = testPass(n), fmt.Sprint(n)
			}
			if err := j.Release(t.Context(), name, state, seq, p); err != nil {
				t.Fatal(err)
			}
			m.end++
			m.passes[m.end] = modelPass{id, name}
		case op < 96:
			retain(t, j, monday.Add(1000*day))
			if now := first(j); now > m.first { // where segments end is not the model's business, but what may go is
				for _, u := range m.uplinks {
					if now > u.cursor+1 {
						t.Fatalf("operation %d: deleted up to %d, an uplink is at %d", n, now-1, u.cursor)
					}
				}
				m.first = now
			}
		default:
			shut(t, j)
			j = open(t, o)
		}
		if n%10 == 0 {
			compare(t, n, j, m)
		}
	}
	compare(t, 300, j, m)
}

func compare(t *testing.T, n int, j *Journal, m *model) {
	t.Helper()
	st := j.Stats()
	if st.End != m.end || st.Holes != 0 || st.LostTail != 0 {
		t.Fatalf("operation %d: end %d, want %d; %+v", n, st.End, m.end, st)
	}
	for name, u := range m.uplinks {
		if got := j.Source(name).Cursor(); got != u.cursor {
			t.Fatalf("operation %d: %s is at %d, want %d", n, name, got, u.cursor)
		}
		if got, want := row(t, j.Source(name), u.cursor), m.row(name, u.cursor); !slices.Equal(got, want) {
			t.Fatalf("operation %d: %s sees %v, want %v", n, name, got, want)
		}
		us := st.Uplinks[name]
		counts := map[event.State]int{event.Held: us.Held, event.Dead: us.Dead, event.Uncertain: us.Uncertain}
		for state, records := range u.aside {
			var want []string
			for _, seq := range slices.Sorted(maps.Keys(records)) {
				want = append(want, records[seq])
			}
			if got := asides(t, j, name, state); !slices.Equal(got, want) || counts[state] != len(want) {
				t.Fatalf("operation %d: %s of %s are %v (counted %d), want %v", n, state, name, got, counts[state], want)
			}
		}
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
		t.Fatalf("operation %d: %+v, %v", n, v, err)
	}
}
