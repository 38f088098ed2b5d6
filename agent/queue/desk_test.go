package queue

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// mixed is a journal in which one uplink has a pass in every state: 1 and 6 delivered, 2 held, 3 dead, 4 uncertain, 5 somebody
// who did not go through, 7 and 8 waiting. For the other uplink all of them wait.
func mixed(t *testing.T) *site {
	s := newSite(t)
	outside := pass(5)
	outside.Outcome = event.NotPassed
	s.store(pass(1), unknown(2), pass(3), pass(4), outside, pass(6), pass(7), pass(8))
	s.settle(visits, 6, held(2), dead(3), uncertain(4))
	return s
}

func TestEachPassIsListedInItsState(t *testing.T) {
	s := mixed(t)
	for _, test := range []struct {
		query Query
		want  string
	}{
		{Query{}, "2 visits held, 3 visits dead, 4 visits uncertain"},
		{Query{Uplink: visits}, "2 visits held, 3 visits dead, 4 visits uncertain"},
		{Query{Uplink: relay}, ""},
		{Query{State: Held}, "2 visits held"},
		{Query{State: Dead}, "3 visits dead"},
		{Query{State: Uncertain}, "4 visits uncertain"},
		{Query{Uplink: visits, State: Delivered}, "1 visits delivered, 6 visits delivered"},
		{Query{Uplink: visits, State: Waiting}, "7 visits waiting, 8 visits waiting"},
		{Query{Uplink: relay, State: Delivered}, ""},
		{Query{State: Delivered}, "1 visits delivered, 6 visits delivered"},
		{Query{Number: 1}, "1 relay waiting, 1 visits delivered"},
		{Query{Number: 2}, "2 relay waiting, 2 visits held"},
		{Query{Number: 3}, "3 relay waiting, 3 visits dead"},
		{Query{Number: 4}, "4 relay waiting, 4 visits uncertain"},
		{Query{Number: 5}, "5 relay waiting"},
		{Query{Number: 8}, "8 relay waiting, 8 visits waiting"},
		{Query{Number: 9}, ""},
		{Query{Number: 3, State: Dead}, "3 visits dead"},
		{Query{Number: 3, State: Held}, ""},
		{Query{Number: 3, State: Delivered}, ""},
		{Query{Number: 1, State: Waiting}, "1 relay waiting"},
		{Query{Number: 7, State: Delivered}, ""},
	} {
		s.wantItems(test.query, test.want)
	}
}

func TestAnItemTellsWhatIsKnownOfThePass(t *testing.T) {
	s := mixed(t)
	items := s.items(Query{Number: 3, State: Dead, Reveal: true})
	if len(items) != 1 {
		t.Fatal(short(items))
	}
	got := items[0]
	if got.Reason != "HTTP 422: wrong date" || got.Since.IsZero() || got.ID == (event.ID{}) || !got.At.Equal(pass(3).At.Wall) {
		t.Errorf("%+v", got)
	}
	got.Since, got.ID, got.At = Item{}.Since, event.ID{}, Item{}.At
	want := Item{
		Number: 3, Uplink: visits, State: Dead, Reason: got.Reason, Reader: "gate-1", Direction: event.In, Outcome: event.Passed,
		Card: card(3), CardFormat: "rdm6300", IIN: pupil.IIN, Name: pupil.Name, Organization: school.Name, BIN: school.BIN,
		Note: "Корпус 1, вход",
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestPeopleAreMaskedUnlessRevealed(t *testing.T) {
	s := mixed(t)
	text := pass(9)
	text.Credential = event.Credential{Format: "line", Text: "QR-77-0001", Raw: []byte("QR-77-0001")}
	tiny := pass(10)
	tiny.Credential = event.Credential{Format: "line", Text: "A17", Raw: []byte("A17")}
	s.store(text, tiny)
	secrets := []string{
		pupil.IIN, "Пробный", "Проба", "Пробович", "QR-77", "A17", "user 8", "5500ABC0",
	}
	for n := 1; n <= 8; n++ {
		secrets = append(secrets, card(n))
	}
	listed := 0
	for _, state := range []State{"", Waiting, Delivered, Held, Dead, Uncertain} {
		items := s.items(Query{State: state})
		listed += len(items)
		plain, err := json.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if strings.Contains(string(plain), secret) {
				t.Errorf("%q stands in the masked items of state %q:\n%s", secret, state, plain)
			}
		}
	}
	if listed < 20 {
		t.Fatalf("only %d items were looked at", listed)
	}
	masked := s.items(Query{Number: 3, State: Dead})[0]
	if masked.IIN != "9001*****017" || masked.Name != "П.П.П." || masked.Card != "****C003" {
		t.Errorf("masked: %q %q %q", masked.IIN, masked.Name, masked.Card)
	}
	if nobody := s.items(Query{Number: 2, State: Held})[0]; nobody.IIN != "" || nobody.Name != "" {
		t.Errorf("a card of nobody has the IIN %q and the name %q", nobody.IIN, nobody.Name)
	}
	full := s.items(Query{Number: 9, Uplink: visits, Reveal: true})[0]
	if full.IIN != pupil.IIN || full.Name != pupil.Name || full.Card != "QR-77-0001" {
		t.Errorf("revealed: %+v", full)
	}
}

func TestManyAsideAreNotDelivered(t *testing.T) {
	const each = batch + 30 // more than a batch in one state
	s := newSite(t)
	var passes []*event.Pass
	for n := range 4 * each {
		passes = append(passes, pass(n))
	}
	s.store(passes...)
	put := [...]func(uint64) event.Aside{held, dead, uncertain}
	var aside []event.Aside
	var delivered []uint64
	for seq := uint64(1); seq <= 4*each; seq++ {
		if i := seq % 4; i < 3 {
			aside = append(aside, put[i](seq))
		} else {
			delivered = append(delivered, seq)
		}
		if len(aside) == event.MaxAside || seq == 4*each {
			s.settle(visits, seq, aside...)
			aside = nil
		}
	}
	var got []uint64
	for _, item := range s.items(Query{Uplink: visits, State: Delivered}) {
		got = append(got, item.Number)
	}
	if !slices.Equal(got, delivered) {
		t.Errorf("%d items are delivered, want %d:\n%v", len(got), len(delivered), got)
	}
}

func TestListingEndsWhenEnoughIsSeen(t *testing.T) {
	s := mixed(t)
	for _, q := range []Query{{}, {State: Waiting}, {State: Delivered}, {Number: 3}} {
		calls := 0
		err := s.Items(t.Context(), q, func(*Item) bool {
			calls++
			return false
		})
		if err != nil || calls != 1 {
			t.Errorf("%+v: %d items, %v, want 1", q, calls, err)
		}
	}
}

func TestListingEndsWithItsContext(t *testing.T) {
	s := mixed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, q := range []Query{{}, {State: Waiting}, {State: Delivered}} {
		if err := s.Items(ctx, q, func(*Item) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestAnUnknownUplinkIsAnsweredWithTheNames(t *testing.T) {
	s := mixed(t)
	_, acted := s.Act(t.Context(), Drop, Query{Uplink: "visit", State: Dead})
	for what, err := range map[string]error{
		"list":  s.Items(t.Context(), Query{Uplink: "visit"}, func(*Item) bool { return true }),
		"knows": s.Knows("visit"), "act": acted,
	} {
		if !errors.Is(err, ErrNoUplink) || !strings.Contains(err.Error(), `"visit"; there are: ["relay" "visits"]`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := errors.Join(s.Knows(""), s.Knows(visits)); err != nil {
		t.Error(err)
	}
}

func TestAnUplinkThatIsGoneFromTheConfigurationIsListed(t *testing.T) {
	s := mixed(t)
	s.reopen(1<<20, relay)
	if got := s.Names(); !slices.Equal(got, []string{relay, visits}) {
		t.Errorf("uplinks %v", got)
	}
	s.wantItems(Query{State: Dead}, "3 visits dead")
	if done := s.act(Drop, Query{State: Dead}); done.Count != 1 {
		t.Errorf("%d passes are dropped, want 1", done.Count)
	}
}
