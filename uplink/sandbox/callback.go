package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The calls of the portal of call-back requests.
const (
	callLogin   = "login"
	callList    = "list"
	callCommit  = "commit"
	callStatus  = "status"
	callSlash   = "commit without its last slash"
	tokenHeader = "X-Auth-Jwt-Token"
)

// CallbackOptions are for the portal of call-back requests.
type CallbackOptions struct {
	// Login and Password are the right ones. An empty Login: every log-in is answered with 401.
	Login, Password string
	// Paths are where the calls are. Default: DefaultCallbackPaths, for each that is empty.
	Paths CallbackPaths
	// TokenLife is how long a token is good for. 0: until ExpireTokens.
	TokenLife time.Duration
	// CommitBody demands of each commit the body that the document lists for it, {"code":…}, although it is a GET. A body that
	// is sent without being demanded has to be right as well.
	CommitBody bool
}

// CallbackPaths are the four paths of the portal. The document has lost parts of them. Login and Status may be the same, as
// they are there: then a request with a token is a status.
type CallbackPaths struct {
	Login, List, Commit, Status string
}

// DefaultCallbackPaths are those of the document, letter by letter, and made-up ones where it leaves nothing to tell two calls
// apart.
func DefaultCallbackPaths() CallbackPaths {
	return CallbackPaths{
		Login: "/api/auth", List: "/api//?limit={limit}", Commit: "/api/v1/commit/{code}/", Status: "/api/status",
	}
}

// callback is the portal that hands out call-back requests and hears what became of them.
type callback struct {
	options CallbackOptions
	paths   CallbackPaths
	tokens  tokens
	office  office
}

func newCallback(o CallbackOptions, now func() time.Time) *callback {
	c := &callback{options: o, paths: o.Paths, tokens: tokens{life: o.TokenLife, now: now}, office: office{now: now}}
	standard := DefaultCallbackPaths()
	for _, path := range []struct {
		own      *string
		standard string
	}{
		{&c.paths.Login, standard.Login},
		{&c.paths.List, standard.List},
		{&c.paths.Commit, standard.Commit},
		{&c.paths.Status, standard.Status},
	} {
		if *path.own == "" {
			*path.own = path.standard
		}
	}
	return c
}

func (c *callback) name() string { return callbackName }

func (c *callback) takes(r *http.Request) bool {
	call, _ := c.route(r)
	return call != ""
}

// route says which call a request is for, and what stands in the place of {limit} or {code}.
func (c *callback) route(r *http.Request) (call, value string) {
	asked := target(r)
	withToken := len(r.Header[tokenHeader]) > 0
	switch {
	case asked == c.paths.Login && (asked != c.paths.Status || !withToken):
		return callLogin, ""
	case asked == c.paths.Status:
		return callStatus, ""
	}
	if limit, ok := match(c.paths.List, "{limit}", asked); ok {
		return callList, limit
	}
	if code, ok := match(c.paths.Commit, "{code}", asked); ok {
		return callCommit, code
	}
	if template, slash := strings.CutSuffix(c.paths.Commit, "/"); slash {
		if code, ok := match(template, "{code}", asked); ok {
			return callSlash, code
		}
	}
	return "", ""
}

// match finds what stands in the place of a mark.
func match(template, mark, text string) (value string, ok bool) {
	before, after, marked := strings.Cut(template, mark)
	if !marked {
		return "", template == text
	}
	rest, begins := strings.CutPrefix(text, before)
	value, ends := strings.CutSuffix(rest, after)
	if !begins || !ends || strings.ContainsAny(value, "/?&") {
		return "", false
	}
	value, err := url.PathUnescape(value)
	return value, err == nil
}

// Answers of the document, letter by letter: two of them are no JSON, and one says 400 under the status 401.
const (
	textOfLogin   = "{\n  \"statusCode\": 401,\n  \"data\": \n {\n    \"type\": \"Not authorized\",\n  }\n}"
	textOfList    = "{\n  \"statusCode\": 401,\n  \"data\": \n {\n    \"type\": \"Not authorized\"\n  }\n}"
	textOfCommit  = "{\n  \"statusCode\": 401,\n  \"data\":\n{\n\t\"type\": \"Not authorized\",\n  }\n}"
	textOfStatus  = "{\n  \"statusCode\": 400,\n  \"data\": \n {\n    \"type\": \"Not authorized\"\n  }\n}"
	textNotFound  = `{"statusCode":400,"data":{"type":"Application not found"}}`
	textFormat    = `{"statusCode":400,"data":{"type":"Format-logical control error "}}`
	textDone      = `{"statusCode":200}`
	statusUnknown = "application is not known"
)

func (c *callback) documented(r *http.Request, status int) (mediaType, body string, known bool) {
	call, _ := c.route(r)
	switch status {
	case http.StatusBadRequest:
		return mediaJSON, textFormat, true
	case http.StatusUnauthorized:
		return mediaJSON, map[string]string{
			callLogin: textOfLogin, callList: textOfList, callCommit: textOfCommit, callSlash: textOfCommit, callStatus: textOfStatus,
		}[call], true
	default:
		return "", "", false
	}
}

// ExpireTokens makes all tokens worthless that were given out.
func (p *Portal) ExpireTokens() { p.callback.tokens.expire() }
