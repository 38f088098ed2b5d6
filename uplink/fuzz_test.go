package uplink

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// FuzzRetryAfter holds that a portal can ask for a pause that is bounded, and that a number of seconds is taken for what it says.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, seed := range []string{
		"", "0", "120", " 7 ", "-1", "99999999999999999999", "1e9", "3.5", "Sun, 22 Nov 2026 10:05:00 GMT", "Sun, 22 Nov 1926 10:05:00 GMT",
		"Friday, 31-Dec-99 23:59:59 GMT", "Sat Nov 22 10:05:00 9999", "120, 60",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := retryAfter(header, now)
		if got < 0 || got > maxRetryAfter {
			t.Fatalf("%q asks for %v", header, got)
		}
		if seconds, err := strconv.ParseUint(strings.TrimSpace(header), 10, 31); err == nil {
			if want := min(time.Duration(seconds)*time.Second, maxRetryAfter); got != want {
				t.Fatalf("%q became %v, want %v", header, got, want)
			}
		}
	})
}

var longNumber = regexp.MustCompile(`\pN{9,}`)

// FuzzQuote holds that what a portal says can be shown: it is one short line without anything that a terminal or a log obeys, and
// without the number of a person.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{
		"", "OK", "no IIN 900101300017 here", "a\r\nb\x1b[2J\x00", "٩٠٠١٠١٣٠٠٠١٧", strings.Repeat("9", 300), strings.Repeat("x", 195) + "900101300017",
		"\xff\xfe", "\u202e\u2028", "12345678\t9", "90010 1300017",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		got := Quote(answer)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxQuote {
			t.Fatalf("%q is shown", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q would be obeyed", got)
		}
		if found := longNumber.FindString(got); found != "" {
			t.Fatalf("%q tells %q", got, found)
		}
	})
}

// spoken is a connection whose other end says one thing whatever it is asked, and then closes.
type spoken struct {
	net.Conn
	answer io.Reader
}

func (s *spoken) Read(p []byte) (int, error)       { return s.answer.Read(p) }
func (s *spoken) Write(p []byte) (int, error)      { return len(p), nil }
func (s *spoken) Close() error                     { return nil }
func (s *spoken) SetDeadline(time.Time) error      { return nil }
func (s *spoken) SetReadDeadline(time.Time) error  { return nil }
func (s *spoken) SetWriteDeadline(time.Time) error { return nil }
func (s *spoken) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *spoken) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// FuzzAnswer has a client read whatever a portal may send for an answer. It gets a bounded answer or a Failure, and never the clock of a
// connection that nobody has verified.
func FuzzAnswer(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for _, seed := range []string{
		"", "\x15\x03\x01", "HTTP/1.1 200\r\n\r\n",
		ok + "Content-Length: 16\r\n\r\n{\"message\":\"OK\"}",
		ok + "Content-Length: 99999999999\r\n\r\n{",
		ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{",
		ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
		ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 12) + ok + "\r\n{}",
		"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\n\r\n",
		"HTTP/1.1 503 Busy\r\nRetry-After: 99999\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: TEXT/html; charset=\"\r\n\r\n<html>",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: a=b\r\n", 200) + "\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := &Client{
			URL: &url.URL{Scheme: "http", Host: "portal.example", Path: "/"}, pace: NewPace(), agent: "test",
			http: &http.Client{
				Transport: &http.Transport{
					DialContext: func(context.Context, string, string) (net.Conn, error) {
						return &spoken{answer: strings.NewReader(string(text))}, nil
					},
					DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer,
				},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			heard: func(time.Time, time.Duration) { t.Error("the clock of a portal was believed that nobody has verified") },
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL.String(), strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Do(t.Context(), req)
		if err != nil {
			if failure := (*Failure)(nil); !errors.As(err, &failure) || answer != nil {
				t.Fatalf("%T: %v, with an answer: %v", err, err, answer != nil)
			}
			return
		}
		if len(answer.Body) > maxAnswer || len(answer.Body) > len(text) && !strings.Contains(strings.ToLower(string(text)), "gzip") ||
			answer.RetryAfter < 0 || answer.RetryAfter > maxRetryAfter || answer.MediaType != strings.ToLower(answer.MediaType) ||
			answer.Status < 0 || answer.Status > 999 {
			t.Fatalf("%d, %q, %v, %d bytes", answer.Status, answer.MediaType, answer.RetryAfter, len(answer.Body))
		}
	})
}
