package callback

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestARequestIsForgottenByItsINN(t *testing.T) {
	b := newBareBook()
	var x batch
	for i, inn := range []string{"500100732259", "", "5001 0073 2259"} {
		r := request{
			Number: uint64(i + 1), ReceivedAt: time.Now(), Application: application{ID: fmt.Sprint("id-", i), Surname: "Пробный", INN: inn},
			Statuses: []status{{Number: uint64(10 + i), Code: rendered, Outcome: waiting}},
		}
		x.put(key(requestKey, r.Number), r)
		x.put(key(outKey, uint64(10+i)), r.Number)
	}
	if err := b.apply(t.Context(), &x); err != nil {
		t.Fatal(err)
	}
	if n, owed, err := b.forget(t.Context(), "500100732259", true); err != nil || n != 2 || owed != 2 {
		t.Errorf("counted %d, %d owed, %v", n, owed, err)
	}
	if n, _, err := b.forget(t.Context(), "500100732259", false); err != nil || n != 2 {
		t.Errorf("forgot %d, %v", n, err)
	}
	left := map[string]int{}
	if err := b.store.Each("", func(key string, _ []byte) bool {
		prefix, _, _ := strings.Cut(key, "/")
		left[prefix]++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if left["request"] != 1 || left["out"] != 1 || left["known"] != 2 {
		t.Errorf("left: %v", left)
	}
}
