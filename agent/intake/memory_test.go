package intake

import (
	"fmt"
	"testing"
	"time"
)

func TestMemoryIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		repeat time.Duration
		passes uint64
		most   int
	}{
		"a usual time":         {3 * time.Second, 100_000, 128},
		"a time without sense": {35 * 24 * time.Hour, 3 * cardsKept, cardsKept + 64},
	} {
		t.Run(name, func(t *testing.T) {
			in := overJournal(t, void{}, gates(test.repeat)...)
			begin := time.Now()
			most := 0
			for n := range test.passes {
				p := at(delivery(pass("gate-1", n), fmt.Sprint(n), false), begin.Add(time.Duration(n)*100*time.Millisecond))
				if err := in.Take(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				m := in.readers["gate-1"].memory
				most = max(most, len(m.cards))
				if len(m.events) > eventsKept || len(m.order) != len(m.events) {
					t.Fatalf("%d events are remembered, %d in order, want %d at most", len(m.events), len(m.order), eventsKept)
				}
			}
			if most > test.most {
				t.Errorf("%d cards are remembered, want %d at most", most, test.most)
			}
			// What is remembered is what was seen last.
			before := in.readers["gate-1"].memory.cards
			if _, kept := before[cardKey(pass("gate-1", test.passes-1))]; !kept {
				t.Error("the newest card is forgotten")
			}
			if _, kept := before[cardKey(pass("gate-1", 0))]; kept {
				t.Error("the oldest card is remembered")
			}
		})
	}
}
