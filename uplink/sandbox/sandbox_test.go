package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	testKey = "rehearsal-key"

	textOK       = `{"message":"OK"}`
	textBad      = `{"message":"Ошибка передачи параметров"}`
	textKey      = `{"message":"Ошибка авторизации (ключ не верный или заблокирован)"}`
	textInternal = `{"message":"Втнутренняя ошибка сервера"}`
)

func row() Row {
	return Row{
		BIN: "010140000014", Organization: "Школа № 12",
		Datetime: "2026-01-13T10:01:23+05:00", IIN: "050101500030", Name: "Пробная Проба Пробовна", Note: "Корпус 1; вход",
	}
}

// second is another pass of somebody else.
func second() Row {
	r := row()
	r.IIN, r.Name, r.Note = "900101300017", "Пробный Проба Пробович", "Корпус 2; выход"
	return r
}

// encode makes a body in which each row has an institution of its own.
func encode(rows ...Row) string {
	type person struct {
		Datetime string `json:"datetime"`
		IIN      string `json:"iin"`
		Name     string `json:"fio"`
		Note     string `json:"note"`
	}
	type institution struct {
		BIN    string   `json:"bin"`
		Name   string   `json:"org_name"`
		Person []person `json:"person"`
	}
	var body struct {
		Source string `json:"source"`
		Code   string `json:"code"`
		Param  struct {
			Data []institution `json:"data"`
		} `json:"param"`
	}
	body.Source, body.Code = "Query", "InsertACS"
	for _, r := range rows {
		body.Param.Data = append(body.Param.Data, institution{r.BIN, r.Organization, []person{{r.Datetime, r.IIN, r.Name, r.Note}}})
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings always can be encoded
	}
	return string(text)
}

// request is a right one, to be spoiled.
func request(t *testing.T, base, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+ACSPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["X-API-KEY"] = []string{testKey}
	req.Header.Set("Content-Type", "application/json")
	return req
}

// ask lets a portal answer without a network.
func ask(p *Portal, req *http.Request) *http.Response {
	w := httptest.NewRecorder()
	r := req.Clone(req.Context())
	// What a client writes and a server reads: header names in one form, the address without scheme and host.
	r.Header = make(http.Header)
	for name, values := range req.Header {
		for _, value := range values {
			r.Header.Add(name, value)
		}
	}
	r.RemoteAddr = "127.0.0.1:40000"
	r.Host = "localhost"
	p.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return string(body)
}

// start serves a portal and gives a client that trusts it and its address.
func start(t *testing.T, p *Portal, secure bool) (*http.Client, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	scheme, serve := "http://", p.Serve
	transport := &http.Transport{}
	if secure {
		scheme, serve = "https://", p.ServeTLS
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(p.CertificatePEM()) {
			t.Fatal("CertificatePEM gives no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	go func() { served <- serve(ctx, l) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, scheme + l.Addr().String()
}

func keptRows(p *Portal) (rows []Row) {
	p.Rows(func(r Row) bool {
		rows = append(rows, r)
		return true
	})
	return rows
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}
