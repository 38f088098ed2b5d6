package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// maxLimit is the greatest limit of a list that is taken; the document names none.
const maxLimit = 1000

func (c *callback) serve(x *exchange) {
	call, value := c.route(x.r)
	x.entry.Call = call
	method := http.MethodPost
	if call != callLogin && call != callStatus {
		method = http.MethodGet
	}
	if x.r.Method != method {
		x.w.Header().Set("Allow", method)
		x.refuse(http.StatusMethodNotAllowed, "method is not "+method)
		return
	}
	if call == callSlash {
		x.w.Header().Set("Location", target(x.r)+"/")
		x.refuse(http.StatusMovedPermanently, "the slash at the end is missing")
		return
	}
	if headers := x.r.Header[tokenHeader]; call != callLogin && (len(headers) != 1 || !c.tokens.good(headers[0])) {
		x.refuse(http.StatusUnauthorized, "header x-auth-jwt-token is missing, unknown or expired")
		return
	}
	switch call {
	case callLogin:
		c.login(x)
	case callList:
		c.list(x, value)
	case callCommit:
		c.commit(x, value)
	default:
		c.status(x)
	}
}

// body reads the object in a request's body; nil if there is none, and the exchange is over.
func (c *callback) body(x *exchange, found *findings) *object {
	types := x.r.Header["Content-Type"]
	if len(types) != 1 || !isJSON(types[0]) {
		x.refuse(http.StatusBadRequest, "header Content-Type is not application/json")
		return nil
	}
	raw, ok := x.readSmall()
	if !ok {
		return nil
	}
	o := readBody(raw, found)
	if o == nil {
		x.refuse(http.StatusBadRequest, found.list[0].String())
	}
	return o
}

func (c *callback) login(x *exchange) {
	found := &findings{}
	o := c.body(x, found)
	if o == nil {
		return
	}
	login, password := filled(o, "login", true), filled(o, "password", true)
	o.done()
	switch {
	case len(found.list) > 0:
		x.refuse(http.StatusBadRequest, found.list[0].String())
	case c.options.Login == "" || login != c.options.Login || password != c.options.Password:
		x.refuse(http.StatusUnauthorized, "login or password is wrong")
	default:
		x.answer(http.StatusOK, mediaJSON, encodeJSON(map[string]any{
			"statusCode": http.StatusOK, "data": map[string]string{"token": c.tokens.give()},
		}))
	}
}

func (c *callback) list(x *exchange, value string) {
	limit, err := strconv.Atoi(value)
	if err != nil || limit < 1 || limit > maxLimit {
		x.refuse(http.StatusBadRequest, "limit is not a number from 1 to "+strconv.Itoa(maxLimit))
		return
	}
	code, offered := c.office.offer(limit)
	answer := struct {
		StatusCode   int                 `json:"statusCode"`
		Commit       string              `json:"commit,omitempty"`
		Applications []map[string]string `json:"applications"`
	}{http.StatusOK, code, make([]map[string]string, 0, len(offered))}
	for _, a := range offered {
		answer.Applications = append(answer.Applications, a.item())
	}
	x.answer(http.StatusOK, mediaJSON, encodeJSON(answer))
}

func (c *callback) commit(x *exchange, code string) {
	if c.options.CommitBody || x.r.ContentLength != 0 {
		found := &findings{}
		o := c.body(x, found)
		if o == nil {
			return
		}
		given := filled(o, "code", true)
		o.done()
		if len(found.list) == 0 && given != code {
			o.unfit("code", "is not the one of the path")
		}
		if len(found.list) > 0 {
			x.refuse(http.StatusBadRequest, found.list[0].String())
			return
		}
	}
	if !c.office.commit(code) {
		x.refuse(http.StatusBadRequest, "code is unknown or used")
		return
	}
	x.answer(http.StatusOK, mediaJSON, textDone)
}

func (c *callback) status(x *exchange) {
	found := &findings{}
	o := c.body(x, found)
	if o == nil {
		return
	}
	id, status := filled(o, "applicationId", true), filled(o, "status", true)
	comment := ""
	if text := o.text("comment"); text != nil {
		comment = *text
	}
	o.done()
	switch {
	case len(found.list) > 0:
	case status != "registered" && status != "rendered" && status != "rejected":
		o.unfit("status", "is none of the document's")
	case status == "rejected" && strings.TrimSpace(comment) == "":
		o.unfit("comment", "is missing or empty beside rejected")
	}
	switch {
	case len(found.list) > 0:
		x.refuse(http.StatusBadRequest, found.list[0].String())
	case !c.office.note(id, status, comment):
		x.refuseWith(mediaJSON, textNotFound, statusUnknown)
	default:
		x.answer(http.StatusOK, mediaJSON, textDone)
	}
}
