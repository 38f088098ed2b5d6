package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// checkSmall checks what stands before the small JSON body of a POST; status 0 means that nothing is wrong. With exactType the
// type has to be application/json, letter by letter; otherwise it may name its charset, which is UTF-8.
func checkSmall(x *exchange, exactType bool) (status int, reason string) {
	r := x.r
	types := r.Header["Content-Type"]
	switch {
	case r.Method != http.MethodPost:
		x.w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "method is not POST"
	case len(types) != 1 || exactType && types[0] != mediaJSON || !isJSON(types[0]):
		return http.StatusUnsupportedMediaType, "header Content-Type is not application/json"
	case len(r.Header["Content-Encoding"]) > 0:
		return http.StatusUnsupportedMediaType, "header Content-Encoding is not foreseen"
	case r.ContentLength > maxSmallBody:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", maxSmallBody)
	}
	return 0, ""
}

// readSmall reads a body of which checkSmall has seen the header. If it is too long or cut off, the exchange is over and ok false.
func (x *exchange) readSmall() (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(x.body, maxSmallBody+1))
	switch {
	case err != nil:
		x.refuse(http.StatusBadRequest, "body: the body was cut off")
	case len(body) > maxSmallBody:
		x.refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", maxSmallBody))
	default:
		return body, true
	}
	return nil, false
}

// readBody reads the members of a JSON object that is the whole body; nil, with a finding, if it is none.
func readBody(raw []byte, found *findings) *object {
	tree, err := readTree(bytes.NewReader(raw))
	if err != nil {
		f := finding{flaw: misshapen, what: err.Error()}
		if m, ok := errors.AsType[*mistake](err); ok {
			f.where, f.what = m.where, m.what
		}
		found.add(f)
		return nil
	}
	o, _ := newObject(tree, "", found)
	return o
}

// isJSON compares the media type; a charset, which JSON does not need, must at least be the right one.
func isJSON(header string) bool {
	media, params, err := mime.ParseMediaType(header)
	if err != nil || media != mediaJSON {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
