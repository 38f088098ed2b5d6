package cardholders

import (
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// The people of the tests, by the letter that stands for them.
const (
	a = ";900101300017;Пробный Проба Пробович;"
	b = ";050101500030;Пробная Проба Пробовна;"
	c = ";900101400023;Образцов Образец Образцович;"
)

var people = map[string]string{"900101300017": "a", "050101500030": "b", "900101400023": "c"}

func TestFindNeverGuesses(t *testing.T) {
	for _, test := range []struct {
		name string
		rows []string
		card string
		at   time.Time
		want string // the person, or why there is none
	}{
		{"the full number beats a stranger's end of it", []string{"126,58404" + b, "55007EE424" + a}, "55007EE424", time.Time{}, "a"},
		{"32 bits beat 24", []string{"7EE424" + b, "007EE424" + a}, "55007EE424", time.Time{}, "a"},
		{"the full row is found by 32 bits as well", []string{"7EE424" + b, "55007EE424" + a}, "007EE424", time.Time{}, "a"},
		{"24 bits fit two cards", []string{"55007EE424" + a, "55127EE424" + b}, "7EE424", time.Time{}, "ambiguous-card"},
		{"32 bits fit two cards", []string{"55007EE424" + a, "56007EE424" + b}, "007EE424", time.Time{}, "ambiguous-card"},
		{"40 bits fit one of them", []string{"55007EE424" + a, "56007EE424" + b}, "56007EE424", time.Time{}, "b"},
		{"24 bits fit a full row and a short one", []string{"55007EE424" + a, "126,58404" + b}, "7EE424", time.Time{}, "ambiguous-card"},
		{"two cards of one person", []string{"55007EE424" + a, "55127EE424" + a}, "7EE424", time.Time{}, "a"},
		{"one card, two people", []string{"55007EE424" + a, "55007EE424" + b}, "55007EE424", time.Time{}, "ambiguous-card"},
		{"three people, two of them the same", []string{"55007EE424" + a, "55007EE424" + a, "55007EE424" + b}, "55007EE424", time.Time{}, "ambiguous-card"},
		{"decimal for one, hexadecimal for the other", []string{"12345678" + a, "0305419896" + b}, "12345678", time.Time{}, "ambiguous-card"},
		{"the short number fits another than the end of the long one", []string{"066,53692" + a, "D14264" + b}, "BCD14264/42D1BC", time.Time{}, "ambiguous-card"},
		{"the UID decides before the short number", []string{"066,53692" + a, "BCD14264" + b}, "BCD14264/42D1BC", time.Time{}, "b"},
		{"nobody", []string{"55007EE424" + a}, "55007EE425", time.Time{}, "unknown-card"},
		{"an empty book", nil, "55007EE424", time.Time{}, "unknown-card"},

		{"the first day counts", []string{"55007EE424" + a + ";2026-09-01;2026-09-30"}, "55007EE424", on(2026, 9, 1), "a"},
		{"the last day counts", []string{"55007EE424" + a + ";2026-09-01;2026-09-30"}, "55007EE424", on(2026, 9, 30), "a"},
		{"too early", []string{"55007EE424" + a + ";2026-09-01;2026-09-30"}, "55007EE424", on(2026, 8, 31), "card-not-valid"},
		{"too late", []string{"55007EE424" + a + ";2026-09-01;2026-09-30"}, "55007EE424", on(2026, 10, 1), "card-not-valid"},
		{"midnight is that of the site", []string{"55007EE424" + a + ";;2026-09-30"}, "55007EE424", time.Date(2026, 9, 30, 18, 59, 59, 0, time.UTC), "a"},
		{"and not that of Greenwich", []string{"55007EE424" + a + ";;2026-09-30"}, "55007EE424", time.Date(2026, 9, 30, 19, 0, 0, 0, time.UTC), "card-not-valid"},
		{"another row of the same person", []string{"55007EE424" + a + ";;2026-03-31", "55007EE424" + a + ";2026-09-01;"}, "55007EE424", on(2026, 9, 1), "a"},
		{"between the two rows", []string{"55007EE424" + a + ";;2026-03-31", "55007EE424" + a + ";2026-09-01;"}, "55007EE424", on(2026, 5, 1), "card-not-valid"},
		{"a card passed on, before", []string{"55007EE424" + a + ";;2026-03-31", "55007EE424" + b + ";2026-04-01;"}, "55007EE424", on(2026, 3, 31), "a"},
		{"a card passed on, after", []string{"55007EE424" + a + ";;2026-03-31", "55007EE424" + b + ";2026-04-01;"}, "55007EE424", on(2026, 4, 1), "b"},
		{"passed on too early", []string{"55007EE424" + a + ";;2026-04-10", "55007EE424" + b + ";2026-04-01;"}, "55007EE424", on(2026, 4, 5), "ambiguous-card"},
		{"the same person's short row", []string{"55007EE424" + a + ";;2026-03-31", "126,58404" + a + ";2026-04-01;"}, "55007EE424", on(2026, 4, 1), "a"},
		{"somebody else's short row", []string{"55007EE424" + a + ";;2026-03-31", "126,58404" + b + ";2026-04-01;"}, "55007EE424", on(2026, 4, 1), "card-not-valid"},
		{"short rows of two who had the card", []string{
			"55007EE424" + a + ";;2026-03-31", "55007EE424" + b + ";;2026-03-31", "126,58404" + a, "126,58404" + b,
		}, "55007EE424", on(2026, 4, 1), "ambiguous-card"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.at.IsZero() {
				test.at = on(2026, 10, 1)
			}
			got := book(t, test.rows...).Find(credential(t, test.card), test.at)
			answer := got.Pending.String()
			if got.Pending == event.None {
				answer = people[got.Holder.IIN]
			} else if got.Holder != (event.Holder{}) || got.OrganizationID != "" {
				t.Errorf("a person without certainty: %+v", got)
			}
			if answer != test.want {
				t.Errorf("%s (%s), want %s", answer, got.Detail, test.want)
			}
		})
	}
}

func TestAnswerNamesLinesOnly(t *testing.T) {
	book := book(t, "55007EE424"+a+"school-12;;2026-03-31", "55007EE425"+a+";2026-09-01;", "55007EE426"+b, "55007EE426"+c, "55007EE427"+c+" Школа  № 12 ")
	for card, want := range map[string]string{
		"55007EE424": "line 2 was valid to 2026-03-31", "55007EE425": "line 3 is valid from 2026-09-01",
		"55007EE426": "lines 4 and 5 fit and belong to different people", "55007EE427": "line 6", "00000000": "",
	} {
		if got := book.Find(credential(t, card), on(2026, 8, 1)); got.Detail != want {
			t.Errorf("%s: %q, want %q", card, got.Detail, want)
		}
	}
	if got := book.Find(credential(t, "55007EE427"), on(2026, 8, 1)); got.OrganizationID != "Школа № 12" || got.Holder.Name != "Образцов Образец Образцович" {
		t.Errorf("%+v", got)
	}
}

func TestWarningsOfCollisions(t *testing.T) {
	for _, test := range []struct {
		name string
		rows []string
		want string // the beginning of the only warning
	}{
		{"one card, two people", []string{"55007EE424" + a, "55007EE424" + b}, "3: card: the same card as on line 2"},
		{"one card in two spellings", []string{"0008315940" + a, "007EE424" + b}, "3: card: the same card as on line 2"},
		{"one card, one after the other", []string{"55007EE424" + a + ";;2026-03-31", "55007EE424" + b + ";2026-04-01;"}, ""},
		{"one card, one person, one organization", []string{"55007EE424" + a, "55007EE424" + a}, ""},
		{"one card, one person, two organizations", []string{"55007EE424" + a, "55007EE424" + a + "school-13"}, "3: card: the same person and card as on line 2"},
		{"a short form", []string{"126,58404" + a, "55007EE424" + b}, "3: card: the end of the number is the same as on line 2"},
		{"the last 24 bits", []string{"56127EE424" + a, "55007EE424" + b}, "3: card: the last 24 bits are the same as on line 2"},
		{"short numbers of two UIDs", []string{"Mifare[BCD14264] 1K (0004,08) 066,53692" + a, "Mifare[BCD142FF] 1K (0004,08) 066,53692" + b}, "3: card: the last 24 bits"},
		{"readings that nobody meant", []string{"0008315940" + a, "0009315940" + b}, ""},
		{"a text", []string{"QR-0001" + a, "QR-0001" + b}, "3: card: the same card as on line 2"},
	} {
		_, report, err := load(t, strings.Join(test.rows, "\n"))
		switch {
		case err != nil:
			t.Error(err)
		case test.want == "" && report.Warned > 0, test.want != "" && (report.Warned != 1 || !strings.HasPrefix(report.Warnings[0].String(), test.want)):
			t.Errorf("%s:\n%s", test.name, report.String())
		}
	}
}
