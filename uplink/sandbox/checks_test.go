package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func fixedNow() time.Time { return time.Date(2026, 1, 14, 10, 0, 0, 500e6, time.FixedZone("", 5*3600)) }

// checkID is the id of the check with a number.
func checkID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// withChecks is a portal with checks that were created at 05:00:01Z, 05:00:02Z and so on.
func withChecks(t *testing.T, n int) *Portal {
	t.Helper()
	options := rehearsal()
	options.Now = fixedNow
	p := New(options)
	for i := 1; i <= n; i++ {
		check := Check{
			ID: checkID(i), ExternalID: fmt.Sprintf("a_%d", i), CorrelationID: fmt.Sprintf("group-%d", i%2), SubjectID: checkID(100 + i%3),
			Created: time.Date(2026, 1, 14, 5, 0, i, 0, time.UTC), Type: []string{"Fssp", "Passport"}[i%2], State: []string{"Processing", "Processed"}[i%2],
		}
		if _, err := p.AddCheck(check); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// search gives the numbers of the checks that are found, and lastCheckId.
func search(t *testing.T, p *Portal, query string) (found []int, last *string) {
	t.Helper()
	resp := ask(p, call(t, "GET", "http://localhost"+ChecksPath+query, "", authorization))
	body := read(t, resp)
	var answer struct {
		Items []struct {
			ID string `json:"checkId"`
		} `json:"items"`
		Last *string `json:"lastCheckId"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 || answer.Items == nil {
		t.Fatalf("%s: %d %s: %v", query, resp.StatusCode, body, err)
	}
	for _, item := range answer.Items {
		var n int
		if _, err := fmt.Sscanf(item.ID[24:], "%d", &n); err != nil {
			t.Fatal(err)
		}
		found = append(found, n)
	}
	return found, answer.Last
}

func TestChecksFilters(t *testing.T) {
	p := withChecks(t, 8)
	for query, want := range map[string][]int{
		"":                               {8, 7, 6, 5, 4, 3, 2, 1},
		"?":                              {8, 7, 6, 5, 4, 3, 2, 1},
		"?count=3":                       {8, 7, 6},
		"?count=30":                      {8, 7, 6, 5, 4, 3, 2, 1},
		"?externalId=a_5":                {5},
		"?externalId=a-5":                nil, // the pattern has no end, so that a hyphen is no mistake here
		"?externalId=A_5":                nil,
		"?correlationId=group-1":         {7, 5, 3, 1},
		"?subjectId=" + checkID(101):     {7, 4, 1},
		"?subjectId=" + checkID(999):     nil,
		"?cadastralNumber=" + checkID(1): nil,
		"?type=Fssp":                     {8, 6, 4, 2},
		"?type=Fssp&type=Passport":       {8, 7, 6, 5, 4, 3, 2, 1},
		"?type=Unheard":                  nil,
		"?state=Processed":               {7, 5, 3, 1},
		"?state=Processed&count=2&afterCheckId=" + checkID(5): {3, 1},
		"?afterCheckId=" + checkID(3):                         {2, 1},
		"?afterCheckId=" + checkID(1):                         nil,
		"?from=2026-01-14T05:00:06Z":                          {8, 7},
		"?from=2026-01-14T05:00:05.999999Z":                   {8, 7, 6},
		"?to=2026-01-14T05:00:03Z":                            {2, 1},
		"?from=2026-01-14T05:00:02Z&to=2026-01-14T05:00:04Z":  {3},
		"?from=2026-01-14T10:00:06%2B05:00":                   {8, 7},
	} {
		found, last := search(t, p, query)
		if !slices.Equal(found, want) {
			t.Errorf("%s: %v, want %v", query, found, want)
		}
		if (last == nil) != (len(want) == 0) || last != nil && *last != checkID(want[len(want)-1]) {
			t.Errorf("%s: lastCheckId %v", query, last)
		}
	}
}

// Thirty at most; a full last page is followed by an empty one.
func TestChecksPages(t *testing.T) {
	p := withChecks(t, 60)
	var all []int
	query := ""
	for range 3 {
		found, last := search(t, p, query)
		all = append(all, found...)
		if last == nil {
			break
		}
		query = "?afterCheckId=" + *last
	}
	if len(all) != 60 || all[0] != 60 || all[59] != 1 || !slices.IsSortedFunc(all, func(a, b int) int { return b - a }) {
		t.Errorf("%v", all)
	}
	if found, last := search(t, p, query); found != nil || last != nil {
		t.Errorf("behind the last page: %v, %v", found, last)
	}
}

func TestChecksRefused(t *testing.T) {
	const guid, date = "should be guid", "should be date-time"
	for query, want := range map[string]string{
		"?subjectId=x":                   "subjectId " + guid,
		"?subjectId=":                    "subjectId " + guid,
		"?subjectId=" + checkID(1) + "0": "subjectId " + guid,
		"?subjectId=00000000000040008000000000000001": "subjectId " + guid,
		"?afterCheckId=7":                   "afterCheckId " + guid,
		"?afterCheckId=" + checkID(77):      "afterCheckId: is not known",
		"?cadastralNumber=54:12:345678:114": "cadastralNumber " + guid,
		"?externalId=":                      `externalId should be ^\w{1,256}`,
		"?externalId=-a":                    `externalId should be ^\w{1,256}`,
		"?correlationId=%20":                `correlationId should be ^\w{1,256}`,
		"?type=":                            "type should be CheckType",
		"?type=Fssp,Passport":               "type should be CheckType",
		"?state=1":                          "state should be CheckState",
		"?state=Processed&state=Failed":     "state should be given once",
		"?count=0":                          "count should be a number from 1 to 30",
		"?count=31":                         "count should be a number from 1 to 30",
		"?count=-1":                         "count should be a number from 1 to 30",
		"?count=10x":                        "count should be a number from 1 to 30",
		"?count=1&count=2":                  "count should be given once",
		"?from=2026-01-14":                  "from " + date,
		"?from=2026-01-14T10:00:06+05:00":   "from " + date, // the plus is a blank in a query
		"?from=2026-01-14T10:00:06":         "from " + date,
		"?to=yesterday":                     "to " + date,
		"?correlation=1":                    "correlation should be a parameter of the document",
		"?corelationId=1":                   "corelationId should be a parameter of the document",
		"?checkState=Processed":             "checkState should be a parameter of the document",
		"?%D0%9F=1":                         "(a member) should be a parameter of the document",
		"?state=%zz":                        "query should be url-encoded",
		"?a;b":                              "query should be url-encoded",
		"?count=0&subjectId=x&externalId=a_1&x=1": "count should be a number from 1 to 30; WrongFieldValue subjectId should be guid; WrongFieldValue x should be a parameter of the document",
	} {
		p := withChecks(t, 2)
		resp := ask(p, call(t, "GET", "http://localhost"+ChecksPath+query, "", authorization))
		if told := reestroTold(t, read(t, resp)); resp.StatusCode != 400 || told != "WrongFieldValue "+want || resp.Header.Get("Content-Type") != "Application/json" {
			t.Errorf("%s: %d %s, want %s", query, resp.StatusCode, told, want)
		}
	}
	for method, path := range map[string]string{"POST": ChecksPath, "HEAD": ChecksPath, "GET": ChecksPath + "/"} {
		want := map[string]int{"GET": 404}[method]
		if want == 0 {
			want = 405
		}
		if resp := ask(withChecks(t, 1), call(t, method, "http://localhost"+path, "", authorization)); resp.StatusCode != want {
			t.Errorf("%s %s: %d", method, path, resp.StatusCode)
		}
	}
}

func TestChecksItem(t *testing.T) {
	p := New(Options{Now: fixedNow, Reestro: rehearsal().Reestro})
	var ids []string
	for _, check := range []Check{
		{
			ID: checkID(1), CorrelationID: "g", ExternalID: "a_1", Created: time.Date(2011, 1, 1, 18, 3, 1, 12345678, time.FixedZone("", 3*3600)),
			SubjectID: exampleID, Regions: []string{"01", "77"}, Details: map[string]any{"debts": 2},
		},
		{Type: "ForeignAgent", State: "Failed"},
	} {
		added, err := p.AddCheck(check)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, added.ID)
	}
	want := `{"items":[{"checkId":"` + ids[1] + `","checkState":"Failed","checkType":"ForeignAgent","creationDate":"2026-01-14T05:00:00.500000Z"},` +
		`{"checkId":"` + ids[0] + `","checkState":"Processing","checkType":"Fssp","corelationId":"g","creationDate":"2011-01-01T15:03:01.012345Z","externalId":"a_1",` +
		`"fssp":{"debts":2,"regions":["01","77"],"subjectId":"` + exampleID + `"}}],"lastCheckId":"` + ids[0] + `"}`
	if got := read(t, ask(p, call(t, "GET", "http://localhost"+ChecksPath, "", authorization))); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAddCheck(t *testing.T) {
	p := withChecks(t, 2)
	for name, wrong := range map[string]Check{
		"id":        {ID: "x"},
		"known id":  {ID: checkID(2)},
		"subject":   {SubjectID: "a_1"},
		"cadastral": {CadastralNumber: "54:12"},
		"type":      {Type: "Fssp!"},
		"state":     {State: "in work"},
	} {
		if _, err := p.AddCheck(wrong); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	// An older one goes below; of two from the same moment, the later comes first.
	for _, check := range []Check{{ID: checkID(3), Created: time.Unix(0, 0)}, {ID: checkID(4), Created: p.Checks()[0].Created}} {
		if _, err := p.AddCheck(check); err != nil {
			t.Fatal(err)
		}
	}
	if found, _ := search(t, p, ""); !slices.Equal(found, []int{4, 2, 1, 3}) {
		t.Errorf("order %v", found)
	}
	if err := p.SetCheckState(strings.ToUpper(checkID(2)), "Cancelled"); err != nil || p.Checks()[1].State != "Cancelled" {
		t.Errorf("%v, %+v", err, p.Checks()[1])
	}
	if p.SetCheckState(checkID(9), "Processed") == nil || p.SetCheckState(checkID(2), "") == nil {
		t.Error("a wrong state passes")
	}
}
