package callback

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// office makes a site with three requests: open, rendered and refused.
func office(t *testing.T) *site {
	t.Helper()
	s := newSite(t, "http://127.0.0.1:1", &uplinktest.Store{}, "")
	_, err := s.book.take(t.Context(), []application{
		{
			ID: "111", Created: "2022-29-12", Surname: "Пробный", Firstname: "Проба", Patronymic: "Пробович", Organization: "ООО Проба",
			OPF: " legalEntity", INN: "7719283390", Phone: "8 (999) 123-45-67",
		},
		{ID: "112", Created: "2022-05-12", Surname: "Ли", OPF: "farm", Phone: "12"},
		{ID: "113"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 3; n++ {
		if err := s.book.finish(t.Context(), n, n, sent, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.book.set(t.Context(), 2, rendered, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.book.set(t.Context(), 3, rejected, "Ли не отвечает"); err != nil {
		t.Fatal(err)
	}
	if err := s.book.finish(t.Context(), 3, 5, refused, `{"type":"x"}`); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequestsAreListedByState(t *testing.T) {
	s := office(t)
	for state, want := range map[string][]uint64{
		"": {1, 2, 3}, registered: {1}, rendered: {2}, rejected: {3}, selectOpen: {1}, selectWaiting: {2}, selectRefused: {3},
	} {
		var got List
		if status := s.ask(t, "GET", "/requests?state="+state, "", &got); status != http.StatusOK {
			t.Errorf("%s: %d", state, status)
		}
		if len(got.Requests) != len(want) || got.More {
			t.Errorf("%s: %+v", state, got)
			continue
		}
		for i, v := range got.Requests {
			if v.ID != want[i] {
				t.Errorf("%s: request %d", state, v.ID)
			}
		}
	}
	var got List
	if s.ask(t, "GET", "/requests?limit=2", "", &got); len(got.Requests) != 2 || !got.More {
		t.Errorf("limited: %+v", got)
	}
}

func TestPeopleAreMaskedUnlessTheyAreAskedFor(t *testing.T) {
	s := office(t)
	var v View
	s.ask(t, "GET", "/requests/1", "", &v)
	if v.Name != "П.П.П." || v.Phone != "***4567" || v.Organization != "***" || v.INN != "***390" || v.PhoneRaw != "" {
		t.Errorf("masked: %+v", v)
	}
	if v.State != registered || v.Outcome != sent || v.ApplicationID != "111" || v.OPF != "legalEntity" || v.OPFUnknown ||
		v.Created != "2022-29-12" || len(v.CreatedAs) != 1 || v.CreatedAs[0] != "2022-12-29" || len(v.Statuses) != 1 {
		t.Errorf("the rest: %+v", v)
	}
	if _, offset := v.ReceivedAt.Zone(); offset != 5*3600 {
		t.Errorf("not by the clock of the site: %v", v.ReceivedAt)
	}
	v = View{}
	s.ask(t, "GET", "/requests/1?reveal", "", &v)
	if v.Name != "Пробный Проба Пробович" || v.Phone != "+79991234567" || v.PhoneRaw != "8 (999) 123-45-67" || v.Organization != "ООО Проба" || v.INN != "7719283390" {
		t.Errorf("revealed: %+v", v)
	}
	v = View{}
	s.ask(t, "GET", "/requests/2", "", &v)
	if v.Phone != "***" || v.OPF != "farm" || !v.OPFUnknown || len(v.CreatedAs) != 2 {
		t.Errorf("second: %+v", v)
	}
	v = View{}
	s.ask(t, "GET", "/requests/3", "", &v)
	if v.Statuses[1].Comment != "***" || v.Statuses[1].Reason != `{"type":"x"}` {
		t.Errorf("third: %+v", v.Statuses)
	}
	v = View{}
	if s.ask(t, "GET", "/requests/3?reveal", "", &v); v.Statuses[1].Comment != "Ли не отвечает" {
		t.Errorf("third revealed: %+v", v.Statuses)
	}
}

func TestCommandsRefuseWhatCannotBe(t *testing.T) {
	s := office(t)
	for _, c := range []struct {
		method, target, body string
		status               int
		words                string
	}{
		{"GET", "/requests/9", "", 404, "no such request"},
		{"GET", "/requests/x", "", 400, "no number"},
		{"GET", "/requests?state=x", "", 400, "no state"},
		{"GET", "/requests?limit=0", "", 400, "limit"},
		{"POST", "/requests/1/status", `{"status":"rejected"}`, 400, "needs a comment"},
		{"POST", "/requests/1/status", `{"status":"registered"}`, 400, "sent by itself"},
		{"POST", "/requests/1/status", `x`, 400, "no JSON"},
		{"POST", "/requests/9/status", `{"status":"rendered"}`, 404, "no such request"},
	} {
		var said struct{ Error string }
		if status := s.ask(t, c.method, c.target, c.body, &said); status != c.status || !strings.Contains(said.Error, c.words) {
			t.Errorf("%s %s %s: %d %q", c.method, c.target, c.body, status, said.Error)
		}
	}
}

func TestAStatusWakesTheUplink(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) { return usual(call, max(times, 1)) })
	s := received(t, p, 1)
	s.Poll = 3600e9
	set := false
	s.run(t, func() bool {
		if s.quiet() && !set {
			set = true
			var v View
			if s.ask(t, "POST", "/requests/1/status", `{"status":"rendered","comment":"ok"}`, &v) != http.StatusOK || v.State != rendered || v.Outcome != waiting {
				t.Errorf("%+v", v)
			}
			return false
		}
		return set && s.quiet()
	})
	if text := p.record().status(); text != `{"applicationId":"id1","status":"rendered","comment":"ok"}` {
		t.Error(text)
	}
}

func TestTheUplinkHasCommands(t *testing.T) {
	var u uplink.Uplink = newSite(t, "http://127.0.0.1:1", &uplinktest.Store{}, "").callback
	if _, ok := u.(uplink.Commanded); !ok {
		t.Error("it has none")
	}
	if _, err := json.Marshal(View{}); err != nil {
		t.Error(err)
	}
}
