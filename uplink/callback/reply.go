package callback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/acs-agent/acs-agent/uplink"
)

// The types of refusal that the document knows, in the form that plain gives.
const (
	notAuthorized = "not authorized"
	notFound      = "application not found"
	formatError   = "format-logical control error"
)

// A reply is an answer of the platform, read in all the places where it says what it means.
type reply struct {
	http int
	// code is the effective status: the platform answers 401 with 400 in the body, and may well do it the other way round.
	code int
	// kind is data.type in plain form, empty if there is none.
	kind string
	// isJSON says that the body is JSON and is called so.
	isJSON bool
	// said says that the body has a statusCode.
	said bool
	// data is the member of that name as it came; the whole body if there is none.
	data  json.RawMessage
	body  []byte
	after time.Duration
}

// envelope is what all bodies have in common.
type envelope struct {
	StatusCode text            `json:"statusCode"`
	Data       json.RawMessage `json:"data"`
}

// read understands an answer. The status counts most; the body of a refusal need not even be JSON.
func read(a *uplink.Answer) reply {
	r := reply{http: a.Status, code: a.Status, after: a.RetryAfter, body: a.Body, data: a.Body}
	var e envelope
	var data struct {
		Type text `json:"type"`
	}
	parsed := decode(a.Body, &e) == nil
	if parsed && len(e.Data) > 0 {
		r.data = e.Data
		if decode(e.Data, &data) == nil {
			r.kind = plain(string(data.Type))
		}
	}
	r.isJSON = parsed && jsonType(a.MediaType)
	code, err := strconv.Atoi(strings.TrimSpace(string(e.StatusCode)))
	r.said = err == nil
	switch {
	case r.http == http.StatusUnauthorized, r.said && code == http.StatusUnauthorized, r.kind == notAuthorized:
		r.code = http.StatusUnauthorized
	case r.http == http.StatusOK && r.said:
		r.code = code
	}
	return r
}

// done says whether the platform has confirmed, in the documented form, what it was told.
func (r *reply) done() bool {
	return r.http == http.StatusOK && r.code == http.StatusOK && r.isJSON && r.said
}

// refused says whether the platform itself does not want this request and will not want it later.
func (r *reply) refused() bool {
	switch r.code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return r.isJSON
	default:
		return r.code != http.StatusUnauthorized && r.code < 500 && (r.kind == notFound || strings.HasPrefix(r.kind, formatError))
	}
}

// String says what was answered, without anything that could be personal.
func (r *reply) String() string {
	s := fmt.Sprintf("the platform answered %d", r.http)
	if r.code != r.http {
		s += fmt.Sprintf(", which means %d", r.code)
	}
	switch {
	case r.kind == notFound, r.kind == notAuthorized:
		s += ": " + r.kind
	case strings.HasPrefix(r.kind, formatError):
		s += ": " + formatError // what may stand behind it could repeat a name
	}
	return s
}

// plain is s in lower case without white space of any kind at its ends.
func plain(s string) string { return strings.ToLower(strings.TrimFunc(s, unicode.IsSpace)) }

func jsonType(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

// decode reads JSON, and also JSON with commas before closing brackets, as the platform writes it.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	mended := dropCommas(body)
	if len(mended) == len(body) || json.Unmarshal(mended, into) != nil {
		return err
	}
	return nil
}

// dropCommas gives JSON without the commas that stand before a closing bracket.
func dropCommas(body []byte) []byte {
	out := make([]byte, 0, len(body))
	inText, escaped := false, false
	for i, c := range body {
		switch {
		case escaped:
			escaped = false
		case inText:
			escaped = c == '\\'
			inText = c != '"'
		case c == '"':
			inText = true
		case c == ',':
			rest := bytes.TrimLeft(body[i+1:], " \t\r\n")
			if len(rest) > 0 && (rest[0] == '}' || rest[0] == ']') {
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// A text is a member that should be a text: what else arrives is kept as it is written. Only null is empty.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case bytes.Equal(raw, []byte("null")):
		*t = ""
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	default:
		*t = text(raw)
	}
	return nil
}
