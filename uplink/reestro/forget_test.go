package reestro

import (
	"testing"

	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestASubjectIsForgottenByItsNumbers(t *testing.T) {
	store := &uplinktest.Store{}
	r := newRegistry(store)
	one := &subject{Person: &person{Surname: "Пробный", Name: "Проба", BirthDate: "1990-01-01", INN: "500100732259", SNILS: "112-233-445 95"}}
	two := &subject{Person: &person{Surname: "Другой", Name: "Проба", BirthDate: "1990-01-02", INN: "500100732260"}}
	if _, err := r.take(one, two); err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{"500100732259", "11223344595"} {
		if n, waiting, err := r.forget(number, true); err != nil || n != 1 || waiting != 1 {
			t.Errorf("counted %d, %d waiting, %v", n, waiting, err)
		}
	}
	if n, _, err := r.forget("11223344595", false); err != nil || n != 1 {
		t.Errorf("forgot %d, %v", n, err)
	}
	for when, r := range map[string]*registry{"at once": r, "after a start": newRegistry(store)} {
		counts, err := r.count()
		if err != nil || counts[fresh]+counts[sending] != 1 {
			t.Errorf("%s: %v, %v", when, counts, err)
		}
		if n, _, err := r.forget("500100732259", true); err != nil || n != 0 {
			t.Errorf("%s: still %d, %v", when, n, err)
		}
		if s, err := r.next(); err != nil || s == nil || s.Person.Surname != "Другой" {
			t.Errorf("%s: next %v, %v", when, s != nil, err)
		}
	}
}
