package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	// Boxes in the field often have no or very old root certificates.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 60 * time.Second
	// slowestLine is the least speed, in bytes a second, at which a request is still believed to make progress.
	slowestLine = 8 << 10
	// maxAnswer is how much of an answer is read.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds what a portal can ask for.
	maxRetryAfter = 15 * time.Minute
)

// ClientSettings are the keys with which a section says how to reach its portal. A module embeds them in its own settings.
type ClientSettings struct {
	// URL is the whole address. https, or http for a host that is this machine.
	URL string `yaml:"url"`
	// CAFile holds further root certificates in PEM form, for a portal with a private authority.
	CAFile string `yaml:"ca_file"`
	// ClientCert is a file with the certificate, in PEM form, by which a portal knows us, and ClientKey the key to it; both or
	// neither.
	ClientCert string          `yaml:"client_cert"`
	ClientKey  settings.Secret `yaml:"client_key"`
	// Proxy is the URL of an HTTP proxy. Empty: none, whatever the environment says.
	Proxy string `yaml:"proxy"`
	// RequestsPerSecond is the pace that the portal allows for one IP address.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

// A Client sends requests to one portal: at the portal's pace, over verified TLS, following no redirects (Go would carry the
// key and the body to wherever they point), reading bounded answers within bounded time.
type Client struct {
	URL *url.URL
	// Interval lies between the starts of two requests to the portal's host.
	Interval time.Duration
	http     *http.Client
	pace     *Pace
	agent    string
	heard    func(date time.Time, within time.Duration)
}

// NewClient checks the settings; what is wrong with them comes back as settings.Mistake values, joined.
func NewClient(env Env, section settings.Section, s ClientSettings) (*Client, error) {
	var mistakes []error
	wrong := func(field, problem, advice string) {
		mistakes = append(mistakes, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	u, err := url.Parse(s.URL)
	switch {
	case s.URL == "":
		wrong("url", "is missing", "write the address of the portal")
	case err != nil || u.Host == "":
		wrong("url", fmt.Sprintf("%q is no web address", s.URL), "write it as https://host/path")
	case u.Scheme == "http" && !loopback(u.Hostname()), u.Scheme != "http" && u.Scheme != "https":
		wrong("url", fmt.Sprintf("scheme %q would send personal data in the open", u.Scheme), "write https://…; http:// is for this machine only")
	case u.User != nil:
		wrong("url", "has a user name in it", "keys and passwords have settings of their own")
	}
	if s.RequestsPerSecond <= 0 || s.RequestsPerSecond > 100 {
		wrong("requests_per_second", fmt.Sprintf("%v is no pace", s.RequestsPerSecond), "write a number above 0, for example 1.6")
	}
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxConnsPerHost:        1,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true, // answers are small, and what a stranger has packed is not unpacked
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if s.CAFile != "" {
		pool, err := RootsWith(section.Path(s.CAFile))
		if err != nil {
			wrong("ca_file", err.Error(), "give a file with certificates in PEM form")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if s.ClientCert != "" || !s.ClientKey.IsZero() {
		pem, err := os.ReadFile(section.Path(s.ClientCert))
		if err == nil {
			var pair tls.Certificate
			pair, err = tls.X509KeyPair(pem, []byte(s.ClientKey.Reveal()))
			transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
		}
		if err != nil {
			wrong("client_cert", err.Error(), "give the certificate and its key in PEM form: client_cert: site.pem and client_key_file: site.key")
		}
	}
	if s.Proxy != "" {
		proxy, err := url.Parse(s.Proxy)
		if err != nil || proxy.Host == "" {
			wrong("proxy", "is no web address", "write it as http://host:port")
		} else {
			transport.Proxy = http.ProxyURL(proxy)
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return &Client{
		URL: u, pace: env.Pace, agent: env.UserAgent, heard: env.Heard,
		Interval: time.Duration(float64(time.Second) / s.RequestsPerSecond),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// RootsWith gives the system's root certificates and those of a file in PEM form.
func RootsWith(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file) //nolint:gosec // named in the configuration
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// An Answer is what a portal said.
type Answer struct {
	Status int
	// MediaType is the type of the body in lower case, without parameters.
	MediaType string
	// RetryAfter is what the header of that name asked for, bounded; 0 if there was none.
	RetryAfter time.Duration
	// Date is the portal's clock when it answered, in whole seconds; zero if it did not tell.
	Date time.Time
	// Body is at most the first 64 KB.
	Body []byte
}

// A Failure is a request that got no answer.
type Failure struct {
	// Unsent says that no byte of the request left: the portal cannot have seen it.
	Unsent bool
	// Clock says that the device's own clock is the likely reason.
	Clock bool
	cause error
	hint  string
}

func (f *Failure) Error() string {
	if f.hint == "" {
		return f.cause.Error()
	}
	return f.cause.Error() + " (" + f.hint + ")"
}

func (f *Failure) Unwrap() error { return f.cause }

// Do waits for the portal's turn, sends the request and reads the answer. The error is a *Failure, or that of ctx if ctx ended.
// The body must have its exact length in req.ContentLength.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Answer, error) {
	return c.do(ctx, c.http, req)
}

// do is Do over the connections of by.
func (c *Client) do(ctx context.Context, by *http.Client, req *http.Request) (*Answer, error) {
	turn, err := c.pace.Wait(ctx, c.URL.Host, c.Interval)
	if err != nil {
		return nil, err
	}
	defer turn.GiveBack()

	limit := 2*headerTimeout + time.Duration(req.ContentLength/slowestLine)*time.Second
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var sent atomic.Bool
	began := time.Now()
	timed = httptrace.WithClientTrace(timed, &httptrace.ClientTrace{
		// The header of a request with a large body leaves before the body is complete, and WroteHeaders comes as soon as it is
		// in the buffer; from here on the portal may see the request.
		WroteHeaders: func() { sent.Store(true); turn.Sent() },
	})
	req.Header.Set("User-Agent", c.agent)
	read := countBody(req)
	resp, err := by.Do(req.WithContext(timed))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, explain(err, !sent.Load(), c.URL.Host)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	took := time.Since(began)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, explain(fmt.Errorf("read the answer: %w", err), false, c.URL.Host)
	}
	if resp.StatusCode/100 == 2 && read.Load() < req.ContentLength {
		return nil, explain(health.Coded(health.PortalStrange, errEarly), false, c.URL.Host)
	}
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		mediaType = ""
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		date = time.Time{}
	}
	// What a cache has kept for a while is no news of the time, and what came in the open could come from anybody.
	if c.heard != nil && !date.IsZero() && resp.TLS != nil && len(resp.TLS.VerifiedChains) > 0 && resp.Header.Get("Age") == "" {
		c.heard(date, took)
	}
	return &Answer{
		Status: resp.StatusCode, MediaType: mediaType, Body: body, Date: date,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}, nil
}

// retryAfter reads both forms of the header (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return max(0, min(wait, maxRetryAfter))
}

// outOfDate says of a certificate that it is not valid now. The text of the library has the time in it, to the second, and would make
// every failure a new one.
type outOfDate struct {
	host  string
	cert  *x509.Certificate
	now   time.Time
	cause error
}

func (o *outOfDate) Error() string {
	switch {
	case o.cert == nil:
		return fmt.Sprintf("%s: the certificate is not valid now", o.host)
	case o.now.Before(o.cert.NotBefore):
		return fmt.Sprintf("%s: the certificate is not valid before %s", o.host, o.cert.NotBefore.Format(time.DateOnly))
	}
	return fmt.Sprintf("%s: the certificate is not valid after %s", o.host, o.cert.NotAfter.Format(time.DateOnly))
}

func (o *outOfDate) Unwrap() error { return o.cause }

// errCut is one word for the many ways in which the end of a connection shows.
var errCut = health.Coded(health.Cut, errors.New("the connection was cut"))

// explain turns an error of the transport into a Failure that tells a technician where to look. The URL that net/http puts
// into its errors is left out: it is in the configuration, and may hold more than a host.
func explain(err error, unsent bool, host string) *Failure {
	f := &Failure{Unsent: unsent, cause: fmt.Errorf("%s: %w", host, err)}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		f.cause = fmt.Errorf("%s: %w", host, wrapped.Err)
	}
	var (
		op      *net.OpError
		name    *net.DNSError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		foreign x509.HostnameError
	)
	// Ports that are different each time would make every failure a new one.
	if errors.As(err, &op) {
		f.cause = fmt.Errorf("%s: %s: %w", host, op.Op, op.Err)
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		f.cause = fmt.Errorf("%s: %w", host, errCut)
	}
	switch {
	case errors.As(err, &name):
		f.hint = "the name is not found: check the network cable, the DNS server and the spelling of url"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Clock = true
		f.cause = &outOfDate{host: host, cert: invalid.Cert, now: time.Now(), cause: err}
		f.hint = "is the clock of this device right? it says " + time.Now().Format(time.DateOnly)
	case errors.As(err, &unknown):
		f.hint = "something between here and the portal opens the connection, or ca_file is missing"
	case errors.As(err, &foreign):
		f.hint = "somebody else answers under this name: check url and the network"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.hint = "nothing answers there: the portal is away, or url is wrong"
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		f.hint = "the portal does not answer in time"
	}
	return f
}
