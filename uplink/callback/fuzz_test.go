package callback

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// FuzzReply holds that nothing counts as confirmed but what the platform says in its documented form, and that what is shown of an answer
// holds none of its words but the three that are known.
func FuzzReply(f *testing.F) {
	for _, seed := range []struct {
		status      int
		media, body string
	}{
		{200, "application/json", `{"statusCode":"200","data":{"type":"x"}}`},
		{200, "application/json", `{"statusCode":200,"data":{"Type":"Not Found: Пробный"},}`},
		{200, "application/json", `{"statusCode":"20O"}`},
		{200, "text/html", `{"statusCode":"200"}`},
		{204, "application/json", ``},
		{400, "application/json", `{"data":{"type":"format error: 900101300017"}}`},
	} {
		f.Add(seed.status, seed.media, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		r := read(&uplink.Answer{Status: status, MediaType: media, Body: body})
		if r.done() && (status != 200 || !strings.Contains(string(body), "200") || !strings.HasSuffix(media, "json")) {
			t.Fatalf("%d %s %q is taken for a confirmation", status, media, body)
		}
		if r.done() && r.refused() {
			t.Fatalf("%q is taken for both", body)
		}
		if said := r.String(); len(said) > 200 || strings.ContainsFunc(said, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' }) {
			t.Fatalf("%q is shown", said)
		}
	})
}

// FuzzCommands has the commands asked whatever comes over the local socket. They answer JSON, and a bounded one.
func FuzzCommands(f *testing.F) {
	u := newSite(f, "http://127.0.0.1:1", &uplinktest.Store{}, "").Commands()
	f.Add("GET", "/requests", "state=open&limit=7", []byte(nil))
	f.Add("GET", "/requests", "limit=99999999999999999999", []byte(nil))
	f.Add("GET", "/requests/0", "reveal", []byte(nil))
	f.Add("POST", "/requests/1/status", "", []byte(`{"status":"rendered","comment":"x"}`))
	f.Add("POST", "/requests/%ff/status", "", []byte(`{"status":`))
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://agent", strings.NewReader(string(body)))
		if err != nil {
			return
		}
		r.URL = &url.URL{Path: path, RawQuery: query}
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		if w.Code < 200 || w.Code >= 600 || w.Body.Len() > 64<<10+4*len(path) {
			t.Fatalf("%d with %d bytes", w.Code, w.Body.Len())
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%q", w.Body)
		}
	})
}
