package sandbox

import (
	"encoding/json"
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
