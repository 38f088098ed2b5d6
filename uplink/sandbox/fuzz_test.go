package sandbox

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Whatever comes, nothing breaks; what is accepted is what encoding/json sees in it, and comes again without a trace.
func FuzzBody(f *testing.F) {
	f.Add(base)
	f.Add(reordered)
	f.Add(encode(row(), second(), row()))
	f.Add(strings.Replace(base, "Корпус 1", `\u041a\ud83d\ude00\n`, 1))
	f.Add(strings.Replace(base, "050101500030", "123456789012", 1))
	f.Add(base + "{}")
	f.Fuzz(func(t *testing.T, body string) {
		p := New(Options{Key: testKey, AllowBursts: true})
		status := ask(p, request(t, "http://localhost", body)).StatusCode
		kept := keptRows(p)
		if status != 200 {
			if status != 400 || len(kept) > 0 {
				t.Fatalf("status %d, kept %v", status, kept)
			}
			return
		}
		want, err := rowsOf(body)
		if err != nil {
			t.Fatalf("accepted, but encoding/json says: %v", err)
		}
		if !slices.Equal(kept, want) {
			t.Fatalf("kept %v, want %v", kept, want)
		}
		if again := ask(p, request(t, "http://localhost", body)).StatusCode; again != 200 {
			t.Fatalf("the second time it is answered with %d", again)
		}
		if !slices.Equal(keptRows(p), want) {
			t.Fatal("the second time it changed something")
		}
		if again := ask(p, request(t, "http://localhost", encode(want...))).StatusCode; again != 200 || p.Stats().Rows != len(want) {
			t.Fatalf("written anew it is answered with %d, and %d rows are kept", again, p.Stats().Rows)
		}
	})
}

// rowsOf reads a body with the library's decoder, and leaves out what is there twice.
func rowsOf(body string) (rows []Row, err error) {
	var document struct {
		Param struct {
			Data []struct {
				BIN    string `json:"bin"`
				Name   string `json:"org_name"`
				Person []Row  `json:"person"`
			} `json:"data"`
		} `json:"param"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return nil, err
	}
	for _, institution := range document.Param.Data {
		for _, r := range institution.Person {
			r.BIN, r.Organization = institution.BIN, institution.Name
			if !slices.Contains(rows, r) {
				rows = append(rows, r)
			}
		}
	}
	return rows, nil
}

// Whatever comes to the portals of small bodies, nothing breaks, refusals leave nothing, and what is taken is JSON in which the
// library sees the same.
func FuzzSmallBodies(f *testing.F) {
	for portal, bodies := range [][]string{{examBase, closed, quiet, replacing}, {personBase, legalBase, "{}"}, {loginBase}, {statusBase}} {
		for _, body := range bodies {
			f.Add(uint8(portal), body) //nolint:gosec // a few
		}
	}
	f.Add(uint8(0), `{"requests":[{"a":[1,2.5e-3,null,true,"\u041a"]}],"examinationAreaId":-0}`)
	f.Fuzz(func(t *testing.T, portal uint8, body string) {
		p := New(rehearsal())
		if _, err := p.AddApplication(Application{ID: "111"}); err != nil {
			t.Fatal(err)
		}
		token := "x-auth-jwt-token: " + p.callback.tokens.give()
		requests := []func() *http.Request{
			func() *http.Request { return call(t, "POST", "http://localhost"+ExamPath, body) },
			func() *http.Request { return call(t, "POST", "http://localhost"+SubjectsPath, body, authorization) },
			func() *http.Request { return call(t, "POST", "http://localhost/api/auth", body) },
			func() *http.Request { return call(t, "POST", "http://localhost/api/status", body, token) },
		}
		resp := ask(p, requests[int(portal)%len(requests)]())
		answer := read(t, resp)
		left := len(p.Reports()) + len(p.Subjects()) + len(p.Applications()[0].Statuses) + len(p.callback.tokens.list) - 1
		taken := resp.StatusCode < 300
		if !taken && resp.StatusCode != 400 && resp.StatusCode != 401 || taken != (left == 1) {
			t.Fatalf("status %d, left %d", resp.StatusCode, left)
		}
		if resp.StatusCode != 401 && !json.Valid([]byte(answer)) {
			t.Fatalf("answer %s", answer)
		}
		if !taken {
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatal("what was taken is no JSON")
		}
		for _, r := range p.Reports() {
			var seen ExamReport
			if err := json.Unmarshal([]byte(body), &seen); err != nil || !reflect.DeepEqual(seen, r.Versions[0].Report) {
				t.Fatalf("taken %+v, the library sees %+v, %v", r.Versions[0].Report, seen, err)
			}
		}
	})
}

func FuzzCheckQuery(f *testing.F) {
	f.Add("subjectId=" + exampleID + "&type=Fssp&type=Passport&state=Processing&count=3")
	f.Add("from=2026-01-14T05:00:06Z&to=2026-01-14T05:00:06.5%2B05:00&externalId=a-1&afterCheckId=" + exampleID)
	f.Fuzz(func(t *testing.T, query string) {
		q, found := readCheckQuery(query)
		if len(found.list) > 0 {
			return
		}
		if q.count < 1 || q.count > maxCheckPage {
			t.Errorf("count %d", q.count)
		}
		for _, id := range []string{q.subject, q.after, q.cadastral} {
			if id != "" && !guidForm.MatchString(id) {
				t.Errorf("%q is no GUID", id)
			}
		}
	})
}
