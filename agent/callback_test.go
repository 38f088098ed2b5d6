package main

import (
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink/callback"
)

// What the platform writes breaks neither a table nor a terminal, and an ambiguous date is shown as it came.
func TestCallbacksAreShownSafely(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	list := callback.List{More: true, Requests: []callback.View{
		{
			ID: 1, State: "registered", Outcome: "sent", ReceivedAt: at, ApplicationID: "1\t2\n3\x1b[31m", Created: "2022-29-12",
			CreatedAs: []string{"2022-12-29"}, Name: "П.П.", Phone: "***4567", OPF: "legalEntity", Organization: "***",
		},
		{ID: 2, State: "rendered", Outcome: "waiting", ReceivedAt: at, Created: "2022-05-12", CreatedAs: []string{"2022-12-05", "2022-05-12"}},
		{ID: 3, State: "registered", ReceivedAt: at, Problem: "it came without an id"},
	}}
	var out strings.Builder
	if err := printCallbacks(&out, nil, &list); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ID  STATE              RECEIVED          CREATED      PLATFORM ID  WHO   PHONE    FORM         ORGANIZATION",
		"1   registered         2026-11-22 10:00  2022-12-29   1 2 3 [31m   П.П.  ***4567  legalEntity  ***",
		"2   rendered, waiting  2026-11-22 10:00  2022-05-12?  -            -     -        -            -",
		"3   not usable         2026-11-22 10:00  -            -            -     -        -            -",
		"(the first 3; --limit shows more)",
	}
	if got := strings.TrimSuffix(out.String(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestACallbackIsShownWithAllThatIsKnown(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	v := callback.View{
		ID: 17, State: "rejected", Outcome: "refused", ReceivedAt: at, ClosedAt: at.Add(time.Hour), ApplicationID: "111", Created: "2022-05-12",
		CreatedAs: []string{"2022-12-05", "2022-05-12"}, Name: "П.П.", Phone: "***4567", OPF: "farm", OPFUnknown: true,
		Statuses: []callback.StatusView{
			{Code: "registered", At: at, Outcome: "sent"},
			{Code: "rejected", Comment: "***", At: at, Outcome: "refused", Reason: `{"type":"Format-logical control error "}`},
			{Code: "rendered", At: at, Outcome: "waiting", Lost: true},
		},
	}
	var out strings.Builder
	if err := printCallback(&out, nil, &v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"state ", "rejected, refused", "2022-12-05 or 2022-05-12", `"farm", which the platform's document does not list`, "closed ",
		"2026-11-22 10:00:00 registered, sent", "rejected, refused: ***", `the platform says  {"type":"Format-logical control error "}`,
		"rendered, waiting (an answer was lost; it is sent again)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
